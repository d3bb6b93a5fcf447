//! `podPlacement`: on which nodes pods run.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::grade::fact::Fact;
use crate::grade::judge::{Judge, Judgement, Scope};
use crate::grade::number::Number;
use crate::grade::snapshot::Snapshot;
use crate::grade::target::{list_fact, selected};
use crate::model::Evidence;

/// Enough pods match, and none of them runs elsewhere. Pods that are done or being deleted do not count.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PodPlacement {
    /// Namespace; `default` unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Label selector.
    pub selector: String,
    /// Nodes on which all of them must run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub on_nodes: Vec<String>,
    /// Nodes on which none of them may run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_on_nodes: Vec<String>,
    /// So many pods at least: a placement of nothing proves nothing.
    #[serde(default = "PodPlacement::default_minimum")]
    pub minimum: Number,
}

impl PodPlacement {
    fn default_minimum() -> Number {
        Number::Known(1)
    }

    fn pods(&self) -> Fact {
        list_fact("Pod", None, self.namespace.as_deref())
    }
}

fn counts(pod: &Value) -> bool {
    pod["metadata"]["deletionTimestamp"].is_null() && !matches!(pod["status"]["phase"].as_str(), Some("Succeeded" | "Failed"))
}

impl Judge for PodPlacement {
    fn facts(&self, _: &Scope, _: &Snapshot) -> Vec<Fact> {
        vec![self.pods()]
    }

    fn judge(&self, _: &Scope, snapshot: &Snapshot) -> Judgement {
        let subject = format!("pods with {}", self.selector);
        let mut pods = match selected(snapshot, &self.pods(), Some(&self.selector)) {
            Ok(pods) => pods,
            Err(reason) => return Judgement::from_evidence(vec![Evidence::unknown(subject, "placement", reason)]),
        };
        pods.retain(|p| counts(p));
        let minimum = usize::try_from(self.minimum.known().unwrap_or(1).max(1)).unwrap_or(usize::MAX);
        let bound: Vec<&&Value> = pods.iter().filter(|p| p["spec"]["nodeName"].is_string()).collect();
        let mut evidence = vec![Evidence::compared(
            format!("{subject}, number"),
            format!("at least {minimum} placed"),
            format!("{} placed of {}", bound.len(), pods.len()),
            bound.len() >= minimum,
        )];
        for pod in bound {
            let node = pod["spec"]["nodeName"].as_str().unwrap_or_default();
            let named = |nodes: &[String]| nodes.iter().any(|n| n == node);
            let wrong = (!self.on_nodes.is_empty() && !named(&self.on_nodes)) || named(&self.not_on_nodes);
            if wrong {
                let expected = match (self.on_nodes.as_slice(), self.not_on_nodes.as_slice()) {
                    ([], not) => format!("not on {}", not.join(", ")),
                    (on, _) => format!("on {}", on.join(" or ")),
                };
                let name = pod["metadata"]["name"].as_str().unwrap_or_default();
                evidence.push(Evidence::compared(format!("pod {name}"), expected, format!("on {node}"), false));
            }
        }
        Judgement::from_evidence(evidence)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::grade::testing::{snapshot, table, with_object};
    use crate::model::Verdict::{Fail, Indeterminate, Pass};

    #[test]
    fn accepts_and_rejects() {
        let pod = |name: &str, node: Option<&str>, phase: &str| {
            json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "default", "labels": {"app": name.split('-').next()}},
                "spec": {"nodeName": node}, "status": {"phase": phase}})
        };
        let mut known = snapshot();
        for pod in [
            pod("web-1", Some("worker-1"), "Running"),
            pod("web-2", Some("worker-2"), "Running"),
            pod("web-3", Some("worker-3"), "Succeeded"),
            pod("db-1", None, "Pending"),
        ] {
            known = with_object(known, pod);
        }
        table(
            &known,
            &[
                (json!({"podPlacement": {"selector": "app=web", "onNodes": ["worker-1", "worker-2"], "minimum": 2}}), Pass),
                (json!({"podPlacement": {"selector": "app=web", "onNodes": ["worker-1"]}}), Fail),
                (json!({"podPlacement": {"selector": "app=web", "notOnNodes": ["worker-3"]}}), Pass),
                (json!({"podPlacement": {"selector": "app=web", "notOnNodes": ["worker-2"]}}), Fail),
                (json!({"podPlacement": {"selector": "app=web", "minimum": 3}}), Fail),
                (json!({"podPlacement": {"selector": "app=db", "notOnNodes": ["worker-2"]}}), Fail),
                (json!({"podPlacement": {"selector": "app=none", "minimum": 0}}), Fail),
                (json!({"podPlacement": {"selector": "app in (", "minimum": 1}}), Indeterminate),
                (json!({"podPlacement": {"namespace": "unread", "selector": "app=web"}}), Indeterminate),
            ],
        );
    }
}
