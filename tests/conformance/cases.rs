//! What candidates of the exams meet first, asked of the embedded cluster and held against what Kubernetes 1.35.4 answered.
//!
//! `cases/TOPIC.yaml` has the questions, `cases/TOPIC.answers` what `cargo xtask record` heard. `CONFORMANCE=word` plays only the
//! cases whose name contains the word.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use ckaprep::backend::Environment;
use ckaprep::backend::embedded::{Embedded, Handover, Spec, Time};
use futures::FutureExt;
use futures::future::BoxFuture;

use crate::difference::difference;
use crate::shared::answers::{self, Answer};
use crate::shared::case::{self, Case, Step, Topic};
use crate::shared::normal::{self, Names};
use crate::shared::play::{self, Player, Reply, Request};

/// Longest simulated time of one command.
const PATIENCE: Duration = Duration::from_secs(900);

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// One healthy cluster; every case plays on a copy of it.
fn base() -> &'static Handover {
    static BASE: OnceLock<Handover> = OnceLock::new();
    BASE.get_or_init(|| {
        blocking(async {
            let cluster = Embedded::start(spec()).await.expect("a cluster");
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

struct EmbeddedPlayer {
    environment: Environment,
    names: Names,
}

impl Player for EmbeddedPlayer {
    fn shell<'a>(&'a self, script: &'a str, stdin: &'a str) -> BoxFuture<'a, Reply> {
        patiently(async move { self.environment.shell.run(script, stdin).await.map_err(|e| e.to_string()) })
    }

    fn node<'a>(&'a self, node: &'a str, script: &'a str, stdin: &'a str) -> BoxFuture<'a, Reply> {
        patiently(async move { self.environment.nodes.run(node, script, stdin).await.map_err(|e| e.to_string()) })
    }

    fn http<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Reply> {
        async move {
            let mut builder = http::Request::builder()
                .method(request.method.as_str())
                .uri(&request.path)
                .header("content-type", &request.content)
                .header("accept", "application/json");
            if let Some(user) = &request.user {
                builder = builder.header("impersonate-user", user);
            }
            let message = builder.body(request.body.clone().into_bytes().into()).expect("a request");
            let response = self.environment.client.send(message).await.expect("an answer");
            let (head, body) = response.into_parts();
            let body = body.collect_bytes().await.expect("its body");
            Reply { stdout: String::from_utf8_lossy(&body).into_owned(), stderr: String::new(), status: i32::from(head.status.as_u16()) }
        }
        .boxed()
    }

    fn pause(&self) -> BoxFuture<'_, ()> {
        tokio::time::sleep(Duration::from_secs(1)).boxed()
    }

    fn file<'a>(&'a self, name: &'a str, content: &'a str) -> BoxFuture<'a, ()> {
        async move {
            let written = self.environment.shell.run(&format!("cat > {name}"), content).await.expect("a shell");
            assert_eq!(written.status, 0, "{}", written.stderr);
        }
        .boxed()
    }

    fn names(&self) -> &Names {
        &self.names
    }
}

fn patiently<'a>(job: impl Future<Output = Result<ckaprep::backend::Output, String>> + Send + 'a) -> BoxFuture<'a, Reply> {
    async move {
        match tokio::time::timeout(PATIENCE, job).await {
            Ok(Ok(output)) => Reply { stdout: output.stdout, stderr: output.stderr, status: output.status },
            Ok(Err(error)) => Reply { stderr: error, status: -1, ..Reply::default() },
            Err(_) => Reply { stderr: format!("no end after {} simulated seconds", PATIENCE.as_secs()), status: -1, ..Reply::default() },
        }
    }
    .boxed()
}

/// Plays the cases of a topic; everything that differs is told.
fn replay(name: &str) {
    let mut topics = case::topics(root()).unwrap_or_else(|e| panic!("{e}"));
    let topic = Arc::new(topics.remove(name).unwrap_or_else(|| panic!("there is no topic {name}")));
    let recorded = answers::load(root(), name).unwrap_or_else(|e| panic!("{e}"));
    let filter = std::env::var("CONFORMANCE").unwrap_or_default();
    let mut report = String::new();
    let mut differing = 0;
    for n in (0..topic.cases.len()).filter(|n| topic.cases[*n].name.contains(&filter)) {
        let case = &topic.cases[n];
        let difference = match recorded.get(&case.name) {
            None => "not recorded yet: cargo xtask record\n".to_owned(),
            Some(recorded) => match given(&topic, n) {
                Ok(given) => compare(case, recorded, &given),
                Err(error) => format!("{error}\n"),
            },
        };
        if !difference.is_empty() {
            differing += 1;
            let _ = write!(report, "\n## {}\n{difference}", case.name);
        }
    }
    assert!(report.is_empty(), "{name}: {differing} of {} cases not as Kubernetes 1.35.4 answered\n{report}", topic.cases.len());
}

/// What the embedded cluster answers to a case.
fn given(topic: &Arc<Topic>, n: usize) -> Result<Vec<Answer>, String> {
    let (topic, base) = (topic.clone(), base());
    blocking(async move {
        let cluster = Embedded::resume(base, spec()).await.map_err(|e| e.to_string())?;
        let played = cluster.run(move |environment| async move {
            let nodes = environment.inventory.nodes.iter().map(|node| (node.name.clone(), node.name.clone())).collect();
            let player = EmbeddedPlayer { environment, names: Names::new(nodes) };
            let case = &topic.cases[n];
            let namespace = format!("kubectl create namespace {0} && kubectl config set-context --current --namespace={0}", case.name);
            let made = player.shell(&namespace, "").await;
            assert_eq!(made.status, 0, "{}", made.stderr);
            // As the recorder does: pods are refused until the namespace has its account.
            for _ in 0..10 {
                if player.shell("kubectl get serviceaccount default", "").await.status == 0 {
                    break;
                }
                player.pause().await;
            }
            play::play(&topic, case, &player).await
        });
        played.await.map_err(|e| e.to_string())?
    })
}

fn compare(case: &Case, recorded: &[Answer], given: &[Answer]) -> String {
    let kept: Vec<_> = case.steps.iter().filter(|step| !step.quiet).collect();
    if kept.len() != recorded.len() || kept.iter().zip(recorded).any(|(step, answer)| step.asked() != answer.asked) {
        return "its steps are not those that were recorded: cargo xtask record\n".to_owned();
    }
    let mut report = String::new();
    for ((step, recorded), given) in kept.iter().zip(recorded).zip(given) {
        let found = difference(&normal(step, recorded), &given.text());
        match (&step.differs, found) {
            (None, Some(found)) => {
                let _ = write!(report, "$ {}\n{found}", recorded.asked);
            }
            (Some(reason), None) => {
                let _ = writeln!(report, "$ {}\n  no longer differs; take this away: {reason}", recorded.asked);
            }
            _ => {}
        }
    }
    report
}

/// A recorded answer as this version of the rules has it: they may have grown since it was recorded.
fn normal(step: &Step, recorded: &Answer) -> Vec<String> {
    let again = |line: &String| {
        let (mark, line) = line.split_at(1);
        let line = normal::line(line.strip_prefix(' ').unwrap_or(line), &Names::default());
        format!("{mark} {line}").trim_end().to_owned()
    };
    let mut lines: Vec<String> = recorded.lines.iter().map(again).collect();
    if step.unordered {
        // Standard output before standard error, as they are played.
        lines.sort_by_key(|line| (line.starts_with('!'), line.clone()));
    }
    Answer { lines, ..recorded.clone() }.text()
}

/// A test for each topic.
macro_rules! topics {
    ($($test:ident: $topic:literal,)*) => {
        $(
            #[test]
            fn $test() {
                replay($topic);
            }
        )*

        #[test]
        fn no_topic_was_forgotten() {
            let topics: Vec<String> = case::topics(root()).unwrap_or_else(|e| panic!("{e}")).into_keys().collect();
            assert_eq!(topics, [$($topic),*]);
        }
    };
}

topics! {
    apply: "apply",
    config: "config",
    create: "create",
    delete: "delete",
    get: "get",
    labels: "labels",
    limits: "limits",
    nodes: "nodes",
    pods: "pods",
    rbac: "rbac",
    rollouts: "rollouts",
}

#[test]
fn cases_have_names_of_their_own_and_nothing_recorded_is_left_over() {
    let topics = case::topics(root()).unwrap_or_else(|e| panic!("{e}"));
    let mut seen = std::collections::BTreeSet::new();
    for (name, topic) in &topics {
        for case in &topic.cases {
            assert!(seen.insert(case.name.clone()), "{name}: {} is there twice", case.name);
        }
        for case in answers::load(root(), name).unwrap_or_else(|e| panic!("{e}")).keys() {
            assert!(topic.cases.iter().any(|c| c.name == *case), "{name}.answers: {case} is no longer asked");
        }
    }
}
