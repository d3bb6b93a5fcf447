//! `ckaprep reset`: the same variant once more from its beginning.

use crate::cli::context::{Context, Format};
use crate::cli::error::CliError;
use crate::render::document::StatusDocument;
use crate::render::wrap::wrap;
use crate::session::protocol::Request;

use super::target::{Target, ask};

/// Options of `ckaprep reset`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub(in crate::cli) target: Target,
}

/// Puts the cluster back to the hand-over and starts a new attempt.
pub fn run(args: Args, context: &Context) -> Result<u8, CliError> {
    context.block_on(async {
        let document: StatusDocument = ask(context, &args.target.session(context)?, Request::Reset).await?;
        match args.target.format {
            Format::Json => context.print_json(&document)?,
            Format::Text => {
                let text = "The cluster is back to where you got it; the clock starts again. Open node shells are closed.";
                context.print(&wrap(text, context.width(), "", ""));
            }
        }
        Ok(0)
    })
}
