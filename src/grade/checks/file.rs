//! `file`: a file on a node.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::grade::fact::Fact;
use crate::grade::judge::{Judge, Judgement, Scope};
use crate::grade::snapshot::{Known, Snapshot};
use crate::grade::text::TextMatch;
use crate::model::Evidence;

/// A file on a node is so.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct File {
    /// The node; the variable `node` unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// Absolute path.
    pub path: String,
    /// Whether it must be there or must not be.
    #[serde(default = "File::default_exists")]
    pub exists: bool,
    /// Permission bits in octal: `"0600"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    /// Owner, `user:group`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// What it must say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<TextMatch>,
}

impl File {
    fn default_exists() -> bool {
        true
    }
}

impl Judge for File {
    fn facts(&self, scope: &Scope, _: &Snapshot) -> Vec<Fact> {
        scope.node_or(self.node.as_deref()).map(|node| Fact::File { node: node.to_owned(), path: self.path.clone() }).into_iter().collect()
    }

    fn judge(&self, scope: &Scope, snapshot: &Snapshot) -> Judgement {
        let node = match scope.node_or(self.node.as_deref()) {
            Ok(node) => node,
            Err(judgement) => return *judgement,
        };
        let fact = Fact::File { node: node.to_owned(), path: self.path.clone() };
        let subject = fact.to_string();
        let expected = if self.exists { "exists" } else { "absent" };
        let file = match snapshot.value(&fact) {
            Known::Value(file) => file,
            Known::Absent => return Judgement::from_evidence(vec![Evidence::compared(subject, expected, "absent", !self.exists)]),
            Known::Unknown(reason) => return Judgement::from_evidence(vec![Evidence::unknown(subject, expected, reason)]),
        };
        let mut evidence = vec![Evidence::compared(&subject, expected, "exists", self.exists)];
        if let Some(mode) = &self.mode {
            let actual = file["mode"].as_str().unwrap_or_default();
            let same = actual.trim_start_matches('0') == mode.trim_start_matches('0');
            evidence.push(Evidence::compared(format!("{subject}, mode"), mode, actual, same));
        }
        if let Some(owner) = &self.owner {
            let actual = file["owner"].as_str().unwrap_or_default();
            evidence.push(Evidence::compared(format!("{subject}, owner"), owner, actual, actual == owner));
        }
        if let Some(text) = &self.text {
            evidence.extend(text.judge(&subject, file["content"].as_str().unwrap_or_default()));
        }
        Judgement::from_evidence(evidence)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::grade::Observation;
    use crate::grade::testing::{snapshot, table, with};
    use crate::model::Verdict::{Fail, Indeterminate, Pass};

    #[test]
    fn accepts_and_rejects() {
        let fact = |path: &str| Fact::File { node: "worker-1".into(), path: path.into() };
        let known = with(snapshot(), fact("/a"), Observation::Value(json!({"content": "x: 1\n", "mode": "0600", "owner": "root:root"})));
        let known = with(known, fact("/b"), Observation::Absent);
        table(
            &known,
            &[
                (json!({"file": {"path": "/a", "mode": "600", "owner": "root:root", "text": {"contains": "x: 1"}}}), Pass),
                (json!({"file": {"path": "/a", "mode": "0644"}}), Fail),
                (json!({"file": {"path": "/a", "owner": "etcd:etcd"}}), Fail),
                (json!({"file": {"path": "/a", "text": {"contains": "x: 2"}}}), Fail),
                (json!({"file": {"path": "/a", "exists": false}}), Fail),
                (json!({"file": {"path": "/b"}}), Fail),
                (json!({"file": {"path": "/b", "exists": false}}), Pass),
                (json!({"file": {"path": "/c", "exists": false}}), Indeterminate),
            ],
        );
    }
}
