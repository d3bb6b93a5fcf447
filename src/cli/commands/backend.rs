//! `ckaprep backend`: what a backend needs.

use crate::backend::existing;
use crate::cli::context::Context;
use crate::cli::error::CliError;

/// Options of `ckaprep backend`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

/// What about it.
#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Print the rights that practising on an existing cluster needs, as manifests for `kubectl apply -f -`
    Permissions {
        /// Name of the ClusterRole and its binding
        #[arg(long, value_name = "NAME", default_value = "ckaprep")]
        name: String,
    },
}

/// Prints.
pub fn run(args: &Args, context: &Context) -> Result<u8, CliError> {
    let Command::Permissions { name } = &args.command;
    context.print(&existing::manifest(name));
    Ok(0)
}
