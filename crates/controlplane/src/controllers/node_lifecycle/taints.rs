//! Taints that follow from a node's conditions.

use k8s_openapi::api::core::v1::{Node, Taint};
use serde_json::json;

use super::health::condition;
use crate::machinery::errors::{conflict, not_found};
use crate::machinery::object::time;
use crate::machinery::{Kit, Meta};

/// The node does not report, or reports that it is not ready.
pub const NOT_READY: &str = "node.kubernetes.io/not-ready";
/// The node stopped reporting.
pub const UNREACHABLE: &str = "node.kubernetes.io/unreachable";
/// The node is cordoned.
pub const UNSCHEDULABLE: &str = "node.kubernetes.io/unschedulable";

/// Condition, its status, and the NoSchedule taint that they cause (`nodeConditionToTaintKeyStatusMap`).
const BY_CONDITION: [(&str, &str, &str); 6] = [
    ("Ready", "False", NOT_READY),
    ("Ready", "Unknown", UNREACHABLE),
    ("MemoryPressure", "True", "node.kubernetes.io/memory-pressure"),
    ("DiskPressure", "True", "node.kubernetes.io/disk-pressure"),
    ("NetworkUnavailable", "True", "node.kubernetes.io/network-unavailable"),
    ("PIDPressure", "True", "node.kubernetes.io/pid-pressure"),
];

/// Taints of a node.
pub fn taints(node: &Node) -> &[Taint] {
    node.spec.as_ref().and_then(|s| s.taints.as_deref()).unwrap_or_default()
}

/// Whether a node has a taint.
pub fn has(node: &Node, key: &str, effect: &str) -> bool {
    taints(node).iter().any(|t| t.key == key && t.effect == effect)
}

/// The NoSchedule taints that the node should have, and those of the same family that it should not
/// (`doNoScheduleTaintingPass`).
pub fn no_schedule_changes(node: &Node) -> (Vec<&'static str>, Vec<&'static str>) {
    let mut wanted: Vec<&'static str> = BY_CONDITION
        .iter()
        .filter(|(kind, status, _)| condition(node, kind).is_some_and(|c| c.status == *status))
        .map(|(_, _, key)| *key)
        .collect();
    if node.spec.as_ref().is_some_and(|s| s.unschedulable == Some(true)) {
        wanted.push(UNSCHEDULABLE);
    }
    let family = BY_CONDITION.iter().map(|(_, _, key)| *key).chain([UNSCHEDULABLE]);
    let stale = family.filter(|key| !wanted.contains(key) && has(node, key, "NoSchedule")).collect();
    wanted.retain(|key| !has(node, key, "NoSchedule"));
    (wanted, stale)
}

/// Adds and removes taints of one effect. Reads the node anew, as taints of others must not be lost.
pub async fn swap(kit: &Kit, name: &str, effect: &str, add: &[&str], remove: &[&str]) -> Result<(), kube::Error> {
    for attempt in 0.. {
        let node: Node = match kit.rest.get("", name).await {
            Err(error) if not_found(&error) => return Ok(()),
            other => other?,
        };
        let mut list: Vec<Taint> =
            taints(&node).iter().filter(|t| !(t.effect == effect && remove.contains(&t.key.as_str()))).cloned().collect();
        for key in add {
            if !list.iter().any(|t| t.effect == effect && t.key == *key) {
                let time_added = Some(time(kit.clock.now()));
                list.push(Taint { key: (*key).to_owned(), effect: effect.to_owned(), time_added, value: None });
            }
        }
        if list == taints(&node) {
            return Ok(());
        }
        let patch = json!({
            "metadata": {"resourceVersion": node.m().resource_version},
            "spec": {"taints": if list.is_empty() { serde_json::Value::Null } else { json!(list) }},
        });
        match kit.rest.merge::<Node>("", name, "", &patch).await {
            Ok(node) => {
                kit.informer::<Node>().saw(&node).await;
                return Ok(());
            }
            Err(error) if conflict(&error) && attempt < 5 => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::no_schedule_changes;
    use k8s_openapi::api::core::v1::Node;
    use serde_json::json;

    #[test]
    fn conditions_and_cordon_cause_their_taints_and_stale_ones_go() {
        let node: Node = serde_json::from_value(json!({
            "metadata": {"name": "a"},
            "spec": {"unschedulable": true, "taints": [
                {"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"},
                {"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}]},
            "status": {"conditions": [{"type": "Ready", "status": "Unknown"}, {"type": "DiskPressure", "status": "False"}]}
        }))
        .unwrap();
        let (add, remove) = no_schedule_changes(&node);
        assert_eq!(add, ["node.kubernetes.io/unreachable", "node.kubernetes.io/unschedulable"]);
        assert_eq!(remove, ["node.kubernetes.io/not-ready"]);
    }
}
