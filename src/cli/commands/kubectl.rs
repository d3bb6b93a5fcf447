//! `ckaprep kubectl …`: the built-in kubectl.

use std::collections::BTreeMap;

use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::host;
use crate::session::registry;

/// Everything after `kubectl` is kubectl's own.
#[derive(Debug, clap::Args)]
#[command(disable_help_flag = true)]
pub struct Args {
    /// kubectl's arguments
    #[arg(value_name = "ARGS", trailing_var_arg = true, allow_hyphen_values = true)]
    words: Vec<String>,
}

/// Runs kubectl with the session's kubeconfig, unless it runs in a practice shell, which has one.
pub fn run(args: Args, context: &Context) -> Result<u8, CliError> {
    let mut env: BTreeMap<String, String> = std::env::vars().collect();
    if !env.contains_key("CKAPREP_SESSION") {
        let entry = registry::find(&context.directories()?, None)?;
        env.insert("KUBECONFIG".into(), entry.folder.kubeconfig().to_string_lossy().into_owned());
    }
    let argv = std::iter::once("kubectl".to_owned()).chain(args.words).collect();
    context.block_on(async { Ok(host::kubectl::run(context, argv, env).await) })
}
