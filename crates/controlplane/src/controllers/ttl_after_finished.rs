//! ttl-after-finished-controller: finished Jobs with `ttlSecondsAfterFinished` go.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::batch::v1::Job;
use kube::core::params::PropagationPolicy;

use crate::machinery::errors::{not_found, optional};
use crate::machinery::kit::Reconcile;
use crate::machinery::rest::Deletion;
use crate::machinery::{Informer, Kit, Meta, Outcome, Queue, split_key};

struct Controller {
    kit: Kit,
    jobs: Arc<Informer<Job>>,
    queue: Arc<Queue>,
}

/// Runs the controller.
pub async fn run(kit: Kit) {
    let queue = kit.queue("ttl_after_finished");
    let this = Controller { jobs: kit.informer(), queue: queue.clone(), kit: kit.clone() };
    let add = queue.clone();
    this.jobs.subscribe(move |change| {
        if let Some(job) = change.new.filter(|j| expiry(j).is_some()) {
            add.add(job.key());
        }
    });
    kit.work(&queue, &[&*this.jobs], &this).await;
}

/// When a finished job's time is over.
fn expiry(job: &Job) -> Option<Timestamp> {
    let ttl = job.spec.as_ref()?.ttl_seconds_after_finished.filter(|_| !job.deleting())?;
    let finished = job
        .status
        .as_ref()?
        .conditions
        .as_ref()?
        .iter()
        .find(|c| matches!(c.type_.as_str(), "Complete" | "Failed") && c.status == "True")?;
    finished.last_transition_time.as_ref()?.0.checked_add(SignedDuration::from_secs(i64::from(ttl))).ok()
}

impl Reconcile for Controller {
    async fn reconcile(&self, key: &str) -> Outcome {
        let Some(at) = self.jobs.get(key).and_then(|j| expiry(&j)) else { return Ok(()) };
        if at > self.kit.clock.now() {
            self.queue.add_when(key, at);
            return Ok(());
        }
        // The cache may be old; a job whose TTL was raised must not go.
        let (namespace, name) = split_key(key);
        let Some(job) = optional(self.kit.rest.get::<Job>(namespace, name).await)? else { return Ok(()) };
        if expiry(&job).is_none_or(|at| at > self.kit.clock.now()) {
            return Ok(());
        }
        let how = Deletion {
            resource_version: job.metadata.resource_version.clone(),
            propagation: Some(PropagationPolicy::Foreground),
            ..Deletion::of(job.uid())
        };
        match self.kit.rest.delete::<Job>(namespace, name, &how).await {
            Err(error) if !not_found(&error) => Err(error.into()),
            _ => Ok(()),
        }
    }
}
