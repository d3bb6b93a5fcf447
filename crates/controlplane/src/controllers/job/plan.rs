//! What a job's pods mean for it, as pure functions (`job_controller.go`, `backoff_utils.go`).

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::batch::v1::{Job, JobCondition};
use k8s_openapi::api::core::v1::Pod;

use super::policy::{Consequence, consequence};
use crate::machinery::object::time;
use crate::machinery::{Meta, pods};

/// Finalizer on pods until they are counted.
pub const TRACKING: &str = "batch.kubernetes.io/job-tracking";

/// The terminal condition of a job, if it has one.
pub fn finished(job: &Job) -> Option<&JobCondition> {
    job.status.as_ref()?.conditions.as_ref()?.iter().find(|c| matches!(c.type_.as_str(), "Complete" | "Failed") && c.status == "True")
}

/// A condition that begins now.
pub fn condition(kind: &str, status: &str, reason: &str, message: &str, now: Timestamp) -> JobCondition {
    JobCondition {
        type_: kind.to_owned(),
        status: status.to_owned(),
        reason: Some(reason.to_owned()),
        message: Some(message.to_owned()),
        last_probe_time: Some(time(now)),
        last_transition_time: Some(time(now)),
    }
}

/// Whether deleted pods are replaced only when they have really ended.
pub fn waits_for_failed(job: &Job) -> bool {
    job.spec.as_ref().and_then(|s| s.pod_replacement_policy.as_deref()) == Some("Failed")
}

/// Whether a pod counts as failed: it failed, or it is being deleted and will never succeed (`isPodFailed`).
pub fn is_failed(job: &Job, pod: &Pod) -> bool {
    match pods::phase(pod) {
        "Failed" => true,
        "Succeeded" => false,
        _ => pod.deleting() && !waits_for_failed(job),
    }
}

/// Why a job ends, if it does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct End {
    /// Whether it is a success.
    pub success: bool,
    /// Reason of the condition.
    pub reason: &'static str,
    /// Message of the condition.
    pub message: String,
}

/// Checks limits: the deadline, the back-off limit, and what the failure policy says about a pod.
pub fn failure(job: &Job, pods: &[Arc<Pod>], failed: i32, now: Timestamp) -> Option<End> {
    let spec = job.spec.clone().unwrap_or_default();
    let end = |reason, message: &str| Some(End { success: false, reason, message: message.to_owned() });
    for pod in pods.iter().filter(|p| pods::phase(p) == "Failed") {
        if let Consequence::FailJob(message) = consequence(job, pod) {
            return end("PodFailurePolicy", &message);
        }
    }
    let limit = spec.backoff_limit.unwrap_or(6);
    let on_failure = spec.template.spec.as_ref().and_then(|s| s.restart_policy.as_deref()) == Some("OnFailure");
    if failed > limit || (on_failure && past_limit_by_restarts(pods, limit)) {
        return end("BackoffLimitExceeded", "Job has reached the specified backoff limit");
    }
    if deadline(job).is_some_and(|at| at <= now) {
        return end("DeadlineExceeded", "Job was active longer than specified deadline");
    }
    None
}

fn past_limit_by_restarts(all: &[Arc<Pod>], limit: i32) -> bool {
    let running = all.iter().filter(|p| matches!(pods::phase(p), "Running" | "Pending"));
    let restarts: i32 = running
        .flat_map(|p| p.status.iter())
        .flat_map(|s| s.init_container_statuses.iter().flatten().chain(s.container_statuses.iter().flatten()))
        .map(|c| c.restart_count)
        .sum();
    if limit == 0 { restarts > 0 } else { restarts >= limit }
}

/// When `activeDeadlineSeconds` is over.
pub fn deadline(job: &Job) -> Option<Timestamp> {
    let seconds = job.spec.as_ref()?.active_deadline_seconds?;
    let start = job.status.as_ref()?.start_time.as_ref()?.0;
    start.checked_add(SignedDuration::from_secs(seconds)).ok()
}

/// When a pod ended.
fn ended(pod: &Pod) -> Option<Timestamp> {
    let statuses = pod.status.iter().flat_map(|s| s.container_statuses.iter().flatten());
    let last = statuses.filter_map(|c| c.state.as_ref()?.terminated.as_ref()?.finished_at.as_ref()).map(|t| t.0).max();
    last.or_else(|| pods::condition(pod, "Ready").and_then(|c| c.last_transition_time.as_ref()).map(|t| t.0))
        .or_else(|| pod.metadata.deletion_timestamp.as_ref().map(|t| t.0))
}

/// Until when no new pod is created: 10 s doubling to 10 min, by the failures since the last success.
pub fn back_off(job: &Job, all: &[Arc<Pod>]) -> Option<Timestamp> {
    let last_success = all.iter().filter(|p| pods::phase(p) == "Succeeded").filter_map(|p| ended(p)).max();
    let failures: Vec<Timestamp> = all
        .iter()
        .filter(|p| is_failed(job, p) && consequence(job, p) != Consequence::Ignore)
        .filter_map(|p| ended(p))
        .filter(|t| last_success.is_none_or(|s| *t > s))
        .collect();
    let newest = failures.iter().copied().max()?;
    let exponent = u32::try_from(failures.len() - 1).unwrap_or(u32::MAX).min(10);
    let delay = Duration::from_secs(10).saturating_mul(1 << exponent).min(Duration::from_secs(600));
    newest.checked_add(delay).ok()
}

/// How many pods should be active.
pub fn wanted_active(job: &Job, active: i32, succeeded: i32) -> i32 {
    let spec = job.spec.clone().unwrap_or_default();
    let parallelism = spec.parallelism.unwrap_or(1);
    match spec.completions {
        // A work queue: no new ones once one has succeeded.
        None => {
            if succeeded > 0 {
                active
            } else {
                parallelism
            }
        }
        Some(completions) => parallelism.min(completions - succeeded).max(0),
    }
}

#[cfg(test)]
mod tests {
    use super::{back_off, failure, wanted_active};
    use k8s_openapi::api::batch::v1::Job;
    use k8s_openapi::api::core::v1::Pod;
    use serde_json::{Value, json};
    use std::sync::Arc;

    fn job(spec: Value) -> Job {
        let mut value = json!({"metadata": {"name": "j"}, "spec": {"template": {}}, "status": {"startTime": "2026-01-01T00:00:00Z"}});
        value["spec"].as_object_mut().unwrap().extend(spec.as_object().unwrap().clone());
        serde_json::from_value(value).unwrap()
    }

    fn failed(at: &str) -> Arc<Pod> {
        Arc::new(serde_json::from_value(json!({"metadata": {"name": "p"}, "status": {"phase": "Failed", "containerStatuses": [
            {"name": "c", "image": "", "imageID": "", "ready": false, "restartCount": 0, "state": {"terminated": {"exitCode": 1, "finishedAt": at}}}]}})).unwrap())
    }

    #[test]
    fn limits_end_a_job() {
        let now = "2026-01-01T00:01:00Z".parse().unwrap();
        assert_eq!(failure(&job(json!({"backoffLimit": 2})), &[], 2, now), None);
        assert_eq!(failure(&job(json!({"backoffLimit": 2})), &[], 3, now).unwrap().reason, "BackoffLimitExceeded");
        assert_eq!(failure(&job(json!({"activeDeadlineSeconds": 60})), &[], 0, now).unwrap().reason, "DeadlineExceeded");
        assert_eq!(failure(&job(json!({"activeDeadlineSeconds": 61})), &[], 0, now), None);
    }

    #[test]
    fn each_failure_doubles_the_wait() {
        let job = job(json!({}));
        assert_eq!(back_off(&job, &[]), None);
        let at = |s: &str| Some(s.parse().unwrap());
        assert_eq!(back_off(&job, &[failed("2026-01-01T00:00:00Z")]), at("2026-01-01T00:00:10Z"));
        assert_eq!(back_off(&job, &[failed("2026-01-01T00:00:00Z"), failed("2026-01-01T00:00:30Z")]), at("2026-01-01T00:00:50Z"));
    }

    #[test]
    fn parallelism_and_completions() {
        let cases = [
            (json!({"parallelism": 3, "completions": 5}), 0, 0, 3),
            (json!({"parallelism": 3, "completions": 5}), 1, 4, 1),
            (json!({"parallelism": 2}), 2, 0, 2),
            (json!({"parallelism": 2}), 1, 1, 1),
        ];
        for (spec, active, succeeded, expected) in cases {
            assert_eq!(wanted_active(&job(spec.clone()), active, succeeded), expected, "{spec}");
        }
    }
}
