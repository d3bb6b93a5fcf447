//! The patch that turns `current` into what `modified` asks for: additions and changes against `current`, deletions of what
//! `original` had and `modified` has no longer (apimachinery's `CreateThreeWayMergePatch`).

use serde_json::{Map, Value, json};

use crate::patch::facts::{Strategy, retains_keys, strategy};

/// Which kind of patch is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style<'a> {
    /// Strategic merge patch for an object of this kind.
    Strategic(&'a str),
    /// JSON merge patch (RFC 7396).
    Merge,
}

/// The three-way patch; `{}` if nothing is to be done.
pub fn three_way(style: Style<'_>, original: &Value, modified: &Value, current: &Value) -> Value {
    let empty = Map::new();
    let map = |v: &'_ Value| v.as_object().cloned().unwrap_or_default();
    let (original, modified) = (map(original), map(modified));
    Value::Object(objects(style, "", &original, &modified, current.as_object().unwrap_or(&empty)))
}

/// The patch from one state of an object to another.
pub fn two_way(style: Style<'_>, old: &Value, new: &Value) -> Value {
    three_way(style, old, new, old)
}

fn objects(
    style: Style<'_>,
    parent: &str,
    original: &Map<String, Value>,
    modified: &Map<String, Value>,
    current: &Map<String, Value>,
) -> Map<String, Value> {
    let mut patch = Map::new();
    for (field, wanted) in modified {
        let Some(present) = current.get(field) else {
            if !wanted.is_null() {
                patch.insert(field.clone(), wanted.clone());
            }
            continue;
        };
        match (wanted, present) {
            (Value::Object(wanted), Value::Object(present)) => {
                let empty = Map::new();
                let before = original.get(field).and_then(Value::as_object).unwrap_or(&empty);
                let mut inner = objects(style, field, before, wanted, present);
                if let (false, Style::Strategic(kind)) = (inner.is_empty(), style)
                    && retains_keys(kind, parent, field)
                {
                    inner.insert("$retainKeys".to_owned(), sorted_keys(wanted));
                }
                if !inner.is_empty() {
                    patch.insert(field.clone(), Value::Object(inner));
                }
            }
            (Value::Array(wanted_list), Value::Array(present_list)) => {
                let before = original.get(field).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
                let how = match style {
                    Style::Strategic(kind) => strategy(kind, field),
                    Style::Merge => Strategy::Replace,
                };
                match how {
                    Strategy::Replace if wanted != present => {
                        patch.insert(field.clone(), wanted.clone());
                    }
                    Strategy::Replace => {}
                    Strategy::Keyed(key) => keyed(style, field, key, before, wanted_list, present_list, &mut patch),
                    Strategy::Set => set(field, before, wanted_list, present_list, &mut patch),
                }
            }
            (wanted, present) if wanted != present => {
                patch.insert(field.clone(), wanted.clone());
            }
            _ => {}
        }
    }
    for field in original.keys() {
        if !modified.contains_key(field) && current.contains_key(field) {
            patch.insert(field.clone(), Value::Null);
        }
    }
    patch
}

fn sorted_keys(map: &Map<String, Value>) -> Value {
    let mut keys: Vec<&String> = map.keys().collect();
    keys.sort();
    json!(keys)
}

fn find<'a>(list: &'a [Value], key: &str, value: &Value) -> Option<&'a Map<String, Value>> {
    list.iter().find(|item| &item[key] == value).and_then(Value::as_object)
}

fn keyed(style: Style<'_>, field: &str, key: &str, before: &[Value], wanted: &[Value], present: &[Value], patch: &mut Map<String, Value>) {
    let empty = Map::new();
    let mut items = Vec::new();
    for item in wanted {
        let Some(map) = item.as_object() else { continue };
        let id = &item[key];
        match find(present, key, id) {
            None => items.push(item.clone()),
            Some(current) => {
                let mut inner = objects(style, field, find(before, key, id).unwrap_or(&empty), map, current);
                if inner.is_empty() {
                    continue;
                }
                if let Style::Strategic(kind) = style
                    && retains_keys(kind, "", field)
                {
                    inner.insert("$retainKeys".to_owned(), sorted_keys(map));
                }
                inner.insert(key.to_owned(), id.clone());
                items.push(Value::Object(inner));
            }
        }
    }
    for item in before {
        let id = &item[key];
        if find(wanted, key, id).is_none() && find(present, key, id).is_some() {
            items.push(json!({"$patch": "delete", key: id}));
        }
    }
    // The server orders the merged list by this; it is also sent when only the order is another.
    let ids = |list: &[Value]| list.iter().map(|i| i[key].clone()).collect::<Vec<_>>();
    let (wanted_ids, present_ids) = (ids(wanted), ids(present));
    let common: Vec<&Value> = present_ids.iter().filter(|id| wanted_ids.contains(id)).collect();
    let reordered = common != wanted_ids.iter().filter(|id| present_ids.contains(id)).collect::<Vec<_>>();
    if items.is_empty() && !reordered {
        return;
    }
    let order: Vec<Value> = wanted_ids.into_iter().map(|id| json!({key: id})).collect();
    patch.insert(format!("$setElementOrder/{field}"), Value::Array(order));
    if !items.is_empty() {
        patch.insert(field.to_owned(), Value::Array(items));
    }
}

fn set(field: &str, before: &[Value], wanted: &[Value], present: &[Value], patch: &mut Map<String, Value>) {
    let added: Vec<&Value> = wanted.iter().filter(|v| !present.contains(v)).collect();
    let removed: Vec<&Value> = before.iter().filter(|v| !wanted.contains(v) && present.contains(v)).collect();
    if !added.is_empty() || !removed.is_empty() {
        patch.insert(format!("$setElementOrder/{field}"), json!(wanted));
    }
    if !added.is_empty() {
        patch.insert(field.to_owned(), json!(added));
    }
    if !removed.is_empty() {
        patch.insert(format!("$deleteFromPrimitiveList/{field}"), json!(removed));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deployments() {
        let style = Style::Strategic("Deployment");
        let container = |image: &str| json!({"name": "web", "image": image});
        let object = |containers: Value| json!({"spec": {"replicas": 2, "template": {"spec": {"containers": containers}}}});
        let current = json!({"spec": {"replicas": 2, "paused": false, "template": {"spec": {"containers": [{"name": "web", "image": "a", "imagePullPolicy": "Always"}, {"name": "side", "image": "s"}]}}}});
        for (what, original, modified, want) in [
            ("nothing", object(json!([container("a")])), object(json!([container("a")])), json!({})),
            (
                "image",
                object(json!([container("a")])),
                object(json!([container("b")])),
                json!({"spec": {"template": {"spec": {"$setElementOrder/containers": [{"name": "web"}], "containers": [{"image": "b", "name": "web"}]}}}}),
            ),
            (
                "removed container",
                object(json!([container("a"), {"name": "side", "image": "s"}])),
                object(json!([container("a")])),
                json!({"spec": {"template": {"spec": {"$setElementOrder/containers": [{"name": "web"}], "containers": [{"$patch": "delete", "name": "side"}]}}}}),
            ),
            ("removed field", json!({"spec": {"paused": false}}), json!({"spec": {}}), json!({"spec": {"paused": null}})),
        ] {
            assert_eq!(three_way(style, &original, &modified, &current), want, "{what}");
        }
    }

    #[test]
    fn strategy_keeps_only_named_keys() {
        let old = json!({"spec": {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}}});
        let new = json!({"spec": {"strategy": {"type": "Recreate"}}});
        assert_eq!(
            three_way(Style::Strategic("Deployment"), &json!({}), &new, &old),
            json!({"spec": {"strategy": {"type": "Recreate", "$retainKeys": ["type"]}}})
        );
    }

    #[test]
    fn custom_resources_replace_lists() {
        let patch = two_way(Style::Merge, &json!({"spec": {"ports": [{"port": 1}]}}), &json!({"spec": {"ports": [{"port": 2}]}}));
        assert_eq!(patch, json!({"spec": {"ports": [{"port": 2}]}}));
    }
}
