//! From the process's arguments to its exit code.

use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use super::args::Cli;
use super::context::{Context, Format};
use super::error::CliError;
use crate::tui::Terminal;

/// Runs the program.
pub fn main() -> ExitCode {
    // Answers a shell that asks for completions, and ends the process if one does.
    clap_complete::CompleteEnv::with_factory(Cli::command).complete();
    let cli = Cli::parse();
    let context = Context { terminal: Terminal::detect() };
    let format = cli.format();
    // A bug must not look like a grade: a panic's own exit code would be 101, and its message stands above ours.
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| cli.run(&context)))
        .unwrap_or_else(|_| Err(CliError::bug("ckaprep ran into something that it did not expect")));
    match result {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            match format {
                Format::Text => {
                    eprint!("{}", error.to_text(context.terminal.error_colour(), context.terminal.stderr.then(|| context.width())))
                }
                Format::Json => eprintln!("{}", error.to_json()),
            }
            ExitCode::from(error.code())
        }
    }
}
