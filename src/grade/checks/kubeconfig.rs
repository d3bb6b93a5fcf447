//! `kubeconfig`: a kubeconfig file works, and as whom.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::grade::fact::Fact;
use crate::grade::judge::{Judge, Judgement, Scope};
use crate::grade::snapshot::{Known, Snapshot};
use crate::grade::text::excerpt;
use crate::model::{Evidence, quote};

/// A kubeconfig on a node is usable as this user: the API server itself is asked who calls.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Kubeconfig {
    /// The node; the scenario's host unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// Absolute path.
    pub path: String,
    /// Who the API server must see.
    pub user: String,
    /// Groups that it must see, others may come with them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
    /// Default namespace of the current context.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Whether it must carry its certificates and keys itself instead of naming files.
    #[serde(default)]
    pub self_contained: bool,
}

impl Kubeconfig {
    fn file(&self, node: &str) -> Fact {
        Fact::File { node: node.to_owned(), path: self.path.clone() }
    }

    fn whoami(&self, node: &str) -> Fact {
        let script = format!("kubectl --kubeconfig {} --request-timeout=5s auth whoami -o json", quote(&self.path));
        Fact::NodeCommand { node: node.to_owned(), script }
    }

    fn judge_file(&self, subject: &str, content: &str) -> Vec<Evidence> {
        let config = match parsed(content) {
            Ok(config) => config,
            Err(error) => return vec![Evidence::compared(subject, "a kubeconfig", error, false)],
        };
        let (context, cluster, user) = current(&config);
        let mut evidence = Vec::new();
        if cluster["insecure-skip-tls-verify"] == true {
            let actual = "insecure-skip-tls-verify: true";
            evidence.push(Evidence::compared(format!("{subject}, cluster"), "the server's certificate is checked", actual, false));
        }
        if self.self_contained {
            let files = ["certificate-authority", "client-certificate", "client-key", "tokenFile"];
            let named: Vec<&str> = files.into_iter().filter(|key| !cluster[*key].is_null() || !user[*key].is_null()).collect();
            let actual = if named.is_empty() { "names no files".to_owned() } else { format!("names files: {}", named.join(", ")) };
            evidence.push(Evidence::compared(subject, "names no files", actual, named.is_empty()));
        }
        if let Some(wanted) = &self.namespace {
            let actual = context["namespace"].as_str().unwrap_or("default");
            evidence.push(Evidence::compared(format!("{subject}, namespace of the current context"), wanted, actual, actual == wanted));
        }
        evidence
    }

    fn judge_answer(&self, subject: &str, output: &Value) -> Vec<Evidence> {
        let subject = format!("{subject}, who the API server sees");
        let stderr = excerpt(output["stderr"].as_str().unwrap_or_default());
        match output["status"].as_i64() {
            Some(0) => {}
            Some(126 | 127) | None => return vec![Evidence::unknown(subject, &self.user, format!("kubectl cannot be run: {stderr}"))],
            Some(_) => return vec![Evidence::compared(subject, &self.user, stderr, false)],
        }
        let answer: Value = serde_json::from_str(output["stdout"].as_str().unwrap_or_default()).unwrap_or_default();
        let info = &answer["status"]["userInfo"];
        let actual = info["username"].as_str().unwrap_or("nobody");
        let mut evidence = vec![Evidence::compared(&subject, &self.user, actual, actual == self.user)];
        if !self.groups.is_empty() {
            let groups: Vec<&str> = info["groups"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            let holds = self.groups.iter().all(|group| groups.contains(&group.as_str()));
            evidence.push(Evidence::compared(format!("{subject}, groups"), self.groups.join(", "), groups.join(", "), holds));
        }
        evidence
    }
}

/// Decodes a kubeconfig.
pub(super) fn parsed(content: &str) -> Result<Value, String> {
    let config: Value = serde_saphyr::from_str(content).map_err(|error| excerpt(&format!("no YAML: {error}")))?;
    if config["clusters"].is_array() { Ok(config) } else { Err("has no clusters".to_owned()) }
}

/// Context, cluster and user that a kubeconfig uses; null where they are not there.
pub(super) fn current(config: &Value) -> (&Value, &Value, &Value) {
    let named = |list: &str, key: &str, name: &Value| -> &Value {
        let entries = config[list].as_array().map(Vec::as_slice).unwrap_or_default();
        entries.iter().find(|entry| entry["name"] == *name).map_or(&Value::Null, |entry| &entry[key])
    };
    let context = named("contexts", "context", &config["current-context"]);
    (context, named("clusters", "cluster", &context["cluster"]), named("users", "user", &context["user"]))
}

impl Judge for Kubeconfig {
    fn facts(&self, scope: &Scope, _: &Snapshot) -> Vec<Fact> {
        let node = scope.host_or(self.node.as_deref());
        vec![self.file(node), self.whoami(node)]
    }

    fn judge(&self, scope: &Scope, snapshot: &Snapshot) -> Judgement {
        let node = scope.host_or(self.node.as_deref());
        let subject = format!("{} on {node}", self.path);
        let mut evidence = match snapshot.value(&self.file(node)) {
            Known::Value(file) => self.judge_file(&subject, file["content"].as_str().unwrap_or_default()),
            Known::Absent => return Judgement::from_evidence(vec![Evidence::compared(subject, "exists", "absent", false)]),
            Known::Unknown(reason) => vec![Evidence::unknown(&subject, "exists", reason)],
        };
        match snapshot.value(&self.whoami(node)) {
            Known::Value(output) => evidence.extend(self.judge_answer(&subject, output)),
            Known::Absent => evidence.push(Evidence::unknown(subject, &self.user, "the node is not there")),
            Known::Unknown(reason) => evidence.push(Evidence::unknown(subject, &self.user, reason)),
        }
        Judgement::from_evidence(evidence)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::grade::Observation;
    use crate::grade::testing::{judge, snapshot, table, with};
    use crate::model::Verdict::{self, Fail, Indeterminate, Pass};

    const FILE: &str = "apiVersion: v1\nkind: Config\ncurrent-context: a\ncontexts: [{name: a, context: {cluster: c, user: u, namespace: shop}}]\n\
        clusters: [{name: c, cluster: {server: 'https://x:6443', certificate-authority-data: QQ==}}]\nusers: [{name: u, user: {client-certificate-data: QQ==, client-key-data: QQ==}}]\n";

    fn spec(extra: Value) -> Value {
        let mut spec = json!({"path": "/root/mira.conf", "user": "mira"});
        spec.as_object_mut().expect("a map").extend(extra.as_object().expect("a map").clone());
        json!({"kubeconfig": spec})
    }

    fn known(content: &str, answer: Value) -> Snapshot {
        let check = Kubeconfig {
            node: None,
            path: "/root/mira.conf".into(),
            user: "mira".into(),
            groups: Vec::new(),
            namespace: None,
            self_contained: false,
        };
        let file = json!({"content": content, "mode": "0600", "owner": "root:root"});
        let known = with(snapshot(), check.file("control-plane"), Observation::Value(file));
        with(known, check.whoami("control-plane"), Observation::Value(answer))
    }

    fn seen(user: &str) -> Value {
        let answer = json!({"kind": "SelfSubjectReview", "status": {"userInfo": {"username": user, "groups": ["platform", "system:authenticated"]}}});
        json!({"status": 0, "stdout": answer.to_string(), "stderr": ""})
    }

    #[test]
    fn accepts_and_rejects() {
        let all = json!({"groups": ["platform"], "namespace": "shop", "selfContained": true});
        table(
            &known(FILE, seen("mira")),
            &[
                (spec(json!({})), Pass),
                (spec(all.clone()), Pass),
                (spec(json!({"groups": ["other"]})), Fail),
                (spec(json!({"namespace": "default"})), Fail),
                (json!({"kubeconfig": {"path": "/unread", "user": "mira"}}), Indeterminate),
            ],
        );
        let verdict = |content: &str, answer: Value| -> Verdict { judge(&spec(all.clone()), &known(content, answer)).verdict };
        assert_eq!(verdict(FILE, seen("kubernetes-admin")), Fail);
        assert_eq!(verdict(&FILE.replace("client-key-data: QQ==", "client-key: /root/mira.key"), seen("mira")), Fail);
        let insecure = FILE.replace("certificate-authority-data: QQ==", "insecure-skip-tls-verify: true");
        assert_eq!(verdict(&insecure, seen("mira")), Fail);
        assert_eq!(verdict("[not a kubeconfig", seen("mira")), Fail);
        let refused = json!({"status": 1, "stdout": "", "stderr": "error: You must be logged in to the server (Unauthorized)"});
        assert_eq!(verdict(FILE, refused), Fail);
        assert_eq!(verdict(FILE, json!({"status": 127, "stdout": "", "stderr": "kubectl: command not found"})), Indeterminate);
        let gone = with(snapshot(), Fact::File { node: "control-plane".into(), path: "/root/mira.conf".into() }, Observation::Absent);
        table(&gone, &[(spec(json!({})), Fail)]);
    }
}
