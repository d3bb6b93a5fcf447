//! Whether a write would change anything.

use serde_json::Value;

/// Compares two objects, the times of managed fields aside (`ignoreManagedFieldsTimestampsTransformer`).
pub fn same_but_for_times(new: &Value, old: &Value) -> bool {
    let (Some(new), Some(old)) = (new.as_object(), old.as_object()) else { return new == old };
    new.len() == old.len()
        && new.iter().all(|(key, value)| match (key.as_str(), old.get(key)) {
            (_, None) => false,
            ("metadata", Some(other)) => same_metadata(value, other),
            (_, Some(other)) => value == other,
        })
}

fn same_metadata(new: &Value, old: &Value) -> bool {
    let (Some(new), Some(old)) = (new.as_object(), old.as_object()) else { return new == old };
    let count = |map: &serde_json::Map<String, Value>| map.keys().filter(|key| key.as_str() != "managedFields").count();
    count(new) == count(old)
        && new.iter().filter(|(key, _)| key.as_str() != "managedFields").all(|(key, value)| old.get(key) == Some(value))
        && same_managed(new.get("managedFields"), old.get("managedFields"))
}

fn same_managed(new: Option<&Value>, old: Option<&Value>) -> bool {
    let list = |value: Option<&Value>| value.and_then(Value::as_array).cloned().unwrap_or_default();
    let without_time = |mut entry: Value| {
        if let Some(map) = entry.as_object_mut() {
            map.shift_remove("time");
        }
        entry
    };
    let (new, old) = (list(new), list(old));
    new.len() == old.len() && new.into_iter().map(without_time).eq(old.into_iter().map(without_time))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::same_but_for_times;

    #[test]
    fn only_times_of_managers_may_differ() {
        let object = |time: &str, manager: &str, data: &str| json!({"metadata": {"name": "x", "managedFields": [{"manager": manager, "time": time}]}, "data": data});
        assert!(same_but_for_times(&object("1", "m", "d"), &object("2", "m", "d")));
        assert!(!same_but_for_times(&object("1", "m", "d"), &object("1", "n", "d")));
        assert!(!same_but_for_times(&object("1", "m", "d"), &object("1", "m", "e")));
    }
}
