//! `traffic`: who reaches whom. Each path is one connection, tried from a pod that the setup declared or from a node.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::from::{From, Sent};
use crate::grade::fact::Fact;
use crate::grade::judge::{Judge, Judgement, Scope};
use crate::grade::snapshot::Snapshot;
use crate::grade::text::excerpt;
use crate::model::{Evidence, quote};

/// Seconds that a connection may take.
const TIMEOUT: &str = "3";
/// Seconds after which the whole try is given up: a name server that is cut off answers never, and the resolver tries again.
const LIMIT: &str = "9";

/// Connections come out so, every one of them. From pods they are tried by their `wget`, from nodes by `curl`; any TCP
/// server will do, for what it answers does not count.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Traffic {
    /// The paths. At least one must be open: what nobody opened is closed by itself.
    pub paths: Vec<Path>,
}

/// One connection.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Path {
    /// Where it starts.
    pub from: From,
    /// `name:port`.
    pub to: String,
    /// How it comes out; `open` unless given.
    #[serde(default)]
    pub is: Outcome,
}

/// How a connection comes out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
    /// It is made.
    #[default]
    Open,
    /// It is not made, for whatever reason.
    Closed,
    /// It is refused: the host is there, and nothing listens.
    Refused,
    /// Nothing ever answers: packets are dropped.
    TimedOut,
}

/// What was seen of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Seen {
    Open,
    Refused,
    TimedOut,
    NoName,
    NoRoute,
    /// Something that the tool says nothing known about.
    Unclear,
}

/// What a tool says that was connected and then did not understand the server, which need not speak HTTP.
const ANSWERED: [&str; 6] =
    ["server returned error", "error getting response", "bad header", "read error", "reset by peer", "Empty reply from server"];

impl Outcome {
    fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Closed => "closed",
            Self::Refused => "refused",
            Self::TimedOut => "timed out",
        }
    }

    fn accepts(self, seen: Seen) -> bool {
        match self {
            Self::Open => seen == Seen::Open,
            Self::Closed => !matches!(seen, Seen::Open | Seen::Unclear),
            Self::Refused => seen == Seen::Refused,
            Self::TimedOut => seen == Seen::TimedOut,
        }
    }
}

impl Seen {
    fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Refused => "refused",
            Self::TimedOut => "timed out",
            Self::NoName => "the name is not resolved",
            Self::NoRoute => "no route",
            Self::Unclear => "neither an answer nor a reason why there is none",
        }
    }

    /// From what `wget` or `curl` says. An answer that is not HTTP is an answer.
    fn of(status: i64, stderr: &str) -> Self {
        let said = |text: &str| stderr.contains(text);
        if said("bad address") || said("Could not resolve host") || said("Resolving timed out") {
            Self::NoName
        } else if said("refused") {
            Self::Refused
        } else if matches!(status, 28 | 124 | 137 | 143) || said("timed out") {
            Self::TimedOut
        } else if said("No route to host") || said("unreachable") {
            Self::NoRoute
        } else if matches!(status, 0 | 8 | 52 | 56) || ANSWERED.iter().any(|text| said(text)) {
            Self::Open
        } else {
            Self::Unclear
        }
    }
}

impl Path {
    fn sent(&self, snapshot: &Snapshot) -> Sent {
        let url = format!("http://{}/", self.to);
        let script = format!("curl -sS -o /dev/null --max-time {TIMEOUT} {}", quote(&url));
        self.from.send(snapshot, &["timeout", LIMIT, "wget", "-q", "-O", "/dev/null", "-T", TIMEOUT, &url], script)
    }

    fn judge(&self, snapshot: &Snapshot) -> Evidence {
        let subject = format!("{} → {}", self.from, self.to);
        match self.sent(snapshot).output(snapshot) {
            Ok(output) => self.judge_output(subject, output),
            Err(reason) => Evidence::unknown(subject, self.is.as_str(), reason),
        }
    }

    fn judge_output(&self, subject: String, output: &Value) -> Evidence {
        let stderr = output["stderr"].as_str().unwrap_or_default();
        match output["status"].as_i64() {
            // No tool is there: that says nothing about the network (126, 127: not executable, not found).
            None | Some(126 | 127) => {
                Evidence::unknown(subject, self.is.as_str(), format!("the connection could not be tried: {}", excerpt(stderr)))
            }
            Some(status) => {
                let seen = Seen::of(status, stderr);
                Evidence::compared(subject, self.is.as_str(), seen.as_str(), self.is.accepts(seen))
            }
        }
    }
}

impl Judge for Traffic {
    fn facts(&self, _: &Scope, snapshot: &Snapshot) -> Vec<Fact> {
        self.paths.iter().filter_map(|path| path.sent(snapshot).next()).collect()
    }

    fn judge(&self, _: &Scope, snapshot: &Snapshot) -> Judgement {
        Judgement::from_evidence(self.paths.iter().map(|path| path.judge(snapshot)).collect())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::grade::Observation;
    use crate::grade::testing::{facts, snapshot, table, with};
    use crate::model::Verdict::{Fail, Indeterminate, Pass};

    fn path(to: &str, is: &str) -> Value {
        json!({"from": {"pod": {"name": "tool"}}, "to": to, "is": is})
    }

    fn traffic(paths: &[Value]) -> Value {
        json!({"traffic": {"paths": paths}})
    }

    #[test]
    fn accepts_and_rejects() {
        let mut known = snapshot();
        for (to, status, stderr) in [
            ("web:80", 0, ""),
            ("api:404", 1, "wget: server returned error: HTTP/1.1 404 Not Found"),
            ("redis:6379", 1, "wget: error getting response"),
            ("shut:80", 1, "wget: can't connect to remote host (10.96.0.9): Connection refused"),
            ("dark:80", 1, "wget: download timed out"),
            ("dns:80", 143, "Terminated"),
            ("nosuch:80", 1, "wget: bad address 'nosuch'"),
            ("away:80", 1, "wget: can't connect to remote host (10.244.9.9): No route to host"),
            ("odd:80", 1, ""),
            ("toolless:80", 127, "timeout: can't execute 'wget': No such file or directory"),
        ] {
            for fact in facts(&traffic(&[path(to, "open")]), &snapshot()) {
                known = with(known, fact, Observation::Value(json!({"status": status, "stdout": "", "stderr": stderr})));
            }
        }
        table(
            &known,
            &[
                (traffic(&[path("web:80", "open"), path("api:404", "open"), path("redis:6379", "open"), path("dark:80", "closed")]), Pass),
                (traffic(&[path("web:80", "open"), path("dark:80", "open")]), Fail),
                (traffic(&[path("web:80", "closed")]), Fail),
                (traffic(&[path("shut:80", "refused"), path("shut:80", "closed")]), Pass),
                (traffic(&[path("shut:80", "timedOut")]), Fail),
                (traffic(&[path("dark:80", "timedOut"), path("dns:80", "timedOut")]), Pass),
                (traffic(&[path("nosuch:80", "closed"), path("away:80", "closed")]), Pass),
                (traffic(&[path("nosuch:80", "timedOut")]), Fail),
                (traffic(&[path("odd:80", "open")]), Fail),
                (traffic(&[path("odd:80", "closed")]), Fail),
                (traffic(&[path("toolless:80", "closed")]), Indeterminate),
                (traffic(&[path("unread:80", "closed")]), Indeterminate),
                (traffic(&[json!({"from": {}, "to": "web:80"})]), Indeterminate),
                (traffic(&[]), Indeterminate),
            ],
        );
    }

    #[test]
    fn nodes_try_by_curl() {
        let of = |is: &str| traffic(&[json!({"from": {"node": "worker-1"}, "to": "10.96.0.9:80", "is": is})]);
        let asked = facts(&of("open"), &snapshot());
        for (status, stderr, is) in [
            (0, "", "open"),
            (52, "curl: (52) Empty reply from server", "open"),
            (7, "curl: (7) Failed to connect to 10.96.0.9 port 80 after 0 ms: Connection refused", "refused"),
            (28, "curl: (28) Connection timed out after 3001 milliseconds", "timedOut"),
            (6, "curl: (6) Could not resolve host: web", "closed"),
        ] {
            let known = with(snapshot(), asked[0].clone(), Observation::Value(json!({"status": status, "stdout": "", "stderr": stderr})));
            table(&known, &[(of(is), Pass), (of(if is == "open" { "closed" } else { "open" }), Fail)]);
        }
    }
}
