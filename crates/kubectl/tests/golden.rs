//! Whole runs against a canned API server: what is printed, what is sent, how it exits.

#![allow(clippy::unwrap_used)] // helpers of tests

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex};

use futures::future::BoxFuture;
use http::{Request, Response};
use http_body_util::BodyExt;
use kube::client::Body;
use kubectl::{Completion, Connect, DirEntry, Editor, FileKind, Files, Invocation, complete, run};
use serde_json::{Value, json};
use tokio::io::AsyncReadExt;

const KUBECONFIG: &str = "apiVersion: v1\nkind: Config\ncurrent-context: c\nclusters: [{name: k, cluster: {server: 'https://10.0.0.1:6443'}}]\ncontexts: [{name: c, context: {cluster: k, user: u}}]\nusers: [{name: u, user: {token: t}}]\n";

#[derive(Default)]
struct Disk(Mutex<BTreeMap<String, Vec<u8>>>);

impl Files for Disk {
    fn read(&self, path: &str) -> io::Result<Vec<u8>> {
        self.0.lock().unwrap().get(path).cloned().ok_or_else(|| io::ErrorKind::NotFound.into())
    }
    fn write(&self, path: &str, content: &[u8]) -> io::Result<()> {
        self.0.lock().unwrap().insert(path.to_owned(), content.to_vec());
        Ok(())
    }
    fn list(&self, _: &str) -> io::Result<Vec<DirEntry>> {
        Ok(Vec::new())
    }
    fn kind(&self, path: &str) -> io::Result<FileKind> {
        self.read(path).map(|_| FileKind::File)
    }
}

/// Requests as they came: method and path, and body.
type Log = Arc<Mutex<Vec<(String, Value)>>>;

#[derive(Clone)]
struct Server(Log);

impl Connect for Server {
    fn connect(&self, target: component::Target) -> Result<kube::Client, String> {
        let log = self.0.clone();
        let service = tower::service_fn(move |request: Request<Body>| {
            let log = log.clone();
            async move {
                let (parts, body) = request.into_parts();
                let body = body.collect().await.map(|b| b.to_bytes()).unwrap_or_default();
                let line = format!("{} {}", parts.method, parts.uri);
                let table = parts.headers.get("accept").is_some_and(|a| a.to_str().is_ok_and(|a| a.contains("as=Table")));
                let (code, answer) = answer(&line, table);
                log.lock().unwrap().push((line, serde_json::from_slice(&body).unwrap_or_default()));
                let mut response = Response::builder().status(code);
                if code == 299 {
                    response = response.status(200).header("warning", "299 - \"pods are old\"");
                }
                Ok::<_, io::Error>(response.body(Body::from(answer.to_string().into_bytes())).unwrap())
            }
        });
        Ok(kube::Client::new(service, target.namespace))
    }
}

fn resource(name: &str, kind: &str, short: &str, namespaced: bool, subresources: &[&str]) -> Value {
    json!({
        "resource": name, "singularResource": kind.to_lowercase(), "responseKind": {"kind": kind}, "shortNames": [short],
        "scope": if namespaced { "Namespaced" } else { "Cluster" }, "verbs": ["get", "list", "watch", "create", "delete", "patch"],
        "subresources": subresources.iter().map(|s| json!({"subresource": s, "verbs": ["get"]})).collect::<Vec<_>>(),
    })
}

fn pod() -> Value {
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web", "namespace": "default", "uid": "1", "labels": {"app": "web"}}, "spec": {"nodeName": "w1"}})
}

fn answer(line: &str, table: bool) -> (u16, Value) {
    let status = |code: u16, reason: &str, message: &str| {
        (code, json!({"kind": "Status", "status": "Failure", "code": code, "reason": reason, "message": message}))
    };
    let deployment = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "default"}, "spec": {"replicas": 1, "template": {"spec": {"containers": [{"name": "nginx", "image": "nginx:1"}]}}}});
    let group =
        |name: &str, resources: Vec<Value>| json!({"metadata": {"name": name}, "versions": [{"version": "v1", "resources": resources}]});
    match line.split('?').next().unwrap() {
        "GET /api" => (
            200,
            json!({"kind": "APIGroupDiscoveryList", "items": [group("", vec![resource("pods", "Pod", "po", true, &[]), resource("nodes", "Node", "no", false, &[])])]}),
        ),
        "GET /apis" => (
            200,
            json!({"kind": "APIGroupDiscoveryList", "items": [group("apps", vec![resource("deployments", "Deployment", "deploy", true, &["scale"])])]}),
        ),
        "GET /api/v1/namespaces/default/pods" if table => (
            299,
            json!({
                "kind": "Table", "metadata": {"resourceVersion": "5"},
                "columnDefinitions": [{"name": "Name", "priority": 0}, {"name": "Status", "priority": 0}],
                "rows": [{"cells": ["web", "Running"], "object": pod()}],
            }),
        ),
        "GET /api/v1/namespaces/default/pods" => (200, json!({"kind": "PodList", "items": [pod()]})),
        "GET /api/v1/namespaces/default/pods/web" => (200, pod()),
        "GET /api/v1/pods" => (200, json!({"kind": "PodList", "items": [pod()]})),
        "GET /api/v1/nodes/w1" => (200, json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "w1"}, "spec": {}})),
        "PATCH /api/v1/nodes/w1" => {
            (200, json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "w1"}, "spec": {"unschedulable": true}}))
        }
        "DELETE /api/v1/namespaces/default/pods/web" => (200, pod()),
        "PATCH /api/v1/namespaces/default/pods/web" => (200, pod()),
        "GET /apis/apps/v1/namespaces/default/deployments/web" | "PATCH /apis/apps/v1/namespaces/default/deployments/web" => {
            (200, deployment)
        }
        "PATCH /apis/apps/v1/namespaces/default/deployments/web/scale" => (200, json!({"kind": "Scale"})),
        "POST /apis/apps/v1/namespaces/default/deployments" => status(403, "Forbidden", "deployments.apps is forbidden"),
        "GET /api/v1/namespaces/default/pods/secret" => status(401, "Unauthorized", "Unauthorized"),
        other => status(404, "NotFound", &format!("{:?} not found", other.rsplit('/').next().unwrap())),
    }
}

struct NoEditor;
impl Editor for NoEditor {
    fn edit<'a>(&'a self, _: &'a str, text: String) -> BoxFuture<'a, Result<String, String>> {
        Box::pin(async move { Ok(text) })
    }
}

struct Outcome {
    code: i32,
    out: String,
    err: String,
    requests: Vec<(String, Value)>,
}

async fn kubectl(line: &str) -> Outcome {
    let disk = Disk::default();
    disk.write("/root/.kube/config", KUBECONFIG.as_bytes()).unwrap();
    let log = Log::default();
    let (stdout, mut out) = tokio::io::duplex(1 << 20);
    let (stderr, mut err) = tokio::io::duplex(1 << 20);
    let code = run(Invocation {
        argv: line.split(' ').map(str::to_owned).collect(),
        env: BTreeMap::from([("HOME".to_owned(), "/root".to_owned())]),
        cwd: "/root".to_owned(),
        files: Arc::new(disk),
        connect: Arc::new(Server(log.clone())),
        stdin: Box::new(tokio::io::empty()),
        stdout: Box::new(stdout),
        stderr: Box::new(stderr),
        terminal: None,
        now: Arc::new(|| "2026-11-24T09:00:00Z".parse().unwrap()),
        editor: Arc::new(NoEditor),
    })
    .await;
    let (mut printed, mut complained) = (String::new(), String::new());
    out.read_to_string(&mut printed).await.unwrap();
    err.read_to_string(&mut complained).await.unwrap();
    let requests = log.lock().unwrap().clone();
    Outcome { code, out: printed, err: complained, requests }
}

#[tokio::test(start_paused = true)]
async fn outputs_errors_and_exit_codes() {
    for (line, code, out, err) in [
        ("kubectl get pods", 0, "NAME   STATUS\nweb    Running\n", "Warning: pods are old\n"),
        ("kubectl get po web -o name", 0, "pod/web\n", ""),
        ("kubectl get pod web -o jsonpath={.spec.nodeName}", 0, "w1", ""),
        ("kubectl get pod nope", 1, "", "Error from server (NotFound): \"nope\" not found\n"),
        ("kubectl get pod nope --ignore-not-found", 0, "", ""),
        ("kubectl get pod secret", 1, "", "error: You must be logged in to the server (Unauthorized)\n"),
        ("kubectl get foo", 1, "", "error: the server doesn't have a resource type \"foo\"\n"),
        ("kubectl get pods --foo", 1, "", "error: unknown flag: --foo\nSee 'kubectl get --help' for usage.\n"),
        ("kubectl create deployment x --image=nginx", 1, "", "error: failed to create deployment: deployments.apps is forbidden\n"),
        ("kubectl delete pod web --wait=false", 0, "pod \"web\" deleted from default namespace\n", ""),
        ("kubectl label pod web app=web", 0, "pod/web not labeled\n", ""),
        ("kubectl label pod web app=x", 1, "", "error: 'app' already has a value (web), and --overwrite is false\n"),
        ("kubectl scale deploy web --replicas=3", 0, "deployment.apps/web scaled\n", ""),
        ("kubectl set image deploy/web nginx=nginx:2", 0, "deployment.apps/web image updated\n", ""),
        ("kubectl cordon w1", 0, "node/w1 cordoned\n", ""),
        (
            "kubectl port-forward web 80",
            1,
            "",
            "error: port-forward is not supported by this kubectl: reach the pod or service from a node or another pod, with curl or wget\n",
        ),
        (
            "kubectl drain w1",
            1,
            "node/w1 cordoned\n",
            "error: unable to drain node \"w1\" due to error: cannot delete cannot delete Pods that declare no controller (use --force to override): default/web, continuing command...\nThere are pending nodes to be drained:\n w1\ncannot delete cannot delete Pods that declare no controller (use --force to override): default/web\n",
        ),
    ] {
        let outcome = kubectl(line).await;
        assert_eq!((outcome.code, outcome.out.as_str(), outcome.err.as_str()), (code, out, err), "{line}");
    }
}

#[tokio::test(start_paused = true)]
async fn requests() {
    for (line, request, body) in [
        (
            "kubectl scale deploy web --replicas=3",
            "PATCH /apis/apps/v1/namespaces/default/deployments/web/scale",
            json!({"spec": {"replicas": 3}}),
        ),
        (
            "kubectl set image deploy/web nginx=nginx:2",
            "PATCH /apis/apps/v1/namespaces/default/deployments/web?fieldManager=kubectl-set",
            json!({"spec": {"template": {"spec": {"$setElementOrder/containers": [{"name": "nginx"}], "containers": [{"image": "nginx:2", "name": "nginx"}]}}}}),
        ),
        ("kubectl cordon w1", "PATCH /api/v1/nodes/w1?fieldManager=kubectl-cordon", json!({"spec": {"unschedulable": true}})),
        (
            "kubectl delete pod web --now --wait=false",
            "DELETE /api/v1/namespaces/default/pods/web",
            json!({"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background", "gracePeriodSeconds": 1}),
        ),
    ] {
        let outcome = kubectl(line).await;
        let last = outcome.requests.last().unwrap();
        assert_eq!((last.0.as_str(), &last.1), (request, &body), "{line}");
    }
}

#[tokio::test(start_paused = true)]
async fn completion() {
    for (words, want) in [
        (vec!["get", "po"], vec!["pods"]),
        (vec!["get", "pods", ""], vec!["web"]),
        (vec!["rollout", "un"], vec!["undo"]),
        (vec!["get", "pods", "--sort"], vec!["--sort-by"]),
        (vec!["describe", "pod/w"], vec!["pod/web"]),
    ] {
        let disk = Disk::default();
        disk.write("/root/.kube/config", KUBECONFIG.as_bytes()).unwrap();
        let found = complete(Completion {
            words: words.iter().map(|w| (*w).to_owned()).collect(),
            env: BTreeMap::from([("HOME".to_owned(), "/root".to_owned())]),
            cwd: "/root".to_owned(),
            files: Arc::new(disk),
            connect: Arc::new(Server(Log::default())),
        })
        .await;
        assert_eq!(found, want, "{words:?}");
    }
}
