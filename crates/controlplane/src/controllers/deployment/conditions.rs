//! Conditions of a Deployment (`progress.go` and `deployment_util.go`).

use jiff::Timestamp;
use k8s_openapi::api::apps::v1::{Deployment, DeploymentCondition, DeploymentStatus};

use super::replica_sets::wanted;
use crate::machinery::Meta;
use crate::machinery::object::time;

/// A rollout is going on, done or stuck.
pub const PROGRESSING: &str = "Progressing";
/// The new set has all its pods.
pub const NEW_SET_AVAILABLE: &str = "NewReplicaSetAvailable";
/// The rollout made no progress for the deadline.
pub const TIMED_OUT: &str = "ProgressDeadlineExceeded";

/// A condition that begins now.
pub fn condition(kind: &str, status: &str, reason: &str, message: String, now: Timestamp) -> DeploymentCondition {
    DeploymentCondition {
        type_: kind.to_owned(),
        status: status.to_owned(),
        reason: Some(reason.to_owned()),
        message: Some(message),
        last_update_time: Some(time(now)),
        last_transition_time: Some(time(now)),
    }
}

/// One condition.
pub fn get<'a>(conditions: &'a [DeploymentCondition], kind: &str) -> Option<&'a DeploymentCondition> {
    conditions.iter().find(|c| c.type_ == kind)
}

/// Sets a condition unless one of the same status and reason stands (`SetDeploymentCondition`). It goes to the end.
pub fn set(conditions: &mut Vec<DeploymentCondition>, mut new: DeploymentCondition) {
    if let Some(old) = get(conditions, &new.type_) {
        if old.status == new.status && old.reason == new.reason {
            return;
        }
        if old.status == new.status {
            new.last_transition_time = old.last_transition_time.clone();
        }
    }
    remove(conditions, &new.type_.clone());
    conditions.push(new);
}

/// Removes a condition.
pub fn remove(conditions: &mut Vec<DeploymentCondition>, kind: &str) {
    conditions.retain(|c| c.type_ != kind);
}

/// Whether the Deployment limits how long it may stand still.
pub fn deadline(deployment: &Deployment) -> Option<i64> {
    deployment.spec.as_ref()?.progress_deadline_seconds.filter(|s| *s != i32::MAX).map(i64::from)
}

/// Everything is updated and available (`DeploymentComplete`).
pub fn is_complete(deployment: &Deployment, status: &DeploymentStatus) -> bool {
    let want = wanted(deployment);
    status.updated_replicas.unwrap_or(0) == want
        && status.replicas.unwrap_or(0) == want
        && status.available_replicas.unwrap_or(0) == want
        && status.observed_generation.unwrap_or(0) >= deployment.generation()
}

/// Something moved since the last status (`DeploymentProgressing`).
pub fn is_progressing(old: &DeploymentStatus, new: &DeploymentStatus) -> bool {
    let outdated = |s: &DeploymentStatus| s.replicas.unwrap_or(0) - s.updated_replicas.unwrap_or(0);
    new.updated_replicas.unwrap_or(0) > old.updated_replicas.unwrap_or(0)
        || outdated(new) < outdated(old)
        || new.ready_replicas.unwrap_or(0) > old.ready_replicas.unwrap_or(0)
        || new.available_replicas.unwrap_or(0) > old.available_replicas.unwrap_or(0)
}

/// Whether the deadline has passed without progress (`DeploymentTimedOut`).
pub fn is_timed_out(deployment: &Deployment, conditions: &[DeploymentCondition], now: Timestamp) -> bool {
    let (Some(seconds), Some(progressing)) = (deadline(deployment), get(conditions, PROGRESSING)) else { return false };
    match progressing.reason.as_deref() {
        Some(NEW_SET_AVAILABLE) => false,
        Some(TIMED_OUT) => true,
        _ => progressing.last_update_time.as_ref().is_some_and(|t| now.as_second() > t.0.as_second() + seconds),
    }
}

/// The Progressing condition that follows from a new status (the middle part of `syncRolloutStatus`).
pub fn update_progress(deployment: &Deployment, old: &DeploymentStatus, new: &mut DeploymentStatus, new_set: Option<&str>, now: Timestamp) {
    let mut conditions = new.conditions.take().unwrap_or_default();
    if deadline(deployment).is_none() {
        remove(&mut conditions, PROGRESSING);
    }
    let current = get(&conditions, PROGRESSING).cloned();
    let finished_before =
        new.replicas == new.updated_replicas && current.as_ref().is_some_and(|c| c.reason.as_deref() == Some(NEW_SET_AVAILABLE));
    if deadline(deployment).is_some() && !finished_before {
        let subject = new_set.map_or_else(|| format!("Deployment {:?}", deployment.name()), |name| format!("ReplicaSet {name:?}"));
        if is_complete(deployment, new) {
            let message = format!("{subject} has successfully progressed.");
            set(&mut conditions, condition(PROGRESSING, "True", NEW_SET_AVAILABLE, message, now));
        } else if is_progressing(old, new) {
            let mut progress = condition(PROGRESSING, "True", "ReplicaSetUpdated", format!("{subject} is progressing."), now);
            // The update time moves with every bit of progress: the deadline counts from it.
            if let Some(current) = current {
                if current.status == "True" {
                    progress.last_transition_time = current.last_transition_time;
                }
                remove(&mut conditions, PROGRESSING);
            }
            set(&mut conditions, progress);
        } else if is_timed_out(deployment, &conditions, now) {
            let message = format!("{subject} has timed out progressing.");
            set(&mut conditions, condition(PROGRESSING, "False", TIMED_OUT, message, now));
        }
    }
    new.conditions = Some(conditions);
}

#[cfg(test)]
mod tests {
    use super::{get, update_progress};
    use jiff::Timestamp;
    use k8s_openapi::api::apps::v1::{Deployment, DeploymentStatus};
    use serde_json::json;

    fn deployment() -> Deployment {
        serde_json::from_value(json!({"metadata": {"name": "web", "generation": 1},
            "spec": {"replicas": 2, "progressDeadlineSeconds": 600, "selector": {}, "template": {}}}))
        .unwrap()
    }

    fn status(updated: i32, available: i32, progressing: Option<(&str, &str)>) -> DeploymentStatus {
        let conditions = progressing.map(|(reason, at)| json!([{"type": "Progressing", "status": "True", "reason": reason, "lastUpdateTime": at, "lastTransitionTime": at}]));
        serde_json::from_value(json!({"observedGeneration": 1, "replicas": 2, "updatedReplicas": updated, "readyReplicas": available,
            "availableReplicas": available, "conditions": conditions}))
        .unwrap()
    }

    #[test]
    fn progress_completion_and_deadline() {
        let at = "2026-01-01T00:00:00Z";
        let cases = [
            (
                "more available",
                status(2, 0, Some(("ReplicaSetUpdated", at))),
                status(2, 1, Some(("ReplicaSetUpdated", at))),
                5,
                "True ReplicaSetUpdated ReplicaSet \"web-x\" is progressing.",
            ),
            (
                "all available",
                status(2, 1, Some(("ReplicaSetUpdated", at))),
                status(2, 2, Some(("ReplicaSetUpdated", at))),
                5,
                "True NewReplicaSetAvailable ReplicaSet \"web-x\" has successfully progressed.",
            ),
            (
                "stuck, in time",
                status(2, 1, Some(("ReplicaSetUpdated", at))),
                status(2, 1, Some(("ReplicaSetUpdated", at))),
                600,
                "True ReplicaSetUpdated ",
            ),
            (
                "stuck, too long",
                status(2, 1, Some(("ReplicaSetUpdated", at))),
                status(2, 1, Some(("ReplicaSetUpdated", at))),
                601,
                "False ProgressDeadlineExceeded ReplicaSet \"web-x\" has timed out progressing.",
            ),
            (
                "done before, a pod fell",
                status(2, 2, Some(("NewReplicaSetAvailable", at))),
                status(2, 1, Some(("NewReplicaSetAvailable", at))),
                5000,
                "True NewReplicaSetAvailable ",
            ),
        ];
        for (why, old, mut new, seconds, expected) in cases {
            let now = at.parse::<Timestamp>().unwrap() + jiff::SignedDuration::from_secs(seconds);
            update_progress(&deployment(), &old, &mut new, Some("web-x"), now);
            let conditions = new.conditions.unwrap();
            let c = get(&conditions, "Progressing").unwrap();
            let text = format!("{} {} {}", c.status, c.reason.as_deref().unwrap_or_default(), c.message.as_deref().unwrap_or_default());
            assert_eq!(text, expected, "{why}");
        }
    }
}
