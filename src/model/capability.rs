//! What a backend can do.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Something that a scenario may require of a backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Capability {
    /// Root on every node: files, units, journals.
    NodeShell,
    /// Forks in fast time.
    Fork,
    /// NetworkPolicies are enforced.
    NetworkPolicy,
    /// An Ingress controller answers.
    Ingress,
    /// Gateway API objects are served.
    Gateway,
    /// The metrics API is there.
    Metrics,
    /// LoadBalancer Services get an address.
    LoadBalancer,
    /// A default StorageClass provisions volumes.
    Provisioner,
    /// A node's disk can be filled without touching the host's.
    NodeDisk,
}

impl std::fmt::Display for Capability {
    /// Its name in content: `node-shell`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.serialize(f)
    }
}
