//! PodTopologySpread's score: soft constraints, the scheduler's own when the pod has none.

use std::collections::BTreeMap;
use std::sync::Arc;

use k8s_openapi::api::core::v1::Pod;
use values::Selector;

use super::MAX;
use crate::machinery::Meta;
use crate::scheduler::filters::spread::{Constraint, constraints};
use crate::scheduler::snapshot::{NodeInfo, PodInfo, Snapshot};

const HOSTNAME: &str = "kubernetes.io/hostname";

/// Pods of the same Service, ReplicaSet or StatefulSet (`helper.DefaultSelector`).
fn kin(pod: &Pod, snapshot: &Snapshot) -> Option<Selector> {
    let mut all = Selector::everything();
    for service in snapshot.services.values().filter(|s| s.ns() == pod.ns()) {
        let labels = service.spec.as_ref().and_then(|s| s.selector.as_ref()).filter(|s| !s.is_empty());
        if let Some(labels) = labels.filter(|l| l.iter().all(|(k, v)| pod.label(k) == Some(v))) {
            all.requirements.extend(Selector::from_labels(labels).requirements);
        }
    }
    if let Some(owner) = pod.controller() {
        let key = format!("{}/{}", pod.ns(), owner.name);
        let selector = match owner.kind.as_str() {
            "ReplicaSet" => snapshot.replica_sets.get(&key).and_then(|s| s.spec.as_ref()).map(|s| &s.selector),
            "StatefulSet" => snapshot.stateful_sets.get(&key).and_then(|s| s.spec.as_ref()).map(|s| &s.selector),
            _ => None,
        };
        if let Some(selector) = selector.and_then(|s| Selector::from_label_selector(s).ok()) {
            all.requirements.extend(selector.requirements);
        }
    }
    (!all.is_everything()).then_some(all)
}

/// Fewer of the pod's kind in a node's domains are better.
#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)] // counts of pods
pub fn score(pod: &PodInfo, feasible: &[Arc<NodeInfo>], snapshot: &Snapshot) -> Vec<i64> {
    let pod = &pod.pod;
    let own = pod.spec.as_ref().is_some_and(|s| s.topology_spread_constraints.as_ref().is_some_and(|c| !c.is_empty()));
    let soft = if own {
        constraints(pod, "ScheduleAnyway")
    } else {
        let Some(kin) = kin(pod, snapshot) else { return vec![0; feasible.len()] };
        vec![Constraint::system(HOSTNAME, 3, kin.clone()), Constraint::system("topology.kubernetes.io/zone", 5, kin)]
    };
    if soft.is_empty() {
        return vec![0; feasible.len()];
    }
    // A pod's own constraints leave out nodes that lack one of the labels; the defaults do not.
    let ignored = |node: &NodeInfo| own && soft.iter().any(|c| node.node.label(&c.key).is_none());
    let mut sums = vec![0.0f64; feasible.len()];
    for constraint in &soft {
        let mut domains: BTreeMap<&str, i64> = BTreeMap::new();
        for node in feasible.iter().filter(|n| !ignored(n)) {
            if let Some(value) = node.node.label(&constraint.key) {
                domains.insert(value, 0);
            }
        }
        for node in snapshot.nodes.iter().filter(|n| !ignored(n) && constraint.counts(pod, &n.node)) {
            if let Some(count) = node.node.label(&constraint.key).and_then(|v| domains.get_mut(v)) {
                *count += constraint.matching(pod.ns(), node);
            }
        }
        let weight = ((domains.len() + 2) as f64).ln();
        for (sum, node) in sums.iter_mut().zip(feasible) {
            if let Some(count) = node.node.label(&constraint.key).and_then(|v| domains.get(v)) {
                *sum += *count as f64 * weight + (constraint.max_skew - 1) as f64;
            }
        }
    }
    let scores: Vec<Option<i64>> = sums.iter().zip(feasible).map(|(s, n)| (!ignored(n)).then_some(s.round() as i64)).collect();
    let max = scores.iter().flatten().copied().max().unwrap_or(0);
    let min = scores.iter().flatten().copied().min().unwrap_or(0);
    scores.into_iter().map(|s| s.map_or(0, |s| if max == 0 { MAX } else { MAX * (max + min - s) / max })).collect()
}

#[cfg(test)]
mod tests {
    use super::score;
    use crate::scheduler::snapshot::PodInfo;
    use crate::scheduler::snapshot::fixtures::{cluster, node, pod};
    use k8s_openapi::api::core::v1::Service;
    use serde_json::json;
    use std::sync::Arc;

    #[test]
    fn pods_of_a_service_are_spread_over_nodes_by_default() {
        let labelled = |on: &str| json!({"metadata": {"labels": {"app": "web"}}, "spec": {"nodeName": on}});
        let mut snapshot = cluster(vec![node("a", json!({})), node("b", json!({}))], &[pod("x", labelled("a"))]);
        let new = PodInfo::new(pod("new", labelled("")));
        assert_eq!(score(&new, &snapshot.nodes, &snapshot), [0, 0], "nothing says that they belong together");
        let service: Service =
            serde_json::from_value(json!({"metadata": {"name": "web", "namespace": "default"}, "spec": {"selector": {"app": "web"}}}))
                .unwrap();
        snapshot.services.insert("default/web".to_owned(), Arc::new(service));
        let scores = score(&new, &snapshot.nodes, &snapshot);
        assert!(scores[1] > scores[0], "{scores:?}");
    }
}
