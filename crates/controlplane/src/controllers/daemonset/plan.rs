//! What a DaemonSet does next, as a pure function of its pods per node (`podsShouldBeOnNode`, `rollingUpdate`).

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::api::apps::v1::DaemonSet;
use k8s_openapi::api::core::v1::{Node, Pod};

use super::placement::{Wish, target, wish};
use crate::controllers::common::scaled;
use crate::machinery::history::HASH_LABEL;
use crate::machinery::{Meta, pods};

/// Steps to take.
#[derive(Debug, Default)]
pub struct Plan {
    /// Nodes that get a pod.
    pub create: Vec<String>,
    /// Pods that go.
    pub delete: Vec<Arc<Pod>>,
    /// Pods that ended by themselves and are replaced, with their nodes.
    pub ended: Vec<(Arc<Pod>, String)>,
}

/// Pods of the set by node, oldest first.
pub fn by_node(pods: &[Arc<Pod>]) -> BTreeMap<String, Vec<Arc<Pod>>> {
    let mut map: BTreeMap<String, Vec<Arc<Pod>>> = BTreeMap::new();
    for pod in pods {
        if let Some(node) = target(pod) {
            map.entry(node).or_default().push(pod.clone());
        }
    }
    for list in map.values_mut() {
        // Bound pods before pending ones, then the older.
        list.sort_by(|a, b| {
            pods::node(a)
                .is_empty()
                .cmp(&pods::node(b).is_empty())
                .then_with(|| a.created().cmp(&b.created()))
                .then_with(|| a.name().cmp(b.name()))
        });
    }
    map
}

/// Whether a pod has the present template.
fn is_new(pod: &Pod, hash: &str) -> bool {
    pod.label(HASH_LABEL) == Some(hash)
}

fn surge_and_unavailable(set: &DaemonSet, desired: i32) -> (i32, i32) {
    let strategy = set.spec.as_ref().and_then(|s| s.update_strategy.clone()).unwrap_or_default();
    if strategy.type_.as_deref().is_some_and(|t| t != "RollingUpdate") {
        return (0, 0);
    }
    let rolling = strategy.rolling_update.unwrap_or_default();
    let surge = rolling.max_surge.as_ref().map_or(0, |v| scaled(v, desired, true));
    let unavailable = rolling.max_unavailable.as_ref().map_or(1, |v| scaled(v, desired, true));
    // Both zero would be stuck (apps validation forbids it).
    if surge == 0 && unavailable == 0 { (0, 1) } else { (surge, unavailable) }
}

/// Pods to create and delete so that each wanted node has one (`manage`).
pub fn manage(set: &DaemonSet, nodes: &[Arc<Node>], pods: &[Arc<Pod>], hash: &str, now: Timestamp) -> Plan {
    let per_node = by_node(pods);
    let desired = nodes.iter().filter(|n| wish(set, n).run).count();
    let (surge, _) = surge_and_unavailable(set, i32::try_from(desired).unwrap_or(i32::MAX));
    let min_ready = set.spec.as_ref().and_then(|s| s.min_ready_seconds).unwrap_or(0);
    let mut plan = Plan::default();
    for node in nodes {
        let here = per_node.get(node.name()).map(Vec::as_slice).unwrap_or_default();
        let Wish { run, keep } = wish(set, node);
        if run && here.is_empty() {
            plan.create.push(node.name().to_owned());
        } else if keep {
            let mut running = Vec::new();
            for pod in here.iter().filter(|p| !p.deleting()) {
                if pods::is_terminal(pod) { plan.ended.push((pod.clone(), node.name().to_owned())) } else { running.push(pod.clone()) }
            }
            if surge == 0 {
                plan.delete.extend(running.into_iter().skip(1));
            } else {
                // One old and one new may stand side by side until the new one is available.
                let (new, old): (Vec<_>, Vec<_>) = running.into_iter().partition(|p| is_new(p, hash));
                if let Some(newest) = new.first()
                    && pods::available(newest, min_ready, now).is_ok()
                {
                    plan.delete.extend(old.iter().cloned());
                } else {
                    plan.delete.extend(old.into_iter().skip(1));
                }
                plan.delete.extend(new.into_iter().skip(1));
            }
        } else {
            plan.delete.extend(here.iter().filter(|p| !p.deleting()).cloned());
        }
    }
    // Pods whose node is gone are the pod garbage collector's.
    plan
}

/// Pods to replace for a new template, within maxUnavailable or maxSurge.
pub fn roll(set: &DaemonSet, nodes: &[Arc<Node>], pods: &[Arc<Pod>], hash: &str, now: Timestamp) -> Plan {
    let per_node = by_node(pods);
    let wanted: Vec<_> = nodes.iter().filter(|n| wish(set, n).run).collect();
    let (surge, unavailable) = surge_and_unavailable(set, i32::try_from(wanted.len()).unwrap_or(i32::MAX));
    let min_ready = set.spec.as_ref().and_then(|s| s.min_ready_seconds).unwrap_or(0);
    let is_available = |p: &Pod| pods::available(p, min_ready, now).is_ok();
    let mut plan = Plan::default();
    let (mut down, mut surging) = (0i32, 0i32);
    let (mut at_once, mut in_turn) = (Vec::new(), Vec::new());
    for node in wanted {
        let here = per_node.get(node.name()).map(Vec::as_slice).unwrap_or_default();
        let new = here.iter().find(|p| is_new(p, hash));
        let old = here.iter().find(|p| !is_new(p, hash));
        match (old, new) {
            (None, None) => down += 1,
            (_, Some(new)) => {
                if surge > 0 && old.is_some() {
                    surging += 1;
                } else if !is_available(new) {
                    down += 1;
                }
            }
            (Some(old), None) if old.deleting() => down += 1,
            (Some(old), None) if !is_available(old) => {
                down += 1;
                at_once.push((node.name().to_owned(), old.clone()));
            }
            (Some(old), None) => in_turn.push((node.name().to_owned(), old.clone())),
        }
    }
    let room = if surge > 0 { surge - surging } else { unavailable - down };
    let chosen = at_once.into_iter().chain(in_turn.into_iter().take(usize::try_from(room).unwrap_or(0)));
    for (node, old) in chosen {
        if surge > 0 { plan.create.push(node) } else { plan.delete.push(old) }
    }
    plan
}

#[cfg(test)]
mod tests {
    use super::{manage, roll};
    use crate::machinery::Meta;
    use k8s_openapi::api::apps::v1::DaemonSet;
    use k8s_openapi::api::core::v1::{Node, Pod};
    use serde_json::json;
    use std::sync::Arc;

    fn set(unavailable: i32, surge: i32) -> DaemonSet {
        serde_json::from_value(json!({"metadata": {"name": "d"}, "spec": {"selector": {}, "template": {"spec": {"containers": []}},
            "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": unavailable, "maxSurge": surge}}}}))
        .unwrap()
    }

    fn nodes(names: &[&str]) -> Vec<Arc<Node>> {
        names.iter().map(|n| Arc::new(serde_json::from_value(json!({"metadata": {"name": n}})).unwrap())).collect()
    }

    fn pod(name: &str, node: &str, hash: &str, ready: bool, phase: &str) -> Arc<Pod> {
        Arc::new(
            serde_json::from_value(json!({"metadata": {"name": name, "labels": {"controller-revision-hash": hash}}, "spec": {"containers": [], "nodeName": node},
                "status": {"phase": phase, "conditions": [{"type": "Ready", "status": if ready { "True" } else { "False" }}]}}))
            .unwrap(),
        )
    }

    fn names(pods: &[Arc<Pod>]) -> Vec<&str> {
        pods.iter().map(|p| p.name()).collect()
    }

    #[test]
    fn each_wanted_node_has_exactly_one() {
        let pods = [pod("a", "n1", "x", true, "Running"), pod("b", "n1", "x", true, "Running"), pod("c", "n2", "x", false, "Failed")];
        let plan = manage(&set(1, 0), &nodes(&["n1", "n2", "n3"]), &pods, "x", jiff::Timestamp::UNIX_EPOCH);
        assert_eq!((plan.create, names(&plan.delete)), (vec!["n3".to_owned()], vec!["b"]));
        assert_eq!(plan.ended[0].0.name(), "c");
    }

    #[test]
    fn old_pods_go_within_max_unavailable_and_broken_ones_at_once() {
        let now = jiff::Timestamp::UNIX_EPOCH;
        let all = nodes(&["n1", "n2", "n3"]);
        let healthy =
            [pod("a", "n1", "old", true, "Running"), pod("b", "n2", "old", true, "Running"), pod("c", "n3", "old", true, "Running")];
        assert_eq!(names(&roll(&set(1, 0), &all, &healthy, "new", now).delete), ["a"]);
        let one_new = [pod("a", "n1", "new", false, "Running"), healthy[1].clone(), healthy[2].clone()];
        assert!(roll(&set(1, 0), &all, &one_new, "new", now).delete.is_empty());
        let broken = [healthy[0].clone(), pod("b", "n2", "old", false, "Running"), healthy[2].clone()];
        assert_eq!(names(&roll(&set(1, 0), &all, &broken, "new", now).delete), ["b"]);
        assert_eq!(roll(&set(0, 1), &all, &healthy, "new", now).create, ["n1"]);
    }
}
