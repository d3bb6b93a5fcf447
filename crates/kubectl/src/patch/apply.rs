//! Applying a strategic merge patch here, for `--local` and `--dry-run=client`.

use serde_json::{Map, Value};

use crate::patch::facts::{Strategy, strategy};

/// Merges `change` into `object`, an object of `kind`.
pub fn apply_strategic(object: &mut Value, change: &Value, kind: &str) {
    let Value::Object(change) = change else {
        *object = change.clone();
        return;
    };
    if !object.is_object() {
        *object = Value::Object(Map::new());
    }
    if change.get("$patch").is_some_and(|p| p == "replace") {
        let rest = change.iter().filter(|(k, _)| *k != "$patch").map(|(k, v)| (k.clone(), v.clone()));
        *object = Value::Object(rest.collect());
        return;
    }
    for (field, wanted) in change.iter().filter(|(k, _)| !k.starts_with('$')) {
        match wanted {
            Value::Null => {
                if let Some(map) = object.as_object_mut() {
                    map.remove(field);
                }
            }
            Value::Array(items) => lists(&mut object[field], items, strategy(kind, field), kind),
            other => apply_strategic(&mut object[field], other, kind),
        }
    }
    if let (Some(keep), Some(map)) = (change.get("$retainKeys").and_then(Value::as_array), object.as_object_mut()) {
        map.retain(|key, _| keep.iter().any(|k| k == key.as_str()));
    }
}

fn lists(present: &mut Value, items: &[Value], how: Strategy, kind: &str) {
    let Strategy::Keyed(key) = how else {
        match (how, present.as_array_mut()) {
            (Strategy::Set, Some(list)) => {
                items.iter().filter(|i| !list.contains(i)).cloned().collect::<Vec<_>>().into_iter().for_each(|i| list.push(i))
            }
            _ => *present = Value::Array(items.to_vec()),
        }
        return;
    };
    if !present.is_array() {
        *present = Value::Array(Vec::new());
    }
    let Some(list) = present.as_array_mut() else { return };
    for item in items {
        let at = list.iter().position(|p| p[key] == item[key]);
        match (at, item["$patch"] == "delete") {
            (Some(at), true) => {
                list.remove(at);
            }
            (None, true) => {}
            (Some(at), false) => apply_strategic(&mut list[at], item, kind),
            (None, false) => list.push(item.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::apply_strategic;
    use serde_json::json;

    #[test]
    fn merges_by_key() {
        let mut pod = json!({"spec": {"containers": [{"name": "a", "image": "1"}, {"name": "b"}], "x": 1}});
        apply_strategic(
            &mut pod,
            &json!({"spec": {"containers": [{"name": "a", "image": "2"}, {"name": "b", "$patch": "delete"}, {"name": "c"}], "x": null}}),
            "Pod",
        );
        assert_eq!(pod, json!({"spec": {"containers": [{"name": "a", "image": "2"}, {"name": "c"}]}}));
    }
}
