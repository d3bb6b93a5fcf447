//! Any other kind, custom resources too: its fields as they come (upstream's `genericDescriber`).

use serde_json::{Map, Value};

use crate::describe::document::Document;
use crate::describe::metadata::{annotations, labels, plain, text};

/// Adds an object.
pub fn describe(doc: &mut Document, object: &Value) {
    doc.field(0, "Name", text(&object["metadata"]["name"]));
    doc.field(0, "Namespace", text(&object["metadata"]["namespace"]));
    labels(doc, "Labels", &object["metadata"]["labels"]);
    annotations(doc, "Annotations", &object["metadata"]["annotations"]);
    let Some(map) = object.as_object() else { return };
    fields(doc, map, 0, "");
}

const SKIPPED: &[&str] =
    &["metadata.managedFields", "metadata.name", "metadata.namespace", "metadata.labels", "metadata.annotations", "metadata.selfLink"];

fn fields(doc: &mut Document, map: &Map<String, Value>, level: usize, prefix: &str) {
    let mut keys: Vec<&String> = map.keys().collect();
    keys.sort();
    for key in keys {
        let path = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
        if SKIPPED.contains(&path.as_str()) {
            continue;
        }
        let label = label(key);
        match &map[key] {
            Value::Object(inner) => {
                doc.line(level, format!("{label}:"));
                fields(doc, inner, level + 1, &path);
            }
            Value::Array(list) => {
                doc.line(level, format!("{label}:"));
                for item in list {
                    match item {
                        Value::Object(inner) => fields(doc, inner, level + 1, &path),
                        scalar => doc.line(level + 1, plain(scalar)),
                    }
                }
            }
            scalar => doc.field(level, &label, plain(scalar)),
        }
    }
}

/// `apiVersion` → `API Version`, `creationTimestamp` → `Creation Timestamp`.
fn label(key: &str) -> String {
    let mut words: Vec<String> = Vec::new();
    let mut lower_before = false;
    for c in key.chars() {
        let new = c.is_uppercase() && lower_before;
        match words.last_mut().filter(|_| !new) {
            Some(word) => word.push(c),
            None => words.push(c.to_string()),
        }
        lower_before = c.is_lowercase() || c.is_ascii_digit();
    }
    let shout = |word: &str| {
        let upper = word.to_uppercase();
        if ["API", "URL", "UID", "OSB", "GUID", "IP", "ID"].contains(&upper.as_str()) {
            return upper;
        }
        let mut chars = word.chars();
        chars.next().map(|c| c.to_uppercase().chain(chars).collect()).unwrap_or_default()
    };
    words.iter().map(|w| shout(w)).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::label;

    #[test]
    fn labels() {
        for (key, want) in [("apiVersion", "API Version"), ("creationTimestamp", "Creation Timestamp"), ("uid", "UID"), ("spec", "Spec")] {
            assert_eq!(label(key), want);
        }
    }
}
