//! `stress`: uses as much memory as it is told to; the kernel ends it when that is more than its container may have.

use std::sync::Arc;
use std::time::Duration;

use crate::containerd::Cri;
use crate::machine::{ExitStatus, ProcessContext};

pub(super) async fn run(context: ProcessContext) -> ExitStatus {
    let value = |names: &[&str]| {
        let at = context.argv.iter().position(|word| names.contains(&word.as_str()))?;
        context.argv.get(at + 1).cloned()
    };
    let number = |names: &[&str]| value(names).and_then(|text| text.parse::<u64>().ok());
    let workers = number(&["--vm", "-m"]).unwrap_or(0);
    let bytes = value(&["--vm-bytes"]).and_then(|text| parse_size(&text)).unwrap_or(256 << 20) * workers;
    let cpus = number(&["--cpu", "-c"]).unwrap_or(0);
    context.stdout.write_now(format!("stress: info: [1] dispatching hogs: {cpus} cpu, 0 io, {workers} vm, 0 hdd\n").as_bytes());
    let pid = context.pid;
    context.machine.write(|state| {
        if let Some(process) = state.processes.get_mut(&pid) {
            let usage = &mut Arc::make_mut(process).usage;
            usage.resident_kib = usage.resident_kib.max(bytes / 1024);
            usage.cpu_milli = u32::try_from((cpus + workers) * 1000).unwrap_or(u32::MAX);
        }
    });
    let limit = context.container.as_ref().and_then(|id| {
        context.machine.read(|state| state.containers.containers.get(id).and_then(|container| container.config.memory_limit))
    });
    if let (Some(id), Some(limit)) = (&context.container, limit)
        && bytes > limit
    {
        // It takes a moment until so much is written.
        tokio::time::sleep(Duration::from_secs(1)).await;
        Cri::oom_kill(&context.machine, id);
        std::future::pending::<()>().await;
    }
    match number(&["--timeout", "-t"]) {
        Some(seconds) => {
            tokio::time::sleep(Duration::from_secs(seconds)).await;
            context.stdout.write_now(format!("stress: info: [1] successful run completed in {seconds}s\n").as_bytes());
            ExitStatus::SUCCESS
        }
        None => std::future::pending().await,
    }
}

/// `150M`, `1G`, `4096`.
fn parse_size(text: &str) -> Option<u64> {
    let (digits, shift) = match text.to_ascii_uppercase().chars().last()? {
        'K' => (&text[..text.len() - 1], 10),
        'M' => (&text[..text.len() - 1], 20),
        'G' => (&text[..text.len() - 1], 30),
        _ => (text, 0),
    };
    digits.parse::<u64>().ok().map(|number| number << shift)
}

#[cfg(test)]
mod tests {
    use super::parse_size;

    #[test]
    fn sizes_have_units() {
        assert_eq!(
            (parse_size("150M"), parse_size("1g"), parse_size("7"), parse_size("x")),
            (Some(150 << 20), Some(1 << 30), Some(7), None)
        );
    }
}
