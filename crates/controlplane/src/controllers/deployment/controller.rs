//! Rolls out templates by scaling ReplicaSets.

use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};
use k8s_openapi::api::core::v1::Pod;
use values::Selector;

use super::conditions::{self, PROGRESSING, condition, deadline, is_complete};
use super::replica_sets::{self as sets, REVISION, is_rolling, revision, size, size_annotations, spec, split};
use super::rolling::{grow_new, new_size, shrink_old};
use super::scaling::{is_resized, proportional};
use super::status;
use crate::machinery::claim::claim;
use crate::machinery::errors::{already_exists, namespace_terminating, text};
use crate::machinery::kit::Reconcile;
use crate::machinery::{Failure, Informer, Kit, Meta, Outcome, Queue, Recorder, pods};

struct Controller {
    kit: Kit,
    recorder: Recorder,
    deployments: Arc<Informer<Deployment>>,
    sets: Arc<Informer<ReplicaSet>>,
    pods: Arc<Informer<Pod>>,
    queue: Arc<Queue>,
}

/// Runs the controller.
pub async fn run(kit: Kit) {
    let queue = kit.queue("deployment");
    let this = Controller {
        recorder: kit.recorder("deployment-controller"),
        deployments: kit.informer(),
        sets: kit.informer(),
        pods: kit.informer(),
        queue: queue.clone(),
        kit: kit.clone(),
    };
    let add = queue.clone();
    this.deployments.subscribe(move |change| {
        if let Some(deployment) = change.any() {
            add.add(deployment.key());
        }
    });
    let (add, deployments) = (queue.clone(), this.deployments.clone());
    this.sets.subscribe(move |change| {
        for set in [change.old, change.new].into_iter().flatten() {
            match set.controller() {
                Some(owner) if owner.kind == "Deployment" => add.add(format!("{}/{}", set.ns(), owner.name)),
                Some(_) => {}
                None => {
                    for deployment in deployments.list_in(set.ns()) {
                        if selector(&deployment).is_some_and(|s| !s.is_everything() && s.matches(set.label_map())) {
                            add.add(deployment.key());
                        }
                    }
                }
            }
        }
    });
    // A Deployment that recreates waits for the last old pod to go.
    let (add, replica_sets) = (queue.clone(), this.sets.clone());
    this.pods.subscribe(move |change| {
        if let (Some(old), None) = (change.old, change.new)
            && let Some(owner) = old.controller().filter(|o| o.kind == "ReplicaSet")
            && let Some(set) = replica_sets.get(&format!("{}/{}", old.ns(), owner.name))
            && let Some(owner) = set.controller().filter(|o| o.kind == "Deployment")
        {
            add.add(format!("{}/{}", old.ns(), owner.name));
        }
    });
    kit.work(&queue, &[&*this.deployments, &*this.sets, &*this.pods], &this).await;
}

fn selector(deployment: &Deployment) -> Option<Selector> {
    Selector::from_label_selector(&deployment.spec.as_ref()?.selector).ok()
}

/// A Deployment and its sets in one round.
struct Round {
    deployment: Deployment,
    new: Option<Arc<ReplicaSet>>,
    old: Vec<Arc<ReplicaSet>>,
}

impl Round {
    fn all(&self) -> Vec<Arc<ReplicaSet>> {
        self.old.iter().chain(&self.new).cloned().collect()
    }
}

impl Reconcile for Controller {
    async fn reconcile(&self, key: &str) -> Outcome {
        let Some(deployment) = self.deployments.get(key) else { return Ok(()) };
        let Some(selector) = selector(&deployment) else { return Ok(()) };
        if selector.is_everything() {
            self.recorder.warning(&*deployment, "SelectingAll", "This deployment is selecting all pods. A non-empty selector is required.");
            return Ok(());
        }
        let owned = claim(&self.kit, &*deployment, &selector, self.sets.list_in(deployment.ns()), |_| true).await?;
        let mut deployment = Deployment::clone(&deployment);
        let (new, old) = split(&deployment, &owned);
        if deployment.deleting() {
            return self.sync_plain_status(&Round { deployment, new, old }).await;
        }
        self.mark_paused(&mut deployment).await?;
        let paused = spec(&deployment).paused == Some(true);
        let mut round = Round { deployment, new, old };
        let all = round.all();
        if paused || is_resized(&round.deployment, &all) {
            self.sync_revision(&mut round, false).await?;
            for (set, to) in proportional(&round.deployment, round.new.as_ref(), &round.old) {
                self.scale(&round.deployment, &set, to).await?;
            }
            self.refresh(&mut round);
            if paused {
                self.clean_up(&round).await?;
            }
            return self.sync_plain_status(&round).await;
        }
        if is_rolling(&round.deployment) { self.roll(&mut round).await } else { self.recreate(&mut round).await }
    }
}

impl Controller {
    /// Sets of the round as the cache has them now.
    fn refresh(&self, round: &mut Round) {
        let newest = |set: &Arc<ReplicaSet>| self.sets.get(&set.key()).filter(|s| s.uid() == set.uid()).unwrap_or_else(|| set.clone());
        round.new = round.new.as_ref().map(newest);
        round.old = round.old.iter().map(newest).collect();
    }

    /// `rolloutRolling`.
    async fn roll(&self, round: &mut Round) -> Outcome {
        self.sync_revision(round, true).await?;
        let Some(new) = round.new.clone() else { return self.sync_rollout_status(round).await };
        if let Some(to) = grow_new(&round.deployment, &round.all(), &new) {
            self.scale(&round.deployment, &new, to).await?;
            self.refresh(round);
            return self.sync_rollout_status(round).await;
        }
        let plan = shrink_old(&round.deployment, &round.old, &new);
        if !plan.is_empty() {
            for (set, to) in plan {
                self.scale(&round.deployment, &set, to).await?;
            }
            self.refresh(round);
            return self.sync_rollout_status(round).await;
        }
        self.finish(round).await
    }

    /// `rolloutRecreate`.
    async fn recreate(&self, round: &mut Round) -> Outcome {
        self.sync_revision(round, false).await?;
        let active: Vec<_> = round.old.iter().filter(|s| size(s) > 0).cloned().collect();
        if !active.is_empty() {
            for set in active {
                self.scale(&round.deployment, &set, 0).await?;
            }
            self.refresh(round);
            return self.sync_rollout_status(round).await;
        }
        let old: Vec<&str> = round.old.iter().map(|s| s.uid()).collect();
        let pods = self.pods.list_in(round.deployment.ns());
        if pods.iter().any(|p| !pods::is_terminal(p) && p.controller().is_some_and(|c| old.contains(&c.uid.as_str()))) {
            return self.sync_rollout_status(round).await;
        }
        if round.new.is_none() {
            self.sync_revision(round, true).await?;
        }
        if let Some(new) = round.new.clone() {
            self.scale(&round.deployment, &new, sets::wanted(&round.deployment)).await?;
            self.refresh(round);
        }
        self.finish(round).await
    }

    async fn finish(&self, round: &Round) -> Outcome {
        if round.deployment.status.as_ref().is_some_and(|s| is_complete(&round.deployment, s)) {
            self.clean_up(round).await?;
        }
        self.sync_rollout_status(round).await
    }

    /// `getAllReplicaSetsAndSyncRevision`: the new set exists (if it should), and revisions are written down.
    async fn sync_revision(&self, round: &mut Round, create: bool) -> Outcome {
        let newest = round.old.iter().map(|s| revision(&**s)).max().unwrap_or(0) + 1;
        if let Some(new) = &round.new {
            let annotations = sets::annotations_for(&round.deployment, Some(new), newest);
            let min_ready = spec(&round.deployment).min_ready_seconds;
            let same_min_ready = new.spec.as_ref().and_then(|s| s.min_ready_seconds).unwrap_or(0) == min_ready.unwrap_or(0);
            if new.metadata.annotations.as_ref() != Some(&annotations) || !same_min_ready {
                let mut changed = ReplicaSet::clone(new);
                changed.metadata.annotations = Some(annotations);
                if let Some(spec) = changed.spec.as_mut() {
                    spec.min_ready_seconds = min_ready;
                }
                round.new = Some(Arc::new(self.kit.replace(&changed).await?));
            }
            let name = round.new.as_ref().map(|n| n.name().to_owned()).unwrap_or_default();
            let rev = round.new.as_ref().map_or(0, |n| revision(&**n));
            self.write_revision(&mut round.deployment, rev).await?;
            let status = round.deployment.status.get_or_insert_default();
            if deadline_of(&round.deployment.spec).is_some()
                && conditions::get(status.conditions.as_deref().unwrap_or_default(), PROGRESSING).is_none()
            {
                let found =
                    condition(PROGRESSING, "True", "FoundNewReplicaSet", format!("Found new replica set {name:?}"), self.kit.clock.now());
                conditions::set(status.conditions.get_or_insert_default(), found);
                round.deployment = self.kit.replace_status(&round.deployment).await?;
            }
            return Ok(());
        }
        if create { self.create_set(round, newest).await } else { Ok(()) }
    }

    async fn create_set(&self, round: &mut Round, newest: i64) -> Outcome {
        let replicas = new_size(&round.deployment, &round.all(), None);
        let built = sets::build(&round.deployment, newest, replicas);
        let now = self.kit.clock.now();
        let set = match self.kit.create(&built).await {
            Ok(set) => {
                if replicas > 0 {
                    let message = format!("Scaled up replica set {} from 0 to {replicas}", set.name());
                    self.recorder.normal(&round.deployment, "ScalingReplicaSet", message);
                }
                set
            }
            Err(error) if already_exists(&error) => {
                let existing: ReplicaSet = self.kit.rest.get(built.ns(), built.name()).await?;
                let ours = existing.controller().is_some_and(|c| c.uid == round.deployment.uid());
                if !(ours && sets::has_template_of(&existing, &round.deployment)) {
                    // Another template with the same hash: count it in and try with another hash.
                    let status = round.deployment.status.get_or_insert_default();
                    status.collision_count = Some(status.collision_count.unwrap_or(0) + 1);
                    self.kit.replace_status(&round.deployment).await?;
                    return Err(Failure::Other(text(&error)));
                }
                existing
            }
            Err(error) if namespace_terminating(&error) => return Ok(()),
            Err(error) => {
                let message = format!("Failed to create new replica set {:?}: {}", built.name(), text(&error));
                if deadline(&round.deployment).is_some() {
                    let failed = condition(PROGRESSING, "False", "ReplicaSetCreateError", message.clone(), now);
                    conditions::set(round.deployment.status.get_or_insert_default().conditions.get_or_insert_default(), failed);
                    // The creation's own error is what matters.
                    let _ = self.kit.replace_status(&round.deployment).await;
                }
                self.recorder.warning(&round.deployment, "ReplicaSetCreateError", message);
                return Err(error.into());
            }
        };
        let name = set.name().to_owned();
        round.new = Some(Arc::new(set));
        self.write_revision(&mut round.deployment, newest).await?;
        if deadline(&round.deployment).is_some() {
            let created = condition(PROGRESSING, "True", "NewReplicaSetCreated", format!("Created new replica set {name:?}"), now);
            conditions::set(round.deployment.status.get_or_insert_default().conditions.get_or_insert_default(), created);
            round.deployment = self.kit.replace_status(&round.deployment).await?;
        }
        Ok(())
    }

    /// Upstream writes it with the status, so that it does not count as a new generation.
    async fn write_revision(&self, deployment: &mut Deployment, revision: i64) -> Outcome {
        if revision > 0 && deployment.annotation(REVISION) != Some(&revision.to_string()) {
            let status = deployment.status.clone();
            let mut changed = deployment.clone();
            changed.metadata.annotations.get_or_insert_default().insert(REVISION.to_owned(), revision.to_string());
            *deployment = self.kit.replace_status(&changed).await?;
            deployment.status = status;
        }
        Ok(())
    }

    /// `scaleReplicaSetAndRecordEvent`.
    async fn scale(&self, deployment: &Deployment, set: &Arc<ReplicaSet>, to: i32) -> Outcome {
        let from = size(set);
        let annotated = size_annotations(deployment).iter().all(|(k, v)| set.annotation(k) == Some(v));
        if from == to && (annotated || to == 0) {
            return Ok(());
        }
        let mut changed = ReplicaSet::clone(set);
        changed.metadata.annotations.get_or_insert_default().extend(size_annotations(deployment));
        if let Some(spec) = changed.spec.as_mut() {
            spec.replicas = Some(to);
        }
        self.kit.replace(&changed).await?;
        if from != to {
            let direction = if to > from { "up" } else { "down" };
            let message = format!("Scaled {direction} replica set {} from {from} to {to}", set.name());
            self.recorder.normal(deployment, "ScalingReplicaSet", message);
        }
        Ok(())
    }

    /// Deletes the oldest empty sets beyond the history limit (`cleanupDeployment`).
    async fn clean_up(&self, round: &Round) -> Outcome {
        let Some(limit) = spec(&round.deployment).revision_history_limit.filter(|l| *l != i32::MAX) else { return Ok(()) };
        let mut alive: Vec<_> = round.old.iter().filter(|s| !s.deleting()).cloned().collect();
        let excess = alive.len().saturating_sub(usize::try_from(limit).unwrap_or(0));
        alive.sort_by(|a, b| {
            revision(&**a).cmp(&revision(&**b)).then_with(|| a.created().cmp(&b.created())).then_with(|| a.name().cmp(b.name()))
        });
        for set in alive.iter().take(excess) {
            let status = set.status.clone().unwrap_or_default();
            if status.replicas == 0 && size(set) == 0 && status.observed_generation.unwrap_or(0) >= set.generation() {
                self.kit.delete(&**set).await?;
            }
        }
        Ok(())
    }

    /// `checkPausedConditions`.
    async fn mark_paused(&self, deployment: &mut Deployment) -> Outcome {
        if deadline(deployment).is_none() {
            return Ok(());
        }
        let current =
            deployment.status.as_ref().and_then(|s| conditions::get(s.conditions.as_deref()?, PROGRESSING)).and_then(|c| c.reason.clone());
        if current.as_deref() == Some(conditions::TIMED_OUT) {
            return Ok(());
        }
        let (paused, marked) = (spec(deployment).paused == Some(true), current.as_deref() == Some("DeploymentPaused"));
        let wanted = match (paused, marked) {
            (true, false) => condition(PROGRESSING, "Unknown", "DeploymentPaused", "Deployment is paused".to_owned(), self.kit.clock.now()),
            (false, true) => {
                condition(PROGRESSING, "Unknown", "DeploymentResumed", "Deployment is resumed".to_owned(), self.kit.clock.now())
            }
            _ => return Ok(()),
        };
        conditions::set(deployment.status.get_or_insert_default().conditions.get_or_insert_default(), wanted);
        *deployment = self.kit.replace_status(deployment).await?;
        Ok(())
    }

    /// `syncDeploymentStatus`.
    async fn sync_plain_status(&self, round: &Round) -> Outcome {
        let status = status::compute(&round.deployment, &round.all(), round.new.as_deref(), self.kit.clock.now());
        if round.deployment.status.as_ref() != Some(&status) {
            self.kit.replace_status(&Deployment { status: Some(status), ..round.deployment.clone() }).await?;
        }
        Ok(())
    }

    /// `syncRolloutStatus`.
    async fn sync_rollout_status(&self, round: &Round) -> Outcome {
        let (deployment, now) = (&round.deployment, self.kit.clock.now());
        let old = deployment.status.clone().unwrap_or_default();
        let mut status = status::compute(deployment, &round.all(), round.new.as_deref(), now);
        conditions::update_progress(deployment, &old, &mut status, round.new.as_ref().map(|n| n.name()), now);
        let list = status.conditions.get_or_insert_default();
        match status::replica_failure(&round.all(), round.new.as_deref(), now) {
            Some(failure) => conditions::set(list, failure),
            None => conditions::remove(list, "ReplicaFailure"),
        }
        if old == status {
            self.requeue_stuck(deployment, now);
            return Ok(());
        }
        let updated = self.kit.replace_status(&Deployment { status: Some(status), ..deployment.clone() }).await?;
        self.requeue_stuck(&updated, now);
        Ok(())
    }

    /// Looks again when the deadline passes (`requeueStuckDeployment`).
    fn requeue_stuck(&self, deployment: &Deployment, now: jiff::Timestamp) {
        let (Some(seconds), Some(status)) = (deadline(deployment), deployment.status.as_ref()) else { return };
        let Some(progressing) = conditions::get(status.conditions.as_deref().unwrap_or_default(), PROGRESSING) else { return };
        let over = matches!(progressing.reason.as_deref(), Some(conditions::TIMED_OUT | conditions::NEW_SET_AVAILABLE));
        if over || is_complete(deployment, status) {
            return;
        }
        let since = progressing.last_update_time.as_ref().map_or(now, |t| t.0);
        let left = (since.as_second() + seconds - now.as_second()).max(0);
        self.queue.add_after(deployment.key(), Duration::from_secs(u64::try_from(left).unwrap_or(0) + 1));
    }
}

fn deadline_of(spec: &Option<k8s_openapi::api::apps::v1::DeploymentSpec>) -> Option<i32> {
    spec.as_ref()?.progress_deadline_seconds.filter(|s| *s != i32::MAX)
}
