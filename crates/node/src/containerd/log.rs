//! containerd's journal lines: logrus' text format.

use std::sync::Arc;

use crate::journal::{Entry, Priority};
use crate::machine::{Machine, Pid};

/// `time="…" level=… msg="…"`, as logrus prints it without a terminal.
pub(super) fn format(time: jiff::Timestamp, level: &str, message: &str, fields: &[(&str, String)]) -> String {
    let mut line = format!("time=\"{time:.9}\" level={level} msg={}", quote(message));
    for (name, value) in fields {
        line.push_str(&format!(" {name}={}", quote(value)));
    }
    line
}

/// Quotes where logrus does: anything but plain words.
fn quote(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | '/' | '@' | '^' | '+');
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
    }
}

/// Number of the daemon's process, if it runs.
pub(super) fn daemon_pid(machine: &Machine) -> Option<Pid> {
    machine.read(|state| state.processes.values().find(|process| &*process.program == "containerd").map(|process| process.pid))
}

/// Writes a line to the journal as the daemon.
pub(super) fn daemon(machine: &Arc<Machine>, level: &str, message: &str, fields: &[(&str, String)]) {
    let Some(pid) = daemon_pid(machine) else { return };
    let time = machine.clock().now();
    machine.log(Entry {
        time,
        identifier: "containerd".into(),
        pid: Some(pid),
        unit: Some("containerd.service".into()),
        priority: Priority::Info,
        message: format(time, level, message, fields).as_str().into(),
    });
}

#[cfg(test)]
mod tests {
    use super::format;

    #[test]
    fn lines_look_like_logrus() {
        let time = "2026-11-24T06:32:40.429706296Z".parse().expect("a time");
        assert_eq!(
            format(time, "info", "StartContainer for \"a60c\"", &[("error", "x".into())]),
            r#"time="2026-11-24T06:32:40.429706296Z" level=info msg="StartContainer for \"a60c\"" error=x"#
        );
    }
}
