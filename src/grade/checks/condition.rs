//! `condition`: a condition in an object's status.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::grade::fact::Fact;
use crate::grade::judge::{Judge, Judgement, Scope};
use crate::grade::snapshot::{Known, Snapshot};
use crate::grade::target::{condition, object_fact};
use crate::model::Evidence;

/// An object has a condition.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Condition {
    /// Kind.
    pub kind: String,
    /// API version; not needed for built-in kinds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_version: Option<String>,
    /// Namespace; `default` unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Name.
    pub name: String,
    /// Type of the condition.
    #[serde(rename = "type")]
    pub of_type: String,
    /// Its status.
    #[serde(default = "Condition::default_status")]
    pub status: String,
    /// Its reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl Condition {
    fn default_status() -> String {
        "True".to_owned()
    }

    fn fact(&self) -> Fact {
        object_fact(&self.kind, self.api_version.as_deref(), self.namespace.as_deref(), &self.name)
    }
}

impl Judge for Condition {
    fn facts(&self, _: &Scope, _: &Snapshot) -> Vec<Fact> {
        vec![self.fact()]
    }

    fn judge(&self, _: &Scope, snapshot: &Snapshot) -> Judgement {
        let fact = self.fact();
        let subject = format!("{fact}, condition {}", self.of_type);
        let expected = match &self.reason {
            Some(reason) => format!("{} ({reason})", self.status),
            None => self.status.clone(),
        };
        let object = match snapshot.value(&fact) {
            Known::Value(object) => object,
            Known::Absent => return Judgement::from_evidence(vec![Evidence::compared(subject, expected, "the object is absent", false)]),
            Known::Unknown(reason) => return Judgement::from_evidence(vec![Evidence::unknown(subject, expected, reason)]),
        };
        let Some(found) = condition(object, &self.of_type) else {
            return Judgement::from_evidence(vec![Evidence::compared(subject, expected, "absent", false)]);
        };
        let text = |field: &str| found[field].as_str().unwrap_or_default();
        let holds = text("status") == self.status && self.reason.as_deref().is_none_or(|r| r == text("reason"));
        let actual = format!("{} ({})", text("status"), text("reason"));
        Judgement::from_evidence(vec![Evidence::compared(subject, expected, actual, holds)]).since(text("lastTransitionTime").parse().ok())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::grade::testing::{judge, snapshot, table, with_object};
    use crate::model::Verdict::{Fail, Indeterminate, Pass};

    #[test]
    fn accepts_and_rejects() {
        let known = with_object(
            snapshot(),
            json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "load", "namespace": "default"},
            "status": {"conditions": [{"type": "Complete", "status": "True", "reason": "CompletionsReached", "lastTransitionTime": "2026-03-01T11:00:00Z"}]}}),
        );
        let of = |of_type: &str, status: &str| json!({"condition": {"kind": "Job", "name": "load", "type": of_type, "status": status}});
        table(
            &known,
            &[
                (of("Complete", "True"), Pass),
                (of("Complete", "False"), Fail),
                (of("Failed", "True"), Fail),
                (json!({"condition": {"kind": "Job", "name": "load", "type": "Complete", "reason": "CompletionsReached"}}), Pass),
                (json!({"condition": {"kind": "Job", "name": "load", "type": "Complete", "reason": "Other"}}), Fail),
                (json!({"condition": {"kind": "Job", "name": "unread", "type": "Complete"}}), Indeterminate),
            ],
        );
        assert_eq!(judge(&of("Complete", "True"), &known).since, "2026-03-01T11:00:00Z".parse().ok());
    }
}
