//! One entry.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::machine::Pid;

/// A line of the journal with its fields.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// When.
    pub time: Timestamp,
    /// `SYSLOG_IDENTIFIER`: `systemd`, `kubelet`, `kernel`, …
    pub identifier: Arc<str>,
    /// `_PID`; the kernel has none.
    pub pid: Option<Pid>,
    /// `UNIT`/`_SYSTEMD_UNIT`: what `-u` looks at.
    pub unit: Option<Arc<str>>,
    /// `PRIORITY`
    pub priority: Priority,
    /// `MESSAGE`
    pub message: Arc<str>,
}

/// syslog's priorities.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum Priority {
    Emerg,
    Alert,
    Crit,
    Err,
    Warning,
    Notice,
    Info,
    Debug,
}

impl Priority {
    const NAMES: [&'static str; 8] = ["emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"];

    /// Reads a name or a number.
    pub fn parse(text: &str) -> Option<Self> {
        use Priority::{Alert, Crit, Debug, Emerg, Err, Info, Notice, Warning};
        let all = [Emerg, Alert, Crit, Err, Warning, Notice, Info, Debug];
        let index = text.parse::<usize>().ok().or_else(|| Self::NAMES.iter().position(|name| *name == text))?;
        all.get(index).copied()
    }
}

impl Entry {
    /// `kubelet[1234]: message`, with the time before it: the `short` format.
    pub fn short(&self, host: &str) -> String {
        let stamp = self.time.strftime("%b %d %H:%M:%S");
        let prefix = match self.pid {
            Some(pid) => format!("{stamp} {host} {}[{pid}]: ", self.identifier),
            None => format!("{stamp} {host} {}: ", self.identifier),
        };
        // Further lines of a message are indented to the first (journalctl, output_short).
        let indent = " ".repeat(prefix.len());
        prefix + &self.message.replace('\n', &format!("\n{indent}"))
    }
}
