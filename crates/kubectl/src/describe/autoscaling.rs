//! Horizontal pod autoscalers and pod disruption budgets.

use serde_json::Value;

use crate::describe::document::Document;
use crate::describe::metadata::{head, marks, plain, quantity, selector, text};
use crate::describe::time::rfc1123;

/// Adds an autoscaler.
pub fn autoscaler(doc: &mut Document, hpa: &Value) {
    let (spec, status) = (&hpa["spec"], &hpa["status"]);
    head(doc, hpa);
    marks(doc, hpa);
    doc.field(0, "CreationTimestamp", rfc1123(&hpa["metadata"]["creationTimestamp"]));
    let target = &spec["scaleTargetRef"];
    doc.field(0, "Reference", format!("{}/{}", text(&target["kind"]), text(&target["name"])));
    doc.field(0, "Metrics", "( current / target )");
    for (i, metric) in spec["metrics"].as_array().into_iter().flatten().enumerate() {
        let now = &status["currentMetrics"][i];
        let (key, title) = match text(&metric["type"]) {
            "Resource" => ("resource", format!("resource {} on pods", text(&metric["resource"]["name"]))),
            "ContainerResource" => {
                let c = &metric["containerResource"];
                ("containerResource", format!("resource {} of container \"{}\" on pods", text(&c["name"]), text(&c["container"])))
            }
            "Pods" => ("pods", format!("\"{}\" on pods", text(&metric["pods"]["metric"]["name"]))),
            "External" => ("external", format!("\"{}\" (target value)", text(&metric["external"]["metric"]["name"]))),
            other => {
                doc.line(1, format!("<unknown metric type {other:?}>"));
                continue;
            }
        };
        let (wanted, current) = (&metric[key]["target"], &now[key]["current"]);
        let known = |v: &Value| if v.is_null() { "<unknown>".to_owned() } else { quantity(v) };
        if !wanted["averageUtilization"].is_null() {
            let current = match current["averageUtilization"].as_i64() {
                Some(percent) => format!("{percent}% ({})", quantity(&current["averageValue"])),
                None => "<unknown>".to_owned(),
            };
            doc.line(1, format!("{title}  (as a percentage of request):\t{current} / {}%", plain(&wanted["averageUtilization"])));
        } else if !wanted["averageValue"].is_null() {
            doc.line(1, format!("{title}:\t{} / {}", known(&current["averageValue"]), quantity(&wanted["averageValue"])));
        } else {
            doc.line(1, format!("{title}:\t{} / {}", known(&current["value"]), quantity(&wanted["value"])));
        }
    }
    doc.field(0, "Min replicas", if spec["minReplicas"].is_null() { "<unset>".to_owned() } else { plain(&spec["minReplicas"]) });
    doc.field(0, "Max replicas", plain(&spec["maxReplicas"]));
    if spec["behavior"].is_object() {
        doc.line(0, "Behavior:");
        for (title, key) in [("Scale Up", "scaleUp"), ("Scale Down", "scaleDown")] {
            behavior(doc, title, &spec["behavior"][key]);
        }
    }
    let number = |key: &str| status[key].as_i64().unwrap_or(0);
    doc.field(
        0,
        &format!("{} pods", text(&target["kind"])),
        format!("{} current / {} desired", number("currentReplicas"), number("desiredReplicas")),
    );
    if let Some(conditions) = status["conditions"].as_array().filter(|l| !l.is_empty()) {
        doc.line(0, "Conditions:");
        doc.line(1, "Type\tStatus\tReason\tMessage");
        doc.line(1, "----\t------\t------\t-------");
        for c in conditions {
            doc.line(1, format!("{}\t{}\t{}\t{}", text(&c["type"]), text(&c["status"]), text(&c["reason"]), text(&c["message"])));
        }
    }
}

fn behavior(doc: &mut Document, title: &str, rules: &Value) {
    if !rules.is_object() {
        return;
    }
    doc.line(1, format!("{title}:"));
    if let Some(seconds) = rules["stabilizationWindowSeconds"].as_i64() {
        doc.line(2, format!("Stabilization Window: {seconds} seconds"));
    }
    let Some(policies) = rules["policies"].as_array().filter(|l| !l.is_empty()) else { return };
    doc.line(2, format!("Select Policy: {}", rules["selectPolicy"].as_str().unwrap_or("Max")));
    doc.line(2, "Policies:");
    for p in policies {
        doc.line(3, format!("- Type: {}\tValue: {}\tPeriod: {} seconds", text(&p["type"]), plain(&p["value"]), plain(&p["periodSeconds"])));
    }
}

/// Adds a disruption budget.
pub fn budget(doc: &mut Document, budget: &Value) {
    let (spec, status) = (&budget["spec"], &budget["status"]);
    head(doc, budget);
    if !spec["minAvailable"].is_null() {
        doc.field(0, "Min available", plain(&spec["minAvailable"]));
    } else if !spec["maxUnavailable"].is_null() {
        doc.field(0, "Max unavailable", plain(&spec["maxUnavailable"]));
    }
    doc.field(0, "Selector", if spec["selector"].is_object() { selector(&spec["selector"]) } else { "<unset>".to_owned() });
    doc.line(0, "Status:");
    for (title, key) in [
        ("Allowed disruptions", "disruptionsAllowed"),
        ("Current", "currentHealthy"),
        ("Desired", "desiredHealthy"),
        ("Total", "expectedPods"),
    ] {
        doc.field(2, title, status[key].as_i64().unwrap_or(0).to_string());
    }
}
