//! Comparing meaning, not spelling: a partial object against a whole one.

use serde_json::Value;
use values::{Quantity, duration};

/// One place where an object is not as expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Where: `spec.replicas`, `spec.template.spec.containers[web].image`.
    pub path: String,
    /// What was wanted.
    pub expected: String,
    /// What stands there.
    pub actual: String,
}

/// Fields under which scalars are amounts.
const AMOUNTS: &[&str] = &[
    "requests",
    "limits",
    "hard",
    "used",
    "capacity",
    "allocatable",
    "default",
    "defaultRequest",
    "max",
    "min",
    "maxLimitRequestRatio",
    "overhead",
    "sizeLimit",
    "averageValue",
    "divisor",
    "cpu",
    "memory",
    "storage",
];

/// Lists of scalars whose order means something.
const ORDERED: &[&str] = &["command", "args", "searches", "nameservers", "finalizers"];

/// Keys by which people recognise an item of a list.
const NAMES: &[&str] = &["name", "key", "containerPort", "port", "mountPath", "ip", "type", "topologyKey"];

/// All places where `actual` is not as the partial object `expected` wants it; none when it is.
pub fn differences(expected: &Value, actual: &Value) -> Vec<Difference> {
    let mut found = Vec::new();
    compare(&mut Place::default(), expected, actual, &mut found);
    found
}

/// A path while walking, and whether amounts live there.
#[derive(Clone, Default)]
struct Place {
    path: String,
    key: String,
    amounts: bool,
}

impl Place {
    fn child(&self, key: &str) -> Self {
        let path = if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) };
        Self { path, key: key.to_owned(), amounts: self.amounts || AMOUNTS.contains(&key) }
    }

    fn item(&self, label: &str) -> Self {
        Self { path: format!("{}[{label}]", self.path), ..self.clone() }
    }

    fn differs(&self, expected: &Value, actual: &Value) -> Difference {
        let path = if self.path.is_empty() { "object".to_owned() } else { self.path.clone() };
        Difference { path, expected: plain(expected), actual: plain(actual) }
    }
}

fn compare(place: &mut Place, expected: &Value, actual: &Value, found: &mut Vec<Difference>) {
    match (expected, actual) {
        (Value::Object(wanted), Value::Object(there)) => {
            for (key, wanted) in wanted {
                let mut child = place.child(key);
                compare(&mut child, wanted, there.get(key).unwrap_or(&Value::Null), found);
            }
        }
        // The server drops empty maps and lists that an author may well write.
        (Value::Object(wanted), Value::Null) if wanted.is_empty() => {}
        (Value::Array(wanted), Value::Null) if wanted.is_empty() => {}
        (Value::Array(wanted), Value::Array(there)) => lists(place, wanted, there, found),
        _ if scalars_equal(place, expected, actual) => {}
        _ => found.push(place.differs(expected, actual)),
    }
}

fn lists(place: &Place, wanted: &[Value], there: &[Value], found: &mut Vec<Difference>) {
    if wanted.iter().any(|w| w.is_object() || w.is_array()) {
        return items(place, wanted, there, found);
    }
    let equal = |a: &Value, b: &Value| scalars_equal(place, a, b);
    let same = if ORDERED.contains(&place.key.as_str()) {
        wanted.len() == there.len() && wanted.iter().zip(there).all(|(a, b)| equal(a, b))
    } else {
        wanted.iter().all(|w| there.iter().any(|t| equal(w, t))) && there.iter().all(|t| wanted.iter().any(|w| equal(w, t)))
    };
    if !same {
        found.push(place.differs(&Value::Array(wanted.to_vec()), &Value::Array(there.to_vec())));
    }
}

/// Each wanted item must match an item of its own. Lists are short, so trying each against each is cheap.
fn items(place: &Place, wanted: &[Value], there: &[Value], found: &mut Vec<Difference>) {
    let fits = |w: &Value, t: &Value| {
        let mut found = Vec::new();
        compare(&mut place.item(""), w, t, &mut found);
        found.is_empty()
    };
    let matrix: Vec<Vec<bool>> = wanted.iter().map(|w| there.iter().map(|t| fits(w, t)).collect()).collect();
    let mut taken = vec![None; there.len()];
    let unmatched: Vec<usize> = (0..wanted.len()).filter(|w| !assign(*w, &matrix, &mut taken, &mut vec![false; there.len()])).collect();
    for index in unmatched {
        let wanted = &wanted[index];
        // Show what is different in the item of the same name rather than the whole list.
        let same_name = NAMES.iter().find_map(|key| {
            let name = wanted.get(key).filter(|n| !n.is_null())?;
            let item = there.iter().find(|t| t.get(key) == Some(name))?;
            Some((plain(name), item))
        });
        match same_name {
            Some((label, item)) => {
                let before = found.len();
                compare(&mut place.item(&label), wanted, item, found);
                if found.len() == before {
                    found.push(place.item(&label).differs(wanted, item));
                }
            }
            None => found.push(place.differs(wanted, &Value::Array(there.to_vec()))),
        }
    }
}

/// Kuhn's matching: gives item `w` a partner, moving others if need be.
fn assign(w: usize, fits: &[Vec<bool>], taken: &mut [Option<usize>], seen: &mut [bool]) -> bool {
    for t in 0..taken.len() {
        if !fits[w][t] || seen[t] {
            continue;
        }
        seen[t] = true;
        if taken[t].is_none_or(|other| assign(other, fits, taken, seen)) {
            taken[t] = Some(w);
            return true;
        }
    }
    false
}

fn scalars_equal(place: &Place, expected: &Value, actual: &Value) -> bool {
    if expected == actual {
        return true;
    }
    if place.amounts {
        let amount = |v: &Value| Quantity::parse(&scalar(v)?).ok();
        if let (Some(a), Some(b)) = (amount(expected), amount(actual)) {
            return a == b;
        }
    }
    match (expected, actual) {
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        (Value::String(a), Value::String(b)) => matches!((duration::parse_go(a), duration::parse_go(b)), (Ok(a), Ok(b)) if a == b),
        _ => false,
    }
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A value as people read it: texts bare, absence as a word, everything else as JSON.
pub fn plain(value: &Value) -> String {
    match value {
        Value::Null => "absent".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn partial_objects_match_by_meaning() {
        let accept = [
            (json!({}), json!({"a": 1})),
            (json!({"a": {"b": 1}}), json!({"a": {"b": 1, "c": 2}})),
            (json!({"a": null}), json!({})),
            (json!({"emptyDir": {}}), json!({})),
            (json!({"resources": {"limits": {"cpu": 1}}}), json!({"resources": {"limits": {"cpu": "1000m"}}})),
            (json!({"requests": {"memory": "0.5Gi"}}), json!({"requests": {"memory": "512Mi"}})),
            (json!({"timeout": "90s"}), json!({"timeout": "1m30s"})),
            (json!({"accessModes": ["a", "b"]}), json!({"accessModes": ["b", "a"]})),
            (json!({"env": [{"name": "B"}, {"name": "A"}]}), json!({"env": [{"name": "A", "value": "1"}, {"name": "B"}, {"name": "C"}]})),
            // The vague item must leave the only fitting partner to the exact one.
            (json!({"l": [{"a": 1}, {"a": 1, "b": 2}]}), json!({"l": [{"a": 1, "b": 2}, {"a": 1, "b": 3}]})),
        ];
        for (expected, actual) in accept {
            assert_eq!(differences(&expected, &actual), [], "{expected} {actual}");
        }
        let reject = [
            (json!({"a": 1}), json!({"a": "1"}), "a"),
            (json!({"a": 1}), json!({}), "a"),
            (json!({"a": null}), json!({"a": 0}), "a"),
            (json!({"limits": {"cpu": "100m"}}), json!({"limits": {"cpu": 1}}), "limits.cpu"),
            (json!({"image": "5m"}), json!({"image": "300000u"}), "image"),
            (json!({"verbs": ["get"]}), json!({"verbs": ["get", "list"]}), "verbs"),
            (json!({"args": ["a", "b"]}), json!({"args": ["b", "a"]}), "args"),
            (json!({"c": [{"name": "web", "image": "x"}]}), json!({"c": [{"name": "web", "image": "y"}]}), "c[web].image"),
            (json!({"l": [{"a": 1}, {"a": 1}]}), json!({"l": [{"a": 1}]}), "l"),
            (json!({"a": {"b": 1}}), json!({"a": 3}), "a"),
            (json!({"a": 1}), json!(3), "object"),
        ];
        for (expected, actual, path) in reject {
            let found = differences(&expected, &actual);
            assert_eq!(found.len(), 1, "{expected} {actual} {found:?}");
            assert_eq!(found[0].path, path);
        }
    }

    #[test]
    fn every_difference_is_reported() {
        let found = differences(&json!({"a": 1, "b": {"c": 2}}), &json!({"b": {"c": 3}}));
        let paths: Vec<_> = found.iter().map(|d| (d.path.as_str(), d.expected.as_str(), d.actual.as_str())).collect();
        assert_eq!(paths, [("a", "1", "absent"), ("b.c", "2", "3")]);
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf =
            prop_oneof![any::<bool>().prop_map(Value::from), any::<i32>().prop_map(Value::from), "[a-z0-9]{0,4}".prop_map(Value::from)];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                proptest::collection::btree_map("[a-d]", inner, 0..4).prop_map(|m| m.into_iter().collect::<serde_json::Map<_, _>>().into()),
            ]
        })
    }

    proptest! {
        #[test]
        fn an_object_has_its_own_fields(value in any_value()) {
            prop_assert_eq!(differences(&value, &value), []);
        }
    }
}
