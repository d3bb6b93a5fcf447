//! `ckaprep history`: what you tried and how it went.

use crate::cli::context::{Context, Format};
use crate::cli::error::CliError;
use crate::render::document::HistoryDocument;
use crate::render::text;
use crate::store::History;

/// Options of `ckaprep history`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// How many attempts to show, the latest first
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: usize,
    /// How to print the result
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Prints attempts.
pub fn run(args: Args, context: &Context) -> Result<u8, CliError> {
    let document = HistoryDocument { attempts: context.history()?.attempts(args.limit)? };
    match args.format {
        Format::Json => context.print_json(&document)?,
        Format::Text => context.print(&text::history(&document, context.style(), context.width())),
    }
    Ok(0)
}
