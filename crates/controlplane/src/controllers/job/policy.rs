//! podFailurePolicy and successPolicy (`pod_failure_policy.go`, `success_policy.go`).

use std::collections::BTreeSet;

use k8s_openapi::api::batch::v1::{Job, PodFailurePolicyRule};
use k8s_openapi::api::core::v1::Pod;

use super::indexes::parse;
use crate::machinery::{Meta, pods};

/// What a failed pod means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Consequence {
    /// It counts towards the back-off limit.
    Count,
    /// It does not count.
    Ignore,
    /// The job fails, with this message.
    FailJob(String),
}

/// Applies the first rule that matches.
pub fn consequence(job: &Job, pod: &Pod) -> Consequence {
    let rules = job.spec.iter().flat_map(|s| s.pod_failure_policy.iter().flat_map(|p| p.rules.iter()));
    for (index, rule) in rules.enumerate() {
        let Some(what) = matches(rule, pod) else { continue };
        return match rule.action.as_str() {
            "Ignore" => Consequence::Ignore,
            "FailJob" => Consequence::FailJob(format!("{what} matching FailJob rule at index {index}")),
            _ => Consequence::Count,
        };
    }
    Consequence::Count
}

fn matches(rule: &PodFailurePolicyRule, pod: &Pod) -> Option<String> {
    if let Some(codes) = &rule.on_exit_codes {
        let status = pod.status.as_ref();
        let all = status.iter().flat_map(|s| s.init_container_statuses.iter().flatten().chain(s.container_statuses.iter().flatten()));
        for container in all {
            let Some(ended) = container.state.as_ref().and_then(|s| s.terminated.as_ref()).filter(|t| t.exit_code != 0) else { continue };
            let named = codes.container_name.as_ref().is_none_or(|n| *n == container.name);
            let listed = codes.values.contains(&ended.exit_code);
            if named && listed == (codes.operator == "In") {
                return Some(format!("Container {} for pod {} failed with exit code {}", container.name, pod.key(), ended.exit_code));
            }
        }
        return None;
    }
    let patterns = rule.on_pod_conditions.iter().flatten();
    patterns
        .filter(|p| pods::condition(pod, &p.type_).is_some_and(|c| p.status.as_deref().unwrap_or("True") == c.status))
        .map(|p| format!("Pod {} has condition {}", pod.key(), p.type_))
        .next()
}

/// The message if a success rule is met.
pub fn is_success(job: &Job, done: &BTreeSet<i32>) -> Option<String> {
    let rules = &job.spec.as_ref()?.success_policy.as_ref()?.rules;
    for (index, rule) in rules.iter().enumerate() {
        let relevant: BTreeSet<i32> = match &rule.succeeded_indexes {
            Some(text) => parse(text).intersection(done).copied().collect(),
            None => done.clone(),
        };
        let needed = rule.succeeded_count.map(|c| usize::try_from(c).unwrap_or(0));
        let needed = needed.or_else(|| rule.succeeded_indexes.as_ref().map(|t| parse(t).len()));
        if needed.is_some_and(|n| relevant.len() >= n) {
            return Some(format!("Matched rules at index {index}"));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::{Consequence, consequence, is_success};
    use k8s_openapi::api::batch::v1::Job;
    use k8s_openapi::api::core::v1::Pod;
    use serde_json::json;

    #[test]
    fn the_first_matching_rule_decides() {
        let job: Job = serde_json::from_value(json!({"spec": {"template": {}, "podFailurePolicy": {"rules": [
            {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
            {"action": "FailJob", "onExitCodes": {"operator": "In", "values": [42]}}]}}}))
        .unwrap();
        let pod = |code: i32, condition: &str| -> Pod {
            serde_json::from_value(json!({"metadata": {"name": "p", "namespace": "d"}, "status": {"conditions": [{"type": condition, "status": "True"}],
                "containerStatuses": [{"name": "c", "image": "", "imageID": "", "ready": false, "restartCount": 0, "state": {"terminated": {"exitCode": code}}}]}})).unwrap()
        };
        assert_eq!(consequence(&job, &pod(1, "DisruptionTarget")), Consequence::Ignore);
        assert_eq!(
            consequence(&job, &pod(42, "x")),
            Consequence::FailJob("Container c for pod d/p failed with exit code 42 matching FailJob rule at index 1".into())
        );
        assert_eq!(consequence(&job, &pod(1, "x")), Consequence::Count);
    }

    #[test]
    fn success_needs_the_indexes_or_their_number() {
        let job: Job = serde_json::from_value(
            json!({"spec": {"template": {}, "successPolicy": {"rules": [{"succeededIndexes": "0-2", "succeededCount": 2}]}}}),
        )
        .unwrap();
        assert_eq!(is_success(&job, &[0, 5].into()), None);
        assert_eq!(is_success(&job, &[0, 2].into()).as_deref(), Some("Matched rules at index 0"));
    }
}
