//! A running simulation and the handle to it.
//!
//! The simulation has a thread and a current-thread runtime of its own; the handle sends it jobs. In a *live* cluster the
//! runtime always runs and jobs are tasks beside the cluster's own. In a *stepped* cluster time is paused with
//! auto-advance and the runtime runs only while a job does, so the cluster stands still between jobs and waiting is free.

use std::future::Future;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread::JoinHandle;

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::sync::{mpsc, oneshot};

use crate::durable::Journal;
use crate::error::SimError;
use crate::simulation::Sim;
use crate::world::World;

/// How time passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Time {
    /// As on the wall.
    Live,
    /// Only while a job runs, and then as fast as the work allows.
    Stepped,
}

type Job = Box<dyn FnOnce(Sim) -> BoxFuture<'static, ()> + Send>;

/// A handle to a running simulation; clones share it. The simulation ends when the last handle is gone.
#[derive(Clone)]
pub struct Cluster {
    shared: Arc<Shared>,
}

struct Shared {
    jobs: Mutex<Option<mpsc::UnboundedSender<Job>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    time: Time,
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.end();
    }
}

impl Shared {
    /// Closing the channel ends the simulation's loop; its thread is joined so that nothing outlives the handle.
    fn end(&self) {
        drop(self.jobs.lock().unwrap_or_else(PoisonError::into_inner).take());
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread.filter(|t| t.thread().id() != std::thread::current().id()) {
            let _ = thread.join();
        }
    }
}

impl Cluster {
    /// Brings a World to life on a new thread.
    pub fn wake(world: World, time: Time) -> Result<Self, SimError> {
        let (jobs, inbox) = mpsc::unbounded_channel();
        let (ready, woken) = std::sync::mpsc::sync_channel(1);
        let thread = std::thread::Builder::new()
            .name(format!("cluster-{}", world.seed))
            .spawn(move || serve(world, time, inbox, &ready))
            .map_err(|e| SimError::Thread(e.to_string()))?;
        woken.recv().map_err(|_| SimError::Ended)??;
        Ok(Self { shared: Arc::new(Shared { jobs: Mutex::new(Some(jobs)), thread: Mutex::new(Some(thread)), time }) })
    }

    /// Brings a World to life and keeps a journal of it in a directory, replacing what is there. Everything that happened is in the
    /// journal when this returns, and from then on before it is acknowledged.
    pub fn wake_durable(world: World, time: Time, directory: &Path) -> Result<Self, SimError> {
        let cluster = Self::wake(world.clone(), time)?;
        // The simulation's thread is busy coming to life meanwhile; the journal's first record has all of that.
        let journal = Journal::create(directory, world)?;
        let (attached, waiting) = std::sync::mpsc::sync_channel(1);
        drop(cluster.submit(move |sim| async move {
            // This side waits for the answer, so it takes it.
            let _ = attached.send(sim.keep(journal));
        })?);
        waiting.recv().map_err(|_| SimError::Ended)??;
        Ok(cluster)
    }

    /// How time passes here.
    pub fn time(&self) -> Time {
        self.shared.time
    }

    /// Runs a job on the simulation's thread and waits for its result. In a stepped cluster, simulated time passes only
    /// while jobs like this one run; one runs at a time.
    pub async fn run<R, F, Fut>(&self, job: F) -> Result<R, SimError>
    where
        R: Send + 'static,
        F: FnOnce(Sim) -> Fut + Send + 'static,
        Fut: Future<Output = R> + Send + 'static,
    {
        self.submit(job)?.await.map_err(|_| SimError::Ended)
    }

    /// As [`Cluster::run`], for callers without a runtime.
    pub fn run_blocking<R, F, Fut>(&self, job: F) -> Result<R, SimError>
    where
        R: Send + 'static,
        F: FnOnce(Sim) -> Fut + Send + 'static,
        Fut: Future<Output = R> + Send + 'static,
    {
        self.submit(job)?.blocking_recv().map_err(|_| SimError::Ended)
    }

    fn submit<R, F, Fut>(&self, job: F) -> Result<oneshot::Receiver<R>, SimError>
    where
        R: Send + 'static,
        F: FnOnce(Sim) -> Fut + Send + 'static,
        Fut: Future<Output = R> + Send + 'static,
    {
        let (answer, result) = oneshot::channel();
        let job: Job = Box::new(move |sim| {
            async move {
                let _ = answer.send(job(sim).await);
            }
            .boxed()
        });
        let jobs = self.shared.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        jobs.as_ref().ok_or(SimError::Ended)?.send(job).map_err(|_| SimError::Ended)?;
        Ok(result)
    }

    /// Ends the simulation whoever else has a handle: running jobs are dropped, later ones fail. A stepped cluster finishes the
    /// job that runs. Blocks until its thread is gone, and with it its hold on the journal.
    pub fn end(&self) {
        self.shared.end();
    }

    /// A handle that does not keep the simulation alive.
    pub fn downgrade(&self) -> WeakCluster {
        WeakCluster { shared: Arc::downgrade(&self.shared) }
    }

    /// A copy of the whole state as of this moment.
    pub async fn fork(&self) -> Result<World, SimError> {
        self.run(|sim| async move { sim.snapshot() }).await
    }
}

/// A handle that does not keep the simulation alive.
#[derive(Clone)]
pub struct WeakCluster {
    shared: Weak<Shared>,
}

impl WeakCluster {
    /// The handle, while the simulation lives.
    pub fn upgrade(&self) -> Option<Cluster> {
        self.shared.upgrade().map(|shared| Cluster { shared })
    }
}

/// The simulation's thread.
fn serve(world: World, time: Time, mut inbox: mpsc::UnboundedReceiver<Job>, ready: &std::sync::mpsc::SyncSender<Result<(), SimError>>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(time == Time::Stepped).build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            let _ = ready.send(Err(SimError::Thread(error.to_string())));
            return;
        }
    };
    let sim = match runtime.block_on(async { Sim::wake(world) }) {
        Ok(sim) => sim,
        Err(error) => {
            let _ = ready.send(Err(error));
            return;
        }
    };
    let _ = ready.send(Ok(()));
    match time {
        Time::Live => runtime.block_on(async {
            while let Some(job) = inbox.recv().await {
                tokio::spawn(job(sim.clone()));
            }
        }),
        Time::Stepped => {
            while let Some(job) = inbox.blocking_recv() {
                runtime.block_on(job(sim.clone()));
            }
        }
    }
    // Tasks hold handles to the simulation; ending the runtime drops them all.
    runtime.shutdown_background();
}
