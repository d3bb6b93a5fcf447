//! Whether a check can fail at all: what was read of a solved cluster is changed bit by bit until the check says no.
//!
//! A check that no change of its facts can fail is worth nothing. Changes are made to what was *read*, not to the cluster, so this
//! costs no time; that the check also fails where it should is shown by the wrong fixes, on real clusters.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::fact::Fact;
use super::judge::{Judge, Scope};
use super::snapshot::{Observation, Snapshot};
use super::spec::Expect;
use crate::model::Verdict;

/// Most changes that are tried for one fact: objects are large, and the first that counts ends the search.
const MOST: usize = 600;

/// A change of one fact.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// The fact.
    pub fact: Fact,
    /// What it comes to instead.
    pub observation: Observation,
    /// In words: `Node worker-1: status.conditions[0].status is "False"`.
    pub what: String,
}

/// The smallest changes of what a check reads that make it fail; none when it cannot fail, or does not pass to begin with.
pub fn failing(expect: &Expect, scope: &Scope, snapshot: &Snapshot) -> Option<Vec<Change>> {
    if expect.judge(scope, snapshot).verdict != Verdict::Pass {
        return None;
    }
    let fails = |changes: &[Change]| expect.judge(scope, &changed(snapshot, changes)).verdict == Verdict::Fail;
    match expect {
        Expect::All(parts) => parts.iter().filter_map(|part| failing(part, scope, snapshot)).find(|changes| fails(changes)),
        Expect::Any(parts) => {
            // Every way of passing must be closed.
            let passing = parts.iter().filter(|part| part.judge(scope, snapshot).verdict == Verdict::Pass);
            let changes = passing.map(|part| failing(part, scope, snapshot)).collect::<Option<Vec<_>>>()?.concat();
            fails(&changes).then_some(changes)
        }
        Expect::Cel(_) => single(expect, scope, snapshot),
        _ => single(expect, scope, snapshot).or_else(|| {
            let gone: Vec<Change> = facts(expect, scope, snapshot).into_iter().filter_map(|f| absent(f, snapshot)).collect();
            fails(&gone).then_some(gone)
        }),
    }
}

/// One fact changed in one place.
fn single(expect: &Expect, scope: &Scope, snapshot: &Snapshot) -> Option<Vec<Change>> {
    let words = Words::of(expect);
    let mut changed = snapshot.clone();
    for fact in facts(expect, scope, snapshot) {
        let Some(observation) = snapshot.get(&fact) else { continue };
        let mut edits = edits(&fact, observation, &words);
        if matches!(expect, Expect::Cel(cel) if cel.get.is_some()) {
            // That an expression cannot be evaluated without its object says nothing about the expression.
            edits.retain(|edit| *edit != Edit::Gone);
        }
        for edit in edits {
            changed.insert(fact.clone(), edit.apply(&fact, observation, &words));
            if expect.judge(scope, &changed).verdict == Verdict::Fail {
                let observation = edit.apply(&fact, observation, &words);
                return Some(vec![Change { what: format!("{fact}: {edit}"), fact, observation }]);
            }
        }
        changed.insert(fact, observation.clone());
    }
    None
}

fn facts(expect: &Expect, scope: &Scope, snapshot: &Snapshot) -> BTreeSet<Fact> {
    expect.facts(scope, snapshot).into_iter().collect()
}

fn absent(fact: Fact, snapshot: &Snapshot) -> Option<Change> {
    matches!(snapshot.get(&fact), Some(Observation::Value(_))).then(|| Change {
        what: format!("{fact}: is gone"),
        fact,
        observation: Observation::Absent,
    })
}

fn changed(snapshot: &Snapshot, changes: &[Change]) -> Snapshot {
    let mut snapshot = snapshot.clone();
    for change in changes {
        snapshot.insert(change.fact.clone(), change.observation.clone());
    }
    snapshot
}

/// One way to change what was read.
#[derive(Clone, Debug, PartialEq)]
enum Edit {
    /// Something else stands at a place, or nothing.
    At(String, Option<Value>),
    /// A list has one more.
    More,
    /// What was there is not, as a whole.
    Gone,
    /// What was not there is.
    There,
}

impl Edit {
    fn apply(&self, fact: &Fact, observation: &Observation, words: &Words) -> Observation {
        match (self, observation) {
            (Self::At(path, to), Observation::Value(value)) => Observation::Value(replace(value, path, to.clone())),
            (Self::More, Observation::Value(Value::Array(items))) => {
                Observation::Value(items.iter().cloned().chain([stranger(fact, words)]).collect())
            }
            (Self::There, _) => Observation::Value(stranger(fact, words)),
            _ => Observation::Absent,
        }
    }
}

impl std::fmt::Display for Edit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::At(path, to) => {
                let place = path.trim_start_matches('/').replace('/', ".").replace("~1", "/").replace("~0", "~");
                if !place.is_empty() {
                    write!(f, "{place} ")?;
                }
                match to {
                    Some(to) => write!(f, "is {}", super::text::excerpt(&to.to_string())),
                    None => f.write_str("is gone"),
                }
            }
            Self::More => f.write_str("one more is there"),
            Self::Gone => f.write_str("is gone"),
            Self::There => f.write_str("is there"),
        }
    }
}

/// All edits of a fact, those first that the check's own words point at.
fn edits(fact: &Fact, observation: &Observation, words: &Words) -> Vec<Edit> {
    match observation {
        Observation::Value(value) => {
            let mut edits = Vec::new();
            walk(value, &mut String::new(), &mut |path, to| edits.push(Edit::At(path, to)));
            if let Some(number) = value.as_str().and_then(|t| t.trim().parse::<i64>().ok()) {
                edits.push(Edit::At(String::new(), Some((number + 1).to_string().into())));
            }
            edits.sort_by_cached_key(|edit| std::cmp::Reverse(if let Edit::At(path, _) = edit { words.likeness(path) } else { 0 }));
            edits.truncate(MOST);
            edits.extend(matches!((fact, value), (Fact::List { .. }, Value::Array(_))).then_some(Edit::More));
            edits.push(Edit::Gone);
            edits
        }
        Observation::Absent => vec![Edit::There],
        Observation::Unobservable(_) => Vec::new(),
    }
}

/// What a check's text says: where to look first, and how strangers are labelled.
struct Words {
    text: String,
    labels: Map<String, Value>,
}

impl Words {
    fn of(expect: &Expect) -> Self {
        Self { text: serde_json::to_string(expect).unwrap_or_default(), labels: labels(expect) }
    }

    /// How many parts of a path the check mentions, the last one above all.
    fn likeness(&self, path: &str) -> usize {
        let mentioned = |part: &&str| part.len() > 2 && self.text.contains(*part);
        let last = path.rsplit('/').find(|part| part.parse::<usize>().is_err());
        path.split('/').filter(mentioned).count() + if last.as_ref().is_some_and(mentioned) { 10 } else { 0 }
    }
}

/// Something that could stand where nothing is.
fn stranger(fact: &Fact, words: &Words) -> Value {
    match fact {
        Fact::Unit { .. } => json!({"active": "active", "enabled": "enabled"}),
        Fact::File { .. } => json!({"content": "", "mode": "0644", "owner": "root:root"}),
        Fact::Logs { .. } => json!(""),
        Fact::Exec { .. } | Fact::NodeCommand { .. } => json!({"status": 0, "stdout": "", "stderr": ""}),
        Fact::Access(_) => json!({"allowed": true, "reason": ""}),
        Fact::Object { resource, namespace, .. } | Fact::List { resource, namespace } => {
            let name = if let Fact::Object { name, .. } = fact { name.as_str() } else { "another" };
            let mut object = json!({
                "apiVersion": resource.api_version, "kind": resource.kind,
                "metadata": {"name": name, "uid": "another", "labels": words.labels},
                "spec": {}, "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]},
            });
            if let Some(namespace) = namespace {
                object["metadata"]["namespace"] = json!(namespace);
            }
            object
        }
        #[allow(unreachable_patterns, reason = "facts are added with checks; an empty map is something for each")]
        _ => json!({}),
    }
}

/// Labels that the selectors in a check ask for, where they ask for equality.
fn labels(expect: &Expect) -> Map<String, Value> {
    fn walk(value: &Value, found: &mut Map<String, Value>) {
        match value {
            Value::Object(map) => {
                if let Some(selector) = map.get("selector").and_then(Value::as_str) {
                    let pairs = selector.split(',').filter_map(|part| part.split_once('='));
                    found.extend(pairs.filter(|(k, _)| !k.ends_with('!')).map(|(k, v)| (k.to_owned(), json!(v.trim_start_matches('=')))));
                }
                map.values().for_each(|v| walk(v, found));
            }
            Value::Array(items) => items.iter().for_each(|v| walk(v, found)),
            _ => {}
        }
    }
    let mut found = Map::new();
    if let Ok(value) = serde_json::to_value(expect) {
        walk(&value, &mut found);
    }
    found
}

/// A place in a value: JSON pointer. `None` in its place means that it is taken out.
fn walk(value: &Value, path: &mut String, found: &mut impl FnMut(String, Option<Value>)) {
    let length = path.len();
    match value {
        Value::Object(map) => {
            for (key, value) in map.iter().filter(|(key, _)| *key != "managedFields") {
                path.push('/');
                path.push_str(&key.replace('~', "~0").replace('/', "~1"));
                walk(value, path, found);
                found(path.clone(), None);
                path.truncate(length);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                path.push_str(&format!("/{index}"));
                walk(item, path, found);
                found(path.clone(), None);
                path.truncate(length);
            }
            if items.len() > 1 {
                found(path.clone(), Some(json!([])));
            }
        }
        Value::Bool(b) => found(path.clone(), Some(json!(!b))),
        Value::Number(n) => {
            for other in [n.as_i64().map(|n| n + 1), n.as_i64().map(|n| n - 1), Some(0)].into_iter().flatten() {
                if json!(other) != *value {
                    found(path.clone(), Some(json!(other)));
                }
            }
        }
        Value::String(text) => {
            let opposite = match text.as_str() {
                "True" => "False",
                "False" => "True",
                "active" => "inactive",
                "enabled" => "disabled",
                _ => "",
            };
            if opposite.is_empty() {
                found(path.clone(), Some(json!(format!("{text}-other"))));
                found(path.clone(), Some(json!("")));
            } else {
                found(path.clone(), Some(json!(opposite)));
            }
        }
        Value::Null => {}
    }
}

fn replace(value: &Value, path: &str, to: Option<Value>) -> Value {
    let mut value = value.clone();
    match (to, path.rsplit_once('/')) {
        (Some(to), _) => {
            if let Some(place) = value.pointer_mut(path) {
                *place = to;
            }
        }
        (None, Some((parent, key))) => match value.pointer_mut(parent) {
            Some(Value::Object(map)) => drop(map.shift_remove(&key.replace("~1", "/").replace("~0", "~"))),
            Some(Value::Array(items)) => {
                if let Ok(index) = key.parse::<usize>()
                    && index < items.len()
                {
                    items.remove(index);
                }
            }
            _ => {}
        },
        (None, None) => {}
    }
    value
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::target::list_fact;
    use super::super::testing::{decode, scope, snapshot, with, with_object};
    use super::*;

    fn known() -> Snapshot {
        let node = json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "worker-1"}, "spec": {},
            "status": {"conditions": [{"type": "Ready", "status": "True"}]}});
        let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "default", "labels": {"app": "web"}}, "data": {"n": "1"}});
        let known = with_object(with_object(snapshot(), node), map);
        let known = with(known, list_fact("Secret", None, None), Observation::Value(json!([])));
        with(known, super::super::target::object_fact("Secret", None, None, "gone"), Observation::Absent)
    }

    fn how(spec: Value) -> Option<Vec<String>> {
        failing(&decode(&spec), &scope(), &known()).map(|changes| changes.into_iter().map(|c| c.what).collect())
    }

    #[test]
    fn checks_that_can_fail_say_how() {
        let ready = json!({"node": {"conditions": {"Ready": "True"}}});
        assert_eq!(how(ready.clone()).map(|c| c[0].starts_with("Node worker-1: status.conditions")), Some(true));
        let data = json!({"resource": {"kind": "ConfigMap", "name": "a", "fields": {"data": {"n": "1"}}}});
        assert_eq!(how(data.clone()), Some(vec!["ConfigMap default/a: data is gone".to_owned()]));
        assert_eq!(how(json!({"resource": {"kind": "ConfigMap", "name": "a"}})), Some(vec!["ConfigMap default/a: is gone".to_owned()]));
        assert_eq!(how(json!({"absent": {"kind": "Secret", "name": "gone"}})), Some(vec!["Secret default/gone: is there".to_owned()]));
        let none = json!({"absent": {"kind": "Secret", "selector": "app=web"}});
        assert_eq!(how(none.clone()), Some(vec!["Secret objects in default: one more is there".to_owned()]));
        assert_eq!(how(json!({"any": [ready.clone(), data]})).map(|c| c.len()), Some(2));
        assert!(how(json!({"all": [none, ready.clone()]})).is_some());
        assert!(how(json!({"not": {"absent": {"kind": "ConfigMap", "name": "a"}}})).is_some());
    }

    #[test]
    fn checks_that_cannot_fail_are_found() {
        assert_eq!(how(json!({"cel": {"get": {"kind": "Node", "name": "worker-1"}, "expr": "true || object.x == 1"}})), None);
        let node = json!({"node": {"conditions": {"Ready": "True"}}});
        assert_eq!(how(json!({"any": [node.clone(), {"not": node}]})), None);
    }
}
