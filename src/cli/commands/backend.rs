//! `ckaprep backend`: what a backend needs.

use crate::backend::existing::{self, Subject};
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
        /// Give them to a ServiceAccount, which is made too, and say how its kubeconfig is made: for contexts that authenticate by a
        /// program, and for whoever wants practice to have no other rights
        #[arg(long, value_name = "NAMESPACE/NAME", value_parser = service_account)]
        service_account: Option<Subject>,
    },
}

/// Prints.
pub fn run(args: &Args, context: &Context) -> Result<u8, CliError> {
    let Command::Permissions { name, service_account } = &args.command;
    context.print(&existing::manifest(name, service_account.as_ref().unwrap_or(&Subject::User)));
    Ok(0)
}

/// `NAMESPACE/NAME`. Both stand in command lines too, so nothing else than a name gets through.
fn service_account(text: &str) -> Result<Subject, String> {
    let is_name =
        |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.');
    match text.split_once('/') {
        Some((namespace, name)) if is_name(namespace) && is_name(name) => {
            Ok(Subject::ServiceAccount { namespace: namespace.to_owned(), name: name.to_owned() })
        }
        _ => Err("not NAMESPACE/NAME, as in ops/learner".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_account_has_a_namespace_and_a_name() {
        assert_eq!(service_account("ops/learner"), Ok(Subject::ServiceAccount { namespace: "ops".into(), name: "learner".into() }));
        for text in ["learner", "/learner", "ops/", "ops/a/b", "ops/$(id)"] {
            assert!(service_account(text).is_err(), "{text}");
        }
    }
}
