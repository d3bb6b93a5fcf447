//! `Priority`: a pod's number and preemption policy come from its class.

use std::sync::Arc;

use serde_json::Value;

use super::plugin::{creates, forbidden, is, lookup};
use crate::json::Json;
use crate::server::AdmissionCall;
use crate::status::ApiError;
use crate::store::Object;

const GROUP: &str = "scheduling.k8s.io";

pub(super) fn mutate(call: &AdmissionCall<'_>, pod: &mut Value) -> Result<(), ApiError> {
    if !is(call, "", "pods") {
        return Ok(());
    }
    if let Some(old) = call.old {
        // Clients that do not know these fields must not lose them.
        for field in ["spec.priority", "spec.preemptionPolicy"] {
            if !pod.has(field) && old.has(field) {
                pod.put(field, old.at(field).clone());
            }
        }
        return Ok(());
    }
    if !creates(call) {
        return Ok(());
    }
    let name = pod.text("spec.priorityClassName").to_owned();
    let class: Option<Arc<Object>> =
        if name.is_empty() { default_class(call) } else { lookup(call).get(GROUP, "priorityclasses", "", &name) };
    if class.is_none() && !name.is_empty() {
        return Err(forbidden(call, pod, format!("no PriorityClass with name {name} was found")));
    }
    let (value, policy) = class.as_ref().map_or((0, "PreemptLowerPriority".to_owned()), |class| {
        let policy = Some(class.value().text("preemptionPolicy")).filter(|p| !p.is_empty()).unwrap_or("PreemptLowerPriority");
        (class.value().int("value").unwrap_or(0), policy.to_owned())
    });
    if let Some(class) = &class {
        pod.put("spec.priorityClassName", class.value().text("metadata.name"));
    }
    if let Some(given) = pod.int("spec.priority").filter(|given| *given != value) {
        let why = format!(
            "the integer value of priority ({given}) must not be provided in pod spec; priority admission controller computed {value} from the given PriorityClass name"
        );
        return Err(forbidden(call, pod, why));
    }
    pod.put("spec.priority", value);
    if pod.has("spec.preemptionPolicy") && pod.text("spec.preemptionPolicy") != policy {
        let why = format!(
            "the string value of PreemptionPolicy ({}) must not be provided in pod spec; priority admission controller computed {policy} from the given PriorityClass name",
            pod.text("spec.preemptionPolicy")
        );
        return Err(forbidden(call, pod, why));
    }
    pod.put("spec.preemptionPolicy", policy);
    Ok(())
}

/// The class that is marked as default; of several the lowest.
fn default_class(call: &AdmissionCall<'_>) -> Option<Arc<Object>> {
    let classes = lookup(call).list(GROUP, "priorityclasses", "");
    classes.into_iter().filter(|c| c.value().flag("globalDefault") == Some(true)).min_by_key(|c| c.value().int("value"))
}

pub(super) fn judge(call: &AdmissionCall<'_>, class: &Value) -> Result<(), ApiError> {
    if !is(call, GROUP, "priorityclasses") || class.flag("globalDefault") != Some(true) {
        return Ok(());
    }
    match default_class(call) {
        Some(other) if other.value().text("metadata.name") != class.text("metadata.name") => {
            let name = other.value().text("metadata.name");
            Err(forbidden(call, class, format!("PriorityClass {name} is already marked as default. Only one default can exist")))
        }
        _ => Ok(()),
    }
}
