//! `dns`: a name is looked up, from pods that the setup declared or from a node.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::grade::fact::{Fact, PodRef};
use crate::grade::judge::{Judge, Judgement, Scope};
use crate::grade::number::Number;
use crate::grade::snapshot::{Known, Snapshot};
use crate::grade::target::{list_fact, object_fact, selected};
use crate::grade::text::excerpt;
use crate::model::Evidence;

/// A name resolves. Pods use their `nslookup`, a node its own resolver (`getent`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Dns {
    /// Where the question is asked.
    pub from: Asker,
    /// The name, in full: `web.shop.svc.cluster.local`. The address of this name's Service must be the answer where `service` is given.
    pub name: String,
    /// The Service whose address must be the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<ServiceRef>,
    /// Whether there must be an answer or must be none.
    #[serde(default = "Dns::default_resolves")]
    pub resolves: bool,
}

/// Exactly one of `pods` and `node`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Asker {
    /// Containers with `nslookup`: every pod that matches is asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pods: Option<Pods>,
    /// A node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
}

/// Pods by labels.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Pods {
    /// Namespace; `default` unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Label selector.
    pub selector: String,
    /// Container; the pod's default one unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<String>,
    /// So many must be there: one for each node, say.
    #[serde(default = "Pods::default_minimum")]
    pub minimum: Number,
}

/// A Service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ServiceRef {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl Pods {
    fn default_minimum() -> Number {
        Number::Known(1)
    }

    fn list(&self) -> Fact {
        list_fact("Pod", None, self.namespace.as_deref())
    }

    /// Names of the pods that run.
    fn running(&self, snapshot: &Snapshot) -> Result<Vec<String>, String> {
        let pods = selected(snapshot, &self.list(), Some(&self.selector))?;
        let runs = |pod: &&&Value| pod["status"]["phase"] == "Running" && pod["metadata"]["deletionTimestamp"].is_null();
        Ok(pods.iter().filter(runs).filter_map(|pod| pod["metadata"]["name"].as_str()).map(str::to_owned).collect())
    }
}

impl Dns {
    fn default_resolves() -> bool {
        true
    }

    fn service(&self) -> Option<Fact> {
        self.service.as_ref().map(|service| object_fact("Service", None, Some(&service.namespace), &service.name))
    }

    fn asked_in(&self, pods: &Pods, name: &str) -> Fact {
        let pod = PodRef {
            namespace: pods.namespace.clone().unwrap_or_else(|| "default".to_owned()),
            name: name.to_owned(),
            container: pods.container.clone(),
        };
        Fact::Exec { pod, command: ["nslookup", &self.name].map(str::to_owned).to_vec() }
    }

    fn asked_on(&self, node: &str) -> Fact {
        Fact::NodeCommand { node: node.to_owned(), script: format!("getent hosts '{}'", self.name.replace('\'', "")) }
    }

    /// The address that must come, if one is known that must.
    fn wanted<'a>(&self, snapshot: &'a Snapshot) -> Result<Option<&'a str>, String> {
        let Some(fact) = self.service() else { return Ok(None) };
        match snapshot.value(&fact) {
            Known::Value(service) => Ok(service["spec"]["clusterIP"].as_str()),
            Known::Absent => Err(format!("there is no {fact}")),
            Known::Unknown(reason) => Err(reason.to_owned()),
        }
    }

    fn judge_one(&self, fact: &Fact, from: &str, wanted: Option<&str>, snapshot: &Snapshot) -> Evidence {
        let subject = format!("{} from {from}", self.name);
        let expected = match (self.resolves, wanted) {
            (true, Some(address)) => address.to_owned(),
            (true, None) => "an address".to_owned(),
            (false, _) => "no address".to_owned(),
        };
        let output = match snapshot.value(fact) {
            Known::Value(output) => output,
            Known::Absent => return Evidence::unknown(subject, expected, "the pod or container that should ask is not there"),
            Known::Unknown(reason) => return Evidence::unknown(subject, expected, reason),
        };
        let (stdout, stderr) = (output["stdout"].as_str().unwrap_or_default(), output["stderr"].as_str().unwrap_or_default());
        if matches!(output["status"].as_i64(), Some(126 | 127) | None) {
            return Evidence::unknown(subject, expected, format!("the question could not be asked: {}", excerpt(stderr)));
        }
        let addresses = if matches!(fact, Fact::Exec { .. }) { answers(stdout) } else { first_words(stdout) };
        let holds = match wanted {
            _ if !self.resolves => addresses.is_empty(),
            Some(wanted) => addresses.contains(&wanted),
            None => !addresses.is_empty(),
        };
        let actual = match addresses.as_slice() {
            [] => format!("no address: {}", excerpt(if stderr.trim().is_empty() { stdout } else { stderr })),
            some => some.join(", "),
        };
        Evidence::compared(subject, expected, actual, holds)
    }
}

/// Addresses in the answer of `nslookup`: those after the first `Name:`; the one before it is the server's. BusyBox numbers several.
fn answers(stdout: &str) -> Vec<&str> {
    let lines = stdout.lines().skip_while(|line| !line.starts_with("Name:"));
    let addresses = lines.filter(|line| line.starts_with("Address")).filter_map(|line| line.split_once(':').map(|(_, rest)| rest));
    addresses.filter_map(|rest| rest.split_whitespace().next()).collect()
}

fn first_words(stdout: &str) -> Vec<&str> {
    stdout.lines().filter_map(|line| line.split_whitespace().next()).collect()
}

impl Judge for Dns {
    fn facts(&self, _: &Scope, snapshot: &Snapshot) -> Vec<Fact> {
        let asked: Vec<Fact> = match (&self.from.pods, &self.from.node) {
            (Some(pods), _) if snapshot.get(&pods.list()).is_none() => vec![pods.list()],
            (Some(pods), _) => pods.running(snapshot).unwrap_or_default().iter().map(|name| self.asked_in(pods, name)).collect(),
            (None, Some(node)) => vec![self.asked_on(node)],
            (None, None) => Vec::new(),
        };
        asked.into_iter().chain(self.service()).collect()
    }

    fn judge(&self, _: &Scope, snapshot: &Snapshot) -> Judgement {
        let wanted = match self.wanted(snapshot) {
            Ok(wanted) => wanted,
            Err(reason) => return Judgement::from_evidence(vec![Evidence::unknown(&self.name, "an address", reason)]),
        };
        let mut evidence = Vec::new();
        match (&self.from.pods, &self.from.node) {
            (Some(pods), None) => {
                let subject = format!("pods {} that ask", pods.selector);
                match pods.running(snapshot) {
                    Ok(running) => {
                        let minimum = usize::try_from(pods.minimum.known().unwrap_or(1).max(1)).unwrap_or(usize::MAX);
                        let actual = format!("{} running", running.len());
                        evidence.push(Evidence::compared(subject, format!("at least {minimum} running"), actual, running.len() >= minimum));
                        for name in &running {
                            evidence.push(self.judge_one(&self.asked_in(pods, name), &format!("pod {name}"), wanted, snapshot));
                        }
                    }
                    Err(reason) => evidence.push(Evidence::unknown(subject, "running", reason)),
                }
            }
            (None, Some(node)) => evidence.push(self.judge_one(&self.asked_on(node), node, wanted, snapshot)),
            _ => evidence.push(Evidence::unknown(&self.name, "an address", "exactly one of pods and node must be given")),
        }
        Judgement::from_evidence(evidence)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::grade::Observation;
    use crate::grade::testing::{facts, snapshot, table, with, with_object};
    use crate::model::Verdict::{Fail, Indeterminate, Pass};

    const FOUND: &str = "Server:\t\t10.96.0.10\nAddress:\t10.96.0.10:53\n\nName:\tweb.shop.svc.cluster.local\nAddress: 10.96.7.7\n\n";
    const LOST: &str = "Server:\t\t10.96.0.10\nAddress:\t10.96.0.10:53\n\n** server can't find web.shop.svc.cluster.local: NXDOMAIN\n\n";

    fn spec(extra: Value) -> Value {
        let mut spec =
            json!({"from": {"pods": {"namespace": "shop", "selector": "app=tool", "minimum": 2}}, "name": "web.shop.svc.cluster.local"});
        spec.as_object_mut().expect("a map").extend(extra.as_object().expect("a map").clone());
        json!({"dns": spec})
    }

    fn pod(name: &str) -> Value {
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "shop", "labels": {"app": "tool"}},
            "status": {"phase": "Running"}})
    }

    /// Two pods that asked, and what they were told.
    fn known(answers: [(i64, &str); 2]) -> Snapshot {
        let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": "shop"}, "spec": {"clusterIP": "10.96.7.7"}});
        let known = with_object(with_object(with_object(snapshot(), pod("tool-1")), pod("tool-2")), service);
        let asked = facts(&spec(json!({})), &known);
        assert_eq!(asked.len(), 2);
        asked.into_iter().zip(answers).fold(known, |known, (fact, (status, stdout))| {
            with(known, fact, Observation::Value(json!({"status": status, "stdout": stdout, "stderr": ""})))
        })
    }

    #[test]
    fn every_pod_must_find_it() {
        let service = |name: &str| spec(json!({"service": {"namespace": "shop", "name": name}}));
        let none = spec(json!({"resolves": false}));
        let more = json!({"dns": {"from": {"pods": {"namespace": "shop", "selector": "app=tool", "minimum": 3}}, "name": "web.shop.svc.cluster.local"}});
        table(
            &known([(0, FOUND), (0, FOUND)]),
            &[(spec(json!({})), Pass), (service("web"), Pass), (service("unread"), Indeterminate), (none.clone(), Fail), (more, Fail)],
        );
        table(&known([(0, FOUND), (1, LOST)]), &[(spec(json!({})), Fail), (service("web"), Fail), (none.clone(), Fail)]);
        table(&known([(1, LOST), (1, ";; connection timed out; no servers could be reached\n")]), &[(spec(json!({})), Fail), (none, Pass)]);
        table(&known([(0, &FOUND.replace("10.96.7.7", "10.0.0.9")), (0, FOUND)]), &[(spec(json!({})), Pass), (service("web"), Fail)]);
        table(&known([(127, ""), (0, FOUND)]), &[(spec(json!({})), Indeterminate)]);
    }

    #[test]
    fn nodes_ask_their_own_resolver() {
        let spec = json!({"dns": {"from": {"node": "worker-1"}, "name": "control-plane"}});
        let fact = facts(&spec, &snapshot()).remove(0);
        for (status, stdout, wanted) in [(0, "192.0.2.10      control-plane\n", Pass), (2, "", Fail)] {
            let output = Observation::Value(json!({"status": status, "stdout": stdout, "stderr": ""}));
            table(&with(snapshot(), fact.clone(), output), &[(spec.clone(), wanted)]);
        }
        table(&snapshot(), &[(spec, Indeterminate)]);
    }
}
