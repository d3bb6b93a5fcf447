//! Pods (`pkg/registry/core/pod`).

use serde_json::{Value, json};

use super::qos;
use crate::registry::StrategyCall;
use crate::status::ApiError;

/// A new pod is pending and knows its class; a gated one says so.
pub(super) fn prepare(call: &StrategyCall<'_>, object: &mut Value) -> Result<(), ApiError> {
    match (call.old, call.subresource) {
        (None, _) => {
            object["status"] = json!({"phase": "Pending", "qosClass": qos::class(&object["spec"])});
            if object["spec"]["schedulingGates"].as_array().is_some_and(|gates| !gates.is_empty()) {
                object["status"]["conditions"] = json!([{
                    "type": "PodScheduled", "status": "False", "lastProbeTime": null, "lastTransitionTime": null,
                    "reason": "SchedulingGated", "message": "Scheduling is blocked due to non-empty scheduling gates",
                }]);
            }
        }
        (Some(old), "status") => {
            // podStatusStrategy: neither owners nor the deletion change with the status.
            object["metadata"]["ownerReferences"] = old["metadata"]["ownerReferences"].clone();
            if object["metadata"]["ownerReferences"].is_null()
                && let Some(metadata) = object["metadata"].as_object_mut()
            {
                metadata.shift_remove("ownerReferences");
            }
            if object["status"]["qosClass"].is_null() {
                object["status"]["qosClass"] = old["status"]["qosClass"].clone();
            }
        }
        (Some(_), _) => {}
    }
    Ok(())
}

/// Grace period of a deletion (`CheckGracefulDelete`): none for pods that no kubelet runs or that are over.
pub(super) fn grace(pod: &Value, asked: Option<i64>) -> i64 {
    let period = asked.or_else(|| pod.pointer("/spec/terminationGracePeriodSeconds")?.as_i64()).unwrap_or(0);
    let scheduled = pod.pointer("/spec/nodeName").and_then(Value::as_str).is_some_and(|node| !node.is_empty());
    let over = matches!(pod.pointer("/status/phase").and_then(Value::as_str), Some("Failed" | "Succeeded"));
    match period {
        _ if !scheduled || over => 0,
        negative if negative < 0 => 1,
        period => period,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grace_periods() {
        let cases = [
            (json!({"spec": {"nodeName": "n", "terminationGracePeriodSeconds": 30}}), None, 30),
            (json!({"spec": {"nodeName": "n", "terminationGracePeriodSeconds": 30}}), Some(5), 5),
            (json!({"spec": {"nodeName": "n", "terminationGracePeriodSeconds": 30}}), Some(-1), 1),
            (json!({"spec": {"terminationGracePeriodSeconds": 30}}), None, 0),
            (json!({"spec": {"nodeName": "n", "terminationGracePeriodSeconds": 30}, "status": {"phase": "Failed"}}), None, 0),
        ];
        for (pod, asked, expected) in cases {
            assert_eq!(grace(&pod, asked), expected, "{pod}");
        }
    }
}
