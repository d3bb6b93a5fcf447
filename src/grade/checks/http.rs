//! `http`: a request, sent from a pod that the setup declared or from a node.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::from::{From, Sent};
use crate::grade::fact::Fact;
use crate::grade::judge::{Judge, Judgement, Scope};
use crate::grade::snapshot::Snapshot;
use crate::grade::text::{TextMatch, excerpt};
use crate::model::{Evidence, quote};

/// Seconds that a request may take.
const TIMEOUT: &str = "3";

/// A request is answered so. From pods it is sent by their `wget`, from nodes by `curl`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Http {
    /// Where it starts.
    pub from: From,
    /// `http://name:port/path`.
    pub url: String,
    /// Whether there must be an answer or must be none.
    #[serde(default = "Http::default_reachable")]
    pub reachable: bool,
    /// Status of the answer; from a pod only whether it is below 400 is known, so this is for nodes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Body of the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<TextMatch>,
}

impl Http {
    fn default_reachable() -> bool {
        true
    }

    fn sent(&self, snapshot: &Snapshot) -> Sent {
        // On a node the status comes on a line of its own after the body.
        let script = format!("curl -sS --max-time {TIMEOUT} -w '\\n%{{http_code}}' {}", quote(&self.url));
        self.from.send(snapshot, &["wget", "-q", "-O", "-", "-T", TIMEOUT, &self.url], script)
    }

    fn judge_output(&self, subject: &str, output: &Value) -> Vec<Evidence> {
        let (status, stdout, stderr) = (output["status"].as_i64(), output["stdout"].as_str(), output["stderr"].as_str());
        let stdout = stdout.unwrap_or_default();
        let reason = excerpt(stderr.unwrap_or_default());
        // Neither tool is there: that says nothing about the network (126, 127: not executable, not found).
        if matches!(status, Some(126 | 127) | None) {
            return vec![Evidence::unknown(subject, "an answer", format!("the request could not be sent: {reason}"))];
        }
        let answered = status == Some(0) || reason.contains("server returned error");
        let expected = if self.reachable { "an answer" } else { "no answer" };
        let actual = if answered { "an answer".to_owned() } else { format!("no answer: {reason}") };
        let mut evidence = vec![Evidence::compared(subject, expected, actual, answered == self.reachable)];
        if !answered || !self.reachable {
            return evidence;
        }
        let (body, code) = match (&self.from.node, stdout.rsplit_once('\n')) {
            (Some(_), Some((body, code))) => (body, code.trim().parse::<u16>().ok()),
            (Some(_), None) => ("", stdout.trim().parse().ok()),
            (None, _) => (stdout, None),
        };
        // wget tells the status only where it is an error: "wget: server returned error: HTTP/1.1 404 Not Found".
        let code = code.or_else(|| reason.split_whitespace().find_map(|w| w.parse().ok()).filter(|c| (400..600).contains(c)));
        match (self.status, code) {
            (Some(wanted), Some(code)) => {
                evidence.push(Evidence::compared(format!("{subject}, status"), wanted.to_string(), code.to_string(), wanted == code))
            }
            (Some(wanted), None) => {
                evidence.push(Evidence::compared(format!("{subject}, status"), wanted.to_string(), "below 400", wanted < 400))
            }
            (None, Some(code)) if code >= 400 => {
                evidence.push(Evidence::compared(format!("{subject}, status"), "below 400", code.to_string(), false))
            }
            (None, _) => {}
        }
        if let Some(text) = &self.body {
            evidence.extend(text.judge(&format!("{subject}, body"), body));
        }
        evidence
    }
}

impl Judge for Http {
    fn facts(&self, _: &Scope, snapshot: &Snapshot) -> Vec<Fact> {
        self.sent(snapshot).next().into_iter().collect()
    }

    fn judge(&self, _: &Scope, snapshot: &Snapshot) -> Judgement {
        let subject = format!("{} from {}", self.url, self.from);
        Judgement::from_evidence(match self.sent(snapshot).output(snapshot) {
            Ok(output) => self.judge_output(&subject, output),
            Err(reason) => vec![Evidence::unknown(subject, "an answer", reason)],
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::grade::Observation;
    use crate::grade::testing::{facts, snapshot, table, with};
    use crate::model::Verdict::{Fail, Indeterminate, Pass};

    fn spec(url: &str, extra: Value) -> Value {
        let mut spec = json!({"from": {"pod": {"name": "tool"}}, "url": url});
        spec.as_object_mut().expect("a map").extend(extra.as_object().expect("a map").clone());
        json!({"http": spec})
    }

    #[test]
    fn accepts_and_rejects() {
        let mut known = snapshot();
        for (url, status, stdout, stderr) in [
            ("http://ok", 0, "Welcome", ""),
            ("http://404", 1, "", "wget: server returned error: HTTP/1.1 404 Not Found"),
            ("http://dark", 1, "", "wget: download timed out"),
            ("http://no-tool", 127, "", "wget: not found"),
        ] {
            for fact in facts(&spec(url, json!({})), &snapshot()) {
                known = with(known, fact, Observation::Value(json!({"status": status, "stdout": stdout, "stderr": stderr})));
            }
        }
        table(
            &known,
            &[
                (spec("http://ok", json!({"body": {"contains": "Welcome"}})), Pass),
                (spec("http://ok", json!({"body": {"contains": "Bye"}})), Fail),
                (spec("http://ok", json!({"reachable": false})), Fail),
                (spec("http://404", json!({})), Fail),
                (spec("http://404", json!({"status": 404})), Pass),
                (spec("http://dark", json!({})), Fail),
                (spec("http://dark", json!({"reachable": false})), Pass),
                (spec("http://no-tool", json!({"reachable": false})), Indeterminate),
                (spec("http://unread", json!({})), Indeterminate),
                (json!({"http": {"from": {}, "url": "http://ok"}}), Indeterminate),
            ],
        );
    }

    #[test]
    fn nodes_tell_the_status() {
        let of = |status: u16| json!({"http": {"from": {"node": "worker-1"}, "url": "http://x", "status": status}});
        let asked = facts(&of(200), &snapshot());
        let known = with(snapshot(), asked[0].clone(), Observation::Value(json!({"status": 0, "stdout": "hi\n503", "stderr": ""})));
        table(&known, &[(of(503), Pass), (of(200), Fail)]);
    }
}
