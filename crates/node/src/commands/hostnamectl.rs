//! `hostnamectl`

use sha2::{Digest, Sha256};

use crate::machine::{ExitStatus, ProcessContext};

pub(super) async fn run(context: ProcessContext) -> ExitStatus {
    let name = context.machine.name();
    match context.argv.get(1).map(String::as_str) {
        None | Some("status") => {}
        Some("hostname") if context.argv.len() == 2 => {
            let _ = context.stdout.line(name).await;
            return ExitStatus::SUCCESS;
        }
        Some(verb) => {
            let _ = context.stderr.line(format!("Could not set property: {verb} is refused: the node is registered under its name")).await;
            return ExitStatus::FAILURE;
        }
    }
    let machine_id = context.files.read_text("/etc/machine-id").unwrap_or_default();
    let digest = Sha256::digest(format!("{name}{}", context.machine.read(|state| state.booted)));
    let boot: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    let _ = context
        .stdout
        .write(format!(
            " Static hostname: {name}\n       Icon name: computer-vm\n         Chassis: vm\n      Machine ID: {}\n         Boot ID: {boot}\n  Virtualization: kvm\nOperating System: Debian GNU/Linux 12 (bookworm)\n          Kernel: Linux {}\n    Architecture: x86-64\n",
            machine_id.trim(),
            super::uname::KERNEL
        ))
        .await;
    ExitStatus::SUCCESS
}
