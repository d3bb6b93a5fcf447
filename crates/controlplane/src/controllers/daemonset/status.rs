//! A DaemonSet's status (`updateDaemonSetStatus`).

use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::api::apps::v1::{DaemonSet, DaemonSetStatus};
use k8s_openapi::api::core::v1::{Node, Pod};

use super::placement::wish;
use super::plan::by_node;
use crate::machinery::history::HASH_LABEL;
use crate::machinery::{Meta, pods};

/// The status that follows from nodes and pods, and when a pod becomes available next.
pub fn compute(
    set: &DaemonSet,
    nodes: &[Arc<Node>],
    pods: &[Arc<Pod>],
    hash: &str,
    now: Timestamp,
) -> (DaemonSetStatus, Option<Timestamp>) {
    let per_node = by_node(pods);
    let min_ready = set.spec.as_ref().and_then(|s| s.min_ready_seconds).unwrap_or(0);
    let (mut desired, mut current, mut misscheduled, mut ready, mut updated, mut available) = (0, 0, 0, 0, 0, 0);
    let mut next = None::<Timestamp>;
    for node in nodes {
        let first = per_node.get(node.name()).and_then(|p| p.first());
        if !wish(set, node).run {
            misscheduled += i32::from(first.is_some());
            continue;
        }
        desired += 1;
        let Some(pod) = first else { continue };
        current += 1;
        if pods::is_ready(pod) {
            ready += 1;
            match pods::available(pod, min_ready, now) {
                Ok(()) => available += 1,
                Err(Some(at)) => next = Some(next.map_or(at, |n| n.min(at))),
                Err(None) => {}
            }
        }
        updated += i32::from(pod.label(HASH_LABEL) == Some(hash));
    }
    let some = |n: i32| (n != 0).then_some(n);
    let old = set.status.clone().unwrap_or_default();
    let status = DaemonSetStatus {
        current_number_scheduled: current,
        desired_number_scheduled: desired,
        number_misscheduled: misscheduled,
        number_ready: ready,
        number_available: some(available),
        number_unavailable: some(desired - available),
        updated_number_scheduled: some(updated),
        observed_generation: Some(set.generation()),
        collision_count: old.collision_count,
        conditions: old.conditions,
    };
    (status, next)
}
