//! `mount`, `umount` and `findmnt`: what is mounted; changing it is refused.

use super::options::name;
use crate::fs::MountSource;
use crate::machine::{ExitStatus, ProcessContext};

pub(super) async fn run(context: ProcessContext) -> ExitStatus {
    let command = name(&context).to_owned();
    let words: Vec<&String> = context.argv.iter().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    if command == "umount" || command == "mount" && !words.is_empty() {
        let _ = context.stderr.line(format!("{command}: changing mounts is not simulated")).await;
        return ExitStatus::Code(32);
    }
    let mut lines: Vec<String> = Vec::new();
    if context.container.is_some() {
        lines.push("overlay on / type overlay (rw,relatime)".to_owned());
        for mount in context.files.mounts() {
            let access = if mount.read_only { "ro" } else { "rw" };
            lines.push(match &mount.source {
                MountSource::Proc { .. } => format!("proc on {} type proc (rw,nosuid,nodev,noexec,relatime)", mount.target),
                MountSource::Bind { path, .. } if path.contains("kubernetes.io~") && !path.contains("host-path") => {
                    format!("tmpfs on {} type tmpfs ({access},relatime)", mount.target)
                }
                MountSource::Bind { .. } => format!("/dev/vda1 on {} type ext4 ({access},relatime)", mount.target),
            });
        }
    } else {
        let text = context.files.read_text("/proc/mounts").unwrap_or_default();
        lines.extend(text.lines().filter_map(|line| {
            let words: Vec<&str> = line.split(' ').collect();
            let [device, target, kind, options, ..] = words[..] else { return None };
            Some(format!("{device} on {target} type {kind} ({options})"))
        }));
    }
    let _ = context.stdout.write(lines.iter().fold(String::new(), |text, line| text + line + "\n")).await;
    ExitStatus::SUCCESS
}
