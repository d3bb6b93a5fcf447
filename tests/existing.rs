//! Practising on a real cluster that somebody else made: what is made, with which rights, and that nothing else is touched.
//!
//! Left out unless asked for (`cargo test --test existing -- --ignored`): `CKAPREP_TEST_KUBECONFIG` names the administrator's kubeconfig of
//! a cluster that may be spoiled. A control plane without nodes is enough: what would have to be asked of Pods is then unknown.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Node, Service, ServiceAccount};
use kube::api::{DynamicObject, ListParams, Patch, PatchParams, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::discovery::{Discovery, verbs};
use kube::{Api, Client, ResourceExt};
use serde_json::{Value, json};

/// Kinds that change by themselves.
const RESTLESS: [&str; 4] = ["Event", "Lease", "Node", "ComponentStatus"];

/// Nodes on paper, where the cluster has none: Ready, with room for no Pod.
const PAPER: [&str; 2] = ["paper-1", "paper-2"];

struct Bench {
    admin: Client,
    admin_kubeconfig: String,
    /// Holds state, home and kubeconfigs.
    home: tempfile::TempDir,
}

impl Bench {
    async fn new() -> Self {
        let path = std::env::var("CKAPREP_TEST_KUBECONFIG").expect("CKAPREP_TEST_KUBECONFIG: a cluster that may be spoiled");
        let kubeconfig = Kubeconfig::read_from(&path).expect("the kubeconfig");
        let config = kube::Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.expect("a configuration");
        let admin = Client::try_from(config).expect("a client");
        Self { admin, admin_kubeconfig: path, home: tempfile::tempdir().expect("a folder") }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ckaprep"));
        command.env_clear().env("HOME", self.home.path()).env("CKAPREP_STATE_DIR", self.path("state")).env("TERM", "dumb");
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.args(words).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    async fn run(&self, words: &[&str]) -> Output {
        let mut command = self.command(words);
        tokio::task::spawn_blocking(move || command.output()).await.expect("it ends").expect("it runs")
    }

    /// Runs it, and expects an exit code; what it printed, both streams.
    async fn expect(&self, code: i32, words: &[&str]) -> (String, String) {
        let output = self.run(words).await;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (out, err) = (text(&output.stdout), text(&output.stderr));
        assert_eq!(output.status.code(), Some(code), "{words:?}\nstdout:\n{out}\nstderr:\n{err}");
        (out, err)
    }

    /// `ckaprep scenario no-answer` on the learner's context.
    async fn start(&self, code: i32, context: &str, more: &[&str]) -> (String, String) {
        let kubeconfig = self.path("learner.kubeconfig").display().to_string();
        let start = ["scenario", "no-answer", "--backend", "existing", "--kubeconfig", &kubeconfig, "--context", context];
        self.expect(code, &[&start[..], &["--seed", "3", "--detach", "--format", "json"], more].concat()).await
    }

    async fn apply<K>(&self, api: &Api<K>, object: Value)
    where
        K: kube::Resource + Clone + std::fmt::Debug + serde::de::DeserializeOwned,
    {
        let name = object["metadata"]["name"].as_str().expect("a name").to_owned();
        api.patch(&name, &PatchParams::apply("test"), &Patch::Apply(object)).await.expect("it is applied");
    }

    /// A namespace with a few things in it.
    async fn neighbour(&self, name: &str, labels: Value) {
        let namespaces: Api<Namespace> = Api::all(self.admin.clone());
        self.apply(&namespaces, json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}})).await;
        let maps: Api<ConfigMap> = Api::namespaced(self.admin.clone(), name);
        // The label on what is in a foreign namespace must not be enough either.
        let metadata = json!({"name": "keep", "labels": {"ckaprep.dev/session": "no-answer-xxxx"}});
        self.apply(&maps, json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"a": "b"}})).await;
        let services: Api<Service> = Api::namespaced(self.admin.clone(), name);
        self.apply(
            &services,
            json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": {"ports": [{"port": 80}]}}),
        )
        .await;
    }

    /// The rights as they are printed, given with kubectl to a ServiceAccount, whose kubeconfig has a production context too.
    async fn give_rights(&self) {
        let (manifest, _) = self.expect(0, &["backend", "permissions", "--service-account", "ckaprep-test-ops/learner"]).await;
        let file = self.path("rights.yaml");
        std::fs::write(&file, manifest).expect("a file");
        let mut kubectl = self.command(&["kubectl", "apply", "-f"]);
        // `CKAPREP_SESSION`: as in a practice shell, where KUBECONFIG counts.
        kubectl.arg(&file).env("KUBECONFIG", &self.admin_kubeconfig).env("CKAPREP_SESSION", "none");
        let output = tokio::task::spawn_blocking(move || kubectl.output()).await.expect("it ends").expect("kubectl runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// A kubeconfig of the ServiceAccount.
    async fn write_kubeconfig(&self) -> String {
        let accounts: Api<ServiceAccount> = Api::namespaced(self.admin.clone(), "ckaprep-test-ops");
        self.apply(&accounts, json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "learner"}})).await;
        let request = TokenRequest {
            spec: TokenRequestSpec { expiration_seconds: Some(3600), ..TokenRequestSpec::default() },
            ..TokenRequest::default()
        };
        let token = accounts.create_token_request("learner", &PostParams::default(), &request).await.expect("a token");
        let token = token.status.expect("a status").token;
        let own = Kubeconfig::read_from(&self.admin_kubeconfig).expect("the kubeconfig");
        let cluster = serde_json::to_value(own.clusters.first().and_then(|c| c.cluster.as_ref()).expect("a cluster")).expect("JSON");
        let text = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "shop-prod",
            "clusters": [{"name": "lab", "cluster": cluster}],
            "users": [{"name": "learner", "user": {"token": token}}],
            "contexts": [
                {"name": "lab", "context": {"cluster": "lab", "user": "learner"}},
                {"name": "shop-prod", "context": {"cluster": "lab", "user": "learner"}},
            ],
        });
        let text = serde_json::to_string_pretty(&text).expect("JSON");
        std::fs::write(self.path("learner.kubeconfig"), &text).expect("a file");
        text
    }

    /// Every object of every kind that can be listed: what it is → uid and revision.
    async fn everything(&self) -> BTreeMap<String, String> {
        let discovery = Discovery::new(self.admin.clone()).run().await.expect("discovery");
        let mut all = BTreeMap::new();
        for group in discovery.groups() {
            for (resource, capabilities) in group.recommended_resources() {
                if !capabilities.supports_operation(verbs::LIST) || RESTLESS.contains(&resource.kind.as_str()) {
                    continue;
                }
                let api: Api<DynamicObject> = Api::all_with(self.admin.clone(), &resource);
                let Ok(list) = api.list(&ListParams::default()).await else { continue };
                for object in list {
                    let key =
                        format!("{}/{} {}/{}", group.name(), resource.kind, object.namespace().unwrap_or_default(), object.name_any());
                    all.insert(key, format!("{} {}", object.uid().unwrap_or_default(), object.resource_version().unwrap_or_default()));
                }
            }
        }
        all
    }

    /// Waits until nothing has changed for a moment.
    async fn settled(&self) -> BTreeMap<String, String> {
        let mut before = self.everything().await;
        for _ in 0..60 {
            tokio::time::sleep(Duration::from_millis(700)).await;
            let now = self.everything().await;
            if now == before {
                return now;
            }
            before = now;
        }
        panic!("the cluster does not come to rest");
    }

    /// Waits until the cluster is as it was; panics with the difference.
    async fn back_to(&self, before: &BTreeMap<String, String>) {
        let mut differing = Vec::new();
        for _ in 0..60 {
            let now = self.everything().await;
            let names: BTreeSet<&String> = now.keys().chain(before.keys()).collect();
            differing = names.into_iter().filter(|name| now.get(*name) != before.get(*name)).cloned().collect();
            if differing.is_empty() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        panic!("changed, removed or left: {differing:#?}");
    }

    /// Whether nodes had to be made on paper, which then say every few seconds that they are there.
    async fn nodes(&self) -> Option<tokio::task::JoinHandle<()>> {
        let nodes: Api<Node> = Api::all(self.admin.clone());
        if nodes.list(&ListParams::default()).await.expect("nodes").items.iter().filter(|n| !PAPER.contains(&&*n.name_any())).count() > 0 {
            return None;
        }
        for name in PAPER {
            self.apply(&nodes, json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}})).await;
            say_ready(&nodes, name).await;
        }
        // The taint of a new node goes once it is Ready.
        for _ in 0..100 {
            let tainted = |n: &Node| n.spec.as_ref().is_some_and(|s| s.taints.is_some());
            if !nodes.list(&ListParams::default()).await.expect("nodes").items.iter().any(tainted) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        Some(tokio::spawn(async move {
            loop {
                tokio::time::sleep(Duration::from_secs(8)).await;
                for name in PAPER {
                    say_ready(&nodes, name).await;
                }
            }
        }))
    }

    async fn sweep(&self) {
        let namespaces: Api<Namespace> = Api::all(self.admin.clone());
        for name in ["ckaprep-test-ops", "ckaprep-test-other", "test-team"] {
            let _ = namespaces.delete(name, &Default::default()).await;
        }
        let nodes: Api<Node> = Api::all(self.admin.clone());
        for name in PAPER {
            let _ = nodes.delete(name, &Default::default()).await;
        }
        let roles: Api<k8s_openapi::api::rbac::v1::ClusterRole> = Api::all(self.admin.clone());
        let _ = roles.delete("ckaprep", &Default::default()).await;
        let bindings: Api<k8s_openapi::api::rbac::v1::ClusterRoleBinding> = Api::all(self.admin.clone());
        let _ = bindings.delete("ckaprep", &Default::default()).await;
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        let _ = self.command(&["stop", "--all"]).output();
    }
}

async fn say_ready(nodes: &Api<Node>, name: &str) {
    #[expect(clippy::disallowed_methods, reason = "written into objects beside the tested ones; nothing is judged by it")]
    let now = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let status = json!({"status": {
        "capacity": {"pods": "0"}, "allocatable": {"pods": "0"},
        "conditions": [{"type": "Ready", "status": "True", "reason": "Test", "lastHeartbeatTime": now, "lastTransitionTime": now}],
    }});
    nodes.patch_status(name, &PatchParams::default(), &Patch::Merge(&status)).await.expect("the node's status");
}

/// Ends the session's process as a crash would. Its number stands in the session's record.
fn kill_session(home: &Path, session: &str) {
    let record = std::fs::read_to_string(home.join("state/sessions").join(session).join("session.json")).expect("a record");
    let record: Value = serde_json::from_str(&record).expect("JSON");
    let pid = record["pid"].as_u64().expect("the process").to_string();
    assert!(Command::new("kill").args(["-9", &pid]).status().expect("kill runs").success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a real cluster that may be spoiled: CKAPREP_TEST_KUBECONFIG"]
async fn a_scenario_leaves_everything_alone_that_it_did_not_make() {
    let bench = Bench::new().await;
    let (words, in_json) = (&["--yes"][..], |text: &str| serde_json::from_str::<Value>(text).expect("JSON"));
    bench.neighbour("ckaprep-test-ops", json!({})).await;
    bench.neighbour("ckaprep-test-other", json!({"ckaprep.dev/session": "no-answer-xxxx"})).await;
    bench.neighbour("test-team", json!({})).await;
    let own = bench.write_kubeconfig().await;

    // Guard, rights, nodes: each refused before anything is made.
    let (_, error) = bench.start(2, "shop-prod", words).await;
    assert!(error.contains("looks like production"), "{error}");
    let (_, error) = bench.start(3, "lab", words).await;
    assert!(error.contains("may not: namespaces (get, list"), "{error}");
    bench.give_rights().await;
    let heartbeats = bench.nodes().await;
    let before = bench.settled().await;
    let (_, error) = bench.start(2, "lab", &[]).await;
    assert!(error.contains("without consent") && error.contains("Namespace ckaprep-"), "{error}");
    if heartbeats.is_some() {
        // Without a network nothing enforces policies, and that is seen.
        let kubeconfig = bench.path("learner.kubeconfig").display().to_string();
        let on = ["--backend", "existing", "--kubeconfig", &kubeconfig, "--context", "lab", "--yes", "--detach"];
        let (_, error) = bench.expect(2, &[&["scenario", "narrow-policy"], &on[..]].concat()).await;
        assert!(error.contains("needs network-policy, which this cluster does not have"), "{error}");
    }
    bench.back_to(&before).await;

    // Made: only in namespaces of its own, with the session's label.
    let (started, _) = bench.start(0, "lab", words).await;
    let session = in_json(&started)["session"].as_str().expect("a session").to_owned();
    let during = bench.everything().await;
    let made: Vec<&String> = during.keys().filter(|key| !before.contains_key(*key)).collect();
    let namespaces: Api<Namespace> = Api::all(bench.admin.clone());
    let ours = namespaces.list(&ListParams::default().labels(&format!("ckaprep.dev/session={session}"))).await.expect("namespaces");
    let ours: Vec<String> = ours.iter().map(ResourceExt::name_any).collect();
    assert_eq!(ours.len(), 2, "{ours:?}");
    for key in made {
        // A Service's address is an object of the whole cluster, made by the API server and removed with it.
        let inside = ours.iter().any(|n| key.contains(&format!(" {n}/")) || *key == format!("/Namespace /{n}"));
        assert!(inside || key.contains("/IPAddress "), "{key} is outside of {ours:?}");
    }
    assert!(before.iter().all(|(key, is)| during.get(key) == Some(is)), "something was changed");
    let (_, error) = bench.start(3, "lab", words).await;
    assert!(error.contains("are there already"), "{error}");

    // Graded as far as it can be seen: no Pod runs on paper, so what a Pod would have to be asked is unknown.
    let output = bench.run(&["check", "--session", &session, "--format", "json"]).await;
    if heartbeats.is_some() {
        let report = in_json(&String::from_utf8_lossy(&output.stdout));
        let checks = report["checks"].as_array().or_else(|| report["report"]["checks"].as_array()).expect("checks");
        let answers = checks.iter().find(|c| c["id"] == "answers").expect("the check");
        assert_eq!(answers["verdict"], "indeterminate", "{answers}");
    }

    // Anew, a crash, and away: the cluster is what it was.
    bench.expect(0, &["reset", "--session", &session]).await;
    kill_session(bench.home.path(), &session);
    bench.expect(0, &["stop", &session]).await;
    bench.back_to(&before).await;
    assert_eq!(std::fs::read_to_string(bench.path("learner.kubeconfig")).expect("the kubeconfig"), own, "the user's kubeconfig");
    if let Some(heartbeats) = heartbeats {
        heartbeats.abort();
    }
    bench.sweep().await;
}
