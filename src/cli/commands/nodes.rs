//! `ckaprep nodes` (hidden): names of the session's nodes, one per line, for completion in the practice shell.

use crate::cli::context::Context;
use crate::cli::error::CliError;

use super::target::SessionArgs;

/// Options of `ckaprep nodes`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    session: SessionArgs,
}

/// Prints the names.
pub fn run(args: Args, context: &Context) -> Result<u8, CliError> {
    for node in args.session.find(context)?.record.into_iter().flat_map(|record| record.nodes) {
        context.print(&format!("{}\n", node.name));
    }
    Ok(0)
}
