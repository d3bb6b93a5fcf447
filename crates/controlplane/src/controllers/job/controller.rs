//! Runs pods until enough have succeeded.

use std::collections::BTreeSet;
use std::sync::Arc;

use k8s_openapi::api::batch::v1::{Job, JobStatus, UncountedTerminatedPods};
use k8s_openapi::api::core::v1::{EnvVar, EnvVarSource, ObjectFieldSelector, Pod};
use serde_json::{Value, json};
use values::Selector;

use super::indexes;
use super::plan::{End, TRACKING, back_off, condition, deadline, failure, finished, is_failed, waits_for_failed, wanted_active};
use super::policy::{Consequence, consequence, is_success};
use crate::machinery::claim::claim;
use crate::machinery::errors::{namespace_terminating, not_found, text};
use crate::machinery::kit::Reconcile;
use crate::machinery::object::{controller_of, time};
use crate::machinery::{Informer, Kit, Meta, Outcome, Queue, Recorder, pods};

struct Controller {
    kit: Kit,
    recorder: Recorder,
    jobs: Arc<Informer<Job>>,
    pods: Arc<Informer<Pod>>,
    queue: Arc<Queue>,
}

/// Runs the controller.
pub async fn run(kit: Kit) {
    let queue = kit.queue("job");
    let this = Controller {
        recorder: kit.recorder("job-controller"),
        jobs: kit.informer(),
        pods: kit.informer(),
        queue: queue.clone(),
        kit: kit.clone(),
    };
    let add = queue.clone();
    this.jobs.subscribe(move |change| {
        if let Some(job) = change.any() {
            add.add(job.key());
        }
    });
    let (add, jobs) = (queue.clone(), this.jobs.clone());
    this.pods.subscribe(move |change| {
        for pod in [change.old, change.new].into_iter().flatten() {
            if let Some(owner) = pod.controller().filter(|o| o.kind == "Job") {
                add.add(format!("{}/{}", pod.ns(), owner.name));
            } else if pod.controller().is_none() && pod.has_finalizer(TRACKING) {
                jobs.list_in(pod.ns()).iter().for_each(|job| add.add(job.key()));
            }
        }
    });
    kit.work(&queue, &[&*this.jobs, &*this.pods], &this).await;
}

impl Reconcile for Controller {
    async fn reconcile(&self, key: &str) -> Outcome {
        let Some(job) = self.jobs.get(key) else { return self.free_orphans(key).await };
        // Another controller runs it (`managedBy`).
        if job.spec.as_ref().is_some_and(|s| s.managed_by.as_deref().is_some_and(|m| m != "kubernetes.io/job-controller")) {
            return Ok(());
        }
        let selector = job.spec.as_ref().and_then(|s| s.selector.as_ref()).and_then(|s| Selector::from_label_selector(s).ok());
        let Some(selector) = selector.filter(|s| !s.is_everything()) else { return Ok(()) };
        let all = claim(&self.kit, &*job, &selector, self.pods.list_in(job.ns()), |p: &Pod| {
            p.has_finalizer(TRACKING) || p.controller().is_some()
        })
        .await?;
        if finished(&job).is_some() {
            for pod in all.iter().filter(|p| p.has_finalizer(TRACKING)) {
                self.untrack(pod).await?;
            }
            return Ok(());
        }
        self.sync(&job, &all).await
    }
}

/// Numbers of a round.
struct Tally {
    active: Vec<Arc<Pod>>,
    terminating: i32,
    succeeded: i32,
    failed: i32,
    done: BTreeSet<i32>,
}

fn number(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

fn is_indexed(job: &Job) -> bool {
    job.spec.as_ref().and_then(|s| s.completion_mode.as_deref()) == Some("Indexed")
}

impl Controller {
    async fn sync(&self, job: &Arc<Job>, all: &[Arc<Pod>]) -> Outcome {
        let now = self.kit.clock.now();
        let before = job.status.clone().unwrap_or_default();
        let spec = job.spec.clone().unwrap_or_default();
        let mut status = before.clone();
        let suspended = spec.suspend == Some(true);
        if status.start_time.is_none() && !suspended {
            status.start_time = Some(time(now));
        }
        let (counted, to_untrack) = self.count(job, all, &mut status);
        let mut current = Job { status: Some(status.clone()), ..Job::clone(job) };
        let tally = counted;
        let interim = status
            .conditions
            .iter()
            .flatten()
            .find(|c| matches!(c.type_.as_str(), "SuccessCriteriaMet" | "FailureTarget") && c.status == "True")
            .cloned();
        let end = match interim {
            Some(c) => Some(End {
                success: c.type_ == "SuccessCriteriaMet",
                reason: known_reason(c.reason.as_deref()),
                message: c.message.unwrap_or_default(),
            }),
            None => self.end(&current, all, &tally, now),
        };
        let mut active = tally.active.clone();
        let mut trouble = None;
        let conditions = status.conditions.get_or_insert_default();
        if let Some(end) = &end {
            let kind = if end.success { "SuccessCriteriaMet" } else { "FailureTarget" };
            if !conditions.iter().any(|c| c.type_ == kind) {
                conditions.push(condition(kind, "True", end.reason, &end.message, now));
            }
            // Remaining pods are stopped; the job ends when they have.
            for pod in std::mem::take(&mut active) {
                self.delete(job, &pod).await?;
            }
        } else {
            self.mark_suspended(job, suspended, &mut status, now);
            if suspended {
                for pod in std::mem::take(&mut active) {
                    self.delete(job, &pod).await?;
                }
            } else if !job.deleting() {
                current.status = Some(status.clone());
                match self.manage(&current, all, &tally).await {
                    Ok(list) => active = list,
                    Err(failure) => trouble = Some(failure),
                }
            }
        }
        let newest: Vec<_> =
            self.pods.list_in(job.ns()).into_iter().filter(|p| p.controller().is_some_and(|c| c.uid == job.uid())).collect();
        let running: Vec<_> = newest.iter().filter(|p| pods::is_active(p)).collect();
        status.active = Some(number(running.len())).filter(|n| *n > 0);
        status.ready = Some(number(running.iter().filter(|p| pods::is_ready(p)).count()));
        status.terminating = Some(number(newest.iter().filter(|p| p.deleting() && !pods::is_terminal(p)).count()));
        let _ = active;
        if is_indexed(job) && !tally.done.is_empty() {
            status.completed_indexes = Some(indexes::format(&tally.done));
        }
        let uncounted = status.uncounted_terminated_pods.clone().unwrap_or_default();
        let settled = uncounted.failed.is_none()
            && uncounted.succeeded.is_none()
            && status.active.is_none()
            && status.terminating == Some(0)
            && to_untrack.is_empty();
        if let Some(end) = end.filter(|_| settled) {
            let kind = if end.success { "Complete" } else { "Failed" };
            status.conditions.get_or_insert_default().push(condition(kind, "True", end.reason, &end.message, now));
            if end.success {
                status.completion_time = Some(time(now));
                self.recorder.normal(&**job, "Completed", "Job completed");
            } else {
                self.recorder.warning(&**job, end.reason, end.message);
            }
        }
        if status.conditions.as_ref().is_some_and(Vec::is_empty) {
            status.conditions = None;
        }
        status.uncounted_terminated_pods.get_or_insert_default();
        if status != before {
            self.kit.replace_status(&Job { status: Some(status.clone()), ..Job::clone(job) }).await?;
        }
        // Only what is written down as uncounted may lose its finalizer; it is counted when it has.
        for pod in &to_untrack {
            self.untrack(pod).await?;
        }
        if !to_untrack.is_empty() {
            self.queue.add(job.key());
        }
        let with_start = Job { status: Some(status), ..Job::clone(job) };
        if let Some(at) = deadline(&with_start).filter(|at| *at > now) {
            self.queue.add_when(job.key(), at);
        }
        trouble.map_or(Ok(()), Err)
    }

    /// Sorts the pods, moves those without finalizer from "uncounted" to the counters, and notes newly ended ones as
    /// uncounted (`trackJobStatusAndRemoveFinalizers`). Returns the pods whose finalizer may go.
    fn count(&self, job: &Job, all: &[Arc<Pod>], status: &mut JobStatus) -> (Tally, Vec<Arc<Pod>>) {
        let mut uncounted = status.uncounted_terminated_pods.clone().unwrap_or_default();
        let tracked = |uid: &String| all.iter().any(|p| p.uid() == uid && p.has_finalizer(TRACKING));
        let settle = |list: &mut Option<Vec<String>>, counter: &mut Option<i32>| {
            let (open, closed): (Vec<_>, Vec<_>) = list.take().unwrap_or_default().into_iter().partition(|uid| tracked(uid));
            if !closed.is_empty() {
                *counter = Some(counter.unwrap_or(0) + number(closed.len()));
            }
            *list = (!open.is_empty()).then_some(open);
        };
        settle(&mut uncounted.succeeded, &mut status.succeeded);
        settle(&mut uncounted.failed, &mut status.failed);
        let indexed = is_indexed(job);
        let completions = job.spec.as_ref().and_then(|s| s.completions).unwrap_or(0);
        let mut to_untrack = Vec::new();
        for pod in all.iter().filter(|p| p.has_finalizer(TRACKING)) {
            let uid = pod.uid().to_owned();
            let known = uncounted.succeeded.iter().flatten().chain(uncounted.failed.iter().flatten()).any(|u| *u == uid);
            let list = if pods::phase(pod) == "Succeeded" {
                Some(&mut uncounted.succeeded)
            } else if is_failed(job, pod) {
                if consequence(job, pod) == Consequence::Ignore {
                    to_untrack.push(pod.clone());
                    None
                } else {
                    Some(&mut uncounted.failed)
                }
            } else {
                None
            };
            if let Some(list) = list {
                if !known {
                    list.get_or_insert_default().push(uid);
                }
                to_untrack.push(pod.clone());
            }
        }
        let len = |l: &Option<Vec<String>>| number(l.as_ref().map_or(0, Vec::len));
        let done = if indexed {
            indexes::succeeded(status.completed_indexes.as_deref().unwrap_or_default(), all, completions)
        } else {
            BTreeSet::new()
        };
        let tally = Tally {
            active: all.iter().filter(|p| pods::is_active(p)).cloned().collect(),
            terminating: number(all.iter().filter(|p| p.deleting() && !pods::is_terminal(p)).count()),
            succeeded: if indexed { number(done.len()) } else { status.succeeded.unwrap_or(0) + len(&uncounted.succeeded) },
            failed: status.failed.unwrap_or(0) + len(&uncounted.failed),
            done,
        };
        if indexed {
            status.succeeded = Some(tally.succeeded).filter(|n| *n > 0);
        }
        status.uncounted_terminated_pods = Some(UncountedTerminatedPods { succeeded: uncounted.succeeded, failed: uncounted.failed });
        (tally, to_untrack)
    }

    fn end(&self, job: &Job, all: &[Arc<Pod>], tally: &Tally, now: jiff::Timestamp) -> Option<End> {
        if let Some(end) = failure(job, all, tally.failed, now) {
            return Some(end);
        }
        if let Some(message) = is_success(job, &tally.done) {
            return Some(End { success: true, reason: "SuccessPolicy", message });
        }
        let complete = match job.spec.as_ref().and_then(|s| s.completions) {
            None => tally.succeeded > 0 && tally.active.is_empty(),
            Some(completions) => tally.succeeded >= completions && (completions > 0 || tally.active.is_empty()),
        };
        complete.then(|| End {
            success: true,
            reason: "CompletionsReached",
            message: "Reached expected number of succeeded pods".to_owned(),
        })
    }

    fn mark_suspended(&self, job: &Job, suspended: bool, status: &mut JobStatus, now: jiff::Timestamp) {
        let conditions = status.conditions.get_or_insert_default();
        let marked = conditions.iter_mut().find(|c| c.type_ == "Suspended");
        match (suspended, marked) {
            (true, Some(c)) if c.status == "True" => {}
            (true, found) => {
                let new = condition("Suspended", "True", "JobSuspended", "Job suspended", now);
                match found {
                    Some(c) => *c = new,
                    None => conditions.push(new),
                }
                status.start_time = None;
                self.recorder.normal(job, "Suspended", "Job suspended");
            }
            (false, Some(c)) if c.status == "True" => {
                *c = condition("Suspended", "False", "JobResumed", "Job resumed", now);
                status.start_time = Some(time(now));
                self.recorder.normal(job, "Resumed", "Job resumed");
            }
            (false, _) => {}
        }
    }

    /// Creates or deletes pods (`manageJob`).
    async fn manage(&self, job: &Job, all: &[Arc<Pod>], tally: &Tally) -> Outcome<Vec<Arc<Pod>>> {
        let active = number(tally.active.len());
        let wanted = wanted_active(job, active, tally.succeeded);
        if active > wanted {
            let mut surplus = tally.active.clone();
            surplus.sort_by(|a, b| {
                pods::is_ready(a).cmp(&pods::is_ready(b)).then_with(|| b.created().cmp(&a.created())).then_with(|| b.name().cmp(a.name()))
            });
            for pod in surplus.iter().take(usize::try_from(active - wanted).unwrap_or(0)) {
                self.delete(job, pod).await?;
            }
            return Ok(Vec::new());
        }
        let standing = if waits_for_failed(job) { tally.terminating } else { 0 };
        let missing = usize::try_from(wanted - active - standing).unwrap_or(0);
        if missing == 0 {
            return Ok(Vec::new());
        }
        if let Some(at) = back_off(job, all).filter(|at| *at > self.kit.clock.now()) {
            self.queue.add_when(job.key(), at);
            return Ok(Vec::new());
        }
        if is_indexed(job) {
            let taken = tally.active.iter().filter_map(|p| indexes::of(p)).collect();
            let completions = job.spec.as_ref().and_then(|s| s.completions).unwrap_or(0);
            for index in indexes::first_pending(&tally.done, &taken, completions, missing) {
                self.create(job, Some(index)).await?;
            }
        } else {
            for _ in 0..missing {
                self.create(job, None).await?;
            }
        }
        Ok(Vec::new())
    }

    async fn create(&self, job: &Job, index: Option<i32>) -> Outcome {
        let template = job.spec.as_ref().map(|s| s.template.clone()).unwrap_or_default();
        let prefix = index.map_or_else(|| job.name().to_owned(), |i| format!("{}-{i}", job.name()));
        let mut pod = pods::from_template(&template, &prefix, job.ns(), controller_of(job));
        pod.metadata.finalizers.get_or_insert_default().push(TRACKING.to_owned());
        if let Some(index) = index {
            add_index(&mut pod, job.name(), index);
        }
        match self.kit.create(&pod).await {
            Ok(created) => {
                self.recorder.normal(job, "SuccessfulCreate", format!("Created pod: {}", created.name()));
                Ok(())
            }
            Err(error) if namespace_terminating(&error) => Ok(()),
            Err(error) => {
                self.recorder.warning(job, "FailedCreate", format!("Error creating: {}", text(&error)));
                Err(error.into())
            }
        }
    }

    async fn delete(&self, job: &Job, pod: &Arc<Pod>) -> Outcome {
        match self.kit.delete(&**pod).await {
            Ok(()) => {
                self.recorder.normal(job, "SuccessfulDelete", format!("Deleted pod: {}", pod.name()));
                Ok(())
            }
            Err(error) => {
                self.recorder.warning(job, "FailedDelete", format!("Error deleting: {}", text(&error)));
                Err(error.into())
            }
        }
    }

    async fn untrack(&self, pod: &Pod) -> Outcome {
        let left: Vec<_> = pod.metadata.finalizers.iter().flatten().filter(|f| *f != TRACKING).collect();
        let left = if left.is_empty() { Value::Null } else { json!(left) };
        let patch = json!({"metadata": {"uid": pod.uid(), "finalizers": left}});
        match self.kit.rest.merge::<Pod>(pod.ns(), pod.name(), "", &patch).await {
            // A pod that waited only for this finalizer is gone now; its deletion is what the cache will see.
            Ok(patched) if patched.deleting() => Ok(()),
            Ok(patched) => {
                self.pods.saw(&patched).await;
                Ok(())
            }
            Err(error) if not_found(&error) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Pods of a job that is gone must not wait for being counted (`syncOrphanPod`).
    async fn free_orphans(&self, key: &str) -> Outcome {
        let (namespace, name) = crate::machinery::split_key(key);
        for pod in self.pods.list_in(namespace) {
            let owned = pod.controller().is_some_and(|o| o.kind == "Job" && o.name == name);
            if pod.has_finalizer(TRACKING) && (owned || pod.controller().is_none()) && pod.deleting() {
                self.untrack(&pod).await?;
            }
        }
        Ok(())
    }
}

/// Index of a pod as annotation, label, host name and environment.
fn add_index(pod: &mut Pod, job: &str, index: i32) {
    let text = index.to_string();
    pod.metadata.annotations.get_or_insert_default().insert(indexes::INDEX.to_owned(), text.clone());
    pod.metadata.labels.get_or_insert_default().insert(indexes::INDEX.to_owned(), text);
    let spec = pod.spec.get_or_insert_default();
    spec.hostname = Some(format!("{job}-{index}"));
    let field = ObjectFieldSelector { field_path: format!("metadata.labels['{}']", indexes::INDEX), ..ObjectFieldSelector::default() };
    let source = EnvVarSource { field_ref: Some(field), ..EnvVarSource::default() };
    let variable = EnvVar { name: "JOB_COMPLETION_INDEX".to_owned(), value_from: Some(source), ..EnvVar::default() };
    for container in spec.init_containers.iter_mut().flatten().chain(&mut spec.containers) {
        let env = container.env.get_or_insert_default();
        if !env.iter().any(|e| e.name == variable.name) {
            env.push(variable.clone());
        }
    }
}

/// The reasons that a job can end with, as the names they have for ever.
fn known_reason(reason: Option<&str>) -> &'static str {
    const REASONS: [&str; 5] = ["CompletionsReached", "SuccessPolicy", "BackoffLimitExceeded", "DeadlineExceeded", "PodFailurePolicy"];
    REASONS.into_iter().find(|r| Some(*r) == reason).unwrap_or("Unknown")
}
