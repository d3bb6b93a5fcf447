//! Labels, annotations, taints, tolerations, and small values.

use serde_json::Value;

use crate::describe::document::Document;
use crate::describe::time::rfc1123;

const LONGEST: usize = 140;

/// A text, or nothing.
pub fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// Any scalar as Go's `%v` prints it.
pub fn plain(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A quantity in canonical form.
pub fn quantity(value: &Value) -> String {
    let text = match value {
        Value::Null => return "0".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    values::Quantity::parse(&text).map_or(text, |q| q.to_string())
}

/// The strings of a list.
pub fn strings(value: &Value) -> Vec<String> {
    crate::resources::discovery::strings(value)
}

/// `[a b]`, as Go prints a slice.
pub fn go_slice(value: &Value) -> String {
    format!("[{}]", value.as_array().into_iter().flatten().map(plain).collect::<Vec<_>>().join(" "))
}

/// Name, and namespace where there is one.
pub fn head(doc: &mut Document, object: &Value) {
    doc.field(0, "Name", text(&object["metadata"]["name"]));
    if object["metadata"]["namespace"].is_string() {
        doc.field(0, "Namespace", text(&object["metadata"]["namespace"]));
    }
}

/// Labels and annotations.
pub fn marks(doc: &mut Document, object: &Value) {
    labels(doc, "Labels", &object["metadata"]["labels"]);
    annotations(doc, "Annotations", &object["metadata"]["annotations"]);
}

/// `k=v` lines, sorted.
pub fn labels(doc: &mut Document, title: &str, map: &Value) {
    let mut lines: Vec<String> = map.as_object().into_iter().flatten().map(|(k, v)| format!("{k}={}", text(v))).collect();
    lines.sort();
    doc.lines(title, &lines);
}

/// `k=v,k=v`, sorted, or `<none>`.
pub fn inline_labels(map: &Value) -> String {
    crate::print::table::labels(map)
}

/// `k: v` lines, sorted; long values go below their keys; what `apply` keeps there is left out.
pub fn annotations(doc: &mut Document, title: &str, map: &Value) {
    let mut keys: Vec<(&String, &str)> = map.as_object().into_iter().flatten().map(|(k, v)| (k, text(v))).collect();
    keys.retain(|(k, _)| *k != crate::operation::LAST_APPLIED);
    keys.sort();
    let mut lines = Vec::new();
    for (key, value) in keys {
        let value = value.strip_suffix('\n').unwrap_or(value);
        if value.len() + key.len() + 2 > LONGEST || value.contains('\n') {
            lines.push(format!("{key}:"));
            for line in value.split('\n') {
                let short: String = line.chars().take(LONGEST - 2).collect();
                let dots = if short.len() < line.len() { "..." } else { "" };
                lines.push(format!("  {short}{dots}"));
            }
        } else {
            lines.push(format!("{key}: {value}"));
        }
    }
    doc.lines(title, &lines);
}

/// `key=value:effect` lines.
pub fn taints(doc: &mut Document, title: &str, list: &Value) {
    let mut taints: Vec<&Value> = list.as_array().into_iter().flatten().collect();
    taints.sort_by_key(|t| format!("{},{}", text(&t["effect"]), text(&t["key"])));
    let lines: Vec<String> = taints
        .into_iter()
        .map(|t| match (text(&t["value"]), text(&t["effect"])) {
            ("", "") => text(&t["key"]).to_owned(),
            ("", effect) => format!("{}:{effect}", text(&t["key"])),
            (value, effect) => format!("{}={value}:{effect}", text(&t["key"])),
        })
        .collect();
    doc.lines(title, &lines);
}

/// Tolerations, sorted by key.
pub fn tolerations(doc: &mut Document, title: &str, list: &Value) {
    let mut all: Vec<&Value> = list.as_array().into_iter().flatten().collect();
    all.sort_by_key(|t| text(&t["key"]).to_owned());
    let lines: Vec<String> = all
        .into_iter()
        .map(|t| {
            let (key, value, effect) = (text(&t["key"]), text(&t["value"]), text(&t["effect"]));
            let mut line = key.to_owned();
            if !value.is_empty() {
                line.push_str(&format!("={value}"));
            }
            if !effect.is_empty() {
                line.push_str(&format!(":{effect}"));
            }
            if t["operator"] == "Exists" && value.is_empty() {
                line.push_str(if key.is_empty() && effect.is_empty() { "op=Exists" } else { " op=Exists" });
            }
            if let Some(seconds) = t["tolerationSeconds"].as_i64() {
                line.push_str(&format!(" for {seconds}s"));
            }
            line
        })
        .collect();
    doc.lines(title, &lines);
}

/// `ReplicaSet/web-5d4`, if something controls the object.
pub fn controller(object: &Value) -> Option<String> {
    let owner = object["metadata"]["ownerReferences"].as_array()?.iter().find(|o| o["controller"] == true)?;
    Some(format!("{}/{}", text(&owner["kind"]), text(&owner["name"])))
}

/// A label selector in its string form (`<none>` when empty).
pub fn selector(value: &Value) -> String {
    match values::Selector::from_json(value) {
        Ok(selector) if !selector.is_everything() => selector.to_string(),
        _ => "<none>".to_owned(),
    }
}

/// `True` or `False`.
pub fn title_bool(value: &Value) -> &'static str {
    if value == true { "True" } else { "False" }
}

/// Conditions with two times, the first of them called `first`, as nodes and claims show them.
pub fn timed_conditions(doc: &mut Document, object: &Value, first: &str) {
    let Some(list) = object["status"]["conditions"].as_array().filter(|l| !l.is_empty()) else { return };
    let key = format!("l{}", &first[1..]);
    doc.line(0, "Conditions:");
    doc.line(1, format!("Type\tStatus\t{first}\tLastTransitionTime\tReason\tMessage"));
    doc.line(1, format!("----\t------\t{}\t------------------\t------\t-------", "-".repeat(first.len())));
    for c in list {
        doc.line(
            1,
            format!(
                "{} \t{} \t{} \t{} \t{} \t{}",
                text(&c["type"]),
                text(&c["status"]),
                rfc1123(&c[&key]),
                rfc1123(&c["lastTransitionTime"]),
                text(&c["reason"]),
                text(&c["message"])
            ),
        );
    }
}

/// Conditions with status and reason, as workloads show them.
pub fn conditions(doc: &mut Document, object: &Value) {
    let Some(list) = object["status"]["conditions"].as_array().filter(|l| !l.is_empty()) else { return };
    doc.line(0, "Conditions:");
    doc.line(1, "Type\tStatus\tReason");
    doc.line(1, "----\t------\t------");
    for c in list {
        doc.line(1, format!("{} \t{}\t{}", text(&c["type"]), text(&c["status"]), text(&c["reason"])));
    }
}
