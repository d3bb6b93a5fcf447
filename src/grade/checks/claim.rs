//! `claim`: a PersistentVolumeClaim is bound, to which volume, and what that volume is like.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::super::target::object_fact;
use crate::grade::fact::Fact;
use crate::grade::judge::{Judge, Judgement, Scope};
use crate::grade::snapshot::{Known, Snapshot};
use crate::model::Evidence;

/// A claim is Bound. Whether data is still in its volume is shown by an `exec` beside it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Claim {
    /// Namespace; `default` unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// The claim.
    pub name: String,
    /// Volume that it must be bound to; any unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volume: Option<String>,
    /// Class of the claim; empty for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage_class: Option<String>,
    /// Reclaim policy of the volume.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reclaim_policy: Option<String>,
}

impl Claim {
    fn fact(&self) -> Fact {
        object_fact("PersistentVolumeClaim", None, self.namespace.as_deref(), &self.name)
    }

    fn volume_fact(snapshot: &Snapshot, claim: &Fact) -> Option<Fact> {
        let Known::Value(claim) = snapshot.value(claim) else { return None };
        let name = claim["spec"]["volumeName"].as_str().filter(|name| !name.is_empty())?;
        Some(object_fact("PersistentVolume", None, None, name))
    }
}

impl Judge for Claim {
    fn facts(&self, _: &Scope, snapshot: &Snapshot) -> Vec<Fact> {
        let claim = self.fact();
        let volume = Self::volume_fact(snapshot, &claim);
        std::iter::once(claim).chain(volume).collect()
    }

    fn judge(&self, _: &Scope, snapshot: &Snapshot) -> Judgement {
        let fact = self.fact();
        let subject = fact.to_string();
        let claim = match snapshot.value(&fact) {
            Known::Value(claim) => claim,
            Known::Absent => return Judgement::from_evidence(vec![Evidence::compared(subject, "Bound", "no such claim", false)]),
            Known::Unknown(reason) => return Judgement::from_evidence(vec![Evidence::unknown(subject, "Bound", reason)]),
        };
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let phase = text(&claim["status"]["phase"]);
        let mut evidence = vec![Evidence::compared(&subject, "Bound", phase.as_str(), phase == "Bound")];
        if let Some(wanted) = &self.volume {
            let actual = text(&claim["spec"]["volumeName"]);
            let holds = actual == *wanted;
            let actual = if actual.is_empty() { "none".to_owned() } else { actual };
            evidence.push(Evidence::compared(format!("{subject}, volume"), wanted.as_str(), actual, holds));
        }
        if let Some(wanted) = &self.storage_class {
            let actual = text(&claim["spec"]["storageClassName"]);
            evidence.push(Evidence::compared(format!("{subject}, class"), format!("`{wanted}`"), format!("`{actual}`"), actual == *wanted));
        }
        if let Some(wanted) = &self.reclaim_policy {
            let subject = format!("{subject}, reclaim policy of its volume");
            evidence.push(match Self::volume_fact(snapshot, &fact) {
                None => Evidence::compared(subject, wanted.as_str(), "no volume", false),
                Some(volume) => match snapshot.value(&volume) {
                    Known::Value(volume) => {
                        let actual = text(&volume["spec"]["persistentVolumeReclaimPolicy"]);
                        Evidence::compared(subject, wanted.as_str(), actual.as_str(), actual == *wanted)
                    }
                    Known::Absent => Evidence::compared(subject, wanted.as_str(), "the volume is gone", false),
                    Known::Unknown(reason) => Evidence::unknown(subject, wanted.as_str(), reason),
                },
            });
        }
        Judgement::from_evidence(evidence)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::grade::testing::{facts, snapshot, table, with_object};
    use crate::model::Verdict::{Fail, Indeterminate, Pass};

    #[test]
    fn accepts_and_rejects_in_two_rounds() {
        let claim = |name: &str, phase: &str, volume: &str| {
            json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name, "namespace": "shop"},
                "spec": {"volumeName": volume, "storageClassName": "slow"}, "status": {"phase": phase}})
        };
        let volume = json!({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "pv-a"}, "spec": {"persistentVolumeReclaimPolicy": "Retain"}});
        let spec = |name: &str, extra: serde_json::Value| {
            let mut spec = json!({"namespace": "shop", "name": name});
            spec.as_object_mut().expect("a map").extend(extra.as_object().expect("a map").clone());
            json!({"claim": spec})
        };
        let known = with_object(with_object(snapshot(), claim("data", "Bound", "pv-a")), claim("wait", "Pending", ""));
        assert_eq!(facts(&spec("data", json!({})), &known).len(), 2, "its volume is read too");
        let known = with_object(known, volume);
        table(
            &known,
            &[
                (spec("data", json!({})), Pass),
                (spec("data", json!({"volume": "pv-a", "storageClass": "slow", "reclaimPolicy": "Retain"})), Pass),
                (spec("data", json!({"volume": "pv-b"})), Fail),
                (spec("data", json!({"storageClass": ""})), Fail),
                (spec("data", json!({"reclaimPolicy": "Delete"})), Fail),
                (spec("wait", json!({})), Fail),
                (spec("wait", json!({"reclaimPolicy": "Retain"})), Fail),
                (json!({"claim": {"namespace": "unread", "name": "data"}}), Indeterminate),
            ],
        );
    }
}
