//! Reading and changing JSON values by dotted path, without a type for every kind: absent, null and of another type
//! all read as "not set", which is how a Go struct with `omitempty` sees them.

use serde_json::{Map, Value};

static NULL: Value = Value::Null;

/// Access to a JSON value by dotted path (`spec.template.metadata`). An empty path is the value itself. Keys that
/// contain dots (labels) are reached through [`Json::object`].
pub trait Json {
    /// The value at `path`, or null.
    fn at(&self, path: &str) -> &Value;
    /// The string at `path`, or the empty one.
    fn text(&self, path: &str) -> &str;
    /// The integer at `path`.
    fn int(&self, path: &str) -> Option<i64>;
    /// The boolean at `path`.
    fn flag(&self, path: &str) -> Option<bool>;
    /// The array at `path`, or an empty one.
    fn list(&self, path: &str) -> &[Value];
    /// The entries of the object at `path`, sorted by key, or none.
    fn entries(&self, path: &str) -> Vec<(&str, &Value)>;
    /// The object at `path`.
    fn object(&self, path: &str) -> Option<&Map<String, Value>>;
    /// Whether something other than null stands at `path`.
    fn has(&self, path: &str) -> bool;
    /// Sets `path`, making the objects on the way.
    fn put(&mut self, path: &str, value: impl Into<Value>);
    /// The value at `path`, for changing it in place; made (as null) if it is not there.
    fn slot(&mut self, path: &str) -> &mut Value;
    /// The array at `path`, for changing it in place, if there is one.
    fn list_mut(&mut self, path: &str) -> &mut [Value];
    /// Removes what stands at `path` and returns it.
    fn remove(&mut self, path: &str) -> Option<Value>;
}

impl Json for Value {
    fn at(&self, path: &str) -> &Value {
        let mut here = self;
        for part in path.split('.').filter(|p| !p.is_empty()) {
            here = here.get(part).unwrap_or(&NULL);
        }
        here
    }

    fn text(&self, path: &str) -> &str {
        self.at(path).as_str().unwrap_or_default()
    }

    fn int(&self, path: &str) -> Option<i64> {
        self.at(path).as_i64()
    }

    fn flag(&self, path: &str) -> Option<bool> {
        self.at(path).as_bool()
    }

    fn list(&self, path: &str) -> &[Value] {
        self.at(path).as_array().map_or(&[], Vec::as_slice)
    }

    fn entries(&self, path: &str) -> Vec<(&str, &Value)> {
        let mut entries: Vec<_> = self.object(path).into_iter().flatten().map(|(k, v)| (k.as_str(), v)).collect();
        entries.sort_by_key(|(key, _)| *key);
        entries
    }

    fn object(&self, path: &str) -> Option<&Map<String, Value>> {
        self.at(path).as_object()
    }

    fn has(&self, path: &str) -> bool {
        !self.at(path).is_null()
    }

    fn put(&mut self, path: &str, value: impl Into<Value>) {
        *self.slot(path) = value.into();
    }

    fn slot(&mut self, path: &str) -> &mut Value {
        let mut here = self;
        for part in path.split('.').filter(|p| !p.is_empty()) {
            if !here.is_object() {
                *here = Value::Object(Map::new());
            }
            let Value::Object(map) = here else { unreachable!("it was made an object above") };
            here = map.entry(part).or_insert(Value::Null);
        }
        here
    }

    fn list_mut(&mut self, path: &str) -> &mut [Value] {
        let mut here = self;
        for part in path.split('.').filter(|p| !p.is_empty()) {
            match here.get_mut(part) {
                Some(next) => here = next,
                None => return &mut [],
            }
        }
        here.as_array_mut().map_or(&mut [], Vec::as_mut_slice)
    }

    fn remove(&mut self, path: &str) -> Option<Value> {
        let (parent, last) = path.rsplit_once('.').unwrap_or(("", path));
        let mut here = self;
        for part in parent.split('.').filter(|p| !p.is_empty()) {
            here = here.get_mut(part)?;
        }
        here.as_object_mut()?.shift_remove(last)
    }
}

#[cfg(test)]
mod tests {
    use super::Json;
    use serde_json::json;

    #[test]
    fn absent_null_and_wrong_types_read_as_not_set() {
        let value = json!({"a": {"b": "x", "n": null, "i": 3}});
        assert_eq!((value.text("a.b"), value.text("a.i"), value.text("a.z.y")), ("x", "", ""));
        assert_eq!((value.int("a.i"), value.int("a.b")), (Some(3), None));
        assert!(value.has("a.b") && !value.has("a.n") && !value.has("q"));
    }

    #[test]
    fn paths_are_made_and_removed() {
        let mut value = json!({});
        value.put("a.b.c", 1);
        assert_eq!(value, json!({"a": {"b": {"c": 1}}}));
        assert_eq!(value.remove("a.b.c"), Some(json!(1)));
        assert_eq!(value.remove("x.y"), None);
        assert_eq!(value, json!({"a": {"b": {}}}));
    }
}
