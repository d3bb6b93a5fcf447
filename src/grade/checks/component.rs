//! `component`: what a control-plane component says about its own health, asked on its node, and what it logged there.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::grade::fact::Fact;
use crate::grade::judge::{Judge, Judgement, Scope};
use crate::grade::snapshot::{Known, Snapshot};
use crate::grade::text::{TextMatch, excerpt};
use crate::model::Evidence;

/// A component's health endpoint answers `ok`, asked from its own node: it needs no API server and no kubectl.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Component {
    /// The node; the scenario's host unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// Which.
    pub name: ComponentName,
    /// Whether it must be healthy or must not be.
    #[serde(default = "Component::default_healthy")]
    pub healthy: bool,
    /// What its newest container (for the kubelet: its journal) must say near its end. For `visibleWhen`, mostly: a component that is
    /// not healthy has not always said yet why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub says: Option<TextMatch>,
}

/// The components with a health endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)] // Kubernetes' own names
pub enum ComponentName {
    KubeApiserver,
    KubeControllerManager,
    KubeScheduler,
    Etcd,
    Kubelet,
    KubeProxy,
}

impl ComponentName {
    /// Name, and where it tells its health: the ports that kubeadm leaves at their defaults.
    fn endpoint(self) -> (&'static str, &'static str) {
        match self {
            Self::KubeApiserver => ("kube-apiserver", "https://127.0.0.1:6443/livez"),
            Self::KubeControllerManager => ("kube-controller-manager", "https://127.0.0.1:10257/healthz"),
            Self::KubeScheduler => ("kube-scheduler", "https://127.0.0.1:10259/healthz"),
            Self::Etcd => ("etcd", "http://127.0.0.1:2381/health"),
            Self::Kubelet => ("kubelet", "http://127.0.0.1:10248/healthz"),
            Self::KubeProxy => ("kube-proxy", "http://127.0.0.1:10256/healthz"),
        }
    }
}

impl Component {
    fn default_healthy() -> bool {
        true
    }

    fn node<'a>(&'a self, scope: &'a Scope) -> &'a str {
        scope.host_or(self.node.as_deref())
    }

    /// Certificates of the controller manager and the scheduler are their own, so none is checked here.
    fn fact(&self, scope: &Scope) -> Fact {
        let script = format!("curl -sSk --max-time 3 -w '\\n%{{http_code}}' {}", self.name.endpoint().1);
        Fact::NodeCommand { node: self.node(scope).to_owned(), script }
    }

    /// The end of its log. Container runtime and journal need no API server either.
    fn log(&self, scope: &Scope) -> Fact {
        let script = match self.name {
            ComponentName::Kubelet => "journalctl -u kubelet --no-pager -n 300".to_owned(),
            _ => format!("crictl logs --tail 100 $(crictl ps -a --name {} -q | head -n 1) 2>&1", self.name.endpoint().0),
        };
        Fact::NodeCommand { node: self.node(scope).to_owned(), script }
    }
}

impl Judge for Component {
    fn facts(&self, scope: &Scope, _: &Snapshot) -> Vec<Fact> {
        let mut facts = vec![self.fact(scope)];
        facts.extend(self.says.as_ref().map(|_| self.log(scope)));
        facts
    }

    fn judge(&self, scope: &Scope, snapshot: &Snapshot) -> Judgement {
        let subject = format!("health of {} on {}", self.name.endpoint().0, self.node(scope));
        let expected = if self.healthy { "healthy" } else { "not healthy" };
        let mut evidence = vec![match snapshot.value(&self.fact(scope)) {
            Known::Value(output) => {
                let (stdout, stderr) = (output["stdout"].as_str().unwrap_or_default(), output["stderr"].as_str().unwrap_or_default());
                match output["status"].as_i64() {
                    Some(126 | 127) | None => Evidence::unknown(subject, expected, format!("the node has no curl: {}", excerpt(stderr))),
                    Some(status) => {
                        let healthy = status == 0 && stdout.trim_end().ends_with("200");
                        let actual = match (healthy, status) {
                            (true, _) => "healthy".to_owned(),
                            (false, 0) => format!("not healthy: {}", excerpt(stdout)),
                            (false, _) => format!("not healthy: {}", excerpt(stderr)),
                        };
                        Evidence::compared(subject, expected, actual, healthy == self.healthy)
                    }
                }
            }
            Known::Absent => Evidence::unknown(subject, expected, "the node is not there"),
            Known::Unknown(reason) => Evidence::unknown(subject, expected, reason),
        }];
        if let Some(says) = &self.says {
            let subject = format!("log of {} on {}", self.name.endpoint().0, self.node(scope));
            evidence.extend(match snapshot.value(&self.log(scope)) {
                Known::Value(output) => says.judge(&subject, output["stdout"].as_str().unwrap_or_default()),
                Known::Absent => vec![Evidence::unknown(subject, "a log", "the node is not there")],
                Known::Unknown(reason) => vec![Evidence::unknown(subject, "a log", reason)],
            });
        }
        Judgement::from_evidence(evidence)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::grade::Observation;
    use crate::grade::testing::{decode, facts, judge, scope, snapshot, table, with};
    use crate::model::Verdict::{Fail, Indeterminate, Pass};

    #[test]
    fn accepts_and_rejects() {
        let well = json!({"component": {"name": "kube-scheduler"}});
        let ill = json!({"component": {"name": "kube-scheduler", "healthy": false}});
        let fact = facts(&well, &snapshot()).remove(0);
        for (status, stdout, wanted) in
            [(0, "ok\n200", Pass), (0, "[+]ping ok\n[-]leaderElection failed\n500", Fail), (7, "\n000", Fail), (127, "", Indeterminate)]
        {
            let answer = json!({"status": status, "stdout": stdout, "stderr": "curl: (7) Failed to connect to 127.0.0.1 port 10259"});
            let known = with(snapshot(), fact.clone(), Observation::Value(answer));
            table(&known, &[(well.clone(), wanted), (ill.clone(), wanted.negate())]);
        }
        table(&snapshot(), &[(well, Indeterminate)]);
    }

    #[test]
    fn what_it_says_is_read_where_it_was_asked_for() {
        let spec = json!({"component": {"name": "kube-apiserver", "healthy": false, "says": {"contains": "unknown flag"}}});
        let [health, log] = facts(&spec, &snapshot()).try_into().expect("two facts");
        for (said, wanted) in [("Error: unknown flag: --x", Pass), ("", Fail)] {
            let answer = |status, stdout: &str| Observation::Value(json!({"status": status, "stdout": stdout, "stderr": ""}));
            let known = with(with(snapshot(), health.clone(), answer(7, "\n000")), log.clone(), answer(0, said));
            table(&known, &[(spec.clone(), wanted)]);
        }
    }

    #[test]
    fn the_host_is_asked_unless_another_node_is_named() {
        let spec = json!({"component": {"node": "worker-1", "name": "kubelet"}});
        assert!(matches!(decode(&spec).facts(&scope(), &snapshot()).as_slice(), [Fact::NodeCommand { node, script }]
            if node == "worker-1" && script.ends_with("http://127.0.0.1:10248/healthz")));
        assert!(judge(&spec, &snapshot()).evidence[0].subject.contains("kubelet on worker-1"));
    }
}
