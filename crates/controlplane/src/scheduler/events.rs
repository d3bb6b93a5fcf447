//! Which changes of the cluster make it worthwhile to try a parked pod again (the plugins' queueing hints).

use std::sync::Arc;

use k8s_openapi::api::core::v1::{Node, Pod};

use super::filters::basic;

/// Something that may let a pod fit.
#[derive(Clone, Debug)]
pub enum ClusterEvent {
    /// A node came, or changed in labels, taints, cordon or resources.
    Node(Arc<Node>),
    /// A pod left a node, or asks for less.
    PodLeft,
    /// A pod came to a node, or changed its labels.
    PodCame,
    /// A claim, volume or class came or changed.
    Storage,
    /// A namespace changed its labels.
    Namespace,
}

/// Whether a pod refused by these plugins should be tried again.
pub fn worth_retrying(event: &ClusterEvent, pod: &Pod, plugins: &[String]) -> bool {
    let refused_by = |names: &[&str]| plugins.iter().any(|p| names.contains(&p.as_str()));
    // Without a plugin the attempt failed for another reason (an error); anything may have helped.
    if plugins.is_empty() {
        return true;
    }
    match event {
        ClusterEvent::Node(node) => {
            let own = ["NodeUnschedulable", "NodeName", "TaintToleration", "NodeAffinity"];
            let placeable = pod.spec.as_ref().is_some_and(|s| basic::check(s, node).is_none());
            // A node that still refuses the pod by itself helps only where domains are counted.
            refused_by(&["PodTopologySpread"])
                || (placeable
                    && (refused_by(&own)
                        || refused_by(&["NodeResourcesFit", "NodePorts", "InterPodAffinity", "VolumeBinding", "VolumeZone"])))
        }
        ClusterEvent::PodLeft => {
            refused_by(&["NodeResourcesFit", "NodePorts", "PodTopologySpread", "InterPodAffinity", "VolumeRestrictions"])
        }
        ClusterEvent::PodCame => refused_by(&["PodTopologySpread", "InterPodAffinity"]),
        ClusterEvent::Storage => refused_by(&["VolumeBinding", "VolumeZone", "VolumeRestrictions"]),
        ClusterEvent::Namespace => refused_by(&["InterPodAffinity"]),
    }
}

#[cfg(test)]
mod tests {
    use super::{ClusterEvent, worth_retrying};
    use crate::scheduler::snapshot::fixtures::{node, pod};
    use serde_json::json;
    use std::sync::Arc;

    #[test]
    fn only_what_can_help_wakes_a_pod() {
        let tainted = ClusterEvent::Node(Arc::new(node("a", json!({"spec": {"taints": [{"key": "x", "effect": "NoSchedule"}]}}))));
        let good = ClusterEvent::Node(Arc::new(node("a", json!({}))));
        let left = ClusterEvent::PodLeft;
        let cases = [
            (&tainted, "TaintToleration", false),
            (&good, "TaintToleration", true),
            (&left, "NodeResourcesFit", true),
            (&left, "TaintToleration", false),
            (&ClusterEvent::Storage, "VolumeBinding", true),
            (&ClusterEvent::Storage, "NodeResourcesFit", false),
        ];
        for (event, plugin, expected) in cases {
            assert_eq!(worth_retrying(event, &pod("p", json!({})), &[plugin.to_owned()]), expected, "{event:?} {plugin}");
        }
    }
}
