//! A cluster reached by a kubeconfig, asked with the kubectl on PATH and curl.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use base64::Engine as _;
use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::Value;

use crate::conformance::normal::Names;
use crate::conformance::play::{Player, Reply, Request};

/// Longest time of one command, in seconds.
const PATIENCE: &str = "180";

/// One case's place in a cluster: a directory, a kubeconfig whose current namespace is the case's.
pub struct Place {
    directory: PathBuf,
    names: Names,
}

/// Answers are those of one version: another kubectl says other things.
pub fn same_versions(kubeconfig: &Path) -> Result<(), String> {
    let output = Command::new("kubectl").arg("--kubeconfig").arg(kubeconfig).args(["version", "-o", "json"]).output();
    let output = output.map_err(|e| format!("kubectl: {e}"))?;
    let versions: Value = serde_json::from_slice(&output.stdout).map_err(|_| String::from_utf8_lossy(&output.stderr).into_owned())?;
    let version = |whose: &str| versions[whose]["gitVersion"].as_str().unwrap_or("unknown").to_owned();
    let (client, server) = (version("clientVersion"), version("serverVersion"));
    if client == server { Ok(()) } else { Err(format!("kubectl on PATH is {client}, the cluster {server}: they must be the same")) }
}

/// The cluster's nodes as recorded answers call them.
pub fn names(kubeconfig: &Path) -> Result<(Names, usize), String> {
    let mut command = Command::new("kubectl");
    command.arg("--kubeconfig").arg(kubeconfig).args(["get", "nodes", "-o", "json"]);
    let output = command.output().map_err(|e| format!("kubectl: {e}"))?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let list: Value = serde_json::from_slice(&output.stdout).map_err(|e| e.to_string())?;
    let mut pairs = Vec::new();
    let (mut planes, mut workers) = (0, 0);
    for node in list["items"].as_array().into_iter().flatten() {
        let name = node["metadata"]["name"].as_str().unwrap_or_default().to_owned();
        let plane = node["metadata"]["labels"].get("node-role.kubernetes.io/control-plane").is_some();
        let recorded = if plane {
            planes += 1;
            if planes == 1 { "control-plane".to_owned() } else { format!("control-plane-{planes}") }
        } else {
            workers += 1;
            format!("worker-{workers}")
        };
        pairs.push((name, recorded));
    }
    let count = pairs.len();
    Ok((Names::new(pairs), count))
}

impl Place {
    /// Makes a namespace for a case and a directory for it.
    pub fn new(kubeconfig: &Path, directory: &Path, namespace: &str, names: Names) -> Result<Self, String> {
        let text = |e: std::io::Error| format!("{}: {e}", directory.display());
        std::fs::create_dir_all(directory).map_err(text)?;
        std::fs::copy(kubeconfig, directory.join(".kubeconfig")).map_err(text)?;
        let place = Self { directory: directory.to_owned(), names };
        let made = place.script(&format!(
            "kubectl create namespace {namespace} && kubectl config set-context --current --namespace={namespace} && \
             for n in $(seq 100); do kubectl get serviceaccount default 2>/dev/null && break; sleep 0.1; done"
        ));
        if made.status == 0 { Ok(place) } else { Err(made.stderr) }
    }

    /// Runs a script in the case's directory.
    pub fn script(&self, script: &str) -> Reply {
        self.bounded(&["bash", "-c", script], "")
    }

    fn bounded(&self, argv: &[&str], stdin: &str) -> Reply {
        let mut command = Command::new("timeout");
        command.arg(PATIENCE).args(argv).current_dir(&self.directory).env_clear();
        for name in ["PATH", "DOCKER_HOST"] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        command.env("HOME", &self.directory).env("KUBECONFIG", self.directory.join(".kubeconfig")).env("TZ", "UTC");
        reply(&mut command, stdin)
    }

    /// curl with the kubeconfig's certificates.
    fn curl(&self, request: &Request) -> Result<Reply, String> {
        let shown = self.script("kubectl config view --raw --minify --flatten -o json");
        let config: Value = serde_json::from_str(&shown.stdout).map_err(|e| format!("the kubeconfig: {e}"))?;
        let (cluster, user) = (&config["clusters"][0]["cluster"], &config["users"][0]["user"]);
        let mut arguments: Vec<String> = ["-sS", "-w", "\n%{http_code}", "-X", &request.method].map(str::to_owned).to_vec();
        for (option, value) in [
            ("--cacert", &cluster["certificate-authority-data"]),
            ("--cert", &user["client-certificate-data"]),
            ("--key", &user["client-key-data"]),
        ] {
            let decoded =
                base64::engine::general_purpose::STANDARD.decode(value.as_str().unwrap_or_default()).map_err(|e| e.to_string())?;
            let path = self.directory.join(option);
            std::fs::write(&path, decoded).map_err(|e| format!("{}: {e}", path.display()))?;
            arguments.extend([option.to_owned(), path.to_string_lossy().into_owned()]);
        }
        let user = request.user.iter().map(|user| format!("Impersonate-User: {user}"));
        for header in [format!("Content-Type: {}", request.content), "Accept: application/json".to_owned()].into_iter().chain(user) {
            arguments.extend(["-H".to_owned(), header]);
        }
        if !request.body.is_empty() {
            arguments.extend(["--data-binary", "@-"].map(str::to_owned));
        }
        arguments.push(format!("{}{}", cluster["server"].as_str().unwrap_or_default(), request.path));
        let mut command = Command::new("curl");
        let mut reply = reply(command.args(arguments), &request.body);
        let (body, status) = reply.stdout.rsplit_once('\n').ok_or_else(|| reply.stderr.clone())?;
        reply.status = status.parse().map_err(|_| reply.stderr.clone())?;
        reply.stdout = body.to_owned();
        Ok(reply)
    }
}

fn reply(command: &mut Command, stdin: &str) -> Reply {
    let failed = |e: std::io::Error| Reply { stderr: e.to_string(), status: -1, ..Reply::default() };
    let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = match child {
        Ok(child) => child,
        Err(error) => return failed(error),
    };
    if let Some(mut input) = child.stdin.take() {
        // Who does not read it has no use for it.
        let _ = input.write_all(stdin.as_bytes());
    }
    match child.wait_with_output() {
        Ok(output) => Reply {
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            status: output.status.code().unwrap_or(-1),
        },
        Err(error) => failed(error),
    }
}

impl Player for Place {
    fn shell<'a>(&'a self, script: &'a str, stdin: &'a str) -> BoxFuture<'a, Reply> {
        async move { self.bounded(&["bash", "-c", script], stdin) }.boxed()
    }

    fn node<'a>(&'a self, node: &'a str, script: &'a str, stdin: &'a str) -> BoxFuture<'a, Reply> {
        // kind's nodes are containers.
        async move { self.bounded(&["docker", "exec", "-i", node, "bash", "-c", script], stdin) }.boxed()
    }

    fn http<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Reply> {
        async move { self.curl(request).unwrap_or_else(|error| Reply { stderr: error, status: -1, ..Reply::default() }) }.boxed()
    }

    fn pause(&self) -> BoxFuture<'_, ()> {
        tokio::time::sleep(Duration::from_millis(500)).boxed()
    }

    fn file<'a>(&'a self, name: &'a str, content: &'a str) -> BoxFuture<'a, ()> {
        async move {
            let path = self.directory.join(name);
            std::fs::write(&path, content).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        }
        .boxed()
    }

    fn names(&self) -> &Names {
        &self.names
    }
}
