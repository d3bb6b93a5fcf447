//! An object without some paths (`typed.RemoveItems`).

use serde_json::Value;

use super::element::Element;
use super::set::Set;
use super::typed::{Atom, Typed};

/// The value without the fields and items of a set. What becomes empty goes too (`None`).
pub fn remove(typed: Typed<'_>, value: &Value, paths: &Set) -> Option<Value> {
    match (typed.atom(Some(value)), value) {
        (Atom::Struct(kind), Value::Object(map)) => entries(map, paths, |name| typed.field(kind, name)),
        (Atom::Map(shape), Value::Object(map)) => entries(map, paths, |_| typed.at(shape)),
        (Atom::List(shape, kind), Value::Array(items)) => {
            if items.is_empty() {
                return Some(value.clone());
            }
            let mut out = Vec::new();
            for (i, item) in items.iter().enumerate() {
                let name = typed.item(shape, kind, i, item);
                if paths.members.contains(&name) {
                    continue;
                }
                match paths.children.get(&name) {
                    Some(below) => out.extend(remove(typed.at(shape), item, below)),
                    None => out.push(item.clone()),
                }
            }
            (!out.is_empty()).then_some(Value::Array(out))
        }
        _ => Some(value.clone()),
    }
}

fn entries<'a>(map: &serde_json::Map<String, Value>, paths: &Set, below: impl Fn(&str) -> Typed<'a>) -> Option<Value> {
    if map.is_empty() {
        return Some(Value::Object(map.clone()));
    }
    let mut out = serde_json::Map::new();
    for (key, item) in map {
        let name = Element::Field(key.clone());
        if paths.members.contains(&name) {
            continue;
        }
        match paths.children.get(&name) {
            Some(inner) => {
                if let Some(kept) = remove(below(key), item, inner) {
                    out.insert(key.clone(), kept);
                }
            }
            None => drop(out.insert(key.clone(), item.clone())),
        }
    }
    (!out.is_empty()).then_some(Value::Object(out))
}
