//! `staticPod`: a static pod runs, with these flags, out of one manifest.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::grade::fact::Fact;
use crate::grade::judge::{Judge, Judgement, Scope};
use crate::grade::snapshot::{Known, Snapshot};
use crate::grade::target::{condition, object_fact};
use crate::model::Evidence;

/// A static pod is Ready, as its mirror in the API shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StaticPod {
    /// The node; the scenario's host unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// Namespace; `kube-system` unless given.
    #[serde(default = "StaticPod::default_namespace")]
    pub namespace: String,
    /// Name as in the manifest, without the node's: `kube-apiserver`.
    pub name: String,
    /// Flags of its first container: `--profiling: "false"`. `null`: must not be given. Lists (`a,b`) compare as sets.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub flags: BTreeMap<String, Option<String>>,
    /// Folder of static pod manifests in which exactly one file may describe this pod. The kubelet reads every file there that does not
    /// begin with a dot, whatever it ends in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub one_manifest_in: Option<String>,
}

impl StaticPod {
    fn default_namespace() -> String {
        "kube-system".to_owned()
    }

    fn node<'a>(&'a self, scope: &'a Scope) -> &'a str {
        scope.host_or(self.node.as_deref())
    }

    fn mirror(&self, scope: &Scope) -> Fact {
        object_fact("Pod", None, Some(&self.namespace), &format!("{}-{}", self.name, self.node(scope)))
    }

    /// Names of the files that describe a pod of this name.
    fn manifests(&self, scope: &Scope) -> Option<Fact> {
        let folder = self.one_manifest_in.as_deref()?;
        let script = format!("cd '{folder}' && grep -lE '^ *\"?name\"?: *\"?{}\"?,? *$' * || true", self.name);
        Some(Fact::NodeCommand { node: self.node(scope).to_owned(), script })
    }

    fn judge_pod(&self, subject: &str, pod: &Value) -> Vec<Evidence> {
        let annotations = &pod["metadata"]["annotations"];
        let mirror = annotations["kubernetes.io/config.mirror"].is_string();
        let kind = if mirror { "a static pod" } else { "an ordinary pod" };
        let mut evidence = vec![Evidence::compared(subject, "a static pod", kind, mirror)];
        let ready = condition(pod, "Ready").is_some_and(|c| c["status"] == "True");
        evidence.push(Evidence::compared(format!("{subject}, Ready"), "True", if ready { "True" } else { "False" }, ready));
        let given = flags(pod);
        for (flag, wanted) in &self.flags {
            let name = flag.trim_start_matches('-');
            let actual = given.get(name).map(String::as_str);
            let holds = match (wanted, actual) {
                (Some(wanted), Some(actual)) => set(wanted) == set(actual),
                (None, None) => true,
                _ => false,
            };
            let expected = wanted.as_deref().unwrap_or("not given");
            evidence.push(Evidence::compared(format!("{subject}, flag --{name}"), expected, actual.unwrap_or("not given"), holds));
        }
        evidence
    }
}

fn set(text: &str) -> BTreeSet<&str> {
    text.split(',').map(str::trim).filter(|word| !word.is_empty()).collect()
}

/// Flags of the first container, by name without dashes. `--name=value` and `--name value` are one thing, and the last one counts.
fn flags(pod: &Value) -> BTreeMap<String, String> {
    let container = &pod["spec"]["containers"][0];
    let words = |field: &str| container[field].as_array().into_iter().flatten().filter_map(Value::as_str).collect::<Vec<_>>();
    let words: Vec<&str> = words("command").into_iter().chain(words("args")).collect();
    let mut flags = BTreeMap::new();
    for (index, word) in words.iter().enumerate() {
        let Some(flag) = word.strip_prefix("--") else { continue };
        let (name, value) = match flag.split_once('=') {
            Some((name, value)) => (name, value),
            None => (flag, words.get(index + 1).copied().filter(|next| !next.starts_with('-')).unwrap_or("true")),
        };
        flags.insert(name.to_owned(), value.to_owned());
    }
    flags
}

impl Judge for StaticPod {
    fn facts(&self, scope: &Scope, _: &Snapshot) -> Vec<Fact> {
        std::iter::once(self.mirror(scope)).chain(self.manifests(scope)).collect()
    }

    fn judge(&self, scope: &Scope, snapshot: &Snapshot) -> Judgement {
        let subject = format!("static pod {} on {}", self.name, self.node(scope));
        let mut since = None;
        let mut evidence = match snapshot.value(&self.mirror(scope)) {
            Known::Value(pod) => {
                since = condition(pod, "Ready").and_then(|c| c["lastTransitionTime"].as_str()?.parse().ok());
                self.judge_pod(&subject, pod)
            }
            Known::Absent => vec![Evidence::compared(&subject, "Ready", "absent", false)],
            Known::Unknown(reason) => vec![Evidence::unknown(&subject, "Ready", reason)],
        };
        if let (Some(fact), Some(folder)) = (self.manifests(scope), &self.one_manifest_in) {
            let subject = format!("manifests of {} in {folder}", self.name);
            evidence.push(match snapshot.value(&fact) {
                Known::Value(output) if output["status"] == 0 => {
                    let files: Vec<&str> = output["stdout"].as_str().unwrap_or_default().lines().collect();
                    let actual = if files.is_empty() { "none".to_owned() } else { files.join(", ") };
                    Evidence::compared(subject, "one file", actual, files.len() == 1)
                }
                Known::Value(_) | Known::Absent => Evidence::compared(subject, "one file", "there is no such folder", false),
                Known::Unknown(reason) => Evidence::unknown(subject, "one file", reason),
            });
        }
        Judgement::from_evidence(evidence).since(since)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::grade::Observation;
    use crate::grade::testing::{facts, judge, snapshot, table, with, with_object};
    use crate::model::Verdict::{Fail, Indeterminate, Pass};

    fn pod(ready: &str, annotation: &str) -> Value {
        json!({"apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": "kube-apiserver-control-plane", "namespace": "kube-system", "annotations": {annotation: "abc"}},
            "spec": {"containers": [{"name": "kube-apiserver", "command": ["kube-apiserver", "--profiling=false", "--authorization-mode=Node,RBAC", "--audit-log-path", "/var/log/a.log", "--allow-privileged"]}]},
            "status": {"conditions": [{"type": "Ready", "status": ready, "lastTransitionTime": "2026-03-01T11:00:00Z"}]}})
    }

    const MIRROR: &str = "kubernetes.io/config.mirror";

    fn spec(flags: Value) -> Value {
        json!({"staticPod": {"name": "kube-apiserver", "flags": flags}})
    }

    #[test]
    fn accepts_and_rejects() {
        let known = with_object(snapshot(), pod("True", MIRROR));
        table(
            &known,
            &[
                (spec(json!({})), Pass),
                (spec(json!({"--profiling": "false", "--authorization-mode": "RBAC,Node", "--audit-log-path": "/var/log/a.log"})), Pass),
                (spec(json!({"--allow-privileged": "true", "--anonymous-auth": null})), Pass),
                (spec(json!({"--profiling": "true"})), Fail),
                (spec(json!({"--profiling": null})), Fail),
                (spec(json!({"--authorization-mode": "RBAC"})), Fail),
                (spec(json!({"--tls-min-version": "VersionTLS13"})), Fail),
                (json!({"staticPod": {"name": "unread"}}), Indeterminate),
            ],
        );
        assert!(judge(&spec(json!({})), &known).since.is_some());
        table(&with_object(snapshot(), pod("False", MIRROR)), &[(spec(json!({})), Fail)]);
        table(&with_object(snapshot(), pod("True", "other")), &[(spec(json!({})), Fail)]);
    }

    #[test]
    fn a_copy_in_the_folder_is_found() {
        let spec = json!({"staticPod": {"name": "kube-apiserver", "oneManifestIn": "/etc/kubernetes/manifests"}});
        let known = with_object(snapshot(), pod("True", MIRROR));
        let fact = facts(&spec, &known).into_iter().find(|fact| matches!(fact, Fact::NodeCommand { .. })).expect("asks the node");
        for (files, wanted) in [("kube-apiserver.yaml\n", Pass), ("kube-apiserver.yaml\nkube-apiserver.yaml.bak\n", Fail), ("", Fail)] {
            let output = Observation::Value(json!({"status": 0, "stdout": files, "stderr": ""}));
            table(&with(known.clone(), fact.clone(), output), &[(spec.clone(), wanted)]);
        }
    }
}
