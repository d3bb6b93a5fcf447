//! Versions that differ from the stored one. Events are stored as core/v1, autoscalers as autoscaling/v2.

use serde_json::{Map, Value, json};

use super::resource::Conversion;

/// Conversion of a row; `None` for stored versions.
pub(super) fn of(group: &str, version: &str, kind: &str) -> Option<Conversion> {
    match (group, version, kind) {
        ("events.k8s.io", "v1", "Event") => Some(Conversion {
            stored_api_version: "v1",
            stored_type: "io.k8s.api.core.v1.Event",
            to_stored: event_to_core,
            from_stored: event_from_core,
        }),
        ("autoscaling", "v1", "HorizontalPodAutoscaler") => Some(Conversion {
            stored_api_version: "autoscaling/v2",
            stored_type: "io.k8s.api.autoscaling.v2.HorizontalPodAutoscaler",
            to_stored: autoscaler_to_v2,
            from_stored: autoscaler_from_v2,
        }),
        _ => None,
    }
}

/// events.k8s.io/v1 and core/v1 names of the same fields (`pkg/apis/events/v1/conversion.go`).
const EVENT_FIELDS: [(&str, &str); 7] = [
    ("regarding", "involvedObject"),
    ("note", "message"),
    ("deprecatedSource", "source"),
    ("deprecatedFirstTimestamp", "firstTimestamp"),
    ("deprecatedLastTimestamp", "lastTimestamp"),
    ("deprecatedCount", "count"),
    ("reportingController", "reportingComponent"),
];

fn rename(value: Value, names: impl Fn(&str) -> Option<&'static str>) -> Value {
    let Value::Object(map) = value else { return value };
    let renamed: Map<String, Value> = map.into_iter().map(|(key, value)| (names(&key).map_or(key, str::to_owned), value)).collect();
    Value::Object(renamed)
}

fn event_to_core(event: Value) -> Value {
    rename(event, |key| EVENT_FIELDS.iter().find(|(new, _)| *new == key).map(|(_, old)| *old))
}

fn event_from_core(event: Value) -> Value {
    rename(event, |key| EVENT_FIELDS.iter().find(|(_, old)| *old == key).map(|(new, _)| *new))
}

const METRICS: &str = "autoscaling.alpha.kubernetes.io/metrics";
const BEHAVIOR: &str = "autoscaling.alpha.kubernetes.io/behavior";
const CONDITIONS: &str = "autoscaling.alpha.kubernetes.io/conditions";
const CURRENT: &str = "autoscaling.alpha.kubernetes.io/current-metrics";

fn is_cpu_utilization(metric: &Value, target: &str) -> bool {
    metric["type"] == "Resource" && metric["resource"]["name"] == "cpu" && metric["resource"][target]["averageUtilization"].is_i64()
}

/// What v1 cannot say stands in annotations.
fn annotate(object: &mut Value, key: &str, value: &Value) {
    if !value.is_null() {
        let annotations = &mut object["metadata"]["annotations"];
        if !annotations.is_object() {
            *annotations = json!({});
        }
        annotations[key] = value.to_string().into();
    }
}

fn take_annotation(object: &mut Value, key: &str) -> Option<Value> {
    let annotations = object.get_mut("metadata")?.get_mut("annotations")?.as_object_mut()?;
    let text = annotations.shift_remove(key)?;
    let empty = annotations.is_empty();
    if empty && let Some(metadata) = object["metadata"].as_object_mut() {
        metadata.shift_remove("annotations");
    }
    serde_json::from_str(text.as_str()?).ok()
}

fn autoscaler_from_v2(mut object: Value) -> Value {
    let take =
        |object: &mut Value, part: &str, key: &str| object.get_mut(part).and_then(Value::as_object_mut).and_then(|m| m.shift_remove(key));
    if let Some(Value::Array(metrics)) = take(&mut object, "spec", "metrics") {
        let (cpu, others): (Vec<_>, Vec<_>) = metrics.into_iter().partition(|metric| is_cpu_utilization(metric, "target"));
        if let Some(metric) = cpu.first() {
            object["spec"]["targetCPUUtilizationPercentage"] = metric["resource"]["target"]["averageUtilization"].clone();
        }
        if !others.is_empty() {
            annotate(&mut object, METRICS, &Value::Array(others));
        }
    }
    if let Some(behavior) = take(&mut object, "spec", "behavior") {
        annotate(&mut object, BEHAVIOR, &behavior);
    }
    if let Some(Value::Array(metrics)) = take(&mut object, "status", "currentMetrics") {
        if let Some(metric) = metrics.iter().find(|metric| is_cpu_utilization(metric, "current")) {
            object["status"]["currentCPUUtilizationPercentage"] = metric["resource"]["current"]["averageUtilization"].clone();
        }
        annotate(&mut object, CURRENT, &Value::Array(metrics));
    }
    if let Some(conditions) = take(&mut object, "status", "conditions") {
        annotate(&mut object, CONDITIONS, &conditions);
    }
    object
}

fn autoscaler_to_v2(mut object: Value) -> Value {
    let mut metrics = match take_annotation(&mut object, METRICS) {
        Some(Value::Array(metrics)) => metrics,
        _ => Vec::new(),
    };
    let target = object.get_mut("spec").and_then(Value::as_object_mut).and_then(|spec| spec.shift_remove("targetCPUUtilizationPercentage"));
    if let Some(target) = target {
        let resource = json!({"name": "cpu", "target": {"type": "Utilization", "averageUtilization": target}});
        metrics.insert(0, json!({"type": "Resource", "resource": resource}));
    }
    if !metrics.is_empty() {
        object["spec"]["metrics"] = metrics.into();
    }
    if let Some(behavior) = take_annotation(&mut object, BEHAVIOR) {
        object["spec"]["behavior"] = behavior;
    }
    if let Some(conditions) = take_annotation(&mut object, CONDITIONS) {
        object["status"]["conditions"] = conditions;
    }
    let current = take_annotation(&mut object, CURRENT);
    if let Some(status) = object.get_mut("status").and_then(Value::as_object_mut) {
        status.shift_remove("currentCPUUtilizationPercentage");
        status.insert("currentMetrics".into(), current.unwrap_or(Value::Null));
    }
    object
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_come_back_as_they_were() {
        let event = json!({"metadata": {}, "regarding": {"kind": "Pod"}, "note": "n", "deprecatedCount": 2, "reportingController": "c", "reason": "r"});
        let core = event_to_core(event.clone());
        assert_eq!(
            core,
            json!({"metadata": {}, "involvedObject": {"kind": "Pod"}, "message": "n", "count": 2, "reportingComponent": "c", "reason": "r"})
        );
        assert_eq!(event_from_core(core), event);
    }

    #[test]
    fn autoscalers_keep_what_v1_cannot_say() {
        let v2 = json!({"metadata": {"name": "a"}, "spec": {"maxReplicas": 3, "metrics": [
            {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}}},
            {"type": "Pods", "pods": {"metric": {"name": "m"}}}], "behavior": {"scaleUp": {}}}});
        let v1 = autoscaler_from_v2(v2.clone());
        assert_eq!(v1["spec"], json!({"maxReplicas": 3, "targetCPUUtilizationPercentage": 50}));
        assert_eq!(autoscaler_to_v2(v1), v2);
    }
}
