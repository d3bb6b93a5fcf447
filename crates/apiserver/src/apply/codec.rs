//! `fieldsV1`: a set as JSON.

use serde_json::{Map, Value};

use super::element::Element;
use super::set::Set;

/// The JSON of a set. `.` marks a path that ends where others go on.
pub fn encode(set: &Set) -> Value {
    let mut map = Map::new();
    for step in set.members.iter().chain(set.children.keys()).collect::<std::collections::BTreeSet<_>>() {
        let mut below = Map::new();
        if let Some(child) = set.children.get(step).filter(|c| !c.is_empty()) {
            if set.members.contains(step) {
                below.insert(".".into(), Value::Object(Map::new()));
            }
            if let Value::Object(inner) = encode(child) {
                below.extend(inner);
            }
        }
        map.insert(step.encode(), Value::Object(below));
    }
    Value::Object(map)
}

/// Reads a set; steps that cannot be understood make the whole unusable.
pub fn decode(value: &Value) -> Option<Set> {
    let mut set = Set::default();
    for (key, below) in value.as_object()? {
        if key == "." {
            continue;
        }
        let step = Element::decode(key)?;
        let inner = below.as_object()?;
        if inner.is_empty() || inner.contains_key(".") {
            set.members.insert(step.clone());
        }
        let child = decode(below)?;
        if !child.is_empty() {
            set.children.insert(step, child);
        }
    }
    Some(set)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn sets_survive_a_round_trip() {
        let fields = json!({"f:metadata": {"f:labels": {".": {}, "f:app": {}}}, "f:spec": {"f:containers": {"k:{\"name\":\"c\"}": {".": {}, "f:image": {}}}}});
        let set = decode(&fields).expect("it is well formed");
        assert_eq!(encode(&set), fields);
        assert_eq!(set.paths().len(), 4);
        assert_eq!(decode(&json!({"?": {}})), None);
    }
}
