//! The handle to a running embedded cluster.

use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use kubesim::{Cluster, Gateway, Journal, Sim, World};

use super::{Shelf, environment, inventory, shell};
use crate::backend::Environment;
use crate::backend::interactive::{InteractiveShell, Size};
use crate::model::Inventory;

pub use kubesim::Time;

/// What to start.
#[derive(Clone, Debug)]
pub struct Spec {
    /// Decides every name, uid and port.
    pub seed: u64,
    /// Workers beside the control plane.
    pub workers: u8,
    /// The cluster's present moment.
    pub now: Timestamp,
    /// How its time passes.
    pub time: Time,
    /// Whether clients outside this process can reach it.
    pub open: bool,
    /// Where what happens is journalled.
    pub journal: Option<PathBuf>,
}

/// The embedded cluster could not be started or has ended.
#[derive(Debug, thiserror::Error)]
#[error("the embedded cluster: {0}")]
pub struct EmbeddedError(String);

impl From<kubesim::SimError> for EmbeddedError {
    fn from(error: kubesim::SimError) -> Self {
        Self(error.to_string())
    }
}

/// More simulated time than setting a scenario up takes.
const HEADROOM: SignedDuration = SignedDuration::from_mins(3);

/// A running embedded cluster.
pub struct Embedded {
    running: Mutex<Running>,
    inventory: Arc<Inventory>,
    kubeconfig: String,
    address: Option<SocketAddr>,
    time: Time,
    journal: Option<PathBuf>,
}

/// A cluster as it was at some moment.
#[derive(Clone)]
pub struct Handover(World);

impl Handover {
    /// All of it.
    pub(super) fn world(&self) -> &World {
        &self.0
    }

    /// Brings back what [`Embedded::keep_handover`] kept.
    pub fn read(path: &Path) -> Result<Self, EmbeddedError> {
        Ok(Self(Journal::read_kept(path)?))
    }
}

/// The same state with nothing having happened until `now`.
fn at(mut world: World, now: Timestamp) -> World {
    let gap = now.duration_since(world.now);
    if gap.is_positive() {
        world.skip(gap);
    }
    world
}

struct Running {
    cluster: Cluster,
    /// Held open for clients outside; leads to this cluster only.
    gateway: Option<Gateway>,
}

impl Running {
    fn new(world: World, time: Time, journal: Option<&Path>, port: Option<u16>) -> Result<Self, EmbeddedError> {
        let pki = world.pki.clone();
        let cluster = match journal {
            Some(directory) => Cluster::wake_durable(world, time, directory)?,
            None => Cluster::wake(world, time)?,
        };
        let Some(port) = port else { return Ok(Self { cluster, gateway: None }) };
        let server = pki.pairs.get("apiserver").ok_or_else(|| EmbeddedError("its API server has no certificate".into()))?;
        let open = |port| Gateway::open(&cluster, (Ipv4Addr::LOCALHOST, port).into(), server);
        // The port of before may have been taken meanwhile.
        let gateway = open(port).or_else(|error| if port == 0 { Err(error) } else { open(0) })?;
        Ok(Self { cluster, gateway: Some(gateway) })
    }
}

impl Embedded {
    /// Starts a healthy cluster. A stepped one begins [`HEADROOM`] early: what is set up on it takes simulated time, and a live
    /// cluster that goes on from there must not be ahead of the wall clock, by which clients reckon ages.
    pub async fn start(spec: Spec) -> Result<Self, EmbeddedError> {
        Self::start_from(&Shelf::none(), spec).await
    }

    /// Like [`Self::start`] with an installed cluster from a shelf. What comes out is the same.
    pub async fn start_from(shelf: &Shelf, spec: Spec) -> Result<Self, EmbeddedError> {
        let headroom = if spec.time == Time::Stepped { HEADROOM } else { SignedDuration::ZERO };
        let now = spec.now.checked_sub(headroom).unwrap_or(spec.now);
        let installed = shelf.installed(spec.workers, now).await?;
        let cluster = kubesim::wake_up(installed, spec.seed, now).await?;
        if spec.time == Time::Stepped && spec.journal.is_none() && !spec.open {
            return Self::around(Running { cluster, gateway: None }, spec.time, None).await;
        }
        let world = cluster.fork().await?;
        Self::resume(&Handover(world), Spec { now, ..spec }).await
    }

    /// Starts a cluster from a state that was handed over. Its present moment becomes `spec.now`: nothing happened since.
    pub async fn resume(handover: &Handover, spec: Spec) -> Result<Self, EmbeddedError> {
        let world = at(handover.0.clone(), spec.now);
        Self::wake(world, spec.time, spec.journal, spec.open.then_some(0)).await
    }

    /// Brings a cluster back from its journal, on the same port where that is still free.
    pub async fn recover(journal: &Path, now: Timestamp, port: Option<u16>) -> Result<Self, EmbeddedError> {
        let world = at(Journal::recover(journal)?, now);
        Self::wake(world, Time::Live, Some(journal.to_owned()), Some(port.unwrap_or(0))).await
    }

    async fn wake(world: World, time: Time, journal: Option<PathBuf>, port: Option<u16>) -> Result<Self, EmbeddedError> {
        Self::around(Running::new(world, time, journal.as_deref(), port)?, time, journal).await
    }

    async fn around(running: Running, time: Time, journal: Option<PathBuf>) -> Result<Self, EmbeddedError> {
        let address = running.gateway.as_ref().map(Gateway::address);
        let (inventory, pki) = running.cluster.run(|sim| async move { (inventory(&sim), sim.pki().clone()) }).await?;
        let server = address.map(|address| format!("https://{address}")).unwrap_or_default();
        let pair = pki.pairs.get("admin.conf").ok_or_else(|| EmbeddedError("it has no administrator".into()))?;
        let kubeconfig = kubesim::admin_kubeconfig(&server, &pki.ca, "kubernetes", "kubernetes-admin", pair);
        Ok(Self { running: Mutex::new(running), inventory: Arc::new(inventory), kubeconfig, address, time, journal })
    }

    /// The state as it is now, to come back to.
    pub async fn handover(&self) -> Result<Handover, EmbeddedError> {
        Ok(Handover(self.cluster().fork().await?))
    }

    /// Puts the cluster back to a state that was handed over; clients outside reach it at the same address. Open shells end.
    pub async fn reset(&self, handover: &Handover, now: Timestamp) -> Result<(), EmbeddedError> {
        // The old life first: it holds the journal. Its thread is waited for on one that may block.
        let old = self.cluster();
        let (time, journal, world) = (self.time, self.journal.clone(), at(handover.0.clone(), now));
        let woken = tokio::task::spawn_blocking(move || {
            old.end();
            match journal {
                Some(directory) => Cluster::wake_durable(world, time, &directory),
                None => Cluster::wake(world, time),
            }
        });
        let next = woken.await.map_err(|e| EmbeddedError(e.to_string()))??;
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(gateway) = &running.gateway {
            gateway.lead_to(&next);
        }
        running.cluster = next;
        Ok(())
    }

    /// Keeps the state with which a journalled cluster began in a file, for as long as nothing much has happened.
    pub fn keep_handover(&self, path: &Path) -> Result<(), EmbeddedError> {
        let journal = self.journal.as_ref().ok_or_else(|| EmbeddedError("it keeps no journal".into()))?;
        Ok(Journal::keep_snapshot(journal, path)?)
    }

    fn cluster(&self) -> Cluster {
        self.running.lock().unwrap_or_else(PoisonError::into_inner).cluster.clone()
    }

    /// URL of the API server for clients outside.
    pub fn server(&self) -> String {
        self.address.map(|address| format!("https://{address}")).unwrap_or_default()
    }

    /// The administrator's kubeconfig for clients outside.
    pub fn kubeconfig(&self) -> &str {
        &self.kubeconfig
    }

    /// Names, addresses, paths.
    pub fn inventory(&self) -> &Arc<Inventory> {
        &self.inventory
    }

    /// Runs a job on the simulation's runtime.
    pub async fn run<T, F, Fut>(&self, job: F) -> Result<T, EmbeddedError>
    where
        T: Send + 'static,
        F: FnOnce(Environment) -> Fut + Send + 'static,
        Fut: Future<Output = T> + Send + 'static,
    {
        Ok(self.cluster().run(move |sim| job(environment(&sim))).await?)
    }

    /// Opens a root shell on a node, or the candidate's on `base`.
    pub fn open_shell(&self, node: &str, terminal: Option<Size>) -> InteractiveShell {
        let (shell, far) = shell::pair();
        let (node, cluster) = (node.to_owned(), self.cluster());
        tokio::spawn(async move {
            // A simulation that ended drops the job, and with it the far end: its owner sees the shell end.
            let _ = cluster.run(move |sim: Sim| shell::serve(sim, node, terminal, far)).await;
        });
        shell
    }
}
