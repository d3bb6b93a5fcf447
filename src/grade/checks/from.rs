//! Where something is sent from that shows what the network lets through: a pod or a node.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::grade::fact::Fact;
use crate::grade::snapshot::{Known, Snapshot};
use crate::grade::target::{Located, PodTarget};

/// Exactly one of `pod` and `node`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct From {
    /// A container with `wget`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod: Option<PodTarget>,
    /// A node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
}

impl From {
    /// What is to be known when a pod runs `command`, or a node `script`.
    pub(super) fn send(&self, snapshot: &Snapshot, command: &[&str], script: String) -> Sent {
        match (&self.pod, &self.node) {
            (Some(target), None) => match target.locate(snapshot) {
                Located::Pod(pod) => Sent::Fact(Fact::Exec { pod, command: command.iter().map(|word| (*word).to_owned()).collect() }),
                Located::Needs(fact) => Sent::Needs(fact),
                Located::Nothing => Sent::Never(format!("there is no {target}")),
                Located::Unknown(reason) => Sent::Never(reason),
            },
            (None, Some(node)) => Sent::Fact(Fact::NodeCommand { node: node.clone(), script }),
            _ => Sent::Never("exactly one of pod and node must be given".to_owned()),
        }
    }
}

impl fmt::Display for From {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.pod, &self.node) {
            (Some(pod), _) => pod.fmt(f),
            (None, node) => f.write_str(node.as_deref().unwrap_or("nowhere")),
        }
    }
}

/// Where the fact of what was sent stands.
pub(super) enum Sent {
    /// This is it.
    Fact(Fact),
    /// This must be known first.
    Needs(Fact),
    /// It cannot be sent, and why: neither reachable nor unreachable is shown.
    Never(String),
}

impl Sent {
    /// What is to be read next.
    pub(super) fn next(self) -> Option<Fact> {
        match self {
            Self::Fact(fact) | Self::Needs(fact) => Some(fact),
            Self::Never(_) => None,
        }
    }

    /// What came of it, or why that is not known.
    pub(super) fn output<'a>(&self, snapshot: &'a Snapshot) -> Result<&'a Value, String> {
        match self {
            Self::Fact(fact) => match snapshot.value(fact) {
                Known::Value(output) => Ok(output),
                Known::Absent => Err("the pod or container that should ask is not there".to_owned()),
                Known::Unknown(reason) => Err(reason.to_owned()),
            },
            Self::Needs(_) => Err("its pods were not read".to_owned()),
            Self::Never(reason) => Err(reason.clone()),
        }
    }
}
