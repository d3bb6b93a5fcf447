//! Horizontal pod autoscalers and disruption budgets.

use jiff::Timestamp;
use serde_json::Value;

use super::cell::{age, at_most, count, int_or_string, name, quantity};
use super::table::Printer;
use crate::json::Json;

pub const HORIZONTAL_POD_AUTOSCALER: Printer =
    Printer { columns: "Name,Reference,Targets,MinPods,MaxPods,Replicas,Age", cells: autoscaler };
pub const POD_DISRUPTION_BUDGET: Printer =
    Printer { columns: "Name,Min Available,Max Unavailable,Allowed Disruptions#,Age", cells: disruption_budget };

fn autoscaler(object: &Value, now: Timestamp) -> Vec<Value> {
    let minimum = object.int("spec.minReplicas").map_or_else(|| "<unset>".to_owned(), |n| n.to_string());
    vec![
        name(object),
        format!("{}/{}", object.text("spec.scaleTargetRef.kind"), object.text("spec.scaleTargetRef.name")).into(),
        metrics(object).into(),
        minimum.into(),
        count(object, "spec.maxReplicas"),
        count(object, "status.currentReplicas"),
        age(object, now),
    ]
}

/// `cpu: 12%/80%` and the like (`formatHPAMetrics`); autoscaling/v1 carries one CPU target in fields of its own.
fn metrics(object: &Value) -> String {
    if let Some(target) = object.int("spec.targetCPUUtilizationPercentage") {
        let current = object.int("status.currentCPUUtilizationPercentage").map_or_else(|| "<unknown>".to_owned(), |c| format!("{c}%"));
        return format!("cpu: {current}/{target}%");
    }
    let statuses = object.list("status.currentMetrics");
    let list: Vec<String> =
        object.list("spec.metrics").iter().enumerate().map(|(i, spec)| metric(spec, statuses.get(i).unwrap_or(&Value::Null))).collect();
    if list.is_empty() { "<none>".to_owned() } else { at_most(&list, 2, ", ") }
}

fn metric(spec: &Value, status: &Value) -> String {
    let source = match spec.text("type") {
        "External" => "external",
        "Pods" => "pods",
        "Object" => "object",
        "Resource" => "resource",
        "ContainerResource" => "containerResource",
        _ => return "<unknown type>".to_owned(),
    };
    let (target, current) = (spec.at(source).at("target"), status.at(source).at("current"));
    let amount = |value: &Value| if value.is_null() { "<unknown>".to_owned() } else { quantity(value) };
    let resource = spec.at(source).text("name");
    match source {
        "resource" | "containerResource" if target.has("averageValue") => {
            format!("{resource}: {}/{}", amount(current.at("averageValue")), amount(target.at("averageValue")))
        }
        "resource" | "containerResource" => {
            let percent = |value: &Value, unset: &str| value.as_i64().map_or_else(|| unset.to_owned(), |v| format!("{v}%"));
            let (now, want) = (current.at("averageUtilization"), target.at("averageUtilization"));
            format!("{resource}: {}/{}", percent(now, "<unknown>"), percent(want, "<auto>"))
        }
        "pods" => format!("{}/{}", amount(current.at("averageValue")), amount(target.at("averageValue"))),
        _ if target.has("averageValue") => format!("{}/{} (avg)", amount(current.at("averageValue")), amount(target.at("averageValue"))),
        _ => format!("{}/{}", amount(current.at("value")), amount(target.at("value"))),
    }
}

fn disruption_budget(object: &Value, now: Timestamp) -> Vec<Value> {
    let bound = |path| if object.has(path) { int_or_string(object.at(path)) } else { "N/A".to_owned() };
    vec![
        name(object),
        bound("spec.minAvailable").into(),
        bound("spec.maxUnavailable").into(),
        count(object, "status.disruptionsAllowed"),
        age(object, now),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn metrics_show_current_and_target() {
        let cpu = |percent: i64| json!({"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": percent}}});
        let cases = [
            (json!({"metrics": []}), json!({}), "<none>"),
            (json!({"metrics": [cpu(80)]}), json!({}), "cpu: <unknown>/80%"),
            (
                json!({"metrics": [cpu(80)]}),
                json!({"currentMetrics": [{"type": "Resource", "resource": {"name": "cpu", "current": {"averageUtilization": 12}}}]}),
                "cpu: 12%/80%",
            ),
            (json!({"targetCPUUtilizationPercentage": 50}), json!({"currentCPUUtilizationPercentage": 7}), "cpu: 7%/50%"),
            (json!({"metrics": [cpu(1), cpu(2), cpu(3)]}), json!({}), "cpu: <unknown>/1%, cpu: <unknown>/2% + 1 more..."),
        ];
        for (spec, status, want) in cases {
            assert_eq!(metrics(&json!({"spec": spec, "status": status})), want);
        }
    }
}
