//! Kubernetes manifests: YAML as kubectl reads it.

use serde_json::Value;

use super::document::{Span, SyntaxError};

/// Reads the objects of a manifest: documents, and the items of a `List`. `0644` is octal, as kubectl has it.
pub fn objects(text: &str) -> Result<Vec<Value>, SyntaxError> {
    let options = serde_saphyr::options! { legacy_octal_numbers: true, with_snippet: false };
    let documents: Vec<Value> = serde_saphyr::from_multiple_with_options(text, options).map_err(|error| {
        let number = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
        let span =
            error.location().map_or_else(Span::default, |l| Span { line: number(l.line()), column: number(l.column()), ..Span::default() });
        SyntaxError { message: error.without_snippet().to_string(), span }
    })?;
    let mut objects = Vec::new();
    for document in documents {
        match document {
            Value::Null => {}
            Value::Object(mut list) if list.get("kind").and_then(Value::as_str) == Some("List") => match list.remove("items") {
                Some(Value::Array(items)) => objects.extend(items),
                _ => return Err(nameless("a List without items")),
            },
            object => objects.push(object),
        }
    }
    for object in &objects {
        // In JSON every control character of a text is written as an escape.
        if object.to_string().contains("\\u00") {
            return Err(nameless("a control character in a text"));
        }
        if !(object["apiVersion"].is_string() && object["kind"].is_string() && object["metadata"]["name"].is_string()) {
            return Err(nameless("an object without apiVersion, kind or metadata.name"));
        }
    }
    Ok(objects)
}

fn nameless(what: &str) -> SyntaxError {
    SyntaxError { message: what.to_owned(), span: Span::default() }
}

/// A sentence that names an object.
pub fn name_of(object: &Value) -> String {
    let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
    let (kind, name) = (text(&object["kind"]), text(&object["metadata"]["name"]));
    match object["metadata"]["namespace"].as_str() {
        Some(namespace) => format!("{kind} {namespace}/{name}"),
        None => format!("{kind} {name}"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn manifests_are_read_as_kubectl_reads_them() {
        let text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\nmode: 0644\n---\n# nothing\n---\napiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Secret, metadata: {name: b, namespace: c}}\n";
        let found = objects(text).expect("objects");
        assert_eq!(found.iter().map(name_of).collect::<Vec<_>>(), ["ConfigMap a", "Secret c/b"]);
        assert_eq!(found[0]["mode"], json!(420));
        assert!(objects("kind: ConfigMap\n").is_err());
        assert!(objects("a: [\n").expect_err("broken").span.line > 0);
    }
}
