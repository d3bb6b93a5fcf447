//! A configuration laid over an object (`typed.Merge`).

use serde_json::{Map, Value};

use super::element::Element;
use super::typed::{Atom, Typed};

/// The live value with everything that the configuration names; nulls take fields away.
pub fn merge(typed: Typed<'_>, live: &Value, config: &Value) -> Value {
    match typed.atom(Some(config)) {
        Atom::Leaf => config.clone(),
        Atom::Struct(kind) => entries(live, config, |name| typed.field(kind, name)),
        Atom::Map(shape) => entries(live, config, |_| typed.at(shape)),
        Atom::List(shape, kind) => {
            let (Some(left), Some(right)) = (live.as_array(), config.as_array()) else { return config.clone() };
            let name = |(i, item): (usize, &Value)| typed.item(shape, kind, i, item);
            let left_names: Vec<Element> = left.iter().enumerate().map(name).collect();
            let right_names: Vec<Element> = right.iter().enumerate().map(name).collect();
            Value::Array(list(typed.at(shape), left, &left_names, right, &right_names))
        }
    }
}

fn entries<'a>(live: &Value, config: &Value, below: impl Fn(&str) -> Typed<'a>) -> Value {
    let Some(config) = config.as_object() else { return config.clone() };
    let mut out = live.as_object().cloned().unwrap_or_default();
    for (key, value) in config {
        if value.is_null() {
            out.shift_remove(key);
            continue;
        }
        let merged = match out.get(key) {
            Some(live) => merge(below(key), live, value),
            None => without_nulls(value),
        };
        out.insert(key.clone(), merged);
    }
    Value::Object(out)
}

fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            Value::Object(map.iter().filter(|(_, v)| !v.is_null()).map(|(k, v)| (k.clone(), without_nulls(v))).collect::<Map<_, _>>())
        }
        other => other.clone(),
    }
}

/// Items of both, in the configuration's order where it has one; the live object's others keep their places.
fn list(typed: Typed<'_>, left: &[Value], left_names: &[Element], right: &[Value], right_names: &[Element]) -> Vec<Value> {
    let (mut l, mut r, mut out) = (0, 0, Vec::new());
    while l < left.len() || r < right.len() {
        if l < left.len() {
            // Kept by nobody but the live object, or already written in the configuration's order.
            if !right_names.contains(&left_names[l]) {
                out.push(left[l].clone());
                l += 1;
                continue;
            }
            if right_names[..r].contains(&left_names[l]) {
                l += 1;
                continue;
            }
        }
        let Some(item) = right.get(r) else { break };
        match left_names.iter().position(|n| *n == right_names[r]) {
            Some(at) => out.push(merge(typed, &left[at], item)),
            None => out.push(without_nulls(item)),
        }
        r += 1;
    }
    out
}
