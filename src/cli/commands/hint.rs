//! `ckaprep hint`: the next hint.

use crate::cli::context::{Context, Format};
use crate::cli::error::CliError;
use crate::render::document::HintDocument;
use crate::render::text;
use crate::session::protocol::Request;

use super::target::{Target, ask};

/// Options of `ckaprep hint`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub(in crate::cli) target: Target,
}

/// Prints the next hint.
pub fn run(args: Args, context: &Context) -> Result<u8, CliError> {
    context.block_on(async {
        let document: HintDocument = ask(context, &args.target.session(context)?, Request::Hint).await?;
        match args.target.format {
            Format::Json => context.print_json(&document)?,
            Format::Text => context.print(&text::hint(&document, context.style(), context.width())),
        }
        Ok(0)
    })
}
