//! `node`: conditions, taints, labels and schedulability of a node.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::grade::fact::Fact;
use crate::grade::judge::{Judge, Judgement, Scope};
use crate::grade::snapshot::{Known, Snapshot};
use crate::grade::target::{condition, object_fact};
use crate::model::Evidence;

/// A node is so. Everything that is given must hold.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Node {
    /// Its name; the variable `node` unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Conditions by type: `{Ready: "True"}`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub conditions: BTreeMap<String, String>,
    /// Whether pods may be scheduled to it: not cordoned, and no taint `NoSchedule` or `NoExecute` of `node.kubernetes.io`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedulable: Option<bool>,
    /// Taints.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taints: Option<Taints>,
    /// Labels with their values.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
}

/// Taints as `key`, `key:Effect` or `key=value:Effect`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Taints {
    /// Must be there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub present: Vec<String>,
    /// Must not be there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub absent: Vec<String>,
}

impl Judge for Node {
    fn facts(&self, scope: &Scope, _: &Snapshot) -> Vec<Fact> {
        scope.node_or(self.name.as_deref()).map(|name| object_fact("Node", None, None, name)).into_iter().collect()
    }

    fn judge(&self, scope: &Scope, snapshot: &Snapshot) -> Judgement {
        let name = match scope.node_or(self.name.as_deref()) {
            Ok(name) => name,
            Err(judgement) => return *judgement,
        };
        let subject = format!("Node {name}");
        let node = match snapshot.value(&object_fact("Node", None, None, name)) {
            Known::Value(node) => node,
            Known::Absent => return Judgement::from_evidence(vec![Evidence::compared(subject, "exists", "absent", false)]),
            Known::Unknown(reason) => return Judgement::from_evidence(vec![Evidence::unknown(subject, "readable", reason)]),
        };
        let mut evidence = Vec::new();
        let mut since: Option<Timestamp> = None;
        for (of_type, wanted) in &self.conditions {
            let found = condition(node, of_type);
            let status = found.and_then(|c| c["status"].as_str());
            let actual = match (status, found.and_then(|c| c["reason"].as_str())) {
                (Some(status), Some(reason)) => format!("{status} ({reason})"),
                (Some(status), None) => status.to_owned(),
                (None, _) => "absent".to_owned(),
            };
            evidence.push(Evidence::compared(format!("{subject}, condition {of_type}"), wanted, actual, status == Some(wanted)));
            let changed = found.and_then(|c| c["lastTransitionTime"].as_str()).and_then(|t| t.parse().ok());
            since = since.max(changed);
        }
        if let Some(wanted) = self.schedulable {
            let hindrance = hindrance(node);
            let actual = hindrance.clone().unwrap_or_else(|| "schedulable".to_owned());
            let expected = if wanted { "schedulable" } else { "not schedulable" };
            evidence.push(Evidence::compared(format!("{subject}, scheduling"), expected, actual, hindrance.is_none() == wanted));
        }
        if let Some(taints) = &self.taints {
            let all: Vec<String> = taints_of(node).map(taint_text).collect();
            let actual = if all.is_empty() { "none".to_owned() } else { all.join(", ") };
            let has = |wanted: &String| taints_of(node).any(|t| taint_matches(t, wanted));
            let subject = format!("{subject}, taints");
            evidence.extend(taints.present.iter().map(|t| Evidence::compared(&subject, t, &actual, has(t))));
            evidence.extend(taints.absent.iter().map(|t| Evidence::compared(&subject, format!("not {t}"), &actual, !has(t))));
        }
        for (key, wanted) in &self.labels {
            let actual = node["metadata"]["labels"][key].as_str();
            let holds = actual == Some(wanted);
            evidence.push(Evidence::compared(format!("{subject}, label {key}"), wanted, actual.unwrap_or("absent"), holds));
        }
        // Only conditions tell since when: with anything else beside them, the hold window starts now.
        let dated = self.taints.is_none() && self.labels.is_empty();
        Judgement::from_evidence(evidence).since(since.filter(|_| dated))
    }
}

fn taints_of(node: &Value) -> impl Iterator<Item = &Value> {
    node["spec"]["taints"].as_array().into_iter().flatten()
}

fn taint_text(taint: &Value) -> String {
    let text = |field: &str| taint[field].as_str().unwrap_or_default();
    match text("value") {
        "" => format!("{}:{}", text("key"), text("effect")),
        value => format!("{}={value}:{}", text("key"), text("effect")),
    }
}

fn taint_matches(taint: &Value, wanted: &str) -> bool {
    let whole = taint_text(taint);
    let key = taint["key"].as_str().unwrap_or_default();
    whole == wanted || key == wanted || format!("{key}:{}", taint["effect"].as_str().unwrap_or_default()) == wanted
}

/// What keeps ordinary pods off a node. Taints by others are the owner's business, those of the node lifecycle controller a symptom.
fn hindrance(node: &Value) -> Option<String> {
    if node["spec"]["unschedulable"] == true {
        return Some("cordoned".to_owned());
    }
    taints_of(node)
        .find(|t| t["effect"] != "PreferNoSchedule" && t["key"].as_str().is_some_and(|k| k.starts_with("node.kubernetes.io/")))
        .map(|t| format!("taint {}", taint_text(t)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::grade::testing::{facts, judge, snapshot, table, with_object};
    use crate::model::Verdict::{Fail, Indeterminate, Pass};

    fn node(spec: Value, ready: &str) -> Value {
        json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "worker-1", "labels": {"disk": "ssd"}}, "spec": spec, "status": {
            "conditions": [{"type": "Ready", "status": ready, "reason": "KubeletReady", "lastTransitionTime": "2026-03-01T11:59:30Z"}]}})
    }

    #[test]
    fn accepts_and_rejects() {
        let healthy = with_object(snapshot(), node(json!({}), "True"));
        let tainted = json!({"taints": [{"key": "node.kubernetes.io/unreachable", "effect": "NoExecute"}, {"key": "gpu", "value": "a", "effect": "NoSchedule"}]});
        let sick = with_object(snapshot(), node(tainted, "Unknown"));
        let cordoned = with_object(snapshot(), node(json!({"unschedulable": true}), "True"));
        table(
            &healthy,
            &[
                (json!({"node": {"conditions": {"Ready": "True"}, "schedulable": true}}), Pass),
                (json!({"node": {"name": "worker-1", "conditions": {"Ready": "Unknown"}}}), Fail),
                (json!({"node": {"conditions": {"DiskPressure": "False"}}}), Fail),
                (json!({"node": {"labels": {"disk": "ssd"}}}), Pass),
                (json!({"node": {"labels": {"disk": "hdd"}}}), Fail),
                (json!({"node": {"name": "unread", "schedulable": true}}), Indeterminate),
                (json!({"node": {}}), Indeterminate),
            ],
        );
        table(
            &sick,
            &[
                (json!({"node": {"conditions": {"Ready": "Unknown"}, "schedulable": false}}), Pass),
                (json!({"node": {"schedulable": true}}), Fail),
                (json!({"node": {"taints": {"present": ["gpu", "gpu:NoSchedule", "gpu=a:NoSchedule"]}}}), Pass),
                (json!({"node": {"taints": {"present": ["gpu=b:NoSchedule"]}}}), Fail),
                (json!({"node": {"taints": {"absent": ["gpu"]}}}), Fail),
                (json!({"node": {"taints": {"absent": ["other"]}}}), Pass),
            ],
        );
        table(&cordoned, &[(json!({"node": {"schedulable": true}}), Fail)]);
    }

    #[test]
    fn tells_since_when_and_what_it_needs() {
        let healthy = with_object(snapshot(), node(json!({}), "True"));
        let spec = json!({"node": {"conditions": {"Ready": "True"}}});
        assert_eq!(judge(&spec, &healthy).since, "2026-03-01T11:59:30Z".parse().ok());
        assert_eq!(facts(&spec, &snapshot()), [object_fact("Node", None, None, "worker-1")]);
    }
}
