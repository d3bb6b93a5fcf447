//! `record`: asks a real cluster the questions of `tests/conformance/cases` and writes its answers beside them.
//! `replay`: asks the embedded cluster with the kubectl on PATH, and compares.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::arguments::Arguments;
use crate::cluster::{self, Place};
use crate::conformance::answers::{self, Answer};
use crate::conformance::case::{self, Case, Topic};
use crate::conformance::normal::Names;
use crate::conformance::play;
use crate::embedded;

type Outcome<T> = Result<T, String>;

/// The repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Records; cases about nodes are left out where the cluster has none.
pub fn record(arguments: &Arguments) -> Outcome<ExitCode> {
    let kubeconfig = arguments.options.get("kubeconfig").map(PathBuf::from).or_else(|| std::env::var_os("KUBECONFIG").map(PathBuf::from));
    let kubeconfig = kubeconfig.ok_or("name a cluster: --kubeconfig FILE")?;
    let asked = Asked::new(&kubeconfig)?;
    let mut failed = 0;
    let (mut recorded, mut left_out) = (0, 0);
    for (name, topic) in &case::topics(&root())? {
        let mut known = answers::load(&root(), name)?;
        known.retain(|case, _| topic.cases.iter().any(|c| c.name == *case));
        for case in &topic.cases {
            if !arguments.words.is_empty() && !arguments.words.iter().any(|word| case.name.contains(word) || name == word) {
                continue;
            }
            if case.nodes && asked.nodes == 0 {
                left_out += 1;
                continue;
            }
            match asked.answers(topic, case) {
                Ok(answers) => {
                    recorded += 1;
                    known.insert(case.name.clone(), answers);
                }
                Err(error) => {
                    failed += 1;
                    eprintln!("## {}\n{error}", case.name);
                }
            }
        }
        answers::store(&root(), name, topic.cases.iter().map(|case| case.name.as_str()), &known)?;
    }
    println!("{recorded} cases recorded, {failed} failed, {left_out} left out because the cluster has no nodes");
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Replays with the kubectl on PATH against an embedded cluster of its own, or any other.
pub fn replay(arguments: &Arguments) -> Outcome<ExitCode> {
    let own;
    let kubeconfig = match arguments.options.get("kubeconfig") {
        Some(path) => PathBuf::from(path),
        None => {
            own = embedded::start()?;
            own.kubeconfig.clone()
        }
    };
    let asked = Asked::new(&kubeconfig)?;
    let (mut same, mut differing) = (0, 0);
    for (name, topic) in &case::topics(&root())? {
        let recorded = answers::load(&root(), name)?;
        for case in &topic.cases {
            let wanted = arguments.words.is_empty() || arguments.words.iter().any(|word| case.name.contains(word) || name == word);
            let Some(recorded) = recorded.get(&case.name).filter(|_| wanted) else { continue };
            // Nodes of the embedded cluster have no container to go into.
            if case.steps.iter().any(|step| step.on.is_some()) {
                continue;
            }
            let given = asked.answers(topic, case);
            let report = match given {
                Ok(given) => compare(case, recorded, &given),
                Err(error) => error,
            };
            if report.is_empty() {
                same += 1;
            } else {
                differing += 1;
                println!("## {}\n{report}", case.name);
            }
        }
    }
    println!("{same} cases as recorded, {differing} not");
    Ok(if differing == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn compare(case: &Case, recorded: &[Answer], given: &[Answer]) -> String {
    let mut report = String::new();
    let steps = case.steps.iter().filter(|step| !step.quiet);
    for ((step, recorded), given) in steps.zip(recorded).zip(given) {
        if step.differs.is_none()
            && let Some(found) = crate::difference::difference(&recorded.text(), &given.text())
        {
            report.push_str(&format!("$ {}\n{found}", recorded.asked));
        }
    }
    report
}

/// A cluster that is asked.
struct Asked {
    kubeconfig: PathBuf,
    directory: tempfile::TempDir,
    names: Names,
    nodes: usize,
    runtime: tokio::runtime::Runtime,
}

impl Asked {
    fn new(kubeconfig: &Path) -> Outcome<Self> {
        cluster::same_versions(kubeconfig)?;
        let (names, nodes) = cluster::names(kubeconfig)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|e| e.to_string())?;
        let directory = tempfile::tempdir().map_err(|e| e.to_string())?;
        Ok(Self { kubeconfig: kubeconfig.to_owned(), directory, names, nodes, runtime })
    }

    fn answers(&self, topic: &Topic, case: &Case) -> Outcome<Vec<Answer>> {
        let directory = self.directory.path().join(&case.name);
        let place = Place::new(&self.kubeconfig, &directory, &case.name, self.names.clone())?;
        let answers = self.runtime.block_on(play::play(topic, case, &place));
        for line in &case.cleanup {
            let done = place.script(&self.names.to_real(&line.replace("{ns}", &case.name)));
            if done.status != 0 {
                eprintln!("## {}: cleanup\n$ {line}\n{}", case.name, done.stderr);
            }
        }
        place.script(&format!("kubectl delete namespace {} --wait=false", case.name));
        answers
    }
}
