//! Questions that many controllers ask about pods.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Pod, PodCondition, PodTemplateSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};

use super::object::Meta;

/// `status.phase`.
pub fn phase(pod: &Pod) -> &str {
    pod.status.as_ref().and_then(|s| s.phase.as_deref()).unwrap_or("Pending")
}

/// Succeeded or Failed.
pub fn is_terminal(pod: &Pod) -> bool {
    matches!(phase(pod), "Succeeded" | "Failed")
}

/// Neither finished nor being deleted (`controller.IsPodActive`).
pub fn is_active(pod: &Pod) -> bool {
    !is_terminal(pod) && !pod.deleting()
}

/// One condition.
pub fn condition<'a>(pod: &'a Pod, kind: &str) -> Option<&'a PodCondition> {
    pod.status.as_ref()?.conditions.as_ref()?.iter().find(|c| c.type_ == kind)
}

/// Whether a condition is True.
pub fn has_condition(pod: &Pod, kind: &str) -> bool {
    condition(pod, kind).is_some_and(|c| c.status == "True")
}

/// Whether its Ready condition is True.
pub fn is_ready(pod: &Pod) -> bool {
    has_condition(pod, "Ready")
}

/// Ready for at least `min_ready_seconds`; otherwise when it will be, if it is ready.
pub fn available(pod: &Pod, min_ready_seconds: i32, now: Timestamp) -> Result<(), Option<Timestamp>> {
    let Some(ready) = condition(pod, "Ready").filter(|c| c.status == "True") else { return Err(None) };
    let wait = Duration::from_secs(u64::try_from(min_ready_seconds).unwrap_or(0));
    if wait.is_zero() {
        return Ok(());
    }
    let Some(since) = ready.last_transition_time.as_ref().map(|t| t.0) else { return Err(None) };
    let at = since.checked_add(wait).unwrap_or(Timestamp::MAX);
    if at <= now { Ok(()) } else { Err(Some(at)) }
}

/// Node that it is bound to.
pub fn node(pod: &Pod) -> &str {
    pod.spec.as_ref().and_then(|s| s.node_name.as_deref()).unwrap_or_default()
}

/// Sum of its containers' restarts.
pub fn restarts(pod: &Pod) -> i32 {
    pod.status.iter().flat_map(|s| s.container_statuses.iter().flatten()).map(|c| c.restart_count).max().unwrap_or(0)
}

/// A pod of a template (`controller.GetPodFromTemplate`); the name is generated from `prefix`.
pub fn from_template(template: &PodTemplateSpec, prefix: &str, namespace: &str, owner: OwnerReference) -> Pod {
    let meta = template.metadata.clone().unwrap_or_default();
    // validation.NameIsDNSSubdomain: the dash is left off when the name would end badly; ours never does.
    Pod {
        metadata: ObjectMeta {
            generate_name: Some(format!("{prefix}-")),
            namespace: Some(namespace.to_owned()),
            labels: meta.labels,
            annotations: meta.annotations,
            finalizers: meta.finalizers,
            owner_references: Some(vec![owner]),
            ..ObjectMeta::default()
        },
        spec: template.spec.clone(),
        status: None,
    }
}

/// Sets a condition and returns whether anything changed; the transition time changes with the status only.
pub fn set_condition(conditions: &mut Vec<PodCondition>, wanted: PodCondition) -> bool {
    match conditions.iter_mut().find(|c| c.type_ == wanted.type_) {
        Some(found) => {
            let same = found.status == wanted.status && found.reason == wanted.reason && found.message == wanted.message;
            let moment =
                if found.status == wanted.status { found.last_transition_time.clone() } else { wanted.last_transition_time.clone() };
            let observed = wanted.observed_generation.or(found.observed_generation);
            *found = PodCondition { last_transition_time: moment, observed_generation: observed, ..wanted };
            !same
        }
        None => {
            conditions.push(wanted);
            true
        }
    }
}
