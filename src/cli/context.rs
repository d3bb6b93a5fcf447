//! What every command is given.

use std::sync::Arc;

use std::future::Future;
use std::io::Write;

use clap::ValueEnum;
use jiff::Timestamp;
use serde::Serialize;

use super::error::CliError;
use crate::backend::Now;
use crate::backend::embedded::Shelf;
use crate::render::Style;
use crate::render::wrap::wrap;
use crate::session::{Directories, SessionError};
use crate::store::{self, Sqlite};
use crate::tui::Terminal;

/// How results are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people. May change.
    #[default]
    Text,
    /// For programs: see docs/schema.
    Json,
}

/// The process's surroundings.
#[derive(Clone, Copy, Debug)]
pub struct Context {
    /// The terminal.
    pub terminal: Terminal,
}

impl Context {
    /// The present moment on the wall. Only commands read it; everything below is given the time.
    #[allow(clippy::disallowed_methods, reason = "this is the edge where time comes in")]
    pub fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    /// The same for what outlives this.
    pub fn wall(&self) -> Now {
        let context = *self;
        Arc::new(move || context.now())
    }

    /// Style of standard output.
    pub fn style(&self) -> Style {
        self.terminal.style()
    }

    /// Columns for text.
    pub fn width(&self) -> usize {
        self.terminal.width()
    }

    /// State directories of this user.
    pub fn directories(&self) -> Result<Directories, SessionError> {
        Directories::from_environment()
    }

    /// Where installed clusters are kept; with `CKAPREP_NO_SHELF` set, each start installs its own.
    pub fn shelf(&self) -> Shelf {
        let wanted = std::env::var_os("CKAPREP_NO_SHELF").is_none_or(|value| value.is_empty());
        let directory = self.directories().ok().filter(|_| wanted);
        directory.map_or_else(Shelf::none, |directories| Shelf::at(directories.clusters()))
    }

    /// The history; says on standard error if it is not the one on disk. Never stops a command.
    pub fn history(&self) -> Result<Sqlite, CliError> {
        let directories = match self.directories() {
            Ok(directories) => directories,
            Err(error) => {
                self.warn(&format!("this run is not recorded: {error}"));
                return Ok(Sqlite::in_memory()?);
            }
        };
        let opened = store::open(&directories.history(), self.now())?;
        if let Some(trouble) = &opened.trouble {
            self.warn(&trouble.to_string());
        }
        Ok(opened.history)
    }

    /// Runs a command's asynchronous part.
    pub fn block_on<T>(&self, work: impl Future<Output = Result<T, CliError>>) -> Result<T, CliError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|e| CliError::environment("cannot start").because(e))?;
        let result = runtime.block_on(work);
        // A thread that still waits for standard input must not keep the process.
        runtime.shutdown_background();
        result
    }

    /// Prints text for people.
    pub fn print(&self, text: &str) {
        // Whoever closed our output does not want the rest.
        let _ = std::io::stdout().lock().write_all(text.as_bytes());
    }

    /// Prints a document.
    pub fn print_json(&self, document: &impl Serialize) -> Result<(), CliError> {
        let text = serde_json::to_string_pretty(document).map_err(|e| CliError::bug("a result has no JSON form").because(e))?;
        self.print(&format!("{text}\n"));
        Ok(())
    }

    /// A warning to a person.
    pub fn warn(&self, text: &str) {
        let label = Style::new(self.terminal.error_colour()).unsure("warning");
        let _ = writeln!(std::io::stderr().lock(), "{label}: {text}");
    }

    /// A remark to a person, on standard error so that results stay alone on standard output.
    pub fn note(&self, text: &str) {
        // What has lines of its own is laid out already.
        let text =
            if self.terminal.is_interactive() && !text.contains('\n') { wrap(text, self.width(), "", "") } else { format!("{text}\n") };
        let _ = std::io::stderr().lock().write_all(text.as_bytes());
    }
}
