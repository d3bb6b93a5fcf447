//! `modprobe`, and `systemd-modules-load`

use super::options::{Options, flag};
use crate::machine::{ExitStatus, ProcessContext};

/// Loads what `/etc/modules-load.d` and `/etc/modules` name.
pub(super) async fn load_at_boot(context: ProcessContext) -> ExitStatus {
    let mut paths = vec!["/etc/modules".to_owned()];
    for dir in ["/etc/modules-load.d", "/usr/lib/modules-load.d"] {
        paths.extend(context.files.read_dir(dir).unwrap_or_default().into_iter().map(|(name, _)| format!("{dir}/{name}")));
    }
    let mut status = ExitStatus::SUCCESS;
    for path in paths {
        for line in context.files.read_text(&path).unwrap_or_default().lines() {
            let name = line.trim();
            if name.is_empty() || name.starts_with(['#', ';']) {
                continue;
            }
            if context.machine.write(|state| state.kernel.load(name)) {
                let _ = context.stdout.line(format!("Inserted module '{name}'")).await;
            } else {
                let _ = context.stdout.line(format!("Failed to find module '{name}'")).await;
                status = ExitStatus::FAILURE;
            }
        }
    }
    status
}

pub(super) async fn run(context: ProcessContext) -> ExitStatus {
    let options = match Options::of(
        &context,
        &[flag('r', "remove"), flag('a', "all"), flag('v', "verbose"), flag('q', "quiet"), flag('n', "dry-run")],
        1,
    )
    .await
    {
        Ok(options) => options,
        Err(status) => return status,
    };
    if options.rest.is_empty() {
        let _ = context.stderr.line("modprobe: ERROR: missing parameters. See -h.").await;
        return ExitStatus::FAILURE;
    }
    if context.files.credentials().uid != 0 {
        let _ = context.stderr.line(format!("modprobe: ERROR: could not insert '{}': Operation not permitted", options.rest[0])).await;
        return ExitStatus::FAILURE;
    }
    for name in &options.rest {
        let failed = if options.has("r") {
            match context.machine.write(|state| state.kernel.unload(name)) {
                Ok(()) => None,
                Err("in use") => Some(format!("modprobe: FATAL: Module {name} is in use.")),
                Err(_) => Some(format!("modprobe: FATAL: Module {name} not found.")),
            }
        } else if context.machine.write(|state| state.kernel.load(name)) {
            None
        } else {
            Some(format!("modprobe: FATAL: Module {name} not found in directory /lib/modules/{}", super::uname::KERNEL))
        };
        if let Some(text) = failed {
            let _ = context.stderr.line(text).await;
            return ExitStatus::FAILURE;
        }
    }
    ExitStatus::SUCCESS
}
