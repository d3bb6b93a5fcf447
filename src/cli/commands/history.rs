//! `ckaprep history`: what you tried and how it went, and how to carry it to another machine.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use crate::cli::complete;
use crate::cli::context::{Context, Format};
use crate::cli::error::CliError;
use crate::render::document::HistoryDocument;
use crate::render::learning::{AttemptDocument, MergedDocument};
use crate::render::text;
use crate::store::transfer::{self, ReadError};
use crate::store::{self, Attempt, History, Trouble};

/// Options of `ckaprep history`.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Args {
    #[command(subcommand)]
    tool: Option<Tool>,
    /// How many attempts to show, the latest first
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: usize,
    /// How to print the result
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Debug, clap::Subcommand)]
enum Tool {
    /// Show all that is known of an attempt: variant, answer, checks with their evidence
    Show {
        /// The attempt: its id or the beginning of it, or `last`
        #[arg(value_name = "ATTEMPT", add = complete::attempts())]
        attempt: String,
        /// How to print the result
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Write all attempts as JSON Lines, one attempt a line
    Export {
        /// The file; without it standard output. A file that exists is not overwritten
        #[arg(value_name = "FILE")]
        file: Option<PathBuf>,
    },
    /// Merge the attempts of another machine's export. What is here already stays as it is; a wrong line, and nothing is taken
    Import {
        /// The file, or `-` for standard input
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// How to print the result
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
}

impl Args {
    /// How the result is printed.
    pub fn format(&self) -> Format {
        match &self.tool {
            Some(Tool::Show { format, .. } | Tool::Import { format, .. }) => *format,
            Some(Tool::Export { .. }) => Format::Text,
            None => self.format,
        }
    }
}

/// Prints attempts, or carries them.
pub fn run(args: Args, context: &Context) -> Result<u8, CliError> {
    match args.tool {
        None => list(args.limit, args.format, context),
        Some(Tool::Show { attempt, format }) => show(&attempt, format, context),
        Some(Tool::Export { file }) => export(file.as_deref(), context),
        Some(Tool::Import { file, format }) => import(&file, format, context),
    }
}

fn list(limit: usize, format: Format, context: &Context) -> Result<u8, CliError> {
    let document = HistoryDocument { attempts: context.history()?.attempts(limit)? };
    match format {
        Format::Json => context.print_json(&document)?,
        Format::Text => context.print(&text::history(&document, context.style(), context.width())),
    }
    Ok(0)
}

/// The attempt that is meant.
pub fn find(history: &dyn History, word: &str) -> Result<Attempt, CliError> {
    let mut found = if word == "last" { history.attempts(1)? } else { history.attempts_like(&word.to_lowercase())? };
    let next = "`ckaprep history` shows the attempts with their ids";
    if found.len() > 1 {
        let ids: Vec<String> = found.iter().map(|a| format!("{} ({})", a.id, a.item)).collect();
        return Err(CliError::usage(format!("{word:?} begins several attempts: {}", ids.join(", "))).hint("give more of the id"));
    }
    found.pop().ok_or_else(|| {
        let missing = if word == "last" { "there is no attempt yet".to_owned() } else { format!("there is no attempt {word:?}") };
        CliError::usage(missing).hint(next)
    })
}

fn show(word: &str, format: Format, context: &Context) -> Result<u8, CliError> {
    let history = context.history()?;
    let attempt = find(&history, word)?;
    let details = history.details(&attempt.id)?;
    // A grading of a later ckaprep may not be readable here; it is in the JSON form all the same.
    let report = details.report.clone().and_then(|report| serde_json::from_value(report).ok());
    let document = AttemptDocument { attempt, details, report };
    match format {
        Format::Json => context.print_json(&document)?,
        Format::Text => context.print(&text::attempt(&document, context.style(), context.width())),
    }
    Ok(0)
}

fn export(file: Option<&Path>, context: &Context) -> Result<u8, CliError> {
    let history = on_disk(context)?;
    let Some(file) = file else {
        let mut out = std::io::BufWriter::new(std::io::stdout().lock());
        return match transfer::write(&history, &mut out)? {
            // Whoever closed our output does not want the rest.
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(0),
            written => written.map(|_| 0).map_err(|e| CliError::environment("cannot write the attempts").because(e)),
        };
    };
    let failed = |e: std::io::Error| CliError::environment(format!("cannot write {}", file.display())).because(e);
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // Whole or not at all, and for its owner's eyes: answers stand in it.
    let mut draft = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
    let count = {
        let mut out = std::io::BufWriter::new(&mut draft);
        let count = transfer::write(&history, &mut out)?.map_err(failed)?;
        out.flush().map_err(failed)?;
        count
    };
    draft.persist_noclobber(file).map_err(|e| {
        let taken = e.error.kind() == std::io::ErrorKind::AlreadyExists;
        failed(e.error).maybe_hint(taken.then(|| "it exists: give another name, or remove it".to_owned()))
    })?;
    context.note(&format!("{count} attempts written to {}. On the other machine: ckaprep history import FILE", file.display()));
    Ok(0)
}

fn import(file: &Path, format: Format, context: &Context) -> Result<u8, CliError> {
    let mut history = on_disk(context)?;
    let mut input: Box<dyn BufRead> = if file == Path::new("-") {
        Box::new(std::io::stdin().lock())
    } else {
        let opened = std::fs::File::open(file).map_err(|e| CliError::usage(format!("cannot read {}", file.display())).because(e))?;
        Box::new(BufReader::new(opened))
    };
    let attempts = transfer::read(&mut input, context.now()).map_err(|error| match error {
        ReadError::Io(e) => CliError::environment(format!("cannot read {}", file.display())).because(e),
        ReadError::Lines(problems) => {
            let lines: Vec<String> = problems.iter().map(|p| format!("\n  line {}: {}", p.line, p.what)).collect();
            CliError::usage(format!("nothing was imported from {}:{}", file.display(), lines.concat()))
                .hint("`ckaprep history export FILE` on the other machine writes such a file")
        }
    })?;
    let merged = history.merge(&attempts)?;
    let document = MergedDocument { new: merged.new, known: merged.known };
    match format {
        Format::Json => context.print_json(&document)?,
        Format::Text => context.print(&text::merged(&document)),
    }
    Ok(0)
}

/// The history on the disk: to carry one that is gone in a moment makes no sense.
fn on_disk(context: &Context) -> Result<store::Sqlite, CliError> {
    let opened = store::open(&context.directories()?.history(), context.now())?;
    match opened.trouble {
        Some(Trouble::InMemory { path, reason }) => {
            Err(CliError::environment(format!("the history {} cannot be used: {reason}", path.display()))
                .hint("`ckaprep doctor` looks at the state directory"))
        }
        Some(trouble) => {
            context.warn(&trouble.to_string());
            Ok(opened.history)
        }
        None => Ok(opened.history),
    }
}
