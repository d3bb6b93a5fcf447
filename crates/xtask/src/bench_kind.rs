//! Figures of the kind backend: creation beside kind's own, reset between scenarios, grading of twenty checks. kind, image and
//! configuration come from the variables that ckaprep reads too.

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use crate::arguments::Arguments;
use crate::bench::{check, field, median, now, timed};

type Outcome<T> = Result<T, String>;

/// Gradings; the median is printed.
const GRADINGS: usize = 9;

/// Checks of the scenario that is graded.
const CHECKS: usize = 20;

/// Scenarios between which the cluster is brought back: the reset before each but the first is measured.
const SCENARIOS: [&str; 4] = ["no-answer", "restart-loop", "log-sidecar", "no-answer"];

/// Measures and prints. `--program FILE`: a finished ckaprep.
pub fn run(arguments: &Arguments) -> Outcome<()> {
    let program = arguments.options.get("program").ok_or("--program FILE: a finished ckaprep")?;
    let folder = std::env::temp_dir().join(format!("ckaprep-bench-kind-{}", std::process::id()));
    std::fs::create_dir_all(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let bench = Bench { program, state: &folder.join("state"), name: format!("bench-{}", std::process::id()) };
    let result = bench.measure(&folder);
    let _ = bench.ckaprep(&["stop", "--all"]).output();
    let deleted = check(&mut bench.ckaprep(&["cluster", "delete", "--all"]));
    // Only this run's own folder.
    let _ = std::fs::remove_dir_all(&folder);
    result.and(deleted.map(|_| ()))
}

struct Bench<'a> {
    program: &'a str,
    state: &'a Path,
    name: String,
}

impl Bench<'_> {
    fn ckaprep(&self, words: &[&str]) -> Command {
        let mut command = Command::new(self.program);
        command.args(words).env("CKAPREP_STATE_DIR", self.state);
        command
    }

    fn measure(&self, folder: &Path) -> Outcome<()> {
        let plain = self.plain(folder)?;
        let (ours, _) = timed(&mut self.ckaprep(&["cluster", "create"]))?;
        let ratio = ours.as_secs_f64() / plain.as_secs_f64();
        seconds("`kind create cluster`, until its nodes are Ready", plain, "");
        seconds("`ckaprep cluster create`", ours, &format!("; {ratio:.2} times, aim 1.15"));
        let mut resets = Vec::new();
        for (number, id) in SCENARIOS.into_iter().enumerate() {
            let output = check(&mut self.start(id, &["--seed", &(number + 1).to_string()]))?;
            resets.extend(reset(&String::from_utf8_lossy(&output.stderr)));
            check(&mut self.ckaprep(&["stop", &field(&output, "session")?]))?;
        }
        if resets.is_empty() {
            return Err("no reset was seen".to_owned());
        }
        seconds("reset between scenarios", median(resets), "; aim 10");
        let grading = self.grading(folder)?;
        println!("{:<58} {:>8.0} ms  (median of {GRADINGS}; aim 300)", "grading of 20 checks", grading.as_secs_f64() * 1000.0);
        Ok(())
    }

    fn start(&self, id: &str, more: &[&str]) -> Command {
        let mut command = self.ckaprep(&["scenario", id, "--backend", "kind", "--detach", "--format", "json"]);
        command.args(more);
        command
    }

    /// kind alone, with the same image and configuration.
    fn plain(&self, folder: &Path) -> Outcome<Duration> {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let kind = variable("CKAPREP_KIND").unwrap_or_else(|| "kind".to_owned());
        let kubeconfig = folder.join("kubeconfig").to_string_lossy().into_owned();
        let config = variable("CKAPREP_KIND_CONFIG").unwrap_or_else(|| format!("{}/../../kind-config.yaml", env!("CARGO_MANIFEST_DIR")));
        let mut create = Command::new(&kind);
        create.args(["create", "cluster", "--name", &self.name, "--kubeconfig", &kubeconfig, "--config", &config]);
        if let Some(image) = variable("CKAPREP_KIND_IMAGE") {
            create.args(["--image", &image]);
        }
        let begun = now();
        let ready = check(&mut create).and_then(|_| nodes_ready(&self.name));
        let took = begun.elapsed();
        let deleted = check(Command::new(&kind).args(["delete", "cluster", "--name", &self.name, "--kubeconfig", &kubeconfig]));
        ready.and(deleted).map(|_| took)
    }

    fn grading(&self, folder: &Path) -> Outcome<Duration> {
        let scenario = folder.join("twenty");
        std::fs::create_dir_all(&scenario).map_err(|e| e.to_string())?;
        for (name, text) in [("scenario.yaml", twenty()), ("task.md", "1. Nothing.\n".to_owned())] {
            std::fs::write(scenario.join(name), text).map_err(|e| e.to_string())?;
        }
        let output = check(&mut self.start(&scenario.to_string_lossy(), &[]))?;
        let session = field(&output, "session")?;
        let mut gradings = Vec::new();
        for _ in 0..GRADINGS {
            let begun = now();
            let graded = self.ckaprep(&["check", "--session", &session]).output().map_err(|e| e.to_string())?;
            gradings.push(begun.elapsed());
            // 1 is less than full points.
            if !matches!(graded.status.code(), Some(0 | 1)) {
                return Err(format!("check said: {}", String::from_utf8_lossy(&graded.stderr)));
            }
        }
        check(&mut self.ckaprep(&["stop", &session]))?;
        Ok(median(gradings))
    }
}

/// A scenario that asks twenty different things: objects, lists, access, nodes' files and units, names, traffic.
fn twenty() -> String {
    let mut text = String::from(
        "apiVersion: ckaprep.dev/v1\nkind: Scenario\nid: twenty\ntitle: Twenty checks\nplacements: [{exam: cka, domain: troubleshooting, competency: cluster-components}]\ndifficulty: easy\nminutes: 5\n\
         host: control-plane\nrequires: {workers: 1, capabilities: [node-shell]}\nsetup: []\ntask: task.md\nchecks:\n",
    );
    let kinds = [
        "workload: {kind: Deployment, namespace: kube-system, name: coredns}",
        "workload: {kind: DaemonSet, namespace: kube-system, name: kube-proxy}",
        "cel: {list: {kind: Node}, expr: 'size(objects) > 1'}",
        "cel: {list: {kind: Pod, namespace: kube-system}, expr: 'size(objects) > 1'}",
        "serviceEndpoints: {namespace: kube-system, name: kube-dns, minimum: 1}",
        "units: {node: '{{ inventory.controlPlane }}', active: [kubelet, containerd]}",
        "file: {node: '{{ inventory.controlPlane }}', path: /etc/kubernetes/admin.conf}",
        "component: {name: kube-apiserver}",
        "access: {as: {user: nobody}, can: [{verbs: [get], resource: pods}]}",
        "resource: {kind: Namespace, name: default, fields: {status: {phase: Active}}}",
    ];
    for number in 0..CHECKS {
        let kind = kinds[number % kinds.len()];
        let _ = writeln!(text, "- {{id: check-{number}, points: 1, title: t, requirement: 1, expect: {{{kind}}}}}");
    }
    text.push_str(
        "solution: {steps: [{on: shell, run: 'true'}]}\nwrong: [{id: none, loses: [check-8], steps: [{on: shell, run: 'true'}]}]\n\
         debrief: {text: x, link: 'https://kubernetes.io/docs/home/'}\n",
    );
    text
}

/// From comparing the nodes to the next thing, as the steps on standard error tell.
fn reset(told: &str) -> Option<Duration> {
    let at = |part: &str| {
        let line = told.lines().find(|line| line.contains(part))?;
        line.trim_start().split(' ').next()?.parse::<f64>().ok()
    };
    let (from, to) = (at("comparing the nodes")?, at("looking for the images")?);
    Some(Duration::from_secs_f64((to - from).max(0.0)))
}

/// Waits until the nodes are Ready: kind returns before.
fn nodes_ready(name: &str) -> Outcome<Output> {
    let node = format!("{name}-control-plane");
    let wait = "kubectl --kubeconfig /etc/kubernetes/admin.conf wait node --all --for=condition=Ready --timeout=180s";
    check(Command::new("docker").args(["exec", &node, "bash", "-c", wait]))
}

fn seconds(what: &str, duration: Duration, more: &str) {
    println!("{what:<58} {:>8.1} s{more}", duration.as_secs_f64());
}
