//! Keeps pods with names of their own, in order.

use std::sync::Arc;

use k8s_openapi::api::apps::v1::{ControllerRevision, StatefulSet, StatefulSetStatus};
use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Pod};
use values::Selector;

use super::plan::{Revisions, next};
use super::pods::{build, claims, ordinal};
use crate::machinery::claim::claim;
use crate::machinery::errors::{already_exists, namespace_terminating, text};
use crate::machinery::history::{self, HASH_LABEL};
use crate::machinery::kit::Reconcile;
use crate::machinery::{Failure, Informer, Kit, Meta, Outcome, Queue, Recorder, pods};

struct Controller {
    kit: Kit,
    recorder: Recorder,
    sets: Arc<Informer<StatefulSet>>,
    pods: Arc<Informer<Pod>>,
    claims: Arc<Informer<PersistentVolumeClaim>>,
    revisions: Arc<Informer<ControllerRevision>>,
    queue: Arc<Queue>,
}

/// Runs the controller.
pub async fn run(kit: Kit) {
    let queue = kit.queue("statefulset");
    let this = Controller {
        recorder: kit.recorder("statefulset-controller"),
        sets: kit.informer(),
        pods: kit.informer(),
        claims: kit.informer(),
        revisions: kit.informer(),
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
                Some(owner) if owner.kind == "StatefulSet" => add.add(format!("{}/{}", pod.ns(), owner.name)),
                Some(_) => {}
                None => sets.list_in(pod.ns()).iter().filter(|s| ordinal(s, pod).is_some()).for_each(|s| add.add(s.key())),
            }
        }
    });
    kit.work(&queue, &[&*this.sets, &*this.pods, &*this.claims, &*this.revisions], &this).await;
}

impl Reconcile for Controller {
    async fn reconcile(&self, key: &str) -> Outcome {
        let Some(set) = self.sets.get(key) else { return Ok(()) };
        let spec = set.spec.clone().unwrap_or_default();
        let Ok(selector) = Selector::from_label_selector(&spec.selector) else { return Ok(()) };
        let mine = claim(&self.kit, &*set, &selector, self.pods.list_in(set.ns()), |p| ordinal(&set, p).is_some()).await?;
        let before = set.status.clone().unwrap_or_default();
        let mut collisions = before.collision_count.unwrap_or(0);
        let update = history::current(&self.kit, &*set, &spec.template, &mut collisions).await?;
        let all = history::of(&self.kit, &*set);
        let named = |name: Option<&str>| all.iter().find(|r| Some(r.name()) == name).cloned();
        let current = named(before.current_revision.as_deref()).unwrap_or_else(|| update.clone());
        let revisions = Revisions { current: current.name(), update: update.name() };
        let plan = next(&set, &mine, &revisions, self.kit.clock.now());
        let mut failed: Option<Failure> = None;
        for (n, updated) in &plan.create {
            let revision = if *updated { &update } else { &current };
            let template = history::template(revision).unwrap_or_else(|| spec.template.clone());
            if let Err(failure) = self.create(&set, *n, &template, revision.name()).await {
                failed = Some(failure);
                break;
            }
        }
        for pod in &plan.delete {
            self.delete(&set, pod, &mut failed).await;
        }
        if let Some(at) = plan.look_again {
            self.queue.add_when(key, at);
        }
        self.write_status(&set, &before, &current, &update, collisions).await?;
        let in_use = |hash: &str| {
            let kept = hash == history::hash_of(&current) || hash == history::hash_of(&update);
            kept || mine.iter().any(|p| p.label(HASH_LABEL).is_some_and(|l| l.ends_with(hash)))
        };
        history::clean_up(&self.kit, &*set, spec.revision_history_limit.unwrap_or(10), in_use).await?;
        failed.map_or(Ok(()), Err)
    }
}

impl Controller {
    async fn create(&self, set: &StatefulSet, n: i32, template: &k8s_openapi::api::core::v1::PodTemplateSpec, revision: &str) -> Outcome {
        let pod = build(set, template, revision, n);
        for wanted in claims(set, n).into_values() {
            if self.claims.get(&wanted.key()).is_some() {
                continue;
            }
            match self.kit.create(&wanted).await {
                Ok(created) => self.recorder.normal(
                    set,
                    "SuccessfulCreate",
                    format!("Create Claim {} Pod {} in StatefulSet {} success", created.name(), pod.name(), set.name()),
                ),
                Err(error) if already_exists(&error) => {}
                Err(error) => {
                    self.recorder.warning(
                        set,
                        "FailedCreate",
                        format!(
                            "Create Claim {} for Pod {} in StatefulSet {} failed error: {}",
                            wanted.name(),
                            pod.name(),
                            set.name(),
                            text(&error)
                        ),
                    );
                    return Err(error.into());
                }
            }
        }
        match self.kit.create(&pod).await {
            Ok(_) => {
                self.recorder.normal(set, "SuccessfulCreate", format!("Create Pod {} in StatefulSet {} successful", pod.name(), set.name()))
            }
            Err(error) if already_exists(&error) || namespace_terminating(&error) => {}
            Err(error) => {
                self.recorder.warning(
                    set,
                    "FailedCreate",
                    format!("Create Pod {} in StatefulSet {} failed error: {}", pod.name(), set.name(), text(&error)),
                );
                return Err(error.into());
            }
        }
        Ok(())
    }

    async fn delete(&self, set: &StatefulSet, pod: &Arc<Pod>, failed: &mut Option<Failure>) {
        if pods::is_terminal(pod) {
            let verb =
                if pods::phase(pod) == "Failed" { ("RecreatingFailedPod", "failed") } else { ("RecreatingTerminatedPod", "terminated") };
            let message = format!("StatefulSet {}/{} is recreating {} Pod {}", set.ns(), set.name(), verb.1, pod.name());
            self.recorder.warning(set, verb.0, message);
        }
        match self.kit.delete(&**pod).await {
            Ok(()) => {
                self.recorder.normal(set, "SuccessfulDelete", format!("Delete Pod {} in StatefulSet {} successful", pod.name(), set.name()))
            }
            Err(error) => {
                self.recorder.warning(
                    set,
                    "FailedDelete",
                    format!("Delete Pod {} in StatefulSet {} failed error: {}", pod.name(), set.name(), text(&error)),
                );
                *failed = Some(error.into());
            }
        }
    }

    async fn write_status(
        &self,
        set: &Arc<StatefulSet>,
        before: &StatefulSetStatus,
        current: &ControllerRevision,
        update: &ControllerRevision,
        collisions: i32,
    ) -> Outcome {
        let spec = set.spec.clone().unwrap_or_default();
        let now = self.kit.clock.now();
        let mine: Vec<_> = self.pods.list_in(set.ns()).into_iter().filter(|p| p.controller().is_some_and(|c| c.uid == set.uid())).collect();
        let count = |f: &dyn Fn(&Arc<Pod>) -> bool| i32::try_from(mine.iter().filter(|p| f(p)).count()).unwrap_or(i32::MAX);
        let some = |n: i32| (n != 0).then_some(n);
        let has = |p: &Arc<Pod>, r: &ControllerRevision| p.label(HASH_LABEL) == Some(r.name()) && !p.deleting();
        let mut status = StatefulSetStatus {
            observed_generation: Some(set.generation()),
            replicas: count(&|_| true),
            ready_replicas: some(count(&|p| pods::is_ready(p) && pods::phase(p) == "Running")),
            available_replicas: Some(count(&|p| pods::available(p, spec.min_ready_seconds.unwrap_or(0), now).is_ok())),
            current_replicas: some(count(&|p| has(p, current))),
            updated_replicas: some(count(&|p| has(p, update))),
            current_revision: Some(current.name().to_owned()),
            update_revision: Some(update.name().to_owned()),
            collision_count: Some(collisions),
            conditions: before.conditions.clone(),
        };
        // The update is complete when every pod has it and is ready (`completeRollingUpdate`).
        let on_delete = spec.update_strategy.as_ref().and_then(|s| s.type_.as_deref()) == Some("OnDelete");
        if !on_delete
            && status.updated_replicas.unwrap_or(0) == status.replicas
            && status.ready_replicas.unwrap_or(0) == status.replicas
            && current.name() != update.name()
        {
            status.current_replicas = status.updated_replicas;
            status.current_revision = status.update_revision.clone();
        }
        if status != *before {
            self.kit.replace_status(&StatefulSet { status: Some(status), ..StatefulSet::clone(set) }).await?;
        }
        Ok(())
    }
}
