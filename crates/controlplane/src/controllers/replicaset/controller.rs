//! Keeps as many pods as a ReplicaSet asks for.

use std::sync::Arc;

use k8s_openapi::api::apps::v1::ReplicaSet;
use k8s_openapi::api::core::v1::Pod;
use values::Selector;

use super::ranking::to_delete;
use super::status::{Trouble, compute};
use crate::machinery::claim::claim;
use crate::machinery::errors::{namespace_terminating, text};
use crate::machinery::kit::Reconcile;
use crate::machinery::object::controller_of;
use crate::machinery::{Failure, Informer, Kit, Meta, Outcome, Queue, Recorder, pods};

/// `replicaset.BurstReplicas`: at most so many creations or deletions in one round.
const BURST: usize = 500;

struct Controller {
    kit: Kit,
    recorder: Recorder,
    sets: Arc<Informer<ReplicaSet>>,
    pods: Arc<Informer<Pod>>,
    queue: Arc<Queue>,
}

/// Runs the controller.
pub async fn run(kit: Kit) {
    let queue = kit.queue("replicaset");
    let this = Controller {
        recorder: kit.recorder("replicaset-controller"),
        sets: kit.informer(),
        pods: kit.informer(),
        queue: queue.clone(),
        kit: kit.clone(),
    };
    let add = queue.clone();
    this.sets.subscribe(move |change| {
        if let Some(set) = change.any() {
            add.add(set.key());
        }
    });
    let (add, sets) = (queue.clone(), this.sets.clone());
    this.pods.subscribe(move |change| {
        for pod in [change.old, change.new].into_iter().flatten() {
            match pod.controller() {
                Some(owner) if owner.kind == "ReplicaSet" => add.add(format!("{}/{}", pod.ns(), owner.name)),
                Some(_) => {}
                // An orphan: every set that selects it may adopt it.
                None if change.new.is_some() && !pod.deleting() => {
                    for set in sets.list_in(pod.ns()) {
                        if selector(&set).is_some_and(|s| !s.is_everything() && s.matches(pod.label_map())) {
                            add.add(set.key());
                        }
                    }
                }
                None => {}
            }
        }
    });
    kit.work(&queue, &[&*this.sets, &*this.pods], &this).await;
}

fn selector(set: &ReplicaSet) -> Option<Selector> {
    Selector::from_label_selector(&set.spec.as_ref()?.selector).ok()
}

impl Reconcile for Controller {
    async fn reconcile(&self, key: &str) -> Outcome {
        let Some(set) = self.sets.get(key) else { return Ok(()) };
        let Some(selector) = selector(&set) else { return Ok(()) };
        let all = self.pods.list_in(set.ns());
        let candidates: Vec<_> = all.iter().filter(|p| pods::is_active(p)).cloned().collect();
        let mut mine = claim(&self.kit, &*set, &selector, candidates, |_| true).await?;
        let terminating =
            all.iter().filter(|p| p.deleting() && !pods::is_terminal(p) && p.controller().is_some_and(|c| c.uid == set.uid())).count();
        let managed = if set.deleting() { Ok(()) } else { self.manage(&set, &mine).await };
        if managed.is_ok() && !set.deleting() {
            // The cache has our own writes by now; count them.
            mine = self
                .pods
                .list_in(set.ns())
                .into_iter()
                .filter(|p| pods::is_active(p) && p.controller().is_some_and(|c| c.uid == set.uid()))
                .collect();
        }
        let trouble = managed.as_ref().err().map(|(reason, failure)| Trouble { reason, message: failure.to_string() });
        let now = self.kit.clock.now();
        let (status, next) = compute(&set, &mine, terminating, trouble.as_ref(), now);
        if set.status.as_ref() != Some(&status) {
            let changed = ReplicaSet { status: Some(status), ..ReplicaSet::clone(&set) };
            self.kit.replace_status(&changed).await?;
        }
        if let Some(at) = next {
            self.queue.add_when(key, at);
        }
        managed.map_err(|(_, failure)| failure)
    }
}

impl Controller {
    /// Creates or deletes pods (`manageReplicas`).
    async fn manage(&self, set: &ReplicaSet, mine: &[Arc<Pod>]) -> Result<(), (&'static str, Failure)> {
        let wanted = usize::try_from(set.spec.as_ref().and_then(|s| s.replicas).unwrap_or(1)).unwrap_or(0);
        if mine.len() < wanted {
            self.create(set, (wanted - mine.len()).min(BURST)).await.map_err(|f| ("FailedCreate", f))
        } else if mine.len() > wanted {
            self.delete(set, mine, (mine.len() - wanted).min(BURST)).await.map_err(|f| ("FailedDelete", f))
        } else {
            Ok(())
        }
    }

    /// In batches of 1, 2, 4, …: a quota or an admission error is met once and not five hundred times (`slowStartBatch`).
    async fn create(&self, set: &ReplicaSet, count: usize) -> Outcome {
        let template = set.spec.as_ref().and_then(|s| s.template.clone()).unwrap_or_default();
        let pod = pods::from_template(&template, set.name(), set.ns(), controller_of(set));
        let (mut left, mut batch) = (count, 1);
        while left > 0 {
            let mut failed = None;
            for _ in 0..batch.min(left) {
                match self.kit.create(&pod).await {
                    Ok(created) => self.recorder.normal(set, "SuccessfulCreate", format!("Created pod: {}", created.name())),
                    // The namespace is going away; nothing can be created in it any more.
                    Err(error) if namespace_terminating(&error) => return Ok(()),
                    Err(error) => {
                        self.recorder.warning(set, "FailedCreate", format!("Error creating: {}", text(&error)));
                        failed = Some(error);
                    }
                }
            }
            if let Some(error) = failed {
                return Err(error.into());
            }
            left -= batch.min(left);
            batch *= 2;
        }
        Ok(())
    }

    async fn delete(&self, set: &ReplicaSet, mine: &[Arc<Pod>], count: usize) -> Outcome {
        let related = self.related(set);
        let mut failed = None;
        for pod in to_delete(mine.to_vec(), &related, count, self.kit.clock.now()) {
            match self.kit.delete(&*pod).await {
                Ok(()) => self.recorder.normal(set, "SuccessfulDelete", format!("Deleted pod: {}", pod.name())),
                Err(error) => {
                    self.recorder.warning(set, "FailedDelete", format!("Error deleting: {}", text(&error)));
                    failed = Some(error);
                }
            }
        }
        failed.map_or(Ok(()), |error| Err(error.into()))
    }

    /// Pods of all sets with the same owner (`getIndirectlyRelatedPods`).
    fn related(&self, set: &ReplicaSet) -> Vec<Arc<Pod>> {
        let owner = set.controller().map(|o| o.uid.clone());
        let family: Vec<String> = self
            .sets
            .list_in(set.ns())
            .iter()
            .filter(|s| s.uid() == set.uid() || (owner.is_some() && s.controller().map(|o| &o.uid) == owner.as_ref()))
            .map(|s| s.uid().to_owned())
            .collect();
        self.pods.list_in(set.ns()).into_iter().filter(|p| p.controller().is_some_and(|c| family.contains(&c.uid))).collect()
    }
}
