//! `serviceEndpoints`: what stands behind a Service, read from its EndpointSlices.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::workload::WorkloadKind;
use crate::grade::fact::Fact;
use crate::grade::judge::{Judge, Judgement, Scope};
use crate::grade::number::Number;
use crate::grade::snapshot::{Known, Snapshot};
use crate::grade::target::{is_ready, list_fact, object_fact, selected};
use crate::model::Evidence;

/// A Service has ready endpoints.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ServiceEndpoints {
    /// Namespace; `default` unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// The Service.
    pub name: String,
    /// So many at least.
    #[serde(default = "ServiceEndpoints::default_minimum")]
    pub minimum: Number,
    /// On this port of the pods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<Number>,
    /// And they are exactly the ready pods with these labels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selector: Option<String>,
    /// And the Service's own selector finds the pods of this workload, also those that will come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workload: Option<WorkloadRef>,
}

/// A workload beside the Service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WorkloadRef {
    /// Deployment, StatefulSet, DaemonSet or ReplicaSet.
    pub kind: WorkloadKind,
    /// Name.
    pub name: String,
}

impl ServiceEndpoints {
    fn default_minimum() -> Number {
        Number::Known(1)
    }

    fn slices(&self) -> Fact {
        list_fact("EndpointSlice", None, self.namespace.as_deref())
    }

    fn pods(&self) -> Fact {
        list_fact("Pod", None, self.namespace.as_deref())
    }

    fn service(&self) -> Fact {
        object_fact("Service", None, self.namespace.as_deref(), &self.name)
    }

    /// Whether the Service's selector picks what the workload's template makes.
    fn judge_workload(&self, workload: &WorkloadRef, snapshot: &Snapshot) -> Evidence {
        let fact = object_fact(workload.kind.as_str(), None, self.namespace.as_deref(), &workload.name);
        let subject = format!("selector of Service {}", self.name);
        let expected = format!("labels in the template of {fact}");
        let object = |fact: &Fact| match snapshot.value(fact) {
            Known::Value(object) => Ok(object.clone()),
            Known::Absent => Ok(Value::Null),
            Known::Unknown(reason) => Err(reason),
        };
        let (service, workload) = match (object(&self.service()), object(&fact)) {
            (Ok(service), Ok(workload)) => (service, workload),
            (Err(reason), _) | (_, Err(reason)) => return Evidence::unknown(subject, expected, reason),
        };
        let labels = &workload["spec"]["template"]["metadata"]["labels"];
        let Some(selector) = service["spec"]["selector"].as_object().filter(|selector| !selector.is_empty()) else {
            return Evidence::compared(subject, expected, "none", false);
        };
        let holds = selector.iter().all(|(key, value)| labels[key] == *value);
        let shown: Vec<String> = selector.iter().map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default())).collect();
        Evidence::compared(subject, expected, shown.join(","), holds)
    }

    fn label(&self) -> String {
        format!("kubernetes.io/service-name={}", self.name)
    }
}

fn array<'a>(value: &'a Value, field: &str) -> impl Iterator<Item = &'a Value> {
    value[field].as_array().into_iter().flatten()
}

/// Addresses of a slice's ready endpoints. Not told means ready (discovery/v1 EndpointConditions).
fn ready_addresses(slice: &Value) -> impl Iterator<Item = &str> {
    array(slice, "endpoints").filter(|e| e["conditions"]["ready"] != false).flat_map(|e| array(e, "addresses")).filter_map(Value::as_str)
}

impl Judge for ServiceEndpoints {
    fn facts(&self, _: &Scope, _: &Snapshot) -> Vec<Fact> {
        let mut facts = vec![self.slices()];
        facts.extend(self.selector.is_some().then(|| self.pods()));
        if let Some(workload) = &self.workload {
            facts.push(self.service());
            facts.push(object_fact(workload.kind.as_str(), None, self.namespace.as_deref(), &workload.name));
        }
        facts
    }

    fn judge(&self, _: &Scope, snapshot: &Snapshot) -> Judgement {
        let subject = format!("endpoints of Service {}", self.name);
        let slices = match selected(snapshot, &self.slices(), Some(&self.label())) {
            Ok(slices) => slices,
            Err(reason) => return Judgement::from_evidence(vec![Evidence::unknown(subject, "readable", reason)]),
        };
        let addresses: BTreeSet<&str> = slices.iter().flat_map(|s| ready_addresses(s)).collect();
        let minimum = usize::try_from(self.minimum.known().unwrap_or(1).max(1)).unwrap_or(usize::MAX);
        let shown =
            |set: &BTreeSet<&str>| if set.is_empty() { "none".to_owned() } else { set.iter().copied().collect::<Vec<_>>().join(", ") };
        let mut evidence =
            vec![Evidence::compared(&subject, format!("at least {minimum} ready"), shown(&addresses), addresses.len() >= minimum)];
        if let Some(port) = &self.port {
            let there: BTreeSet<i64> = slices
                .iter()
                .filter(|s| ready_addresses(s).next().is_some())
                .flat_map(|s| array(s, "ports"))
                .filter_map(|p| p["port"].as_i64())
                .collect();
            let actual = there.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            let holds = port.known().is_some_and(|p| there.contains(&p));
            evidence.push(Evidence::compared(
                format!("{subject}, port"),
                port.to_string(),
                if actual.is_empty() { "none".into() } else { actual },
                holds,
            ));
        }
        if let Some(selector) = &self.selector {
            let subject = format!("{subject}, pods with {selector}");
            evidence.push(match selected(snapshot, &self.pods(), Some(selector)) {
                Ok(pods) => {
                    let wanted: BTreeSet<&str> = pods
                        .into_iter()
                        .filter(|p| is_ready(p) && p["metadata"]["deletionTimestamp"].is_null())
                        .filter_map(|p| p["status"]["podIP"].as_str())
                        .collect();
                    Evidence::compared(subject, shown(&wanted), shown(&addresses), wanted == addresses)
                }
                Err(reason) => Evidence::unknown(subject, "readable", reason),
            });
        }
        if let Some(workload) = &self.workload {
            evidence.push(self.judge_workload(workload, snapshot));
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
        let pod = |name: &str, ip: &str, app: &str, ready: &str| {
            json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "default", "labels": {"app": app}},
                "status": {"podIP": ip, "conditions": [{"type": "Ready", "status": ready}]}})
        };
        let slice = json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
            "metadata": {"name": "web-x", "namespace": "default", "labels": {"kubernetes.io/service-name": "web"}},
            "endpoints": [{"addresses": ["10.0.0.1"], "conditions": {"ready": true}}, {"addresses": ["10.0.0.2"]}, {"addresses": ["10.0.0.3"], "conditions": {"ready": false}}],
            "ports": [{"port": 8080}]});
        let mut known = with_object(snapshot(), slice);
        for pod in [
            pod("a", "10.0.0.1", "web", "True"),
            pod("b", "10.0.0.2", "web", "True"),
            pod("c", "10.0.0.3", "web", "False"),
            pod("d", "10.0.0.4", "api", "True"),
        ] {
            known = with_object(known, pod);
        }
        let service = |name: &str, selector: serde_json::Value| json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": "default"}, "spec": {"selector": selector}});
        known = with_object(known, service("web", json!({"app": "web", "tier": "front"})));
        for (name, labels) in [("web", json!({"app": "web", "tier": "front", "x": "y"})), ("other", json!({"app": "web"}))] {
            known = with_object(
                known,
                json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": "default"},
                    "spec": {"template": {"metadata": {"labels": labels}}}}),
            );
        }
        let of = |workload: &str| json!({"serviceEndpoints": {"name": "web", "workload": {"kind": "Deployment", "name": workload}}});
        table(&known, &[(of("web"), Pass), (of("other"), Fail), (of("unread"), Indeterminate)]);
        let bare = with_object(known.clone(), service("web", serde_json::Value::Null));
        table(&bare, &[(of("web"), Fail)]);
        table(
            &known,
            &[
                (json!({"serviceEndpoints": {"name": "web"}}), Pass),
                (json!({"serviceEndpoints": {"name": "web", "minimum": 2, "port": 8080, "selector": "app=web"}}), Pass),
                (json!({"serviceEndpoints": {"name": "web", "minimum": 3}}), Fail),
                (json!({"serviceEndpoints": {"name": "web", "port": 80}}), Fail),
                (json!({"serviceEndpoints": {"name": "web", "selector": "app=api"}}), Fail),
                (json!({"serviceEndpoints": {"name": "api", "minimum": 0}}), Fail),
                (json!({"serviceEndpoints": {"namespace": "unread", "name": "web"}}), Indeterminate),
            ],
        );
    }
}
