//! A Deployment's status from its sets (`calculateStatus`).

use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::api::apps::v1::{Deployment, DeploymentCondition, DeploymentStatus, ReplicaSet};

use super::conditions::{self, condition};
use super::replica_sets::{available, max_unavailable, wanted};
use crate::machinery::Meta;

/// Numbers and the Available condition.
pub fn compute(deployment: &Deployment, all: &[Arc<ReplicaSet>], new: Option<&ReplicaSet>, now: Timestamp) -> DeploymentStatus {
    let old = deployment.status.clone().unwrap_or_default();
    let sum = |f: &dyn Fn(&ReplicaSet) -> i32| all.iter().map(|s| f(s)).sum::<i32>();
    let actual = |s: &ReplicaSet| s.status.as_ref().map_or(0, |st| st.replicas);
    let available_now = sum(&available);
    let total = sum(&|s| s.spec.as_ref().and_then(|sp| sp.replicas).unwrap_or(1));
    let unavailable = (total - available_now).max(0);
    let terminating: Option<i32> =
        all.iter().map(|s| s.status.as_ref().and_then(|st| st.terminating_replicas)).try_fold(0, |sum, n| Some(sum + n?));
    let mut conditions = old.conditions.clone().unwrap_or_default();
    let enough = available_now >= wanted(deployment) - max_unavailable(deployment);
    conditions::set(
        &mut conditions,
        if enough {
            condition("Available", "True", "MinimumReplicasAvailable", "Deployment has minimum availability.".to_owned(), now)
        } else {
            condition("Available", "False", "MinimumReplicasUnavailable", "Deployment does not have minimum availability.".to_owned(), now)
        },
    );
    let some = |n: i32| (n != 0).then_some(n);
    DeploymentStatus {
        observed_generation: Some(deployment.generation()),
        replicas: some(sum(&actual)),
        updated_replicas: some(new.map_or(0, actual)),
        ready_replicas: some(sum(&|s| s.status.as_ref().and_then(|st| st.ready_replicas).unwrap_or(0))),
        available_replicas: some(available_now),
        unavailable_replicas: some(unavailable),
        terminating_replicas: terminating,
        collision_count: old.collision_count,
        conditions: Some(conditions),
    }
}

/// The ReplicaFailure of the new set, or of an old one (`getReplicaFailures`).
pub fn replica_failure(all: &[Arc<ReplicaSet>], new: Option<&ReplicaSet>, now: Timestamp) -> Option<DeploymentCondition> {
    let failure = |s: &ReplicaSet| s.status.as_ref()?.conditions.as_ref()?.iter().find(|c| c.type_ == "ReplicaFailure").cloned();
    let found = new.and_then(failure).or_else(|| all.iter().find_map(|s| failure(s)))?;
    let last_transition_time = found.last_transition_time.clone();
    let converted = condition("ReplicaFailure", &found.status, &found.reason.unwrap_or_default(), found.message.unwrap_or_default(), now);
    Some(DeploymentCondition { last_transition_time, ..converted })
}
