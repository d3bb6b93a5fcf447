//! The next step of a StatefulSet, as a pure function (`stateful_set_control.go`, `updateStatefulSet`).

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::Pod;

use super::pods::{ordinal, range};
use crate::machinery::history::HASH_LABEL;
use crate::machinery::{Meta, pods};

/// What to do now.
#[derive(Debug, Default)]
pub struct Plan {
    /// Ordinals to create, each with the current (`false`) or the update revision (`true`).
    pub create: Vec<(i32, bool)>,
    /// Pods to delete.
    pub delete: Vec<Arc<Pod>>,
    /// When a pod becomes available, if that is waited for.
    pub look_again: Option<Timestamp>,
}

/// Revisions of the set.
pub struct Revisions<'a> {
    /// Of the pods that are not to be updated.
    pub current: &'a str,
    /// Of the present template.
    pub update: &'a str,
}

/// Decides.
pub fn next(set: &StatefulSet, all: &[Arc<Pod>], revisions: &Revisions<'_>, now: Timestamp) -> Plan {
    let spec = set.spec.clone().unwrap_or_default();
    let (start, replicas) = range(set);
    let monotonic = spec.pod_management_policy.as_deref() != Some("Parallel");
    let min_ready = spec.min_ready_seconds.unwrap_or(0);
    let strategy = spec.update_strategy.clone().unwrap_or_default();
    let partition = strategy.rolling_update.as_ref().and_then(|r| r.partition).unwrap_or(0);
    let on_delete = strategy.type_.as_deref() == Some("OnDelete");
    let mut plan = Plan::default();
    let mut by_ordinal: BTreeMap<i32, Arc<Pod>> = BTreeMap::new();
    let mut condemned: Vec<Arc<Pod>> = Vec::new();
    for pod in all {
        match ordinal(set, pod) {
            Some(n) if n >= start && n < start + replicas => {
                by_ordinal.insert(n, pod.clone());
            }
            Some(_) => condemned.push(pod.clone()),
            None => {}
        }
    }
    condemned.sort_by_key(|p| std::cmp::Reverse(ordinal(set, p)));
    let mut is_up = |pod: &Pod| match pods::available(pod, min_ready, now) {
        Ok(()) => !pod.deleting() && !pods::is_terminal(pod),
        Err(at) => {
            plan.look_again = at.into_iter().chain(plan.look_again).min();
            false
        }
    };
    if set.deleting() {
        return Plan::default();
    }
    let mut steps = (Vec::new(), Vec::new());
    for n in start..start + replicas {
        match by_ordinal.get(&n) {
            // Those below the partition, and those not yet reached by the update, keep the current revision.
            None => {
                // A pod created while an update runs gets the revision that its place has in it (`newVersionedStatefulSetPod`).
                let updated = revisions.current == revisions.update
                    || (!on_delete && n >= start + partition && set_is_past(set, n, start, partition));
                steps.0.push((n, updated));
            }
            Some(pod) if pods::is_terminal(pod) && !pod.deleting() => steps.1.push(pod.clone()),
            Some(pod) if monotonic && !is_up(pod) => {}
            Some(_) => continue,
        }
        if monotonic {
            (plan.create, plan.delete) = steps;
            return plan;
        }
    }
    (plan.create, plan.delete) = steps;
    if !plan.create.is_empty() || !plan.delete.is_empty() {
        if monotonic {
            return plan;
        }
    } else if monotonic && by_ordinal.values().any(|p| p.deleting()) {
        return plan;
    }
    // Scale down from the top; one after the other unless parallel.
    let unhealthy_first = by_ordinal.values().filter(|p| !pods::is_ready(p)).count();
    for pod in &condemned {
        if pod.deleting() {
            if monotonic {
                return plan;
            }
            continue;
        }
        if monotonic && !pods::is_ready(pod) && unhealthy_first > 0 {
            return plan;
        }
        plan.delete.push(pod.clone());
        if monotonic {
            return plan;
        }
    }
    if on_delete || !plan.create.is_empty() || !plan.delete.is_empty() {
        return plan;
    }
    // Update from the top down to the partition, one at a time.
    for (n, pod) in by_ordinal.iter().rev().filter(|(n, _)| **n >= start + partition) {
        let _ = n;
        let outdated = pod.label(HASH_LABEL) != Some(revisions.update);
        if outdated && !pod.deleting() {
            plan.delete.push(pod.clone());
            return plan;
        }
        if pod.deleting() || pods::available(pod, min_ready, now).is_err() {
            return plan;
        }
    }
    plan
}

/// Whether the rolling update has already replaced this ordinal: as many as are updated, counted from the top.
fn set_is_past(set: &StatefulSet, ordinal: i32, start: i32, partition: i32) -> bool {
    let status = set.status.as_ref();
    let replaced_here = status.and_then(|s| s.current_replicas).unwrap_or(0);
    // `ordinal < start + currentReplicas` still belongs to the current revision.
    ordinal >= start + partition && (ordinal >= start + replaced_here || partition > 0)
}

#[cfg(test)]
mod tests {
    use super::{Plan, Revisions, next};
    use crate::machinery::Meta;
    use k8s_openapi::api::apps::v1::StatefulSet;
    use k8s_openapi::api::core::v1::Pod;
    use serde_json::{Value, json};
    use std::sync::Arc;

    fn set(extra: Value) -> StatefulSet {
        let mut value = json!({"metadata": {"name": "db"}, "spec": {"replicas": 3, "selector": {}, "template": {}}});
        value["spec"].as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        serde_json::from_value(value).unwrap()
    }

    fn pod(n: i32, revision: &str, ready: bool) -> Arc<Pod> {
        Arc::new(
            serde_json::from_value(json!({"metadata": {"name": format!("db-{n}"), "labels": {"controller-revision-hash": revision}},
                "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": if ready { "True" } else { "False" }}]}}))
            .unwrap(),
        )
    }

    fn plan(set: &StatefulSet, pods: &[Arc<Pod>], update: &str) -> (Vec<i32>, Vec<String>) {
        let Plan { create, delete, .. } = next(set, pods, &Revisions { current: "a", update }, jiff::Timestamp::UNIX_EPOCH);
        (create.into_iter().map(|(n, _)| n).collect(), delete.iter().map(|p| p.name().to_owned()).collect())
    }

    fn nothing() -> (Vec<i32>, Vec<String>) {
        (vec![], vec![])
    }

    #[test]
    fn pods_come_one_after_the_other_when_ordered() {
        let ordered = set(json!({}));
        assert_eq!(plan(&ordered, &[], "a"), (vec![0], vec![]));
        assert_eq!(plan(&ordered, &[pod(0, "a", false)], "a"), nothing());
        assert_eq!(plan(&ordered, &[pod(0, "a", true)], "a"), (vec![1], vec![]));
        let parallel = set(json!({"podManagementPolicy": "Parallel"}));
        assert_eq!(plan(&parallel, &[pod(0, "a", false)], "a"), (vec![1, 2], vec![]));
    }

    #[test]
    fn the_highest_goes_first() {
        let pods: Vec<_> = (0..5).map(|n| pod(n, "a", true)).collect();
        assert_eq!(plan(&set(json!({})), &pods, "a"), (vec![], vec!["db-4".to_owned()]));
        assert_eq!(plan(&set(json!({"podManagementPolicy": "Parallel"})), &pods, "a").1, ["db-4", "db-3"]);
    }

    #[test]
    fn updates_go_down_to_the_partition_and_wait_for_each() {
        let old: Vec<_> = (0..3).map(|n| pod(n, "a", true)).collect();
        assert_eq!(plan(&set(json!({})), &old, "b").1, ["db-2"]);
        let half = [old[0].clone(), old[1].clone(), pod(2, "b", true)];
        assert_eq!(plan(&set(json!({})), &half, "b").1, ["db-1"]);
        let waiting = [old[0].clone(), old[1].clone(), pod(2, "b", false)];
        assert_eq!(plan(&set(json!({})), &waiting, "b"), nothing());
        assert_eq!(
            plan(&set(json!({"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 2}}})), &half, "b"),
            nothing()
        );
        assert_eq!(plan(&set(json!({"updateStrategy": {"type": "OnDelete"}})), &old, "b"), nothing());
    }
}
