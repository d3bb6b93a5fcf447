//! What changed between two objects (`typed.Compare`).

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde_json::{Map, Value};

use super::element::Element;
use super::set::Set;
use super::typed::{Atom, Typed};
use crate::schema::{ListType, Shape};

static EMPTY: LazyLock<Value> = LazyLock::new(|| Value::Object(Map::new()));

/// Paths that changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// In the new object only.
    pub added: Set,
    /// With another value.
    pub modified: Set,
    /// In the old object only.
    pub removed: Set,
}

impl Changes {
    /// Compares two objects but for the record of their managers, which nobody manages.
    pub fn between(typed: Typed<'_>, old: &Value, new: &Value) -> Self {
        let mut changes = Self::default();
        changes.compare(typed, Some(old), Some(new), &mut Vec::new());
        changes
    }

    /// What was written: added and modified paths.
    pub fn written(&self) -> Set {
        self.added.union(&self.modified)
    }

    /// Without some top-level fields, which the write cannot change.
    pub fn without_fields(self, fields: &[&str]) -> Self {
        Self {
            added: self.added.without_fields(fields),
            modified: self.modified.without_fields(fields),
            removed: self.removed.without_fields(fields),
        }
    }

    fn compare(&mut self, typed: Typed<'_>, old: Option<&Value>, new: Option<&Value>, path: &mut Vec<Element>) {
        if let (Some(old), Some(new)) = (old, new)
            && old == new
        {
            return;
        }
        match typed.atom(new.or(old)) {
            Atom::Leaf => return self.leaf(old, new, path),
            Atom::Struct(kind) => {
                let always: Vec<&str> = typed.always_there(kind).collect();
                self.entries(old, new, &always, path, |name| typed.field(kind, name));
            }
            Atom::Map(shape) => self.entries(old, new, &[], path, |_| typed.at(shape)),
            Atom::List(shape, kind) => {
                let (before, after) = (items(typed, shape, kind, old), items(typed, shape, kind, new));
                for name in before.keys().chain(after.keys().filter(|n| !before.contains_key(*n))) {
                    let (l, r) = (before.get(name), after.get(name));
                    path.push(name.clone());
                    // Duplicates are compared as one value.
                    if l.is_some_and(|l| l.len() > 1) || r.is_some_and(|r| r.len() > 1) {
                        if l != r {
                            self.modified.insert(path);
                        }
                    } else {
                        let (l, r) = (l.and_then(|l| l.first().copied()), r.and_then(|r| r.first().copied()));
                        self.compare(typed.at(shape), l, r, path);
                    }
                    path.pop();
                }
            }
        }
        match (old, new) {
            (None, _) => self.added.insert(path),
            (_, None) => self.removed.insert(path),
            _ => {}
        }
    }

    fn leaf(&mut self, old: Option<&Value>, new: Option<&Value>, path: &[Element]) {
        match (old, new) {
            (None, _) => self.added.insert(path),
            (_, None) => self.removed.insert(path),
            (Some(old), Some(new)) if old != new => self.modified.insert(path),
            _ => {}
        }
    }

    fn entries<'a, 'v>(
        &mut self,
        old: Option<&'v Value>,
        new: Option<&'v Value>,
        always: &[&'v str],
        path: &mut Vec<Element>,
        below: impl Fn(&str) -> Typed<'a>,
    ) {
        // A null that Go prints (`containers: null`) is a value like others.
        let get = |parent: Option<&'v Value>, name: &str| -> Option<&'v Value> {
            parent?.get(name).or_else(|| always.contains(&name).then_some(&*EMPTY))
        };
        let keys = |value: Option<&'v Value>| value.and_then(Value::as_object).into_iter().flatten().map(|(key, _)| key.as_str());
        let mut names: Vec<&str> = keys(old).chain(keys(new)).chain(always.iter().copied()).collect();
        names.sort_unstable();
        names.dedup();
        for name in names {
            if name == "managedFields" && matches!(path.as_slice(), [Element::Field(field)] if field == "metadata") {
                continue;
            }
            let (before, after) = (get(old, name), get(new, name));
            if before.is_none() && after.is_none() {
                continue;
            }
            path.push(Element::Field(name.to_owned()));
            self.compare(below(name), before, after, path);
            path.pop();
        }
    }
}

/// Items of a list by the names that the merge strategy gives them.
fn items<'v>(typed: Typed<'_>, shape: &Shape, kind: &ListType, list: Option<&'v Value>) -> BTreeMap<Element, Vec<&'v Value>> {
    let mut by_name: BTreeMap<Element, Vec<&Value>> = BTreeMap::new();
    for (i, item) in list.and_then(Value::as_array).into_iter().flatten().enumerate() {
        by_name.entry(typed.item(shape, kind, i, item)).or_default().push(item);
    }
    by_name
}
