//! `ckaprep task`: the task again.

use crate::cli::context::{Context, Format};
use crate::cli::error::CliError;
use crate::render::document::TaskDocument;
use crate::render::text;
use crate::session::protocol::Request;

use super::target::{Target, ask};

/// Options of `ckaprep task`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub(in crate::cli) target: Target,
}

/// Prints the task again.
pub fn run(args: Args, context: &Context) -> Result<u8, CliError> {
    context.block_on(async {
        let document: TaskDocument = ask(context, &args.target.session(context)?, Request::Task).await?;
        match args.target.format {
            Format::Json => context.print_json(&document)?,
            Format::Text => context.print(&text::task(&document, context.style(), context.width())),
        }
        Ok(0)
    })
}
