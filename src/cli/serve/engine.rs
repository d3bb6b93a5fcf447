//! The session's cluster with its scenario: set up, graded, put back.

use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

use jiff::Timestamp;
use serde_json::Value;

use crate::backend::embedded::{Embedded, EmbeddedError, Handover, Spec, Time};
use crate::backend::interactive::{InteractiveShell, Size};
use crate::cli::error::CliError;
use crate::content::{Bindings, Catalog, Exercise, Instance, InstanceRecord};
use crate::grade::Report;
use crate::model::Role;
use crate::runner::{self, Event, RunError};
use crate::session::folder::NodeRecord;
use crate::session::server::Replies;
use crate::session::{Folder, SessionError, private};

/// Fewest workers of a practice cluster (kind-config.yaml has the same shape).
const WORKERS: u8 = 3;

/// What to start.
pub struct Start<'a> {
    /// The scenario.
    pub exercise: Arc<Exercise>,
    /// Seed of variant and cluster.
    pub seed: u64,
    /// Hidden variables, `name=value`.
    pub variant: &'a [String],
    /// Where the cluster's journal goes.
    pub journal: PathBuf,
    /// Where its state at the hand-over goes, for `reset`.
    pub handover: PathBuf,
    /// The present moment.
    pub now: Timestamp,
}

/// A cluster with a scenario on it.
pub struct Engine {
    cluster: Embedded,
    instance: RwLock<Arc<Instance>>,
    handover: Handover,
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

impl Engine {
    /// Starts a cluster, sets the scenario up, and remembers it as it is handed over.
    pub async fn start(catalog: Catalog, start: Start<'_>, progress: &impl Fn(&str)) -> Result<Self, CliError> {
        let given = bindings(&start.exercise, start.variant)?;
        let workers = WORKERS.max(u8::try_from(start.exercise.requires.workers).unwrap_or(u8::MAX));
        progress("starting the cluster");
        let spec = Spec { seed: start.seed, workers, now: start.now, time: Time::Live, open: true, journal: Some(start.journal.clone()) };
        // Set up in fast time, handed over in real time.
        let prepared = Embedded::start(Spec { time: Time::Stepped, open: false, journal: None, ..spec.clone() }).await?;
        let instance = Instance::bind(&catalog, &start.exercise, prepared.inventory(), start.seed, &given)?;
        progress("setting the scene");
        let instance = set_up(&prepared, instance).await?;
        let handover = prepared.handover().await?;
        private::write(&start.handover, &handover.to_bytes()?)
            .map_err(|e| CliError::from(SessionError::file("write", &start.handover)(e)))?;
        let cluster = Embedded::resume(&handover, spec).await?;
        Ok(Self { cluster, instance: RwLock::new(Arc::new(instance)), handover })
    }

    /// Brings a cluster back from its journal.
    pub async fn recover(
        catalog: Catalog,
        record: &InstanceRecord,
        folder: &Folder,
        now: Timestamp,
        port: Option<u16>,
    ) -> Result<Self, CliError> {
        let path = folder.handover();
        let bytes = std::fs::read(&path).map_err(SessionError::file("read", &path))?;
        let handover = Handover::from_bytes(&bytes)?;
        let cluster = Embedded::recover(&folder.journal(), now, port).await?;
        let instance = Instance::restore(&catalog, record, cluster.inventory())?;
        Ok(Self { cluster, instance: RwLock::new(Arc::new(instance)), handover })
    }

    /// The scenario with its variables bound.
    pub fn instance(&self) -> Arc<Instance> {
        Arc::clone(&self.instance.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// URL of the API server.
    pub fn server(&self) -> String {
        self.cluster.server()
    }

    /// The learner's kubeconfig.
    pub fn kubeconfig(&self) -> &str {
        self.cluster.kubeconfig()
    }

    /// Nodes, the control plane first.
    pub fn nodes(&self) -> Vec<NodeRecord> {
        let role = |role| match role {
            Role::ControlPlane => "control-plane",
            Role::Worker => "worker",
        };
        let nodes = self.cluster.inventory().nodes.iter();
        nodes.map(|n| NodeRecord { name: n.name.clone(), role: role(n.role).to_owned(), address: n.address.clone() }).collect()
    }

    /// Grades what is there now.
    pub async fn check(&self) -> Result<Report, CliError> {
        let instance = self.instance();
        Ok(self.cluster.run(move |environment| async move { runner::check(&environment, &instance).await }).await??)
    }

    /// Grades for good: waits for what still converges.
    pub async fn finish(&self, replies: &Replies) -> Result<Report, CliError> {
        let instance = self.instance();
        let replies = replies.clone();
        let report = self.cluster.run(move |environment| async move {
            let mut events = |event: Event| {
                if let Event::Waiting { seconds } = event {
                    replies.progress("waiting for what is still converging", Some(u64::from(seconds)));
                }
            };
            runner::finish(&environment, &instance, &mut events).await
        });
        Ok(report.await??)
    }

    /// Puts the cluster back to the hand-over.
    pub async fn reset(&self, now: Timestamp) -> Result<(), CliError> {
        Ok(self.cluster.reset(&self.handover, now).await?)
    }

    /// Opens a shell on a node or on `base`.
    pub fn open_shell(&self, node: &str, terminal: Option<Size>) -> Result<InteractiveShell, CliError> {
        if node != "base" && self.cluster.inventory().node(node).is_none() {
            let names: Vec<&str> = self.cluster.inventory().nodes.iter().map(|n| n.name.as_str()).collect();
            return Err(CliError::usage(format!("there is no node {node:?}")).hint(format!("nodes: {}", names.join(", "))));
        }
        Ok(self.cluster.open_shell(node, terminal))
    }
}

async fn set_up(cluster: &Embedded, instance: Instance) -> Result<Instance, CliError> {
    Ok(cluster.run(move |environment| async move { runner::set_up(&environment, instance, &mut |_| {}).await }).await??)
}

/// `name=value` pairs for hidden variables.
fn bindings(exercise: &Exercise, given: &[String]) -> Result<Bindings, CliError> {
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
