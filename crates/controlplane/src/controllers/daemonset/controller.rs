//! Keeps one pod on every node that a DaemonSet wants.

use std::sync::Arc;

use k8s_openapi::api::apps::v1::{ControllerRevision, DaemonSet};
use k8s_openapi::api::core::v1::{Node, Pod};
use values::Selector;

use super::placement::{add_tolerations, pin};
use super::plan::{Plan, manage, roll};
use super::status::compute;
use crate::machinery::claim::claim;
use crate::machinery::errors::{namespace_terminating, text};
use crate::machinery::history::{self, HASH_LABEL};
use crate::machinery::kit::Reconcile;
use crate::machinery::object::controller_of;
use crate::machinery::{Change, Failure, Informer, Kit, Meta, Outcome, Queue, Recorder, pods};

/// Where apps/v1 keeps the generation of the template, which became a label of its pods.
const TEMPLATE_GENERATION: &str = "deprecated.daemonset.template.generation";
const BURST: usize = 250;

struct Controller {
    kit: Kit,
    recorder: Recorder,
    sets: Arc<Informer<DaemonSet>>,
    nodes: Arc<Informer<Node>>,
    pods: Arc<Informer<Pod>>,
    revisions: Arc<Informer<ControllerRevision>>,
    queue: Arc<Queue>,
}

/// Runs the controller.
pub async fn run(kit: Kit) {
    let queue = kit.queue("daemonset");
    let this = Controller {
        recorder: kit.recorder("daemonset-controller"),
        sets: kit.informer(),
        nodes: kit.informer(),
        pods: kit.informer(),
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
    this.nodes.subscribe(move |change| {
        if places_differently(change) {
            sets.list().iter().for_each(|set| add.add(set.key()));
        }
    });
    let (add, sets) = (queue.clone(), this.sets.clone());
    this.pods.subscribe(move |change| {
        for pod in [change.old, change.new].into_iter().flatten() {
            match pod.controller() {
                Some(owner) if owner.kind == "DaemonSet" => add.add(format!("{}/{}", pod.ns(), owner.name)),
                Some(_) => {}
                None if change.new.is_some() => {
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
    kit.work(&queue, &[&*this.sets, &*this.nodes, &*this.pods, &*this.revisions], &this).await;
}

/// Heartbeats change nodes all the time; only what decides about placement matters (`shouldIgnoreNodeUpdate`).
fn places_differently(change: &Change<'_, Node>) -> bool {
    let (Some(old), Some(new)) = (change.old, change.new) else { return true };
    old.label_map() != new.label_map()
        || old.spec.as_ref().and_then(|s| s.taints.as_ref()) != new.spec.as_ref().and_then(|s| s.taints.as_ref())
}

fn selector(set: &DaemonSet) -> Option<Selector> {
    Selector::from_label_selector(&set.spec.as_ref()?.selector).ok()
}

impl Reconcile for Controller {
    async fn reconcile(&self, key: &str) -> Outcome {
        let Some(set) = self.sets.get(key) else { return Ok(()) };
        let Some(selector) = selector(&set) else { return Ok(()) };
        if selector.is_everything() {
            self.recorder.warning(&*set, "SelectingAll", "This daemon set is selecting all pods. A non-empty selector is required.");
            return Ok(());
        }
        if set.deleting() {
            return Ok(());
        }
        let spec = set.spec.clone().unwrap_or_default();
        let mut collisions = set.status.as_ref().and_then(|s| s.collision_count).unwrap_or(0);
        let before = collisions;
        let revision = history::current(&self.kit, &*set, &spec.template, &mut collisions).await?;
        let hash = history::hash_of(&revision).to_owned();
        let mut set = DaemonSet::clone(&set);
        if collisions != before {
            set.status.get_or_insert_default().collision_count = Some(collisions);
        }
        let nodes = self.nodes.list();
        let mine = claim(&self.kit, &set, &selector, self.pods.list_in(set.ns()), |_| true).await?;
        let plan = manage(&set, &nodes, &mine, &hash, self.kit.clock.now());
        let mut done = self.carry_out(&set, plan, &hash).await;
        if done.is_ok() {
            let on_delete = spec.update_strategy.as_ref().and_then(|s| s.type_.as_deref()) == Some("OnDelete");
            if !on_delete {
                let plan = roll(&set, &nodes, &self.pods_of(&set), &hash, self.kit.clock.now());
                done = self.carry_out(&set, plan, &hash).await;
            }
            let mine = self.pods_of(&set);
            let in_use = |h: &str| h == hash || mine.iter().any(|p| p.label(HASH_LABEL) == Some(h));
            history::clean_up(&self.kit, &set, spec.revision_history_limit.unwrap_or(10), in_use).await?;
        }
        let (status, next) = compute(&set, &nodes, &self.pods_of(&set), &hash, self.kit.clock.now());
        if set.status.as_ref() != Some(&status) || collisions != before {
            self.kit.replace_status(&DaemonSet { status: Some(status), ..set }).await?;
        }
        if let Some(at) = next {
            self.queue.add_when(key, at);
        }
        done
    }
}

impl Controller {
    fn pods_of(&self, set: &DaemonSet) -> Vec<Arc<Pod>> {
        self.pods.list_in(set.ns()).into_iter().filter(|p| p.controller().is_some_and(|c| c.uid == set.uid())).collect()
    }

    async fn carry_out(&self, set: &DaemonSet, plan: Plan, hash: &str) -> Outcome {
        let mut failed: Option<Failure> = None;
        for (pod, node) in plan.ended {
            let (place, failed_pod) = (format!("{}/{} on node {node}", pod.ns(), pod.name()), pods::phase(&pod) == "Failed");
            if failed_pod {
                // A daemon that fails at once must not be replaced in a tight loop (`failedPodsBackoff`: 1 s to 15 min).
                let backoff = format!("{}/{}/{node}", set.uid(), set.generation());
                if let Some(wait) = self.failed_recently(&backoff) {
                    self.queue.add_after(set.key(), wait);
                    continue;
                }
                self.recorder.warning(set, "FailedDaemonPod", format!("Found failed daemon pod {place}, will try to kill it"));
            } else {
                self.recorder.normal(set, "SucceededDaemonPod", format!("Found succeeded daemon pod {place}, will try to delete it"));
            }
            self.delete(set, &pod, &mut failed).await;
        }
        let template = set.spec.as_ref().map(|s| s.template.clone()).unwrap_or_default();
        for node in plan.create.iter().take(BURST) {
            let mut pod = pods::from_template(&template, set.name(), set.ns(), controller_of(set));
            let labels = pod.metadata.labels.get_or_insert_default();
            labels.insert(HASH_LABEL.to_owned(), hash.to_owned());
            if let Some(generation) = set.annotation(TEMPLATE_GENERATION) {
                labels.insert("pod-template-generation".to_owned(), generation.to_owned());
            }
            let spec = pod.spec.get_or_insert_default();
            add_tolerations(spec);
            pin(spec, node);
            match self.kit.create(&pod).await {
                Ok(created) => self.recorder.normal(set, "SuccessfulCreate", format!("Created pod: {}", created.name())),
                Err(error) if namespace_terminating(&error) => return Ok(()),
                Err(error) => {
                    self.recorder.warning(set, "FailedCreate", format!("Error creating: {}", text(&error)));
                    failed = Some(error.into());
                    break;
                }
            }
        }
        for pod in plan.delete.iter().take(BURST) {
            self.delete(set, pod, &mut failed).await;
        }
        failed.map_or(Ok(()), Err)
    }

    async fn delete(&self, set: &DaemonSet, pod: &Arc<Pod>, failed: &mut Option<Failure>) {
        match self.kit.delete(&**pod).await {
            Ok(()) => self.recorder.normal(set, "SuccessfulDelete", format!("Deleted pod: {}", pod.name())),
            Err(error) => {
                self.recorder.warning(set, "FailedDelete", format!("Error deleting: {}", text(&error)));
                *failed = Some(error.into());
            }
        }
    }

    /// How long to wait before another failed pod on this node is replaced; starts the next, longer wait if none.
    fn failed_recently(&self, key: &str) -> Option<std::time::Duration> {
        use crate::machinery::queue::Retry;
        let (id, now) = (format!("daemonset-failed {key}"), self.kit.clock.now());
        let known = self.kit.memory.read(|m| m.retries.get(&id).cloned());
        if let Some(known) = &known
            && known.until > now
        {
            return Some(std::time::Duration::try_from(known.until.duration_since(now)).unwrap_or_default());
        }
        let failures = known.map_or(0, |k| k.failures);
        let delay = std::time::Duration::from_secs(1 << failures.min(10)).min(std::time::Duration::from_secs(900));
        let until = now.checked_add(delay).unwrap_or(now);
        self.kit.memory.write(|m| m.retries.insert(id, Retry { failures: failures + 1, until }));
        None
    }
}
