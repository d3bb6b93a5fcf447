//! `ckaprep author schema`: the format for editors.

use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::content::schema::{DocumentKind, schema};

/// Print the format of a kind of document as a JSON Schema (draft 2020-12).
///
/// Editors with a YAML language server complete and check by it where a file begins with the line
/// `# yaml-language-server: $schema=…` and the path of what this command printed.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// curriculum, question, scenario, fault or pack
    #[arg(value_name = "KIND", value_parser = ["curriculum", "question", "scenario", "fault", "pack"], default_value = "scenario")]
    kind: String,
}

/// Prints it.
pub fn run(args: Args, context: &Context) -> Result<u8, CliError> {
    let kind = DocumentKind::ALL.into_iter().find(|kind| kind.as_str().to_lowercase() == args.kind);
    let kind = kind.ok_or_else(|| CliError::usage(format!("there is no kind of document {:?}", args.kind)))?;
    context.print_json(&schema(kind))?;
    Ok(0)
}
