//! `endpointShare`: which part of a Service's traffic goes to some of its pods. kube-proxy chooses evenly among ready
//! endpoints, so the share of endpoints is the share of connections.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::grade::fact::Fact;
use crate::grade::judge::{Judge, Judgement, Scope};
use crate::grade::number::Number;
use crate::grade::snapshot::Snapshot;
use crate::grade::target::{list_fact, selected};
use crate::model::Evidence;

/// So many percent of a Service's ready endpoints are pods with these labels.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EndpointShare {
    /// Namespace; `default` unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// The Service.
    pub service: String,
    /// Labels of the pods whose share counts.
    pub selector: String,
    /// Their share, 1 to 100.
    pub percent: Number,
    /// How many ready endpoints there are in all; any number unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<Number>,
}

impl EndpointShare {
    fn slices(&self) -> Fact {
        list_fact("EndpointSlice", None, self.namespace.as_deref())
    }

    fn pods(&self) -> Fact {
        list_fact("Pod", None, self.namespace.as_deref())
    }

    /// How many ready endpoints there are, and how many are the pods that count.
    fn counts(&self, snapshot: &Snapshot) -> Result<(usize, usize), String> {
        let label = format!("kubernetes.io/service-name={}", self.service);
        let slices = selected(snapshot, &self.slices(), Some(&label))?;
        let ready: BTreeSet<&str> = slices
            .iter()
            .flat_map(|slice| slice["endpoints"].as_array().into_iter().flatten())
            .filter(|endpoint| endpoint["conditions"]["ready"] != false)
            .flat_map(|endpoint| endpoint["addresses"].as_array().into_iter().flatten())
            .filter_map(Value::as_str)
            .collect();
        let pods = selected(snapshot, &self.pods(), Some(&self.selector))?;
        let chosen: BTreeSet<&str> =
            pods.iter().filter_map(|pod| pod["status"]["podIP"].as_str()).filter(|ip| ready.contains(ip)).collect();
        Ok((ready.len(), chosen.len()))
    }
}

impl Judge for EndpointShare {
    fn facts(&self, _: &Scope, _: &Snapshot) -> Vec<Fact> {
        vec![self.slices(), self.pods()]
    }

    fn judge(&self, _: &Scope, snapshot: &Snapshot) -> Judgement {
        let subject = format!("endpoints of Service {} with {}", self.service, self.selector);
        let expected = format!("{} %", self.percent);
        let (all, chosen) = match self.counts(snapshot) {
            Ok(counts) => counts,
            Err(reason) => return Judgement::from_evidence(vec![Evidence::unknown(subject, expected, reason)]),
        };
        let percent = self.percent.known().and_then(|percent| usize::try_from(percent).ok()).unwrap_or(0);
        let holds = chosen > 0 && chosen * 100 == percent * all;
        let mut evidence = vec![Evidence::compared(subject, expected, format!("{chosen} of {all}"), holds)];
        if let Some(total) = &self.total {
            let holds = total.known().and_then(|total| usize::try_from(total).ok()) == Some(all);
            evidence.push(Evidence::compared(
                format!("ready endpoints of Service {}", self.service),
                total.to_string(),
                all.to_string(),
                holds,
            ));
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
        let mut known = snapshot();
        let endpoint = |n: u8, ready: bool| json!({"addresses": [format!("10.0.0.{n}")], "conditions": {"ready": ready}});
        let slice = json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
            "metadata": {"name": "web-x", "namespace": "default", "labels": {"kubernetes.io/service-name": "web"}},
            "endpoints": [endpoint(1, true), endpoint(2, true), endpoint(3, true), endpoint(4, true), endpoint(5, false)]});
        known = with_object(known, slice);
        for (n, version) in [(1, "v1"), (2, "v1"), (3, "v1"), (4, "v2"), (5, "v2"), (6, "v2")] {
            known = with_object(
                known,
                json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": format!("web-{n}"), "namespace": "default", "labels": {"version": version}},
                    "status": {"podIP": format!("10.0.0.{n}")}}),
            );
        }
        let spec = |service: &str, selector: &str, percent: u32| json!({"endpointShare": {"service": service, "selector": selector, "percent": percent}});
        table(
            &known,
            &[
                (spec("web", "version=v2", 25), Pass),
                (spec("web", "version=v1", 75), Pass),
                (spec("web", "version=v2", 20), Fail),
                (spec("web", "version=v3", 0), Fail),
                (spec("api", "version=v2", 25), Fail),
                (json!({"endpointShare": {"service": "web", "selector": "version=v2", "percent": 25, "total": 4}}), Pass),
                (json!({"endpointShare": {"service": "web", "selector": "version=v2", "percent": 25, "total": 8}}), Fail),
                (json!({"endpointShare": {"namespace": "unread", "service": "web", "selector": "a=b", "percent": 25}}), Indeterminate),
            ],
        );
    }
}
