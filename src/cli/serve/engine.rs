//! The session's cluster with its scenario: set up, graded, put back.

use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

use jiff::Timestamp;
use serde_json::Value;

use super::{existing, kind};
use crate::backend::embedded::{Embedded, EmbeddedError, Handover, Shelf, Spec, Time};
use crate::backend::existing::Existing;
use crate::backend::interactive::{InteractiveShell, Size};
use crate::backend::kind::{Hosts, KindOptions, NodeDoor};
use crate::backend::{Progress, Running};
use crate::cli::error::CliError;
use crate::content::version::version;
use crate::content::{Bindings, Catalog, Exercise, Instance, InstanceRecord};
use crate::grade::Report;
use crate::model::{ItemKind, Role};
use crate::runner::{self, Event, RunError};
use crate::session::Folder;
use crate::session::folder::{Doors, NodeRecord};
use crate::session::server::Replies;

/// Fewest workers of a practice cluster (kind-config.yaml has the same shape).
pub const WORKERS: u8 = 3;

/// What to start.
pub struct Start<'a> {
    /// The scenario.
    pub exercise: Arc<Exercise>,
    /// Seed of variant and cluster.
    pub seed: u64,
    /// Hidden variables, `name=value`.
    pub variant: &'a [String],
    /// Variables of an earlier attempt, by value.
    pub bindings: &'a Bindings,
    /// Where the cluster's journal goes.
    pub journal: PathBuf,
    /// Where its state at the hand-over goes, for `reset`.
    pub handover: PathBuf,
    /// The present moment.
    pub now: Timestamp,
    /// Where installed clusters are kept.
    pub shelf: Shelf,
}

/// A cluster with a scenario on it.
pub struct Engine {
    cluster: Running,
    instance: RwLock<Arc<Instance>>,
    hand_over: HandOver,
    version: Option<String>,
}

/// How the cluster is put back to where the learner got it.
enum HandOver {
    /// It was kept as it was.
    Kept(Box<Handover>),
    /// It is made again, from clean, for this session.
    Again { catalog: Box<Catalog>, session: String },
}

impl From<EmbeddedError> for CliError {
    fn from(error: EmbeddedError) -> Self {
        Self::environment(error.to_string()).hint("`ckaprep doctor` looks at this machine")
    }
}

impl From<RunError> for CliError {
    fn from(error: RunError) -> Self {
        if error.is_content() { Self::content(error.to_string()) } else { Self::environment(error.to_string()) }
    }
}

impl Start<'_> {
    /// Variables that are not left to the seed.
    fn given(&self) -> Result<Bindings, CliError> {
        let mut given = self.bindings.clone();
        given.extend(bindings(&self.exercise, self.variant)?);
        Ok(given)
    }
}

impl Engine {
    /// Starts a cluster, sets the scenario up, and remembers it as it is handed over.
    pub async fn start(catalog: Catalog, start: Start<'_>, progress: &impl Fn(&str)) -> Result<Self, CliError> {
        let given = start.given()?;
        let workers = WORKERS.max(u8::try_from(start.exercise.requires.workers).unwrap_or(u8::MAX));
        progress("starting the cluster");
        let spec = Spec { seed: start.seed, workers, now: start.now, time: Time::Live, open: true, journal: Some(start.journal.clone()) };
        // Set up in fast time, handed over in real time.
        let stepped = Spec { time: Time::Stepped, open: false, journal: None, ..spec.clone() };
        let prepared = Embedded::start_from(&start.shelf, stepped).await?;
        tracing::debug!("the cluster is whole");
        let instance = Instance::bind(&catalog, &start.exercise, prepared.inventory(), start.seed, &given)?;
        progress("setting the scene");
        let instance = set_up(&prepared, instance).await?;
        let handover = prepared.handover().await?;
        tracing::debug!("the scene is set");
        // Taking a simulation apart takes a moment too.
        tokio::task::spawn_blocking(move || drop(prepared));
        let cluster = Embedded::resume(&handover, spec).await?;
        cluster.keep_handover(&start.handover)?;
        tracing::debug!("the cluster is handed over");
        Ok(Self::kept(cluster, instance, &catalog, handover))
    }

    /// The same on a kind cluster, in real time.
    pub async fn start_on_kind(
        catalog: Catalog,
        start: Start<'_>,
        hosts: &Hosts,
        options: &KindOptions,
        folder: &Folder,
        progress: Progress<'_>,
    ) -> Result<Self, CliError> {
        let given = start.given()?;
        let workers = usize::from(WORKERS).max(start.exercise.requires.workers as usize);
        let cluster = kind::acquire(hosts, folder, options, workers, progress).await?;
        let set_up = async {
            let instance = Instance::bind(&catalog, &start.exercise, &cluster.inventory(), start.seed, &given)?;
            kind::set_up(&cluster, instance, progress).await
        };
        match set_up.await {
            Ok(instance) => Ok(Self::again(Running::Kind(Box::new(cluster)), instance, catalog, folder)),
            Err(error) => {
                // It stays, and the next one that takes it cleans it.
                cluster.release()?;
                Err(error)
            }
        }
    }

    /// Brings a session's kind cluster back.
    pub async fn recover_on_kind(
        catalog: Catalog,
        record: &InstanceRecord,
        hosts: &Hosts,
        folder: &Folder,
        progress: Progress<'_>,
    ) -> Result<Self, CliError> {
        let (cluster, instance) = kind::recover(hosts, &catalog, record, folder, progress).await?;
        Ok(Self::again(Running::Kind(Box::new(cluster)), instance, catalog, folder))
    }

    /// The same on a cluster that the user named, in real time.
    pub async fn start_on_existing(
        catalog: Catalog,
        start: Start<'_>,
        cluster: Existing,
        folder: &Folder,
        progress: Progress<'_>,
    ) -> Result<Self, CliError> {
        let given = start.given()?;
        let instance = Instance::bind(&catalog, &start.exercise, cluster.inventory(), start.seed, &given)?;
        let instance = existing::set_up(&cluster, instance, progress).await?;
        Ok(Self::again(Running::Existing(Box::new(cluster)), instance, catalog, folder))
    }

    /// Goes on with what a session made there.
    pub fn recover_on_existing(catalog: Catalog, record: &InstanceRecord, cluster: Existing, folder: &Folder) -> Result<Self, CliError> {
        let instance = Instance::restore(&catalog, record, cluster.inventory())?;
        Ok(Self::again(Running::Existing(Box::new(cluster)), instance, catalog, folder))
    }

    /// An embedded cluster, whose hand-over is kept.
    fn kept(cluster: Embedded, instance: Instance, catalog: &Catalog, handover: Handover) -> Self {
        let version = version(catalog, ItemKind::Scenario, &instance.exercise.id);
        let (cluster, hand_over) = (Running::Embedded(Box::new(cluster)), HandOver::Kept(Box::new(handover)));
        Self { cluster, instance: RwLock::new(Arc::new(instance)), hand_over, version }
    }

    /// A cluster whose hand-over is made again.
    fn again(cluster: Running, instance: Instance, catalog: Catalog, folder: &Folder) -> Self {
        let version = version(&catalog, ItemKind::Scenario, &instance.exercise.id);
        let hand_over = HandOver::Again { catalog: Box::new(catalog), session: folder.id() };
        Self { cluster, instance: RwLock::new(Arc::new(instance)), hand_over, version }
    }

    /// The cluster.
    pub fn cluster(&self) -> &Running {
        &self.cluster
    }

    /// Brings a cluster back from its journal.
    pub async fn recover(
        catalog: Catalog,
        record: &InstanceRecord,
        folder: &Folder,
        now: Timestamp,
        port: Option<u16>,
    ) -> Result<Self, CliError> {
        let handover = Handover::read(&folder.handover())?;
        let cluster = Embedded::recover(&folder.journal(), now, port).await?;
        let instance = Instance::restore(&catalog, record, cluster.inventory())?;
        Ok(Self::kept(cluster, instance, &catalog, handover))
    }

    /// The scenario with its variables bound.
    pub fn instance(&self) -> Arc<Instance> {
        Arc::clone(&self.instance.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Version of the content.
    pub fn version(&self) -> Option<String> {
        self.version.clone()
    }

    /// URL of the API server.
    pub fn server(&self) -> String {
        self.cluster.server()
    }

    /// The learner's kubeconfig.
    pub fn kubeconfig(&self) -> String {
        self.cluster.kubeconfig()
    }

    /// Nodes, the control plane first.
    pub fn nodes(&self) -> Vec<NodeRecord> {
        let role = |role| match role {
            Role::ControlPlane => "control-plane",
            Role::Worker => "worker",
        };
        let inventory = self.cluster.inventory();
        let doors = |name: &str| Some(Doors { person: self.door(name, true)?, script: self.door(name, false)? });
        let nodes = inventory.nodes.iter();
        nodes
            .map(|n| NodeRecord { name: n.name.clone(), role: role(n.role).to_owned(), address: n.address.clone(), doors: doors(&n.name) })
            .collect()
    }

    fn door(&self, node: &str, interactive: bool) -> Option<NodeDoor> {
        self.cluster.kind()?.door(node, interactive)
    }

    /// Grades what is there now.
    pub async fn check(&self, replies: &Replies) -> Result<Report, CliError> {
        let report = self.grade(replies, false).await?;
        self.again_if_unseen(report, replies, false).await
    }

    async fn grade(&self, replies: &Replies, finally: bool) -> Result<Report, CliError> {
        let instance = self.instance();
        let mut countdown = Countdown::new(replies.clone());
        let report = self.cluster.run(move |environment| async move {
            let mut events = |event: Event| countdown.take(&event);
            if finally {
                runner::finish(&environment, &instance, &mut events).await
            } else {
                runner::check_telling(&environment, &instance, &mut events).await
            }
        });
        Ok(report.await??)
    }

    /// What could not be observed may be a node whose container was stopped: it is started, and looked at once more.
    async fn again_if_unseen(&self, report: Report, replies: &Replies, finally: bool) -> Result<Report, CliError> {
        let (Some(cluster), true) = (self.cluster.kind(), report.has_unknown()) else { return Ok(report) };
        let told = cluster.recover(&|message| replies.progress(message, None)).await?;
        if told.is_empty() {
            return Ok(report);
        }
        for line in told {
            replies.notice(line).await;
        }
        self.grade(replies, finally).await
    }

    /// Grades for good: waits for what still converges.
    pub async fn finish(&self, replies: &Replies) -> Result<Report, CliError> {
        let report = self.grade(replies, true).await?;
        self.again_if_unseen(report, replies, true).await
    }

    /// Puts the cluster back to the hand-over.
    pub async fn reset(&self, now: Timestamp, replies: &Replies) -> Result<(), CliError> {
        match (&self.cluster, &self.hand_over) {
            (Running::Embedded(cluster), HandOver::Kept(handover)) => cluster.reset(handover, now).await?,
            (Running::Kind(cluster), HandOver::Again { catalog, session }) => {
                let progress = |message: &str| replies.progress(message, None);
                let instance = kind::reset(cluster, catalog, &self.instance().record(), session, &progress).await?;
                *self.instance.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(instance);
            }
            (Running::Existing(cluster), HandOver::Again { catalog, .. }) => {
                let progress = |message: &str| replies.progress(message, None);
                let instance = existing::reset(cluster, catalog, &self.instance().record(), &progress).await?;
                *self.instance.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(instance);
            }
            _ => return Err(CliError::bug("a session cannot be put back")),
        }
        Ok(())
    }

    /// What was typed on nodes in shells that did not come through this process: node, when, what.
    pub async fn typed_on_nodes(&self) -> Vec<(String, Timestamp, String)> {
        let Some(cluster) = self.cluster.kind() else { return Vec::new() };
        let typed = cluster.typed().await.into_iter();
        typed.filter_map(|(node, seconds, line)| Some((node, Timestamp::from_second(seconds).ok()?, line))).collect()
    }

    /// Opens a shell on a node or on `base`.
    pub fn open_shell(&self, node: &str, terminal: Option<Size>) -> Result<InteractiveShell, CliError> {
        if node != "base" && self.cluster.inventory().node(node).is_none() {
            let inventory = self.cluster.inventory();
            let names: Vec<&str> = inventory.nodes.iter().map(|n| n.name.as_str()).collect();
            return Err(CliError::usage(format!("there is no node {node:?}")).hint(format!("nodes: {}", names.join(", "))));
        }
        if node != "base" && self.cluster.existing().is_some() {
            return Err(CliError::usage("an existing cluster gives no access to its nodes"));
        }
        Ok(self.cluster.open_shell(node, terminal))
    }
}

/// Shows how long something still takes.
struct Countdown {
    replies: Replies,
    ticking: Option<tokio::task::AbortHandle>,
}

impl Countdown {
    fn new(replies: Replies) -> Self {
        Self { replies, ticking: None }
    }

    fn take(&mut self, event: &Event) {
        let Event::Waiting { seconds } = event else { return };
        self.stop();
        let (replies, mut left) = (self.replies.clone(), u64::from(*seconds));
        let ticking = tokio::spawn(async move {
            while left > 0 {
                replies.progress("waiting for what still converges and must stay so", Some(left));
                tokio::time::sleep(std::time::Duration::from_secs(1)).await;
                left -= 1;
            }
        });
        self.ticking = Some(ticking.abort_handle());
    }

    fn stop(&mut self) {
        if let Some(ticking) = self.ticking.take() {
            ticking.abort();
        }
    }
}

impl Drop for Countdown {
    fn drop(&mut self) {
        self.stop();
    }
}

async fn set_up(cluster: &Embedded, instance: Instance) -> Result<Instance, CliError> {
    Ok(cluster.run(move |environment| async move { runner::set_up(&environment, instance, &mut |_| {}).await }).await??)
}

/// `name=value` pairs for hidden variables.
pub fn bindings(exercise: &Exercise, given: &[String]) -> Result<Bindings, CliError> {
    let hidden = || exercise.variables.iter().filter(|(_, v)| v.hidden).map(|(name, _)| name.as_str());
    given
        .iter()
        .map(|pair| {
            let (name, value) = pair.split_once('=').ok_or_else(|| CliError::usage(format!("--variant takes NAME=VALUE, not {pair:?}")))?;
            if !hidden().any(|known| known == name) {
                let names: Vec<&str> = hidden().collect();
                return Err(CliError::usage(format!("{} has no hidden variable {name:?}", exercise.id))
                    .hint(format!("hidden variables: {}", names.join(", "))));
            }
            Ok((name.to_owned(), Value::String(value.to_owned())))
        })
        .collect()
}
