//! A set's status (`replica_set_utils.go`).

use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::api::apps::v1::{ReplicaSet, ReplicaSetCondition, ReplicaSetStatus};
use k8s_openapi::api::core::v1::Pod;

use crate::machinery::object::time;
use crate::machinery::{Meta, pods};

/// A creation or deletion that failed in this round.
pub struct Trouble {
    /// `FailedCreate` or `FailedDelete`.
    pub reason: &'static str,
    /// What the server said.
    pub message: String,
}

/// Length of a list as the API counts.
pub fn count(items: usize) -> i32 {
    i32::try_from(items).unwrap_or(i32::MAX)
}

/// The status that follows from the set's pods; also when the next pod becomes available.
pub fn compute(
    set: &ReplicaSet,
    pods: &[Arc<Pod>],
    terminating: usize,
    trouble: Option<&Trouble>,
    now: Timestamp,
) -> (ReplicaSetStatus, Option<Timestamp>) {
    let spec = set.spec.clone().unwrap_or_default();
    let labels = spec.template.as_ref().and_then(|t| t.metadata.as_ref()?.labels.clone()).unwrap_or_default();
    let min_ready = spec.min_ready_seconds.unwrap_or(0);
    let (mut labelled, mut ready, mut available, mut next) = (0, 0, 0, None::<Timestamp>);
    for pod in pods {
        if labels.iter().all(|(k, v)| pod.label(k) == Some(v)) {
            labelled += 1;
        }
        if pods::is_ready(pod) {
            ready += 1;
            match pods::available(pod, min_ready, now) {
                Ok(()) => available += 1,
                Err(Some(at)) => next = Some(next.map_or(at, |n| n.min(at))),
                Err(None) => {}
            }
        }
    }
    let old = set.status.clone().unwrap_or_default();
    let mut conditions = old.conditions.clone().unwrap_or_default();
    match trouble {
        Some(trouble) if !conditions.iter().any(|c| c.type_ == "ReplicaFailure") => conditions.push(ReplicaSetCondition {
            type_: "ReplicaFailure".to_owned(),
            status: "True".to_owned(),
            reason: Some(trouble.reason.to_owned()),
            message: Some(trouble.message.clone()),
            last_transition_time: Some(time(now)),
        }),
        Some(_) => {}
        None => conditions.retain(|c| c.type_ != "ReplicaFailure"),
    }
    let some = |n: i32| (n != 0).then_some(n);
    let status = ReplicaSetStatus {
        replicas: count(pods.len()),
        fully_labeled_replicas: some(labelled),
        ready_replicas: some(ready),
        available_replicas: some(available),
        terminating_replicas: Some(count(terminating)),
        observed_generation: Some(set.generation()),
        conditions: (!conditions.is_empty()).then_some(conditions),
    };
    (status, next)
}
