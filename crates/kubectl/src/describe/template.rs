//! Pod templates of workloads.

use serde_json::Value;

use crate::describe::document::Document;
use crate::describe::metadata::{annotations, labels, text, tolerations};
use crate::describe::{containers, volumes};

/// Adds a pod template.
pub fn add(doc: &mut Document, template: &Value) {
    let spec = &template["spec"];
    doc.line(0, "Pod Template:");
    labels(doc, "  Labels", &template["metadata"]["labels"]);
    if template["metadata"]["annotations"].as_object().is_some_and(|m| !m.is_empty()) {
        annotations(doc, "  Annotations", &template["metadata"]["annotations"]);
    }
    if !text(&spec["serviceAccountName"]).is_empty() {
        doc.field(1, "Service Account", text(&spec["serviceAccountName"]));
    }
    if spec["initContainers"].as_array().is_some_and(|l| !l.is_empty()) {
        containers::describe(doc, "Init Containers", template, &spec["initContainers"], &Value::Null, "  ");
    }
    containers::describe(doc, "Containers", template, &spec["containers"], &Value::Null, "  ");
    volumes::describe(doc, &spec["volumes"], "  ");
    topology(doc, &spec["topologySpreadConstraints"], "  ");
    if !text(&spec["priorityClassName"]).is_empty() {
        doc.field(1, "Priority Class Name", text(&spec["priorityClassName"]));
    }
    labels(doc, "  Node-Selectors", &spec["nodeSelector"]);
    tolerations(doc, "  Tolerations", &spec["tolerations"]);
}

/// The template alone, tabs not yet aligned.
pub fn describe(template: &Value) -> String {
    let mut doc = Document::default();
    add(&mut doc, template);
    doc.raw()
}

/// Adds topology spread constraints, if there are any.
pub fn topology(doc: &mut Document, list: &Value, space: &str) {
    let mut all: Vec<&Value> = list.as_array().into_iter().flatten().collect();
    if all.is_empty() {
        return;
    }
    all.sort_by_key(|c| text(&c["topologyKey"]).to_owned());
    let lines: Vec<String> = all
        .into_iter()
        .map(|c| {
            let mut line = format!(
                "{}:{} when max skew {} is exceeded",
                text(&c["topologyKey"]),
                text(&c["whenUnsatisfiable"]),
                c["maxSkew"].as_i64().unwrap_or(0)
            );
            if c["labelSelector"].is_object() {
                line.push_str(&format!(" for selector {}", crate::describe::metadata::selector(&c["labelSelector"])));
            }
            line
        })
        .collect();
    doc.lines(&format!("{space}Topology Spread Constraints"), &lines);
}
