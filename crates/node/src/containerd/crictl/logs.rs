//! `crictl logs`

use super::options::Options;
use super::{Failure, library_error};
use crate::containerd::{ContainerState, Cri};
use crate::machine::{ExitStatus, ProcessContext, Signal};

pub(super) async fn run(context: &ProcessContext, cri: &Cri, options: &Options) -> Result<ExitStatus, Failure> {
    let [id] = options.arguments.as_slice() else { return Err("ID cannot be empty".to_owned()) };
    let container = cri.container(id).map_err(|error| {
        library_error(context, "remote_runtime.go:569", "ContainerStatus from runtime service failed", &error, "containerID", id);
        error.to_string()
    })?;
    let sandbox = cri.sandbox(&container.sandbox).map_err(|error| error.to_string())?;
    let mut path = container.log_file(&sandbox);
    if options.flag("previous") {
        let attempt = container
            .config
            .attempt
            .checked_sub(1)
            .ok_or_else(|| format!("previous terminated container \"{}\" not found", container.config.name))?;
        let directory = path.rsplit_once('/').map_or("", |(directory, _)| directory);
        path = format!("{directory}/{attempt}.log");
    }
    let files = context.machine.host_files();
    let text =
        files.read(&path).map_err(|errno| format!("failed to try resolving symlinks in path \"{path}\": lstat {path}: {}", errno.go()))?;
    let lines: Vec<String> = String::from_utf8_lossy(&text).lines().map(str::to_owned).collect();
    let count = options.value("tail").and_then(|count| count.parse::<usize>().ok()).unwrap_or(usize::MAX);
    let stamped = options.flag("timestamps");
    for line in lines.iter().skip(lines.len().saturating_sub(count)) {
        show(context, line, stamped);
    }
    let mut offset = text.len();
    if !options.flag("follow") {
        return Ok(ExitStatus::SUCCESS);
    }
    let _ = Signal::Int; // the default action of ^C ends it
    let mut changes = context.machine.changes();
    loop {
        changes.mark_unchanged();
        let running = context.machine.read(|state| {
            state.containers.containers.get(&container.id).is_some_and(|container| container.state == ContainerState::Running)
        });
        let text = files.read(&path).unwrap_or_default();
        let fresh = text.slice(offset.min(text.len())..);
        let end = fresh.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        for line in String::from_utf8_lossy(&fresh[..end]).lines() {
            show(context, line, stamped);
        }
        offset += end;
        if !running || changes.changed().await.is_err() {
            return Ok(ExitStatus::SUCCESS);
        }
    }
}

fn show(context: &ProcessContext, line: &str, stamped: bool) {
    let mut words = line.splitn(4, ' ');
    let (Some(time), Some(stream), Some(tag)) = (words.next(), words.next(), words.next()) else { return };
    let content = words.next().unwrap_or_default();
    let end = if tag == "P" { "" } else { "\n" };
    let text = if stamped { format!("{time} {content}{end}") } else { format!("{content}{end}") };
    let output = if stream == "stderr" { &context.stderr } else { &context.stdout };
    output.write_now(text.as_bytes());
}
