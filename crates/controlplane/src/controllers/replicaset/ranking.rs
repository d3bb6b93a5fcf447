//! Which pods go first when there are too many (`controller.ActivePodsWithRanks`).

use std::cmp::{Ordering, Reverse};
use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;

use crate::machinery::{Meta, pods};

/// Annotation that makes a pod cheaper or dearer to delete.
const DELETION_COST: &str = "controller.kubernetes.io/pod-deletion-cost";

/// The `count` pods of `pods` to delete. `related` are all active pods of the same owner's sets: a node with more of
/// them loses one sooner.
pub fn to_delete(mut pods: Vec<Arc<Pod>>, related: &[Arc<Pod>], count: usize, now: Timestamp) -> Vec<Arc<Pod>> {
    if count < pods.len() {
        let mut per_node: BTreeMap<&str, usize> = BTreeMap::new();
        for pod in related.iter().filter(|p| pods::is_active(p)) {
            *per_node.entry(pods::node(pod)).or_default() += 1;
        }
        pods.sort_by(|a, b| compare(a, b, &per_node, now));
    }
    pods.truncate(count);
    pods
}

fn compare(a: &Pod, b: &Pod, per_node: &BTreeMap<&str, usize>, now: Timestamp) -> Ordering {
    let assigned = |p: &Pod| !pods::node(p).is_empty();
    let phase = |p: &Pod| match pods::phase(p) {
        "Pending" => 0,
        "Unknown" => 1,
        _ => 2,
    };
    let cost = |p: &Pod| p.annotation(DELETION_COST).and_then(|v| v.parse::<i32>().ok()).unwrap_or(0);
    let rank = |p: &Pod| per_node.get(pods::node(p)).copied().unwrap_or(0);
    assigned(a)
        .cmp(&assigned(b))
        .then_with(|| phase(a).cmp(&phase(b)))
        .then_with(|| pods::is_ready(a).cmp(&pods::is_ready(b)))
        .then_with(|| cost(a).cmp(&cost(b)))
        .then_with(|| Reverse(rank(a)).cmp(&Reverse(rank(b))))
        .then_with(|| {
            let since = |p: &Pod| pods::condition(p, "Ready").filter(|c| c.status == "True")?.last_transition_time.as_ref().map(|t| t.0);
            match (since(a), since(b)) {
                (Some(x), Some(y)) if x != y => younger_first(x, y, now, a, b),
                _ => Ordering::Equal,
            }
        })
        .then_with(|| Reverse(pods::restarts(a)).cmp(&Reverse(pods::restarts(b))))
        .then_with(|| if a.created() == b.created() { Ordering::Equal } else { younger_first(a.created(), b.created(), now, a, b) })
        .then_with(|| a.name().cmp(b.name()))
}

/// The younger goes first, but ages are compared by their logarithm, and equal ones by uid (`LogarithmicScaleDown`).
fn younger_first(a: Timestamp, b: Timestamp, now: Timestamp, first: &Pod, second: &Pod) -> Ordering {
    let magnitude = |t: Timestamp| {
        let age = now.duration_since(t).as_nanos().max(1);
        127 - age.leading_zeros()
    };
    magnitude(a).cmp(&magnitude(b)).then_with(|| first.uid().cmp(second.uid()))
}

#[cfg(test)]
mod tests {
    use super::to_delete;
    use k8s_openapi::api::core::v1::Pod;
    use serde_json::json;
    use std::sync::Arc;

    fn pod(name: &str, node: &str, phase: &str, ready: bool, cost: &str) -> Arc<Pod> {
        let ready = if ready { "True" } else { "False" };
        Arc::new(
            serde_json::from_value(json!({
                "metadata": {"name": name, "uid": name, "creationTimestamp": "2026-01-01T00:00:00Z",
                             "annotations": {"controller.kubernetes.io/pod-deletion-cost": cost}},
                "spec": {"nodeName": node, "containers": []},
                "status": {"phase": phase, "conditions": [{"type": "Ready", "status": ready}]}
            }))
            .unwrap(),
        )
    }

    #[test]
    fn the_least_useful_pods_go_first() {
        let good = pod("good", "a", "Running", true, "0");
        let cases = [
            ("unassigned", pod("x", "", "Pending", false, "0")),
            ("pending", pod("x", "a", "Pending", false, "0")),
            ("not ready", pod("x", "a", "Running", false, "0")),
            ("cheap", pod("x", "a", "Running", true, "-1")),
        ];
        for (why, bad) in cases {
            let all = vec![good.clone(), bad];
            assert_eq!(
                to_delete(all.clone(), &all, 1, "2026-01-02T00:00:00Z".parse().unwrap())[0].metadata.name.as_deref(),
                Some("x"),
                "{why}"
            );
        }
        let doubled = [pod("one", "b", "Running", true, "0"), pod("two", "a", "Running", true, "0"), good];
        let gone = to_delete(doubled[..2].to_vec(), &doubled, 1, "2026-01-02T00:00:00Z".parse().unwrap());
        assert_eq!(gone[0].metadata.name.as_deref(), Some("two"), "its node has two of them");
    }
}
