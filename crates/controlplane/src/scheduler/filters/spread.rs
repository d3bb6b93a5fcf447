//! PodTopologySpread: pods of a kind are spread over zones and nodes.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Node, Pod, TopologySpreadConstraint};
use values::{Operator, Requirement, Selector};

use crate::machinery::Meta;
use crate::machinery::placement::{selects_node, untolerated};
use crate::scheduler::diagnosis::Refusal;
use crate::scheduler::snapshot::{NodeInfo, Snapshot};

const PLUGIN: &str = "PodTopologySpread";

/// A constraint, read.
#[derive(Clone, Debug)]
pub struct Constraint {
    /// Label of nodes whose values are the domains.
    pub key: String,
    /// Largest difference allowed.
    pub max_skew: i64,
    /// Pods that count.
    pub selector: Selector,
    /// Fewest domains before the minimum counts as more than zero.
    pub min_domains: i64,
    honor_affinity: bool,
    honor_taints: bool,
}

impl Constraint {
    fn read(constraint: &TopologySpreadConstraint, pod: &Pod) -> Self {
        let mut selector = constraint
            .label_selector
            .as_ref()
            .map_or_else(Selector::nothing, |s| Selector::from_label_selector(s).unwrap_or_else(|_| Selector::nothing()));
        for key in constraint.match_label_keys.iter().flatten() {
            if let Some(value) = pod.label(key) {
                selector.requirements.push(Requirement { key: key.clone(), operator: Operator::In, values: vec![value.to_owned()] });
            }
        }
        Self {
            key: constraint.topology_key.clone(),
            max_skew: i64::from(constraint.max_skew),
            selector,
            min_domains: i64::from(constraint.min_domains.unwrap_or(1)),
            honor_affinity: constraint.node_affinity_policy.as_deref() != Some("Ignore"),
            honor_taints: constraint.node_taints_policy.as_deref() == Some("Honor"),
        }
    }

    /// One of the scheduler's own defaults.
    pub fn system(key: &str, max_skew: i64, selector: Selector) -> Self {
        Self { key: key.to_owned(), max_skew, selector, min_domains: 1, honor_affinity: true, honor_taints: false }
    }

    /// Whether pods on this node count.
    pub fn counts(&self, pod: &Pod, node: &Node) -> bool {
        let Some(spec) = &pod.spec else { return false };
        let taints = node.spec.as_ref().and_then(|s| s.taints.as_deref()).unwrap_or_default();
        (!self.honor_affinity || selects_node(spec, node))
            && (!self.honor_taints
                || untolerated(taints, spec.tolerations.as_deref().unwrap_or_default(), &["NoSchedule", "NoExecute"]).is_none())
    }

    /// How many pods on the node match.
    pub fn matching(&self, namespace: &str, node: &NodeInfo) -> i64 {
        let count =
            node.pods.iter().filter(|p| !p.pod.deleting() && p.pod.ns() == namespace && self.selector.matches(p.pod.label_map())).count();
        i64::try_from(count).unwrap_or(i64::MAX)
    }
}

/// The pod's own constraints with this consequence (`DoNotSchedule`, `ScheduleAnyway`).
pub fn constraints(pod: &Pod, when_unsatisfiable: &str) -> Vec<Constraint> {
    let all = pod.spec.iter().flat_map(|s| s.topology_spread_constraints.iter().flatten());
    all.filter(|c| c.when_unsatisfiable == when_unsatisfiable).map(|c| Constraint::read(c, pod)).collect()
}

/// Matching pods by domain for every hard constraint, computed once a cycle.
pub struct Counts(Vec<(Constraint, BTreeMap<String, i64>)>);

impl Counts {
    /// Counts them.
    pub fn of(pod: &Pod, snapshot: &Snapshot) -> Self {
        let hard = constraints(pod, "DoNotSchedule");
        let keys: Vec<String> = hard.iter().map(|c| c.key.clone()).collect();
        let count = |constraint: Constraint| {
            let mut domains: BTreeMap<String, i64> = BTreeMap::new();
            for node in &snapshot.nodes {
                // Only nodes that have all the labels take part.
                if keys.iter().any(|k| node.node.label(k).is_none()) || !constraint.counts(pod, &node.node) {
                    continue;
                }
                if let Some(value) = node.node.label(&constraint.key) {
                    *domains.entry(value.to_owned()).or_default() += constraint.matching(pod.ns(), node);
                }
            }
            (constraint, domains)
        };
        Self(hard.into_iter().map(count).collect())
    }

    /// Whether the pod may go to this node.
    pub fn check(&self, pod: &Pod, node: &Node) -> Option<Refusal> {
        for (constraint, domains) in &self.0 {
            let Some(value) = node.label(&constraint.key) else {
                return Some(Refusal::unresolvable(
                    PLUGIN,
                    "node(s) didn't match pod topology spread constraints (missing required label)",
                ));
            };
            let few = i64::try_from(domains.len()).unwrap_or(i64::MAX) < constraint.min_domains;
            let minimum = if few { 0 } else { domains.values().min().copied().unwrap_or(0) };
            let own = i64::from(constraint.selector.matches(pod.label_map()));
            let here = domains.get(value).copied().unwrap_or(0);
            if here + own - minimum > constraint.max_skew {
                return Some(Refusal::resolvable(PLUGIN, "node(s) didn't match pod topology spread constraints"));
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::Counts;
    use crate::scheduler::snapshot::fixtures::{cluster, node, pod};
    use serde_json::json;

    #[test]
    fn skew_is_kept_and_missing_labels_refuse() {
        let zone = |z: &str| json!({"metadata": {"labels": {"zone": z}}});
        let nodes = vec![node("a", zone("1")), node("b", zone("2")), node("c", json!({}))];
        let labels = json!({"metadata": {"labels": {"app": "web"}}, "spec": {"nodeName": "a"}});
        let existing = [pod("x", labels)];
        let new = pod(
            "new",
            json!({"metadata": {"labels": {"app": "web"}}, "spec": {"topologySpreadConstraints": [
            {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule", "labelSelector": {"matchLabels": {"app": "web"}}}]}}),
        );
        let snapshot = cluster(nodes, &existing);
        let counts = Counts::of(&new, &snapshot);
        let reason = |name: &str| counts.check(&new, &snapshot.node(name).unwrap().node).map(|r| r.reasons[0].clone());
        assert_eq!(reason("a").as_deref(), Some("node(s) didn't match pod topology spread constraints"));
        assert_eq!(reason("b"), None);
        assert_eq!(reason("c").as_deref(), Some("node(s) didn't match pod topology spread constraints (missing required label)"));
    }
}
