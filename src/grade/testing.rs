//! Builders for tests of checks: a snapshot out of objects and other observations.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::fact::Fact;
use super::judge::{Judge, Judgement, Scope};
use super::resource::ResourceRef;
use super::snapshot::{Observation, Snapshot};
use super::spec::Expect;
use crate::model::Verdict;

/// The moment of every test snapshot.
pub const NOW: &str = "2026-03-01T12:00:00Z";

/// Nothing known.
pub fn snapshot() -> Snapshot {
    Snapshot::at(NOW.parse::<Timestamp>().expect("a moment"))
}

/// An object is there, by itself and in the list of its namespace.
pub fn with_object(mut snapshot: Snapshot, object: Value) -> Snapshot {
    let text = |v: &Value| v.as_str().map(str::to_owned);
    let resource = ResourceRef::new(&text(&object["kind"]).expect("a kind"), object["apiVersion"].as_str());
    let namespace = text(&object["metadata"]["namespace"]);
    let name = text(&object["metadata"]["name"]).expect("a name");
    let list = Fact::List { resource: resource.clone(), namespace: namespace.clone() };
    let mut items = match snapshot.get(&list) {
        Some(Observation::Value(Value::Array(items))) => items.clone(),
        _ => Vec::new(),
    };
    items.push(object.clone());
    snapshot.insert(list, Observation::Value(items.into()));
    snapshot.insert(Fact::Object { resource, namespace, name }, Observation::Value(object));
    snapshot
}

/// A fact came to this.
pub fn with(mut snapshot: Snapshot, fact: Fact, observation: Observation) -> Snapshot {
    snapshot.insert(fact, observation);
    snapshot
}

/// The scope of tests: node `worker-1`, host `control-plane`.
pub fn scope() -> Scope {
    Scope { node: Some("worker-1".into()), host: "control-plane".into(), captured: json!({"uid": "u-1"}), vars: json!({"copies": 3}) }
}

/// Decodes a check and judges it.
pub fn judge(spec: &Value, snapshot: &Snapshot) -> Judgement {
    decode(spec).judge(&scope(), snapshot)
}

/// The facts that a check asks for.
pub fn facts(spec: &Value, snapshot: &Snapshot) -> Vec<Fact> {
    decode(spec).facts(&scope(), snapshot)
}

/// Decodes a check.
pub fn decode(spec: &Value) -> Expect {
    serde_json::from_value(spec.clone()).unwrap_or_else(|e| panic!("{spec}: {e}"))
}

/// Asserts what checks come to, one by one.
pub fn table(snapshot: &Snapshot, rows: &[(Value, Verdict)]) {
    for (spec, verdict) in rows {
        let judgement = judge(spec, snapshot);
        assert_eq!(judgement.verdict, *verdict, "{spec}\n{:#?}", judgement.evidence);
        assert!(!judgement.evidence.is_empty(), "{spec} gives no evidence");
    }
}
