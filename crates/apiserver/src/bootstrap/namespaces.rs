//! The system namespaces (`systemnamespaces` controller); `default` with them.

use serde_json::json;

use super::write;
use crate::server::Core;

/// Creates what is missing.
pub(super) fn ensure(core: &Core) {
    for name in ["kube-system", "kube-public", "kube-node-lease", "default"] {
        let namespace = json!({
            "metadata": {"name": name, "labels": {"kubernetes.io/metadata.name": name}},
            "spec": {"finalizers": ["kubernetes"]},
            "status": {"phase": "Active"},
        });
        write::create(core, "", "namespaces", namespace);
    }
}
