//! `exec`: what a command in a container comes to.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::grade::fact::Fact;
use crate::grade::judge::{Judge, Judgement, Scope};
use crate::grade::snapshot::{Known, Snapshot};
use crate::grade::target::{Located, PodTarget};
use crate::grade::text::{TextMatch, excerpt};
use crate::model::Evidence;

/// A command in a container exits and prints so. It must change nothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Exec {
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
    /// Program and arguments.
    pub command: Vec<String>,
    /// Exit status.
    #[serde(default)]
    pub exit_code: i32,
    /// Standard output.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stdout: Option<TextMatch>,
}

impl Exec {
    fn target(&self) -> PodTarget {
        PodTarget {
            namespace: self.namespace.clone(),
            name: self.pod.clone(),
            selector: self.selector.clone(),
            container: self.container.clone(),
        }
    }
}

impl Judge for Exec {
    fn facts(&self, _: &Scope, snapshot: &Snapshot) -> Vec<Fact> {
        match self.target().locate(snapshot) {
            Located::Pod(pod) => vec![Fact::Exec { pod, command: self.command.clone() }],
            Located::Needs(fact) => vec![fact],
            Located::Nothing | Located::Unknown(_) => Vec::new(),
        }
    }

    fn judge(&self, _: &Scope, snapshot: &Snapshot) -> Judgement {
        let target = self.target();
        let subject = format!("`{}` in {target}", self.command.join(" "));
        let expected = format!("exit status {}", self.exit_code);
        Judgement::from_evidence(match target.locate(snapshot) {
            Located::Pod(pod) => match snapshot.value(&Fact::Exec { pod, command: self.command.clone() }) {
                Known::Value(output) => judge_output(&subject, output, self.exit_code, self.stdout.as_ref()),
                Known::Absent => vec![Evidence::compared(subject, expected, "no such pod or container runs", false)],
                Known::Unknown(reason) => vec![Evidence::unknown(subject, expected, reason)],
            },
            Located::Nothing => vec![Evidence::compared(subject, expected, "no such pod", false)],
            Located::Needs(_) => vec![Evidence::unknown(subject, expected, "its pods were not read")],
            Located::Unknown(reason) => vec![Evidence::unknown(subject, expected, reason)],
        })
    }
}

/// Judges `{"status", "stdout", "stderr"}`.
pub fn judge_output(subject: &str, output: &Value, status: i32, stdout: Option<&TextMatch>) -> Vec<Evidence> {
    let ended = output["status"].as_i64();
    let mut actual = ended.map_or_else(|| "no exit status".to_owned(), |s| format!("exit status {s}"));
    let stderr = excerpt(output["stderr"].as_str().unwrap_or_default());
    if ended != Some(0) && !stderr.is_empty() {
        actual = format!("{actual}: {stderr}");
    }
    let mut evidence = vec![Evidence::compared(subject, format!("exit status {status}"), actual, ended == Some(i64::from(status)))];
    if let Some(text) = stdout {
        evidence.extend(text.judge(&format!("output of {subject}"), output["stdout"].as_str().unwrap_or_default()));
    }
    evidence
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::grade::testing::{snapshot, table, with};
    use crate::grade::{Observation, PodRef};
    use crate::model::Verdict::{Fail, Indeterminate, Pass};

    #[test]
    fn accepts_and_rejects() {
        let fact = |word: &str| Fact::Exec {
            pod: PodRef { namespace: "default".into(), name: "tool".into(), container: None },
            command: vec!["cat".into(), word.into()],
        };
        let known = with(snapshot(), fact("/a"), Observation::Value(json!({"status": 0, "stdout": "hello\n", "stderr": ""})));
        let known = with(known, fact("/b"), Observation::Value(json!({"status": 1, "stdout": "", "stderr": "cat: can't open '/b'"})));
        let known = with(known, fact("/c"), Observation::Absent);
        let of = |path: &str, extra: Value| {
            let mut spec = json!({"pod": "tool", "command": ["cat", path]});
            spec.as_object_mut().expect("a map").extend(extra.as_object().expect("a map").clone());
            json!({"exec": spec})
        };
        table(
            &known,
            &[
                (of("/a", json!({})), Pass),
                (of("/a", json!({"stdout": {"equals": "hello"}})), Pass),
                (of("/a", json!({"stdout": {"contains": "bye"}})), Fail),
                (of("/b", json!({})), Fail),
                (of("/b", json!({"exitCode": 1})), Pass),
                (of("/c", json!({"exitCode": 1})), Fail),
                (of("/d", json!({})), Indeterminate),
            ],
        );
    }
}
