//! `logs`: what a container wrote.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::grade::fact::Fact;
use crate::grade::judge::{Judge, Judgement, Scope};
use crate::grade::snapshot::{Known, Snapshot};
use crate::grade::target::{Located, PodTarget};
use crate::grade::text::TextMatch;
use crate::model::Evidence;

/// A container's log matches.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Logs {
    /// Namespace; `default` unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Name of the pod.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod: Option<String>,
    /// Label selector instead of a name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selector: Option<String>,
    /// Container; the pod's default one unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<String>,
    /// The log of the container before the last restart.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub previous: bool,
    /// Number of last lines to look at.
    #[serde(default = "Logs::default_tail")]
    pub tail: u32,
    /// What it must be like.
    pub text: TextMatch,
}

impl Logs {
    fn default_tail() -> u32 {
        200
    }

    fn target(&self) -> PodTarget {
        PodTarget {
            namespace: self.namespace.clone(),
            name: self.pod.clone(),
            selector: self.selector.clone(),
            container: self.container.clone(),
        }
    }
}

impl Judge for Logs {
    fn facts(&self, _: &Scope, snapshot: &Snapshot) -> Vec<Fact> {
        match self.target().locate(snapshot) {
            Located::Pod(pod) => vec![Fact::Logs { pod, previous: self.previous, tail: self.tail }],
            Located::Needs(fact) => vec![fact],
            Located::Nothing | Located::Unknown(_) => Vec::new(),
        }
    }

    fn judge(&self, _: &Scope, snapshot: &Snapshot) -> Judgement {
        let target = self.target();
        let subject = format!("log of {target}");
        Judgement::from_evidence(match target.locate(snapshot) {
            Located::Pod(pod) => match snapshot.value(&Fact::Logs { pod, previous: self.previous, tail: self.tail }) {
                Known::Value(log) => self.text.judge(&subject, log.as_str().unwrap_or_default()),
                Known::Absent => vec![Evidence::compared(subject, "a log", "no such pod or container", false)],
                Known::Unknown(reason) => vec![Evidence::unknown(subject, "a log", reason)],
            },
            Located::Nothing => vec![Evidence::compared(subject, "a log", "no such pod", false)],
            Located::Needs(_) => vec![Evidence::unknown(subject, "a log", "its pods were not read")],
            Located::Unknown(reason) => vec![Evidence::unknown(subject, "a log", reason)],
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::grade::testing::{facts, snapshot, table, with, with_object};
    use crate::grade::{Observation, PodRef};
    use crate::model::Verdict::{Fail, Indeterminate, Pass};

    #[test]
    fn accepts_and_rejects_in_two_rounds() {
        let spec =
            |text: &str| json!({"logs": {"namespace": "shop", "selector": "app=web", "container": "log", "text": {"contains": text}}});
        let pod = |name: &str, ready: &str| json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "shop", "labels": {"app": "web"}}, "status": {"conditions": [{"type": "Ready", "status": ready}]}});
        let known = with_object(with_object(snapshot(), pod("web-a", "False")), pod("web-b", "True"));
        // The Ready pod is asked, though another comes first by name.
        let log = Fact::Logs {
            pod: PodRef { namespace: "shop".into(), name: "web-b".into(), container: Some("log".into()) },
            previous: false,
            tail: 200,
        };
        assert_eq!(facts(&spec("x"), &known), std::slice::from_ref(&log));
        assert_eq!(facts(&spec("x"), &snapshot()).len(), 1, "its pods come first");
        let known = with(known, log, Observation::Value(json!("GET / 200\n")));
        table(
            &known,
            &[
                (spec("200"), Pass),
                (spec("500"), Fail),
                (json!({"logs": {"namespace": "shop", "selector": "app=none", "text": {"contains": "a"}}}), Fail),
                (json!({"logs": {"namespace": "shop", "pod": "unread", "text": {"contains": "a"}}}), Indeterminate),
                (json!({"logs": {"namespace": "unread", "selector": "a=b", "text": {"contains": "a"}}}), Indeterminate),
            ],
        );
    }
}
