//! `RuntimeClass`: overhead and scheduling of the class go into the pod.

use serde_json::Value;

use super::plugin::{creates, forbidden, is, lookup};
use crate::json::Json;
use crate::server::AdmissionCall;
use crate::status::ApiError;

pub(super) fn mutate(call: &AdmissionCall<'_>, pod: &mut Value) -> Result<(), ApiError> {
    let name = pod.text("spec.runtimeClassName").to_owned();
    if !is(call, "", "pods") || !creates(call) || name.is_empty() {
        return Ok(());
    }
    let Some(class) = lookup(call).get("node.k8s.io", "runtimeclasses", "", &name) else {
        return Err(forbidden(call, pod, format!("pod rejected: RuntimeClass {name:?} not found")));
    };
    let class = class.value();
    let overhead = class.at("overhead.podFixed");
    if !overhead.is_null() {
        if pod.has("spec.overhead") && pod.at("spec.overhead") != overhead {
            return Err(forbidden(call, pod, "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead"));
        }
        pod.put("spec.overhead", overhead.clone());
    }
    for (key, value) in class.entries("scheduling.nodeSelector") {
        let selector = pod.slot("spec.nodeSelector");
        match selector.get(key) {
            Some(given) if given != value => {
                return Err(forbidden(
                    call,
                    pod,
                    format!(
                        "conflict: runtimeClass.scheduling.nodeSelector[{key}] = {}; pod.spec.nodeSelector[{key}] = {}",
                        value.as_str().unwrap_or_default(),
                        pod.object("spec.nodeSelector").and_then(|s| s.get(key)).and_then(Value::as_str).unwrap_or_default()
                    ),
                ));
            }
            _ => {
                if !selector.is_object() {
                    *selector = serde_json::json!({});
                }
                selector[key] = value.clone();
            }
        }
    }
    let extra: Vec<Value> =
        class.list("scheduling.tolerations").iter().filter(|t| !pod.list("spec.tolerations").contains(t)).cloned().collect();
    if !extra.is_empty() {
        let mut all = pod.list("spec.tolerations").to_vec();
        all.extend(extra);
        pod.put("spec.tolerations", all);
    }
    Ok(())
}
