//! `hostname`

use component::Origin;

use crate::machine::{ExitStatus, ProcessContext};

/// Name in the process's UTS namespace: a pod's is the pod's name.
pub(super) fn name_of(context: &ProcessContext) -> String {
    match &context.origin {
        Origin::Pod { name, .. } => name.clone(),
        _ => context.machine.name(),
    }
}

pub(super) async fn run(context: ProcessContext) -> ExitStatus {
    let text = match context.argv.get(1).map(String::as_str) {
        None | Some("-s" | "-f" | "--fqdn" | "--short") => name_of(&context),
        Some("-i" | "-I" | "--ip-address" | "--all-ip-addresses") => match super::ip::own_addresses(&context) {
            addresses if context.argv[1].contains('I') || context.argv[1].contains("all") => format!("{addresses} "),
            addresses => addresses,
        },
        Some(option) if option.starts_with('-') => {
            let _ = context.stderr.line(format!("hostname: unrecognized option '{option}'")).await;
            return ExitStatus::FAILURE;
        }
        Some(_) => {
            let _ = context.stderr.line("hostname: you must not change the host name: the node is registered under it").await;
            return ExitStatus::FAILURE;
        }
    };
    let _ = context.stdout.line(text).await;
    ExitStatus::SUCCESS
}
