//! `podsReady`: pods are Ready, and since when none of their containers was started anew.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::grade::fact::Fact;
use crate::grade::judge::{Judge, Judgement, Scope};
use crate::grade::number::Number;
use crate::grade::snapshot::Snapshot;
use crate::grade::target::{condition, is_ready, list_fact, selected};
use crate::model::Evidence;

/// All pods with these labels are Ready. Under `holdSeconds` none of their containers may start anew either.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PodsReady {
    /// Namespace; `default` unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Label selector.
    pub selector: String,
    /// So many at least.
    #[serde(default = "PodsReady::default_minimum")]
    pub minimum: Number,
}

impl PodsReady {
    fn default_minimum() -> Number {
        Number::Known(1)
    }

    fn list(&self) -> Fact {
        list_fact("Pod", None, self.namespace.as_deref())
    }
}

/// When the pod came to the state it is in: the last start of a container, or when it became Ready.
fn since(pod: &Value) -> Option<Timestamp> {
    let time = |value: &Value| value.as_str()?.parse::<Timestamp>().ok();
    let containers = ["containerStatuses", "initContainerStatuses"].into_iter().flat_map(|list| pod["status"][list].as_array()).flatten();
    let started = containers.filter_map(|status| time(&status["state"]["running"]["startedAt"]));
    started.chain(condition(pod, "Ready").and_then(|ready| time(&ready["lastTransitionTime"]))).max()
}

/// Why a pod is not Ready, in the words of `kubectl get pods`.
fn trouble(pod: &Value) -> String {
    let statuses = || ["containerStatuses", "initContainerStatuses"].into_iter().flat_map(|list| pod["status"][list].as_array()).flatten();
    let waiting = statuses().find_map(|status| status["state"]["waiting"]["reason"].as_str());
    waiting.or_else(|| pod["status"]["phase"].as_str().filter(|phase| *phase != "Running")).unwrap_or("not Ready").to_owned()
}

impl Judge for PodsReady {
    fn facts(&self, _: &Scope, _: &Snapshot) -> Vec<Fact> {
        vec![self.list()]
    }

    fn judge(&self, _: &Scope, snapshot: &Snapshot) -> Judgement {
        let subject = format!("pods {} in {}", self.selector, self.namespace.as_deref().unwrap_or("default"));
        let pods = match selected(snapshot, &self.list(), Some(&self.selector)) {
            Ok(pods) => pods,
            Err(reason) => return Judgement::from_evidence(vec![Evidence::unknown(subject, "readable", reason)]),
        };
        let pods: Vec<&Value> = pods.into_iter().filter(|pod| pod["metadata"]["deletionTimestamp"].is_null()).collect();
        let minimum = usize::try_from(self.minimum.known().unwrap_or(1).max(1)).unwrap_or(usize::MAX);
        let mut evidence = vec![Evidence::compared(&subject, format!("at least {minimum}"), pods.len().to_string(), pods.len() >= minimum)];
        for pod in pods.iter().filter(|pod| !is_ready(pod)) {
            let name = pod["metadata"]["name"].as_str().unwrap_or_default();
            evidence.push(Evidence::compared(format!("pod {name}"), "Ready", trouble(pod), false));
        }
        let since = pods.iter().filter_map(|pod| since(pod)).max();
        Judgement::from_evidence(evidence).since(since)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::grade::testing::{judge, snapshot, table, with_object};
    use crate::model::Verdict::{Fail, Indeterminate, Pass};

    #[test]
    fn accepts_and_rejects() {
        let pod = |name: &str, app: &str, ready: &str, started: &str| {
            json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "shop", "labels": {"app": app}},
                "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": ready, "lastTransitionTime": "2026-03-01T10:00:00Z"}],
                    "containerStatuses": [{"name": "c", "state": {"running": {"startedAt": started}}}]}})
        };
        let mut known = snapshot();
        for pod in [
            pod("web-1", "web", "True", "2026-03-01T09:00:00Z"),
            pod("web-2", "web", "True", "2026-03-01T11:30:00Z"),
            pod("api-1", "api", "False", "2026-03-01T09:00:00Z"),
        ] {
            known = with_object(known, pod);
        }
        let spec = |selector: &str, minimum: u32| json!({"podsReady": {"namespace": "shop", "selector": selector, "minimum": minimum}});
        table(
            &known,
            &[
                (spec("app=web", 1), Pass),
                (spec("app=web", 2), Pass),
                (spec("app=web", 3), Fail),
                (spec("app=api", 1), Fail),
                (spec("app=none", 0), Fail),
                (json!({"podsReady": {"namespace": "unread", "selector": "app=web"}}), Indeterminate),
            ],
        );
        let since = judge(&spec("app=web", 1), &known).since.map(|since| since.to_string());
        assert_eq!(since.as_deref(), Some("2026-03-01T11:30:00Z"), "the youngest container counts");
    }
}
