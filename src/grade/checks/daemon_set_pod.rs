//! `daemonSetPod`: a DaemonSet's pod on one node. The proof that a node really serves: eviction does not move it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::grade::fact::Fact;
use crate::grade::judge::{Judge, Judgement, Scope};
use crate::grade::snapshot::{Known, Snapshot};
use crate::grade::target::{condition, is_ready, list_fact};
use crate::model::Evidence;

/// The pod of a DaemonSet on a node is Ready, or not.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DaemonSetPod {
    /// Namespace; `default` unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// The DaemonSet.
    pub name: String,
    /// The node; the variable `node` unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// Whether it must be Ready or must not be.
    #[serde(default = "DaemonSetPod::default_ready")]
    pub ready: bool,
}

impl DaemonSetPod {
    fn default_ready() -> bool {
        true
    }

    fn pods(&self) -> Fact {
        list_fact("Pod", None, self.namespace.as_deref())
    }

    fn owns(&self, pod: &Value) -> bool {
        pod["metadata"]["ownerReferences"]
            .as_array()
            .into_iter()
            .flatten()
            .any(|o| o["kind"] == "DaemonSet" && o["name"] == self.name.as_str())
    }
}

impl Judge for DaemonSetPod {
    fn facts(&self, _: &Scope, _: &Snapshot) -> Vec<Fact> {
        vec![self.pods()]
    }

    fn judge(&self, scope: &Scope, snapshot: &Snapshot) -> Judgement {
        let node = match scope.node_or(self.node.as_deref()) {
            Ok(node) => node,
            Err(judgement) => return *judgement,
        };
        let subject = format!("pod of DaemonSet {} on {node}", self.name);
        let expected = if self.ready { "Ready" } else { "not Ready" };
        let pods = match snapshot.value(&self.pods()) {
            Known::Value(Value::Array(pods)) => pods.as_slice(),
            Known::Value(_) | Known::Absent => &[],
            Known::Unknown(reason) => return Judgement::from_evidence(vec![Evidence::unknown(subject, expected, reason)]),
        };
        let here = |p: &&Value| self.owns(p) && p["spec"]["nodeName"] == node && p["metadata"]["deletionTimestamp"].is_null();
        let Some(pod) = pods.iter().find(here) else {
            return Judgement::from_evidence(vec![Evidence::compared(subject, expected, "no pod there", !self.ready)]);
        };
        let ready = is_ready(pod);
        let phase = pod["status"]["phase"].as_str().unwrap_or("unknown");
        let name = pod["metadata"]["name"].as_str().unwrap_or_default();
        let actual = format!("{name} is {}{phase}", if ready { "Ready, " } else { "not Ready, " });
        let since = condition(pod, "Ready").and_then(|c| c["lastTransitionTime"].as_str()).and_then(|t| t.parse().ok());
        Judgement::from_evidence(vec![Evidence::compared(subject, expected, actual, ready == self.ready)]).since(since)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::grade::testing::{snapshot, table, with_object};
    use crate::model::Verdict::{Fail, Indeterminate, Pass};

    fn pod(name: &str, node: &str, owner: &str, ready: &str, deleted: bool) -> Value {
        let mut pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "shop", "ownerReferences": [{"kind": "DaemonSet", "name": owner}]},
            "spec": {"nodeName": node}, "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": ready}]}});
        if deleted {
            pod["metadata"]["deletionTimestamp"] = json!("2026-03-01T11:59:00Z");
        }
        pod
    }

    fn spec(node: &str, ready: bool) -> Value {
        json!({"daemonSetPod": {"namespace": "shop", "name": "probe", "node": node, "ready": ready}})
    }

    #[test]
    fn accepts_and_rejects() {
        let mut known = snapshot();
        for pod in [
            pod("probe-a", "worker-1", "probe", "True", false),
            pod("probe-b", "worker-2", "probe", "False", false),
            pod("probe-c", "worker-3", "probe", "True", true),
            pod("other-a", "worker-4", "other", "True", false),
        ] {
            known = with_object(known, pod);
        }
        table(
            &known,
            &[
                (spec("worker-1", true), Pass),
                (json!({"daemonSetPod": {"namespace": "shop", "name": "probe"}}), Pass),
                (spec("worker-1", false), Fail),
                (spec("worker-2", true), Fail),
                (spec("worker-2", false), Pass),
                (spec("worker-3", true), Fail),
                (spec("worker-4", true), Fail),
                (json!({"daemonSetPod": {"namespace": "unread", "name": "probe"}}), Indeterminate),
            ],
        );
    }
}
