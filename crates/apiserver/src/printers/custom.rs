//! Custom resources: the columns that a CustomResourceDefinition names by JSONPath
//! (`apiextensions-apiserver/pkg/registry/customresource/tableconvertor`).

use jiff::Timestamp;
use serde_json::{Value, json};

use super::cell::{age, name, since};
use crate::json::Json;
use crate::registry::Column;

/// Columns of a custom resource, from `additionalPrinterColumns`; without any: name and age.
pub fn custom_columns(additional: &[Value]) -> Vec<Column> {
    let fixed = |name: &str, format: &str, description: &str| Column {
        name: name.to_owned(),
        kind: "string".to_owned(),
        format: format.to_owned(),
        description: description.to_owned(),
        priority: 0,
    };
    let mut columns = vec![fixed("Name", "name", "Name must be unique within a namespace.")];
    if additional.is_empty() {
        columns.push(Column { kind: "date".to_owned(), ..fixed("Age", "", "When this object was created.") });
    }
    columns.extend(additional.iter().map(|c| Column {
        name: c.text("name").to_owned(),
        kind: c.text("type").to_owned(),
        format: c.text("format").to_owned(),
        description: c.text("description").to_owned(),
        priority: c.int("priority").and_then(|p| i32::try_from(p).ok()).unwrap_or(0),
    }));
    columns
}

/// Column definitions and the function that makes a row's cells, for a custom resource.
pub fn custom_table(additional: &[Value], now: Timestamp) -> (Vec<Column>, impl Fn(&Value) -> Vec<Value>) {
    let paths: Vec<(String, Option<Vec<Step>>)> =
        additional.iter().map(|c| (c.text("type").to_owned(), parse(c.text("jsonPath")))).collect();
    let cells = move |object: &Value| {
        let mut cells = vec![name(object)];
        if paths.is_empty() {
            cells.push(age(object, now));
        }
        for (kind, path) in &paths {
            let found = path.as_deref().map(|p| select(object, p)).unwrap_or_default();
            cells.push(cell(kind, &found, now));
        }
        cells
    };
    (custom_columns(additional), cells)
}

fn cell(kind: &str, found: &[&Value], now: Timestamp) -> Value {
    let text = |v: &Value| v.as_str().map_or_else(|| v.to_string(), str::to_owned);
    match (kind, found) {
        (_, []) => Value::Null,
        ("integer" | "number", [one, ..]) => {
            if one.is_number() {
                (*one).clone()
            } else {
                Value::Null
            }
        }
        ("boolean", [one, ..]) => {
            if one.is_boolean() {
                (*one).clone()
            } else {
                Value::Null
            }
        }
        ("date", [one, ..]) => since(one.as_str().unwrap_or_default(), now).into(),
        (_, many) => json!(many.iter().map(|v| text(v)).collect::<Vec<_>>().join(",")),
    }
}

/// One step of a JSONPath.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Key(String),
    Index(i64),
    All,
    /// `[?(@.key=="value")]`
    Where(Vec<String>, String),
}

/// Parses the subset of JSONPath that printer columns use: keys, indices, `[*]` and equality filters.
fn parse(path: &str) -> Option<Vec<Step>> {
    let mut steps = Vec::new();
    let mut rest = path.trim();
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix('.') {
            let mut key = String::new();
            let mut characters = after.char_indices();
            let mut end = after.len();
            while let Some((at, c)) = characters.next() {
                match c {
                    '\\' => key.extend(characters.next().map(|(_, c)| c)),
                    '.' | '[' => {
                        end = at;
                        break;
                    }
                    c => key.push(c),
                }
            }
            match key.as_str() {
                "" => {}
                "*" => steps.push(Step::All),
                _ => steps.push(Step::Key(key)),
            }
            rest = &after[end..];
        } else {
            let inner = rest.strip_prefix('[')?;
            let (inside, after) = inner.split_at(closing(inner)?);
            rest = &after[1..];
            steps.push(bracket(inside)?);
        }
    }
    Some(steps)
}

/// Position of the bracket that ends this one, quotes respected.
fn closing(text: &str) -> Option<usize> {
    let mut quote = None;
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (Some(q), c) if c == q => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(c),
            (None, ']') => return Some(at),
            (None, _) => {}
        }
    }
    None
}

fn bracket(inside: &str) -> Option<Step> {
    let unquote = |t: &str| t.trim().trim_matches(['\'', '"']).to_owned();
    if inside == "*" {
        return Some(Step::All);
    }
    if let Some(filter) = inside.strip_prefix("?(").and_then(|f| f.strip_suffix(')')) {
        let (left, right) = filter.split_once("==")?;
        let keys = left.trim().strip_prefix("@.")?.split('.').map(str::to_owned).collect();
        return Some(Step::Where(keys, unquote(right)));
    }
    match inside.parse() {
        Ok(index) => Some(Step::Index(index)),
        Err(_) => Some(Step::Key(unquote(inside))),
    }
}

fn select<'a>(value: &'a Value, steps: &[Step]) -> Vec<&'a Value> {
    let mut found = vec![value];
    for step in steps {
        found = found
            .into_iter()
            .flat_map(|v| -> Vec<&Value> {
                match step {
                    Step::Key(key) => v.get(key).into_iter().collect(),
                    Step::Index(i) => {
                        let items = v.as_array().map_or(&[][..], Vec::as_slice);
                        let at = if *i < 0 { items.len() as i64 + i } else { *i };
                        usize::try_from(at).ok().and_then(|at| items.get(at)).into_iter().collect()
                    }
                    Step::All => match v {
                        Value::Array(items) => items.iter().collect(),
                        Value::Object(map) => map.values().collect(),
                        _ => Vec::new(),
                    },
                    Step::Where(keys, want) => {
                        let holds = |item: &&Value| {
                            let got = keys.iter().try_fold(*item, |v, k| v.get(k));
                            got.is_some_and(|g| match g.as_str() {
                                Some(text) => text == want,
                                None => serde_json::from_str::<Value>(want).is_ok_and(|w| w == *g),
                            })
                        };
                        v.as_array().into_iter().flatten().filter(holds).collect()
                    }
                }
            })
            .collect();
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_follow_their_json_path() {
        let object = json!({"metadata": {"name": "x", "labels": {"a.b/c": "v"}}, "spec": {"replicas": 3, "hosts": ["a", "b"]},
            "status": {"conditions": [{"type": "Ready", "status": "True"}, {"type": "Other", "status": "False"}]}});
        let cases = [
            ("integer", ".spec.replicas", json!(3)),
            ("string", ".spec.hosts[*]", json!("a,b")),
            ("string", ".spec.hosts[0]", json!("a")),
            ("string", ".status.conditions[?(@.type==\"Ready\")].status", json!("True")),
            ("string", ".metadata.labels.a\\.b/c", json!("v")),
            ("string", ".metadata.labels['a.b/c']", json!("v")),
            ("string", ".spec.nothing", Value::Null),
        ];
        for (kind, path, want) in cases {
            let columns = [json!({"name": "C", "type": kind, "jsonPath": path})];
            let (definitions, cells) = custom_table(&columns, Timestamp::UNIX_EPOCH);
            assert_eq!(definitions.len(), 2);
            assert_eq!(cells(&object)[1], want, "{path}");
        }
    }
}
