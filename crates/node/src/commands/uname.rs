//! `uname`

use super::options::{Options, flag};
use crate::machine::{ExitStatus, ProcessContext};

/// Kernel of Debian 12.
pub(super) const KERNEL: &str = "6.1.0-30-amd64";

pub(super) async fn run(context: ProcessContext) -> ExitStatus {
    let specs = [
        flag('a', "all"),
        flag('s', "kernel-name"),
        flag('n', "nodename"),
        flag('r', "kernel-release"),
        flag('v', "kernel-version"),
        flag('m', "machine"),
        flag('p', "processor"),
        flag('i', "hardware-platform"),
        flag('o', "operating-system"),
    ];
    let options = match Options::of(&context, &specs, 1).await {
        Ok(options) => options,
        Err(status) => return status,
    };
    let host = super::hostname::name_of(&context);
    let parts = [
        ("s", "Linux"),
        ("n", host.as_str()),
        ("r", KERNEL),
        ("v", "#1 SMP PREEMPT_DYNAMIC Debian 6.1.124-1 (2025-01-12)"),
        ("m", "x86_64"),
        ("p", "unknown"),
        ("i", "unknown"),
        ("o", "GNU/Linux"),
    ];
    let none = parts.iter().all(|(key, _)| !options.has(key)) && !options.has("a");
    let shown: Vec<&str> = parts
        .iter()
        .filter(|(key, value)| options.has(key) || options.has("a") && *value != "unknown" || none && *key == "s")
        .map(|(_, value)| *value)
        .collect();
    let _ = context.stdout.line(shown.join(" ")).await;
    ExitStatus::SUCCESS
}
