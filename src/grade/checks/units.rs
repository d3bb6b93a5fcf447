//! `units`: systemd units of a node.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::grade::fact::Fact;
use crate::grade::judge::{Judge, Judgement, Scope};
use crate::grade::snapshot::{Known, Snapshot};
use crate::model::Evidence;

/// Units are so. Everything that is given must hold.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Units {
    /// The node; the variable `node` unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// Running.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub active: Vec<String>,
    /// Not running.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inactive: Vec<String>,
    /// Started at boot.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub enabled: Vec<String>,
    /// Not started at boot.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub disabled: Vec<String>,
}

impl Units {
    /// Each claim: unit, the word asked for, `active` or `enabled`, and whether it is wanted.
    fn claims(&self) -> impl Iterator<Item = (&String, &'static str, bool)> {
        let claims = [
            (&self.active, "active", true),
            (&self.inactive, "active", false),
            (&self.enabled, "enabled", true),
            (&self.disabled, "enabled", false),
        ];
        claims.into_iter().flat_map(|(units, word, wanted)| units.iter().map(move |unit| (unit, word, wanted)))
    }
}

impl Judge for Units {
    fn facts(&self, scope: &Scope, _: &Snapshot) -> Vec<Fact> {
        let Ok(node) = scope.node_or(self.node.as_deref()) else { return Vec::new() };
        self.claims().map(|(unit, ..)| Fact::Unit { node: node.to_owned(), unit: unit.clone() }).collect()
    }

    fn judge(&self, scope: &Scope, snapshot: &Snapshot) -> Judgement {
        let node = match scope.node_or(self.node.as_deref()) {
            Ok(node) => node,
            Err(judgement) => return *judgement,
        };
        let evidence = self.claims().map(|(unit, word, wanted)| {
            let subject = format!("unit {unit} on {node}");
            let expected = if wanted { word.to_owned() } else { format!("not {word}") };
            match snapshot.value(&Fact::Unit { node: node.to_owned(), unit: unit.clone() }) {
                Known::Value(state) => {
                    let actual = state[word].as_str().unwrap_or("unknown");
                    let holds = actual == word;
                    Evidence::compared(subject, expected, actual, holds == wanted)
                }
                Known::Absent => Evidence::compared(subject, expected, "no such unit", !wanted),
                Known::Unknown(reason) => Evidence::unknown(subject, expected, reason),
            }
        });
        Judgement::from_evidence(evidence.collect())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::grade::snapshot::Observation;
    use crate::grade::testing::{facts, snapshot, table, with};
    use crate::model::Verdict::{Fail, Indeterminate, Pass};

    fn unit(name: &str) -> Fact {
        Fact::Unit { node: "worker-1".into(), unit: name.into() }
    }

    #[test]
    fn accepts_and_rejects() {
        let state = |active: &str, enabled: &str| -> Value { json!({"active": active, "enabled": enabled}) };
        let known = with(snapshot(), unit("kubelet"), Observation::Value(state("activating", "enabled")));
        let known = with(known, unit("containerd"), Observation::Value(state("active", "disabled")));
        let known = with(known, unit("gone"), Observation::Absent);
        table(
            &known,
            &[
                (json!({"units": {"enabled": ["kubelet"], "active": ["containerd"]}}), Pass),
                (json!({"units": {"active": ["kubelet"]}}), Fail),
                (json!({"units": {"enabled": ["kubelet", "containerd"]}}), Fail),
                (json!({"units": {"disabled": ["containerd"], "inactive": ["kubelet"]}}), Pass),
                (json!({"units": {"enabled": ["gone"]}}), Fail),
                (json!({"units": {"disabled": ["gone"]}}), Pass),
                (json!({"units": {"enabled": ["unread"]}}), Indeterminate),
                (json!({"units": {}}), Indeterminate),
            ],
        );
        assert_eq!(
            facts(&json!({"units": {"enabled": ["kubelet"], "active": ["kubelet"]}}), &snapshot()),
            [unit("kubelet"), unit("kubelet")]
        );
    }
}
