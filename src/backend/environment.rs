//! One cluster as the rest of ckaprep sees it: a client, its nodes, a shell, and what it can do.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};

use crate::model::{Capability, Inventory};

/// One cluster with everything that scenarios and checks need. Cheap to clone.
///
/// Its futures run on the runtime that the backend made it for: for the embedded cluster, the simulation's own, whose tokio time is the
/// cluster's time. Waiting is `tokio::time::sleep` on every backend.
#[derive(Clone)]
pub struct Environment {
    /// Administrator's client.
    pub client: kube::Client,
    /// Root on the nodes.
    pub nodes: Arc<dyn NodeAccess>,
    /// The virtual shell that solution steps run in, with our kubectl. Never a host shell.
    pub shell: Arc<dyn ScriptShell>,
    /// Names, addresses and paths.
    pub inventory: Arc<Inventory>,
    /// What this backend can do.
    pub capabilities: BTreeSet<Capability>,
    /// Labels that every object of a setup gets, so that it can be told from what others made.
    pub labels: BTreeMap<String, String>,
    /// Forks in fast time, where the backend has them.
    pub forks: Option<Arc<dyn Forks>>,
    /// The cluster's present moment. On a fork it runs ahead.
    pub now: Now,
}

/// Tells the present moment.
pub type Now = Arc<dyn Fn() -> jiff::Timestamp + Send + Sync>;

/// Takes what is being done, for people.
pub type Progress<'a> = &'a (dyn Fn(&str) + Send + Sync);

/// What a script or command did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Output {
    /// Exit status, 0 to 255.
    pub status: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Output {
    /// Whether the status is 0.
    pub fn success(&self) -> bool {
        self.status == 0
    }
}

/// A file on a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeFile {
    /// Its bytes.
    pub content: Vec<u8>,
    /// Permission bits, such as `0o600`.
    pub mode: u32,
    /// Owner, `user:group`.
    pub owner: String,
}

/// Why a node, a shell or a fork could not be used. Not the failure of what ran there: that is an [`Output`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AccessError {
    /// There is no such node.
    #[error("there is no node `{0}`")]
    NoNode(String),
    /// The backend has no access to nodes.
    #[error("this cluster gives no access to its nodes")]
    Unsupported,
    /// It took too long.
    #[error("no answer within {} s", .0.as_secs())]
    Timeout(Duration),
    /// Anything else.
    #[error("{0}")]
    Failed(String),
}

/// Root on the nodes of a cluster.
pub trait NodeAccess: Send + Sync {
    /// Runs a shell script on a node as root. A script that fails is an `Ok` with its status.
    fn run<'a>(&'a self, node: &'a str, script: &'a str, stdin: &'a str) -> BoxFuture<'a, Result<Output, AccessError>>;

    /// Reads a file; `None` when it is not there.
    fn read<'a>(&'a self, node: &'a str, path: &'a str) -> BoxFuture<'a, Result<Option<NodeFile>, AccessError>>;

    /// Writes a file as root. Without `mode`, an existing file keeps its own and a new one gets 0644.
    fn write<'a>(&'a self, node: &'a str, path: &'a str, content: &'a [u8], mode: Option<u32>) -> BoxFuture<'a, Result<(), AccessError>>;
}

/// The candidate's shell on `base` for scripts: bash with `kubectl`, `k` and the usual text tools; state does not persist between runs.
pub trait ScriptShell: Send + Sync {
    /// Runs a script to its end. A script that fails is an `Ok` with its status.
    fn run<'a>(&'a self, script: &'a str, stdin: &'a str) -> BoxFuture<'a, Result<Output, AccessError>>;
}

/// A job for a fork. It gets the fork's environment, runs on the fork's runtime, and reports through what it captured.
pub type ForkJob = Box<dyn FnOnce(Environment) -> BoxFuture<'static, ()> + Send>;

/// Copies of a cluster that live only for one job, in fast time: tokio's time is paused there and advances by itself whenever everything
/// waits. Nothing that happens on a fork touches the cluster it came from.
pub trait Forks: Send + Sync {
    /// Forks the cluster as it is now, runs `job` to its end and drops the fork.
    fn run(&self, job: ForkJob) -> BoxFuture<'_, Result<(), ForkError>>;
}

/// Why a fork could not run a job.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ForkError {
    /// The fork could not be made.
    #[error("the cluster could not be forked: {0}")]
    NotForked(String),
    /// The job ended without a result: it panicked or was cancelled.
    #[error("the job on the fork ended without a result")]
    NoResult,
}

/// Runs `job` on a fork and brings its result back.
pub async fn on_fork<T, F>(forks: &dyn Forks, job: F) -> Result<T, ForkError>
where
    T: Send + 'static,
    F: FnOnce(Environment) -> BoxFuture<'static, T> + Send + 'static,
{
    let (give, mut take) = tokio::sync::oneshot::channel();
    forks
        .run(Box::new(move |environment| {
            Box::pin(async move {
                // The receiver outlives the job, so a failed send means that the caller has gone: nothing to tell.
                let _ = give.send(job(environment).await);
            })
        }))
        .await?;
    take.try_recv().map_err(|_| ForkError::NoResult)
}
