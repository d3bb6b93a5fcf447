//! `resource`: fields of an object, or of all objects that a selector picks.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::grade::compare::differences;
use crate::grade::fact::Fact;
use crate::grade::judge::{Judge, Judgement, Scope};
use crate::grade::number::Number;
use crate::grade::snapshot::{Known, Snapshot};
use crate::grade::target::{list_fact, object_fact, selected};
use crate::model::Evidence;

/// Objects have these fields. `name` or `selector` says which.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Resource {
    /// Kind.
    pub kind: String,
    /// API version; not needed for built-in kinds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_version: Option<String>,
    /// Namespace; `default` unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Label selector instead of a name: at least one object, and all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selector: Option<String>,
    /// Exactly so many objects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<Number>,
    /// A partial object; see the format's page for how lists and amounts compare.
    #[serde(default)]
    pub fields: Map<String, Value>,
}

impl Resource {
    fn fact(&self) -> Fact {
        match &self.name {
            Some(name) => object_fact(&self.kind, self.api_version.as_deref(), self.namespace.as_deref(), name),
            None => list_fact(&self.kind, self.api_version.as_deref(), self.namespace.as_deref()),
        }
    }

    fn judge_object(&self, object: &Value) -> Vec<Evidence> {
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        let subject = match object["metadata"]["namespace"].as_str() {
            Some(namespace) => format!("{} {namespace}/{name}", self.kind),
            None => format!("{} {name}", self.kind),
        };
        let differences = differences(&Value::Object(self.fields.clone()), object);
        if differences.is_empty() {
            let expected = if self.fields.is_empty() { "exists".to_owned() } else { "has these fields".to_owned() };
            return vec![Evidence::compared(subject, &expected, &expected, true)];
        }
        differences.into_iter().map(|d| Evidence::compared(format!("{subject}, {}", d.path), d.expected, d.actual, false)).collect()
    }
}

impl Judge for Resource {
    fn facts(&self, _: &Scope, _: &Snapshot) -> Vec<Fact> {
        vec![self.fact()]
    }

    fn judge(&self, _: &Scope, snapshot: &Snapshot) -> Judgement {
        let fact = self.fact();
        if self.name.is_some() {
            return Judgement::from_evidence(match snapshot.value(&fact) {
                Known::Value(object) => self.judge_object(object),
                Known::Absent => vec![Evidence::compared(fact.to_string(), "exists", "absent", false)],
                Known::Unknown(reason) => vec![Evidence::unknown(fact.to_string(), "readable", reason)],
            });
        }
        let subject = format!("{fact} with {}", self.selector.as_deref().unwrap_or("any labels"));
        let objects = match selected(snapshot, &fact, self.selector.as_deref()) {
            Ok(objects) => objects,
            Err(reason) => return Judgement::from_evidence(vec![Evidence::unknown(subject, "readable", reason)]),
        };
        let found = i64::try_from(objects.len()).unwrap_or(i64::MAX);
        let number = match self.count.as_ref().and_then(Number::known) {
            Some(count) => Evidence::compared(subject, format!("exactly {count}"), found.to_string(), found == count),
            None => Evidence::compared(subject, "at least 1", found.to_string(), found > 0),
        };
        let mut evidence = vec![number];
        evidence.extend(objects.into_iter().flat_map(|o| self.judge_object(o)));
        Judgement::from_evidence(evidence)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::grade::testing::{judge, snapshot, table, with, with_object};
    use crate::grade::{Observation, ResourceRef};
    use crate::model::Verdict::{Fail, Indeterminate, Pass};

    fn service(name: &str, port: i64) -> Value {
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": "shop", "labels": {"team": "a"}},
            "spec": {"ports": [{"port": port, "protocol": "TCP"}], "selector": {"app": "web"}}})
    }

    #[test]
    fn accepts_and_rejects() {
        let known = with_object(with_object(snapshot(), service("web", 80)), service("api", 81));
        let absent = object_fact("Service", None, Some("shop"), "gone");
        let known = with(known, absent, Observation::Absent);
        let of = |extra: Value| {
            let mut spec = json!({"kind": "Service", "namespace": "shop"});
            spec.as_object_mut().expect("a map").extend(extra.as_object().expect("a map").clone());
            json!({"resource": spec})
        };
        table(
            &known,
            &[
                (of(json!({"name": "web", "fields": {"spec": {"ports": [{"port": 80}]}}})), Pass),
                (of(json!({"name": "web", "fields": {"spec": {"ports": [{"port": 81}]}}})), Fail),
                (of(json!({"name": "web", "fields": {"spec": {"type": null}}})), Pass),
                (of(json!({"name": "gone", "fields": {}})), Fail),
                (of(json!({"name": "unread", "fields": {}})), Indeterminate),
                (of(json!({"selector": "team=a", "count": 2, "fields": {"spec": {"selector": {"app": "web"}}}})), Pass),
                (of(json!({"selector": "team=a", "count": 1, "fields": {}})), Fail),
                (of(json!({"selector": "team=a", "fields": {"spec": {"ports": [{"port": 80}]}}})), Fail),
                (of(json!({"selector": "team=b", "fields": {}})), Fail),
            ],
        );
    }

    #[test]
    fn shows_each_difference() {
        let known = with_object(snapshot(), service("web", 80));
        let spec = json!({"resource": {"kind": "Service", "namespace": "shop", "name": "web", "fields": {"spec": {"type": "NodePort", "selector": {"app": "api"}}}}});
        let shown: Vec<String> =
            judge(&spec, &known).evidence.iter().map(|e| format!("{}: {} != {}", e.subject, e.expected, e.actual)).collect();
        assert_eq!(shown, ["Service shop/web, spec.type: NodePort != absent", "Service shop/web, spec.selector.app: api != web"]);
    }

    #[test]
    fn cluster_scoped_kinds_have_no_namespace() {
        let spec: Resource = serde_json::from_value(json!({"kind": "Namespace", "name": "a"})).expect("a check");
        assert_eq!(spec.fact(), Fact::Object { resource: ResourceRef::new("Namespace", None), namespace: None, name: "a".into() });
    }
}
