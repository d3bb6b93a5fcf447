//! `ckaprep solution`: the reference solution.

use crate::cli::context::{Context, Format};
use crate::cli::error::CliError;
use crate::render::document::SolutionDocument;
use crate::render::text;
use crate::session::protocol::Request;

use super::target::{Target, ask};

/// Options of `ckaprep solution`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub(in crate::cli) target: Target,
}

/// Prints the reference solution.
pub fn run(args: Args, context: &Context) -> Result<u8, CliError> {
    context.block_on(async {
        let document: SolutionDocument = ask(context, &args.target.session(context)?, Request::Solution).await?;
        match args.target.format {
            Format::Json => context.print_json(&document)?,
            Format::Text => context.print(&text::solution(&document, context.style(), context.width())),
        }
        Ok(0)
    })
}
