//! Texts that several kinds' cells are made of.

use jiff::Timestamp;
use serde_json::Value;
use values::{Quantity, Selector, duration};

use crate::json::Json;

/// Elapsed time since a timestamp string, as `translateTimestampSince`.
pub fn since(timestamp: &str, now: Timestamp) -> String {
    match timestamp.parse::<Timestamp>() {
        Ok(then) => duration::human(now.duration_since(then).as_secs()),
        Err(_) => "<unknown>".to_owned(),
    }
}

/// Age by creation timestamp.
pub fn age(object: &Value, now: Timestamp) -> Value {
    since(object.text("metadata.creationTimestamp"), now).into()
}

/// The object's name.
pub fn name(object: &Value) -> Value {
    object.text("metadata.name").into()
}

/// A number that is 0 when it is not set.
pub fn count(object: &Value, path: &str) -> Value {
    object.int(path).unwrap_or(0).into()
}

/// A string, or `otherwise` when it is empty.
pub fn text_or<'a>(object: &'a Value, path: &str, otherwise: &'a str) -> &'a str {
    match object.text(path) {
        "" => otherwise,
        text => text,
    }
}

/// Names and images of containers, each joined by commas.
pub fn containers(pod_spec: &Value) -> (Value, Value) {
    let join = |key: &str| pod_spec.list("containers").iter().map(|c| c.text(key)).collect::<Vec<_>>().join(",");
    (join("name").into(), join("image").into())
}

/// `a=b,c=d`, or `<none>` (`labels.FormatLabels`).
pub fn labels(object: &Value, path: &str) -> String {
    let labels: Vec<_> = object.entries(path).into_iter().map(|(k, v)| format!("{k}={}", v.as_str().unwrap_or_default())).collect();
    if labels.is_empty() { "<none>".to_owned() } else { labels.join(",") }
}

/// A label selector's text, or `<none>` (`metav1.FormatLabelSelector`).
pub fn selector(object: &Value, path: &str) -> String {
    match Selector::from_json(object.at(path)) {
        Ok(selector) => match selector.to_string() {
            text if text.is_empty() => "<none>".to_owned(),
            text => text,
        },
        Err(_) => "<error>".to_owned(),
    }
}

/// A quantity in canonical form; `0` when it is not set.
pub fn quantity(value: &Value) -> String {
    match value {
        Value::Null => "0".to_owned(),
        Value::String(text) => text.parse::<Quantity>().map_or_else(|_| text.clone(), |q| q.to_string()),
        other => other.to_string(),
    }
}

/// `RWO,ROX`: access modes by their short names, each once, in upstream's fixed order.
pub fn access_modes(modes: &[Value]) -> String {
    const SHORT: [(&str, &str); 4] =
        [("ReadWriteOnce", "RWO"), ("ReadOnlyMany", "ROX"), ("ReadWriteMany", "RWX"), ("ReadWriteOncePod", "RWOP")];
    SHORT.iter().filter(|(long, _)| modes.iter().any(|m| m == long)).map(|(_, short)| *short).collect::<Vec<_>>().join(",")
}

/// `a,b,c + 2 more...`: at most `max` of a list.
pub fn at_most(list: &[String], max: usize, separator: &str) -> String {
    let shown = list[..list.len().min(max)].join(separator);
    if list.len() > max { format!("{shown} + {} more...", list.len() - max) } else { shown }
}

/// Status of the condition of a type, or the empty string.
pub fn condition<'a>(object: &'a Value, kind: &str) -> &'a str {
    object.list("status.conditions").iter().find(|c| c.text("type") == kind).map_or("", |c| c.text("status"))
}

/// `IntOrString` as text.
pub fn int_or_string(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
