//! The two system priority classes (`scheduling/bootstrap-system-priority-classes`).

use serde_json::json;

use super::write;
use crate::server::Core;

const CLASSES: [(&str, i64, &str); 2] = [
    ("system-node-critical", 2_000_001_000, "Used for system critical pods that must not be moved from their current node."),
    (
        "system-cluster-critical",
        2_000_000_000,
        "Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.",
    ),
];

/// Creates what is missing.
pub(super) fn ensure(core: &Core) {
    for (name, value, description) in CLASSES {
        let class = json!({
            "metadata": {"name": name, "generation": 1},
            "value": value,
            "description": description,
            "preemptionPolicy": "PreemptLowerPriority",
        });
        write::create(core, "scheduling.k8s.io", "priorityclasses", class);
    }
}
