//! `ckaprep curriculum`: domains, weights, competencies, and what covers each.

use crate::cli::catalog::{self, ContentArgs};
use crate::cli::context::{Context, Format};
use crate::cli::error::CliError;
use crate::cli::{complete, describe};
use crate::render::document::CurriculaDocument;
use crate::render::text;

/// Options of `ckaprep curriculum`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only this exam, with its competencies
    #[arg(long, value_name = "ID", add = complete::exams())]
    exam: Option<String>,
    #[command(flatten)]
    content: ContentArgs,
    /// How to print the result
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Prints one exam or all.
pub fn run(args: Args, context: &Context) -> Result<u8, CliError> {
    let catalog = args.content.load(context)?;
    if let Some(id) = &args.exam {
        let document = describe::curriculum(&catalog, catalog::exam(&catalog, id)?);
        match args.format {
            Format::Json => context.print_json(&document)?,
            Format::Text => context.print(&text::curriculum(&document, context.style(), context.width())),
        }
        return Ok(0);
    }
    let document = CurriculaDocument { exams: catalog.curricula().map(|exam| describe::curriculum(&catalog, exam)).collect() };
    match args.format {
        Format::Json => context.print_json(&document)?,
        Format::Text => context.print(&text::curricula(&document, context.style(), context.width())),
    }
    Ok(0)
}
