//! `absent`: there is no such object.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::grade::fact::Fact;
use crate::grade::judge::{Judge, Judgement, Scope};
use crate::grade::snapshot::{Known, Snapshot};
use crate::grade::target::{list_fact, object_fact, selected};
use crate::model::Evidence;

/// No such object. By itself it passes in an empty cluster: the linter wants something that must be there beside it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Absent {
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
    /// Label selector instead of a name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selector: Option<String>,
}

impl Absent {
    fn fact(&self) -> Fact {
        match &self.name {
            Some(name) => object_fact(&self.kind, self.api_version.as_deref(), self.namespace.as_deref(), name),
            None => list_fact(&self.kind, self.api_version.as_deref(), self.namespace.as_deref()),
        }
    }
}

impl Judge for Absent {
    fn facts(&self, _: &Scope, _: &Snapshot) -> Vec<Fact> {
        vec![self.fact()]
    }

    fn judge(&self, _: &Scope, snapshot: &Snapshot) -> Judgement {
        let fact = self.fact();
        let evidence = if self.name.is_some() {
            match snapshot.value(&fact) {
                // What waits for finalizers is on its way but still there.
                Known::Value(o) if !o["metadata"]["deletionTimestamp"].is_null() => {
                    Evidence::compared(fact.to_string(), "absent", "being deleted, waits for its finalizers", false)
                }
                Known::Value(_) => Evidence::compared(fact.to_string(), "absent", "exists", false),
                Known::Absent => Evidence::compared(fact.to_string(), "absent", "absent", true),
                Known::Unknown(reason) => Evidence::unknown(fact.to_string(), "absent", reason),
            }
        } else {
            let subject = format!("{fact} with {}", self.selector.as_deref().unwrap_or("any labels"));
            match selected(snapshot, &fact, self.selector.as_deref()) {
                Ok(objects) => {
                    let names: Vec<&str> = objects.iter().filter_map(|o| o["metadata"]["name"].as_str()).collect();
                    let actual = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
                    Evidence::compared(subject, "none", actual, names.is_empty())
                }
                Err(reason) => Evidence::unknown(subject, "none", reason),
            }
        };
        Judgement::from_evidence(vec![evidence])
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::grade::Observation;
    use crate::grade::testing::{snapshot, table, with, with_object};
    use crate::model::Verdict::{Fail, Indeterminate, Pass};

    #[test]
    fn accepts_and_rejects() {
        let map = |name: &str| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "default", "labels": {"old": "yes"}}});
        let mut dying = map("dying");
        dying["metadata"]["deletionTimestamp"] = json!("2026-03-01T11:59:00Z");
        let known = with_object(with_object(snapshot(), map("here")), dying);
        let known = with(known, object_fact("ConfigMap", None, None, "gone"), Observation::Absent);
        table(
            &known,
            &[
                (json!({"absent": {"kind": "ConfigMap", "name": "gone"}}), Pass),
                (json!({"absent": {"kind": "ConfigMap", "name": "here"}}), Fail),
                (json!({"absent": {"kind": "ConfigMap", "name": "dying"}}), Fail),
                (json!({"absent": {"kind": "ConfigMap", "selector": "old=no"}}), Pass),
                (json!({"absent": {"kind": "ConfigMap", "selector": "old=yes"}}), Fail),
                (json!({"absent": {"kind": "ConfigMap", "name": "unread"}}), Indeterminate),
                (json!({"absent": {"kind": "ConfigMap", "selector": "a=("}}), Indeterminate),
            ],
        );
    }
}
