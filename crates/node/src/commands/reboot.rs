//! `reboot` and `shutdown -r`

use super::options::name;
use crate::machine::{ExitStatus, ProcessContext};

pub(super) async fn run(context: ProcessContext) -> ExitStatus {
    let args = context.argv.get(1..).unwrap_or_default();
    if args.iter().any(|arg| arg == "--help") {
        let _ = context.stdout.line("reboot [OPTIONS...]\n\nReboot the system.").await;
        return ExitStatus::SUCCESS;
    }
    if name(&context) == "shutdown" && !args.iter().any(|arg| matches!(arg.as_str(), "-r" | "--reboot")) {
        let _ = context.stderr.line("Failed to power off: this machine can be rebooted, not switched off.").await;
        return ExitStatus::FAILURE;
    }
    if context.files.credentials().uid != 0 {
        let _ = context.stderr.line("Failed to set wall message, ignoring: Access denied\nCall to Reboot failed: Access denied").await;
        return ExitStatus::FAILURE;
    }
    reboot(&context).await
}

/// The machine goes down and comes up by itself: this process is gone before that.
pub(super) async fn reboot(context: &ProcessContext) -> ExitStatus {
    let machine = context.machine.clone();
    tokio::spawn(async move { machine.reboot().await });
    ExitStatus::SUCCESS
}
