//! Which nodes a DaemonSet wants, and how its pods are pinned to them (`daemon_controller.go`, `util/daemonset_util.go`).

use k8s_openapi::api::apps::v1::DaemonSet;
use k8s_openapi::api::core::v1::{Node, NodeSelector, NodeSelectorRequirement, NodeSelectorTerm, Pod, PodSpec, Toleration};

use crate::machinery::placement::{selects_node, untolerated};
use crate::machinery::{Meta, pods};

/// Whether pods should be started and kept on a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wish {
    /// Start one if there is none.
    pub run: bool,
    /// Keep one that is there.
    pub keep: bool,
}

fn toleration(key: &str, effect: &str) -> Toleration {
    Toleration { key: Some(key.to_owned()), operator: Some("Exists".to_owned()), effect: Some(effect.to_owned()), ..Toleration::default() }
}

/// Daemons stay on nodes in trouble (`AddOrUpdateDaemonPodTolerations`).
pub fn add_tolerations(spec: &mut PodSpec) {
    let mut added = vec![
        toleration("node.kubernetes.io/not-ready", "NoExecute"),
        toleration("node.kubernetes.io/unreachable", "NoExecute"),
        toleration("node.kubernetes.io/disk-pressure", "NoSchedule"),
        toleration("node.kubernetes.io/memory-pressure", "NoSchedule"),
        toleration("node.kubernetes.io/pid-pressure", "NoSchedule"),
        toleration("node.kubernetes.io/unschedulable", "NoSchedule"),
    ];
    if spec.host_network == Some(true) {
        added.push(toleration("node.kubernetes.io/network-unavailable", "NoSchedule"));
    }
    let tolerations = spec.tolerations.get_or_insert_default();
    for new in added {
        if !tolerations.contains(&new) {
            tolerations.push(new);
        }
    }
}

/// `NodeShouldRunDaemonPod`.
pub fn wish(set: &DaemonSet, node: &Node) -> Wish {
    let mut spec = set.spec.as_ref().and_then(|s| s.template.spec.clone()).unwrap_or_default();
    if spec.node_name.as_deref().is_some_and(|n| !n.is_empty() && n != node.name()) || !selects_node(&spec, node) {
        return Wish { run: false, keep: false };
    }
    add_tolerations(&mut spec);
    let taints = node.spec.as_ref().and_then(|s| s.taints.as_deref()).unwrap_or_default();
    let tolerations = spec.tolerations.as_deref().unwrap_or_default();
    if untolerated(taints, tolerations, &["NoExecute", "NoSchedule"]).is_some() {
        return Wish { run: false, keep: untolerated(taints, tolerations, &["NoExecute"]).is_none() };
    }
    Wish { run: true, keep: true }
}

/// Makes the scheduler put a pod on this node and no other (`ReplaceDaemonSetPodNodeNameNodeAffinity`).
pub fn pin(spec: &mut PodSpec, node: &str) {
    let field = NodeSelectorRequirement { key: "metadata.name".to_owned(), operator: "In".to_owned(), values: Some(vec![node.to_owned()]) };
    let affinity = spec.affinity.get_or_insert_default().node_affinity.get_or_insert_default();
    let mut required = affinity
        .required_during_scheduling_ignored_during_execution
        .take()
        .unwrap_or_else(|| NodeSelector { node_selector_terms: Vec::new() });
    if required.node_selector_terms.is_empty() {
        required.node_selector_terms.push(NodeSelectorTerm::default());
    }
    for term in &mut required.node_selector_terms {
        term.match_fields = Some(vec![field.clone()]);
    }
    affinity.required_during_scheduling_ignored_during_execution = Some(required);
}

/// The node that a daemon's pod is on, or is pinned to (`GetTargetNodeName`).
pub fn target(pod: &Pod) -> Option<String> {
    let bound = pods::node(pod);
    if !bound.is_empty() {
        return Some(bound.to_owned());
    }
    let terms =
        pod.spec.as_ref()?.affinity.as_ref()?.node_affinity.as_ref()?.required_during_scheduling_ignored_during_execution.as_ref()?;
    let fields = terms.node_selector_terms.iter().flat_map(|t| t.match_fields.iter().flatten());
    fields.filter(|f| f.key == "metadata.name" && f.operator == "In").find_map(|f| f.values.as_ref()?.first().cloned())
}

#[cfg(test)]
mod tests {
    use super::{Wish, pin, target, wish};
    use k8s_openapi::api::apps::v1::DaemonSet;
    use k8s_openapi::api::core::v1::{Node, Pod, PodSpec};
    use serde_json::{Value, json};

    fn set(spec: Value) -> DaemonSet {
        serde_json::from_value(json!({"metadata": {"name": "d"}, "spec": {"selector": {}, "template": {"spec": spec}}})).unwrap()
    }

    #[test]
    fn taints_and_selectors_decide_where_daemons_run() {
        let plain = json!({"containers": []});
        let cases = [
            ("plain", plain.clone(), json!([]), Wish { run: true, keep: true }),
            (
                "unreachable",
                plain.clone(),
                json!([{"key": "node.kubernetes.io/unreachable", "effect": "NoExecute"}, {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}]),
                Wish { run: true, keep: true },
            ),
            (
                "unreachable, NoSchedule only",
                plain.clone(),
                json!([{"key": "node.kubernetes.io/unreachable", "effect": "NoSchedule"}]),
                Wish { run: false, keep: true },
            ),
            (
                "control plane",
                plain.clone(),
                json!([{"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}]),
                Wish { run: false, keep: true },
            ),
            ("evicting", plain, json!([{"key": "x", "effect": "NoExecute"}]), Wish { run: false, keep: false }),
            ("elsewhere", json!({"containers": [], "nodeSelector": {"gpu": "yes"}}), json!([]), Wish { run: false, keep: false }),
        ];
        for (why, spec, taints, expected) in cases {
            let node: Node = serde_json::from_value(json!({"metadata": {"name": "n"}, "spec": {"taints": taints}})).unwrap();
            assert_eq!(wish(&set(spec), &node), expected, "{why}");
        }
    }

    #[test]
    fn a_pinned_pod_names_its_node() {
        let mut spec: PodSpec = serde_json::from_value(json!({"containers": []})).unwrap();
        pin(&mut spec, "n1");
        assert_eq!(target(&Pod { spec: Some(spec), ..Pod::default() }).as_deref(), Some("n1"));
    }
}
