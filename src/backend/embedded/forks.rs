//! Forks: a copy of the World on a runtime of its own, in fast time.

use futures::FutureExt;
use futures::future::BoxFuture;
use kubesim::{Cluster, Sim, Time};

use super::environment;
use crate::backend::{ForkError, ForkJob, Forks};

/// Forks of a simulation.
pub struct SimForks(pub Sim);

impl Forks for SimForks {
    fn run(&self, job: ForkJob) -> BoxFuture<'_, Result<(), ForkError>> {
        let world = self.0.snapshot();
        async move {
            // On a thread that may block: while one is busy, a paused runtime does not advance its time, so a stepped
            // cluster stands still until its fork is done.
            let done = tokio::task::spawn_blocking(move || {
                let fork = Cluster::wake(world, Time::Stepped).map_err(|e| ForkError::NotForked(e.to_string()))?;
                fork.run_blocking(|sim| async move { job(environment(&sim)).await }).map_err(|_| ForkError::NoResult)
            });
            done.await.map_err(|_| ForkError::NoResult)?
        }
        .boxed()
    }
}
