//! A cluster for tests of the runner: no API server, one node whose files and units are data.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::time::Instant;

use crate::backend::{AccessError, Environment, ForkError, ForkJob, Forks, NodeAccess, NodeFile, Output, ScriptShell};
use crate::model::Inventory;
use crate::observe::testing::FakeApi;

/// Nodes that remember what was done to them, and know a little of `systemctl`.
#[derive(Clone)]
pub struct FakeNodes(Arc<State>);

struct State {
    started: Instant,
    /// A unit that is active in these seconds, whatever is done to it.
    timed: Option<(String, Range<u64>)>,
    changes: Mutex<Changes>,
}

#[derive(Clone, Default)]
struct Changes {
    files: BTreeMap<String, (String, u32)>,
    scripts: Vec<String>,
    /// Units with whether they are active and enabled.
    units: BTreeMap<String, (bool, bool)>,
}

impl FakeNodes {
    fn new(timed: Option<(String, Range<u64>)>, changes: Changes) -> Self {
        Self(Arc::new(State { started: Instant::now(), timed, changes: Mutex::new(changes) }))
    }

    /// Nodes with these files.
    pub fn with_files(files: &[(&str, &str, u32)]) -> Self {
        let files = files.iter().map(|(path, text, mode)| ((*path).to_owned(), ((*text).to_owned(), *mode))).collect();
        Self::new(None, Changes { files, ..Changes::default() })
    }

    /// Nodes with an enabled unit that is active in these seconds.
    pub fn with_unit(unit: &str, active: Range<u64>) -> Self {
        Self::new(Some((unit.to_owned(), active)), Changes::default())
    }

    /// Nodes on which these units run and are enabled.
    pub fn with_units(units: &[&str]) -> Self {
        let units = units.iter().map(|u| ((*u).to_owned(), (true, true))).collect();
        Self::new(None, Changes { units, ..Changes::default() })
    }

    /// A copy that shares nothing.
    fn forked(&self) -> Self {
        Self::new(self.0.timed.clone(), self.changes(|c| c.clone()))
    }

    /// Text and mode of a file.
    pub fn file(&self, path: &str) -> Option<(String, u32)> {
        self.changes(|c| c.files.get(path).cloned())
    }

    /// Scripts that were run.
    pub fn scripts(&self) -> Vec<String> {
        self.changes(|c| c.scripts.clone())
    }

    fn changes<T>(&self, act: impl FnOnce(&mut Changes) -> T) -> T {
        act(&mut self.0.changes.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn answer(&self, script: &str) -> Output {
        if script.contains("is-active") {
            return Output { stdout: self.states(), ..Output::default() };
        }
        self.changes(|c| c.scripts.push(script.to_owned()));
        for line in script.lines() {
            self.systemctl(line);
        }
        Output { status: i32::from(script.contains("fails")), ..Output::default() }
    }

    /// Lines as the observer's script prints them.
    fn states(&self) -> String {
        let now = self.0.started.elapsed().as_secs();
        let timed = self.0.timed.iter().map(|(unit, active)| (unit.clone(), (active.contains(&now), true)));
        let units: Vec<(String, (bool, bool))> = self.changes(|c| c.units.clone()).into_iter().chain(timed).collect();
        let words =
            |active: bool, enabled: bool| (if active { "active" } else { "inactive" }, if enabled { "enabled" } else { "disabled" });
        units.into_iter().map(|(unit, (a, e))| format!("{unit}|{}|{}\n", words(a, e).0, words(a, e).1)).collect()
    }

    fn systemctl(&self, line: &str) {
        let words: Vec<String> = line.split_whitespace().map(|w| w.trim_matches('\'').to_owned()).collect();
        let [program, verb, unit] = words.as_slice() else { return };
        if program != "systemctl" {
            return;
        }
        self.changes(|c| {
            if let Some((active, enabled)) = c.units.get_mut(unit) {
                match verb.as_str() {
                    "start" | "restart" => *active = true,
                    "stop" => *active = false,
                    "enable" => *enabled = true,
                    "disable" => *enabled = false,
                    _ => {}
                }
            }
        });
    }
}

/// Forks of fake nodes, on the same runtime.
struct FakeForks(FakeNodes);

impl Forks for FakeForks {
    fn run(&self, job: ForkJob) -> BoxFuture<'_, Result<(), ForkError>> {
        let fork = environment(self.0.forked());
        async move {
            job(fork).await;
            Ok(())
        }
        .boxed()
    }
}

/// An environment of these nodes and an API server.
pub fn environment_with(nodes: FakeNodes, api: &FakeApi) -> Environment {
    Environment { client: api.client(), ..environment(nodes) }
}

/// An environment of these nodes that can be forked.
pub fn forkable(nodes: FakeNodes) -> Environment {
    Environment { forks: Some(Arc::new(FakeForks(nodes.clone()))), ..environment(nodes) }
}

impl NodeAccess for FakeNodes {
    fn run<'a>(&'a self, _: &'a str, script: &'a str, _: &'a str) -> BoxFuture<'a, Result<Output, AccessError>> {
        async move { Ok(self.answer(script)) }.boxed()
    }

    fn read<'a>(&'a self, _: &'a str, path: &'a str) -> BoxFuture<'a, Result<Option<NodeFile>, AccessError>> {
        let file = self.file(path).map(|(text, mode)| NodeFile { content: text.into_bytes(), mode, owner: "root:root".into() });
        async move { Ok(file) }.boxed()
    }

    fn write<'a>(&'a self, _: &'a str, path: &'a str, content: &'a [u8], mode: Option<u32>) -> BoxFuture<'a, Result<(), AccessError>> {
        let text = String::from_utf8_lossy(content).into_owned();
        self.changes(|c| {
            let mode = mode.or_else(|| c.files.get(path).map(|(_, mode)| *mode)).unwrap_or(0o644);
            c.files.insert(path.to_owned(), (text, mode));
        });
        async { Ok(()) }.boxed()
    }
}

struct NoShell;

impl ScriptShell for NoShell {
    fn run<'a>(&'a self, _: &'a str, _: &'a str) -> BoxFuture<'a, Result<Output, AccessError>> {
        async { Err(AccessError::Unsupported) }.boxed()
    }
}

/// An environment of these nodes, whose API server never answers.
pub fn environment(nodes: FakeNodes) -> Environment {
    let service = tower::service_fn(|_: http::Request<kube::client::Body>| async {
        Err::<http::Response<kube::client::Body>, _>(std::io::Error::other("no API server in this test"))
    });
    let start = jiff::Timestamp::UNIX_EPOCH;
    let origin = Instant::now();
    Environment {
        client: kube::Client::new(service, "default"),
        nodes: Arc::new(nodes),
        shell: Arc::new(NoShell),
        inventory: Arc::new(Inventory::example(3)),
        capabilities: BTreeSet::new(),
        labels: BTreeMap::new(),
        forks: None,
        now: Arc::new(move || start + jiff::SignedDuration::try_from(origin.elapsed()).unwrap_or_default()),
    }
}
