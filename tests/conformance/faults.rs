//! What the embedded cluster says about a broken node, held against what Kubernetes 1.35.4 said.
//!
//! `faults/FAULT.yaml` has the answers of a real cluster's `kubectl` and node, normalised: `{node}` is the node's name, and
//! what differs from run to run is a wildcard (see [`crate::shared::pattern`]). Lines must come in this order; others may come between
//! them unless the step says `whole`. Where the embedded nodes differ for a reason, `differs` tells it.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;

use ckaprep::backend::Environment;
use ckaprep::backend::embedded::{Embedded, Handover, Spec, Time};
use serde::Deserialize;

use crate::shared::pattern::{NODE, pattern, squeeze};

/// A Deployment with two pods on each worker, and a DaemonSet.
const WORKLOAD: &str = include_str!("../../scenarios/unhealthy-node/setup/shop.yaml");

/// Longest time to wait for a condition; a silent node is noticed after 50 seconds and a look every 5.
const PATIENCE: u64 = 120;

/// What became of one fault, step by step.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Recording {
    fault: String,
    steps: Vec<Step>,
}

/// One of: a command and its answer, a wait for the node's STATUS, a wait for so many seconds.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Step {
    on: Place,
    run: String,
    lines: Vec<String>,
    /// Whether these lines are the whole answer.
    whole: bool,
    exit: i32,
    /// Why the lines are not those of the real cluster.
    differs: Option<String>,
    until: Option<String>,
    wait: Option<u64>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Place {
    #[default]
    Kubectl,
    Node,
}

/// One cluster for all faults, each on a copy of it.
fn base() -> &'static Handover {
    static BASE: OnceLock<Handover> = OnceLock::new();
    BASE.get_or_init(|| {
        blocking(async {
            let cluster = Embedded::start(spec()).await.expect("a cluster");
            let applied = cluster.run(|environment| async move {
                let applied = environment.shell.run("kubectl apply -f -", WORKLOAD).await;
                tokio::time::sleep(Duration::from_secs(60)).await;
                applied
            });
            let applied = applied.await.expect("it runs").expect("a shell");
            assert_eq!(applied.status, 0, "{}", applied.stderr);
            cluster.handover().await.expect("its state")
        })
    })
}

fn spec() -> Spec {
    Spec { seed: 1, workers: 3, now: "2026-11-24T10:00:00Z".parse().expect("a time"), time: Time::Stepped, open: false, journal: None }
}

fn blocking<T>(job: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(job)
}

/// Replays a recording; every step that differs is told, not just the first.
fn replay(name: &str) {
    let recording = load(name);
    assert_eq!(recording.fault, name);
    let base = base();
    let report = blocking(async {
        let cluster = Embedded::resume(base, spec()).await.expect("a copy of the cluster");
        cluster.run(|environment| async move { play(&environment, &recording.steps).await }).await.expect("it runs")
    });
    assert!(report.is_empty(), "{name}: not as Kubernetes 1.35.4 answered{report}");
}

async fn play(environment: &Environment, steps: &[Step]) -> String {
    let mut report = String::new();
    for step in steps {
        if let Some(seconds) = step.wait {
            tokio::time::sleep(Duration::from_secs(seconds)).await;
        } else if let Some(status) = &step.until {
            if !becomes(environment, status).await {
                let _ = write!(report, "\n\n{NODE} is not {status} after {PATIENCE} seconds");
                // Whatever comes after would only repeat this.
                return report;
            }
        } else {
            let script = step.run.replace("{node}", NODE);
            let output = match step.on {
                Place::Kubectl => environment.shell.run(&script, "").await,
                Place::Node => environment.nodes.run(NODE, &script, "").await,
            };
            let output = output.expect("a shell");
            if let Some(difference) = compare(step, &format!("{}{}", output.stdout, output.stderr), output.status) {
                let _ = write!(report, "\n\n{:?}# {script}\n{difference}", step.on);
            }
        }
    }
    report
}

async fn becomes(environment: &Environment, status: &str) -> bool {
    for _ in 0..PATIENCE {
        let output = environment.shell.run(&format!("kubectl get node {NODE} --no-headers"), "").await.expect("a shell");
        if output.stdout.split_whitespace().nth(1) == Some(status) {
            return true;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    false
}

/// The difference between an answer and the recorded one: each recorded line with a mark, then what was said.
fn compare(step: &Step, text: &str, exit: i32) -> Option<String> {
    let said: Vec<String> = text.lines().map(squeeze).filter(|line| !line.is_empty()).collect();
    let mut rest = said.iter();
    let mut marked = String::new();
    let mut missing = false;
    for line in &step.lines {
        let wanted = pattern(line);
        let mut ahead = rest.clone();
        let found = ahead.any(|line| wanted.is_match(line));
        if found {
            rest = ahead;
        }
        missing |= !found;
        let _ = writeln!(marked, "  {} {line}", if found { ' ' } else { '-' });
    }
    let more = step.whole && said.len() != step.lines.len();
    if !missing && !more && exit == step.exit {
        return None;
    }
    let mut difference = format!("recorded ('-': not said, or not in this place), exit {}:\n{marked}said, exit {exit}:\n", step.exit);
    for line in said {
        let _ = writeln!(difference, "    {line}");
    }
    if let Some(reason) = &step.differs {
        let _ = writeln!(difference, "(differs from the real cluster: {reason})");
    }
    Some(difference)
}

/// The faults, each with the reasons for which the embedded nodes differ.
pub fn differences() -> Vec<(String, Vec<String>)> {
    names()
        .into_iter()
        .map(|name| {
            let reasons = load(&name).steps.into_iter().filter_map(|step| step.differs).collect();
            (name, reasons)
        })
        .collect()
}

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance/faults")
}

fn names() -> Vec<String> {
    let files = std::fs::read_dir(folder()).expect("the recordings").flatten();
    let mut names: Vec<String> =
        files.filter_map(|file| file.file_name().to_string_lossy().strip_suffix(".yaml").map(str::to_owned)).collect();
    names.sort();
    names
}

fn load(name: &str) -> Recording {
    let path = folder().join(format!("{name}.yaml"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    serde_saphyr::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// A test for each recording.
macro_rules! recordings {
    ($($test:ident: $fault:literal,)*) => {
        $(
            #[test]
            fn $test() {
                replay($fault);
            }
        )*

        #[test]
        fn no_recording_was_forgotten() {
            assert_eq!(names(), [$($fault),*]);
        }
    };
}

recordings! {
    kubelet_api_port: "kubelet-api-port",
    kubelet_ca_path: "kubelet-ca-path",
    kubelet_config_syntax: "kubelet-config-syntax",
    kubelet_flag: "kubelet-flag",
    kubelet_stopped: "kubelet-stopped",
    runtime_socket: "runtime-socket",
    runtime_stopped: "runtime-stopped",
}

#[test]
fn a_comparison_sees_what_is_missing_out_of_place_and_too_much() {
    let step = |lines: &[&str], whole| Step { lines: lines.iter().map(|line| (*line).to_owned()).collect(), whole, ..Step::default() };
    let said = "NAME       AGE\nworker-2   26d\n\nok\n";
    let cases: &[(&[&str], bool, i32, bool)] = &[
        (&["NAME AGE", "{node} <age>", "ok"], true, 0, true),
        (&["{node} <age>"], false, 0, true),
        (&["{node} <age>"], true, 0, false),
        (&["ok", "{node} <age>"], false, 0, false),
        (&["NAME AGE", "{node} <age>", "ok"], true, 1, false),
        (&["{node}"], false, 0, false),
        (&["{node}…"], false, 0, true),
    ];
    for (lines, whole, exit, same) in cases {
        assert_eq!(compare(&step(lines, *whole), said, *exit).is_none(), *same, "{lines:?} whole={whole} exit={exit}");
    }
}
