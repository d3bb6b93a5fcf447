//! `fileAnswer`: an answer that the candidate wrote to a file, compared by meaning.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::grade::compare::{differences, plain};
use crate::grade::fact::Fact;
use crate::grade::judge::{Judge, Judgement, Scope};
use crate::grade::number::Number;
use crate::grade::snapshot::{Known, Snapshot};
use crate::grade::text::{TextMatch, excerpt};
use crate::model::Evidence;

/// A file with an answer. Exactly one of `text`, `lines`, `number` and `value` is given.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FileAnswer {
    /// The node; the host of the task unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// Absolute path.
    pub path: String,
    /// What it must say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<TextMatch>,
    /// Its lines as a set: order, blank lines and white space at the ends do not matter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lines: Option<Vec<String>>,
    /// A number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<Number>,
    /// JSON or YAML that has at least these fields.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
}

impl FileAnswer {
    fn fact(&self, scope: &Scope) -> Fact {
        Fact::File { node: scope.host_or(self.node.as_deref()).to_owned(), path: self.path.clone() }
    }

    fn judge_content(&self, subject: &str, content: &str) -> Vec<Evidence> {
        if let Some(text) = &self.text {
            return text.judge(subject, content);
        }
        if let Some(lines) = &self.lines {
            let set = |lines: &mut dyn Iterator<Item = &str>| -> BTreeSet<String> {
                lines.map(str::trim).filter(|l| !l.is_empty()).map(str::to_owned).collect()
            };
            let (wanted, there) = (set(&mut lines.iter().map(String::as_str)), set(&mut content.lines()));
            let join = |set: &BTreeSet<String>| set.iter().cloned().collect::<Vec<_>>().join(", ");
            return vec![Evidence::compared(subject, join(&wanted), excerpt(&join(&there)), wanted == there)];
        }
        if let Some(number) = &self.number {
            let holds = number.known().is_some() && content.trim().parse::<f64>().ok() == number.known().map(|n| n as f64);
            return vec![Evidence::compared(subject, number.to_string(), format!("`{}`", excerpt(content)), holds)];
        }
        if let Some(wanted) = &self.value {
            return match serde_saphyr::from_str::<Value>(content) {
                Ok(there) => {
                    let found = differences(wanted, &there);
                    if found.is_empty() {
                        vec![Evidence::compared(subject, plain(wanted), "the same", true)]
                    } else {
                        found
                            .into_iter()
                            .map(|d| Evidence::compared(format!("{subject}, {}", d.path), d.expected, d.actual, false))
                            .collect()
                    }
                }
                Err(_) => vec![Evidence::compared(subject, "JSON or YAML", format!("`{}`", excerpt(content)), false)],
            };
        }
        vec![Evidence::unknown(subject, "an answer", "none of text, lines, number and value is given")]
    }
}

impl Judge for FileAnswer {
    fn facts(&self, scope: &Scope, _: &Snapshot) -> Vec<Fact> {
        vec![self.fact(scope)]
    }

    fn judge(&self, scope: &Scope, snapshot: &Snapshot) -> Judgement {
        let fact = self.fact(scope);
        let subject = fact.to_string();
        Judgement::from_evidence(match snapshot.value(&fact) {
            Known::Value(file) => self.judge_content(&subject, file["content"].as_str().unwrap_or_default()),
            Known::Absent => vec![Evidence::compared(subject, "an answer", "no such file", false)],
            Known::Unknown(reason) => vec![Evidence::unknown(subject, "an answer", reason)],
        })
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
        let mut known = snapshot();
        for (path, content) in
            [("/lines", " b\n\na\n"), ("/number", "7.0\n"), ("/json", "{\"a\": [1, 2], \"b\": 1}"), ("/yaml", "a:\n- 1\n- 2\n")]
        {
            let fact = Fact::File { node: "control-plane".into(), path: path.into() };
            known = with(known, fact, Observation::Value(json!({"content": content, "mode": "0644", "owner": "root:root"})));
        }
        let known = with(known, Fact::File { node: "control-plane".into(), path: "/none".into() }, Observation::Absent);
        table(
            &known,
            &[
                (json!({"fileAnswer": {"path": "/lines", "lines": ["a", "b"]}}), Pass),
                (json!({"fileAnswer": {"path": "/lines", "lines": ["a"]}}), Fail),
                (json!({"fileAnswer": {"path": "/lines", "text": {"contains": "a"}}}), Pass),
                (json!({"fileAnswer": {"path": "/number", "number": 7}}), Pass),
                (json!({"fileAnswer": {"path": "/number", "number": 8}}), Fail),
                (json!({"fileAnswer": {"path": "/lines", "number": 7}}), Fail),
                (json!({"fileAnswer": {"path": "/json", "value": {"a": [2, 1]}}}), Pass),
                (json!({"fileAnswer": {"path": "/yaml", "value": {"a": [1, 2]}}}), Pass),
                (json!({"fileAnswer": {"path": "/yaml", "value": {"a": [1]}}}), Fail),
                (json!({"fileAnswer": {"path": "/none", "number": 7}}), Fail),
                (json!({"fileAnswer": {"path": "/unread", "number": 7}}), Indeterminate),
                (json!({"fileAnswer": {"path": "/yaml"}}), Indeterminate),
            ],
        );
    }
}
