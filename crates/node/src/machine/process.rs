//! The process table's rows: plain data.

use std::collections::BTreeMap;
use std::sync::Arc;

use component::Origin;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::resources::Usage;
use crate::fs::{Credentials, Namespace};

/// Number of a process.
pub type Pid = u32;

/// A process. Everything that is needed to bring it to life again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Process {
    /// Its number.
    pub pid: Pid,
    /// Its parent's; 1 for orphans, 0 for the first process and for kernel threads.
    pub ppid: Pid,
    /// User and group.
    pub who: Credentials,
    /// Arguments, the name first.
    pub argv: Vec<String>,
    /// Canonical path of the executable.
    pub exe: String,
    /// Name in the program table.
    pub program: Arc<str>,
    /// Environment.
    pub env: BTreeMap<String, String>,
    /// Working directory.
    pub cwd: String,
    /// Mount namespace.
    pub namespace: Arc<Namespace>,
    /// Network namespace.
    #[serde(with = "origin")]
    pub origin: Origin,
    /// Start time.
    pub started: Timestamp,
    /// Running, stopped.
    pub state: RunState,
    /// systemd unit whose control group it is in.
    pub unit: Option<String>,
    /// Container that it belongs to.
    pub container: Option<String>,
    /// First process of its container: signals without a handler are ignored, KILL aside (pid_namespaces(7)).
    #[serde(default)]
    pub init: bool,
    /// Where its output goes.
    pub stdio: StdioSpec,
    /// Name of the controlling terminal, `?` if none.
    pub tty: String,
    /// What it uses.
    pub usage: Usage,
}

impl Process {
    /// `comm`: the first 15 bytes of the executable's name.
    pub fn comm(&self) -> &str {
        let argv0 = self.argv.first().map_or("", String::as_str);
        // Login shells are called "-bash"; a script's process bears the script's name.
        let name = if argv0.starts_with('-') { argv0.trim_start_matches('-') } else { &self.exe };
        let name = name.rsplit('/').next().unwrap_or(name);
        &name[..name.len().min(15)]
    }

    /// Arguments joined by blanks.
    pub fn command_line(&self) -> String {
        self.argv.join(" ")
    }
}

/// Whether a process runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum RunState {
    /// Sleeping or running.
    #[default]
    Running,
    /// By STOP.
    Stopped,
}

/// Where a process's output goes, as data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum StdioSpec {
    /// `/dev/null`
    Null,
    /// The journal, under the unit and this identifier.
    Journal {
        /// `SYSLOG_IDENTIFIER`
        identifier: String,
    },
    /// A container's log file on the host, in CRI format (`time stream F line`); what containerd's shim does.
    CriLog {
        /// Path on the host.
        path: String,
    },
    /// A pipe, a terminal or the like: it does not outlive the machine's tasks, so such a process is hung up by a fork.
    Attached,
}

mod origin {
    //! `component::Origin` has no serde; it is stored by its parts.

    use component::Origin;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    #[serde(rename_all = "camelCase")]
    enum Stored {
        Host,
        Node(String),
        Pod { node: String, namespace: String, name: String },
    }

    pub fn serialize<S: Serializer>(origin: &Origin, serializer: S) -> Result<S::Ok, S::Error> {
        match origin.clone() {
            Origin::Host => Stored::Host,
            Origin::Node(node) => Stored::Node(node),
            Origin::Pod { node, namespace, name } => Stored::Pod { node, namespace, name },
        }
        .serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Origin, D::Error> {
        Ok(match Stored::deserialize(deserializer)? {
            Stored::Host => Origin::Host,
            Stored::Node(node) => Origin::Node(node),
            Stored::Pod { node, namespace, name } => Origin::Pod { node, namespace, name },
        })
    }
}
