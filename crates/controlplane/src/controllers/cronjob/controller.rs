//! Starts Jobs by the clock (`cronjob_controllerv2.go`).

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::batch::v1::{CronJob, CronJobStatus, Job};
use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::core::params::PropagationPolicy;

use super::schedule::Schedule;
use crate::controllers::job::finished;
use crate::machinery::errors::{already_exists, namespace_terminating, not_found, text};
use crate::machinery::kit::Reconcile;
use crate::machinery::object::{controller_of, reference, time};
use crate::machinery::rest::Deletion;
use crate::machinery::{Informer, Kit, Meta, Outcome, Queue, Recorder};

const SCHEDULED_AT: &str = "batch.kubernetes.io/cronjob-scheduled-timestamp";
/// Upstream looks a little after the exact time, to be sure that it has passed.
const DELTA_MILLIS: i64 = 100;

struct Controller {
    kit: Kit,
    recorder: Recorder,
    crons: Arc<Informer<CronJob>>,
    jobs: Arc<Informer<Job>>,
    queue: Arc<Queue>,
}

/// Runs the controller.
pub async fn run(kit: Kit) {
    let queue = kit.queue("cronjob");
    let this = Controller {
        recorder: kit.recorder("cronjob-controller"),
        crons: kit.informer(),
        jobs: kit.informer(),
        queue: queue.clone(),
        kit: kit.clone(),
    };
    let add = queue.clone();
    this.crons.subscribe(move |change| {
        if let Some(cron) = change.new {
            add.add(cron.key());
        }
    });
    let add = queue.clone();
    this.jobs.subscribe(move |change| {
        if let Some(job) = change.any()
            && let Some(owner) = job.controller().filter(|o| o.kind == "CronJob")
        {
            add.add(format!("{}/{}", job.ns(), owner.name));
        }
    });
    kit.work(&queue, &[&*this.crons, &*this.jobs], &this).await;
}

/// The newest time that has come since `earliest`, and how many were missed (`mostRecentScheduleTime`).
fn due(schedule: &Schedule, zone: &TimeZone, earliest: Timestamp, now: Timestamp) -> (Option<Timestamp>, usize) {
    let (mut newest, mut count) = (None, 0);
    let mut at = schedule.after(earliest, zone);
    while let Some(moment) = at.filter(|m| *m <= now) {
        newest = Some(moment);
        count += 1;
        at = schedule.after(moment, zone);
        // A clock far ahead must not make this run for ever.
        if count > 100_000 {
            break;
        }
    }
    (newest, count)
}

impl Reconcile for Controller {
    async fn reconcile(&self, key: &str) -> Outcome {
        let Some(cron) = self.crons.get(key) else { return Ok(()) };
        let owned: Vec<_> =
            self.jobs.list_in(cron.ns()).into_iter().filter(|j| j.controller().is_some_and(|c| c.uid == cron.uid())).collect();
        let before = cron.status.clone().unwrap_or_default();
        let mut status = before.clone();
        self.follow_jobs(&cron, &owned, &mut status);
        self.clean_up(&cron, &owned).await?;
        let mut wanted = CronJob { status: Some(status.clone()), ..CronJob::clone(&cron) };
        let result = if cron.deleting() { Ok(()) } else { self.start_if_due(&cron, &mut status).await };
        if status.active.as_ref().is_some_and(Vec::is_empty) {
            status.active = None;
        }
        if status != before {
            wanted.status = Some(status);
            self.kit.replace_status(&wanted).await?;
        }
        result
    }
}

impl Controller {
    /// Keeps the list of active jobs (`syncCronJob`, first part).
    fn follow_jobs(&self, cron: &CronJob, owned: &[Arc<Job>], status: &mut CronJobStatus) {
        let active = status.active.get_or_insert_default();
        for job in owned {
            let known = active.iter().any(|r| r.uid.as_deref() == Some(job.uid()));
            match finished(job) {
                None if !known => {
                    // One that was just created by us is found in the list already; this one was not ours to create.
                    self.recorder.warning(
                        cron,
                        "UnexpectedJob",
                        format!("Saw a job that the controller did not create or forgot: {}", job.name()),
                    );
                }
                None => {}
                Some(end) => {
                    if known {
                        active.retain(|r| r.uid.as_deref() != Some(job.uid()));
                        self.recorder.normal(
                            cron,
                            "SawCompletedJob",
                            format!("Saw completed job: {}, condition: {}", job.name(), end.type_),
                        );
                    }
                    let done = job.status.as_ref().and_then(|s| s.completion_time.clone());
                    if end.type_ == "Complete" && done.as_ref().map(|t| t.0) > status.last_successful_time.as_ref().map(|t| t.0) {
                        status.last_successful_time = done;
                    }
                }
            }
        }
        let gone: Vec<_> = active.iter().filter(|r| !owned.iter().any(|j| r.uid.as_deref() == Some(j.uid()))).cloned().collect();
        for missing in gone {
            self.recorder.normal(cron, "MissingJob", format!("Active job went missing: {}", missing.name.as_deref().unwrap_or_default()));
            active.retain(|r| r.uid != missing.uid);
        }
    }

    /// Deletes finished jobs beyond the history limits.
    async fn clean_up(&self, cron: &CronJob, owned: &[Arc<Job>]) -> Outcome {
        let spec = cron.spec.clone().unwrap_or_default();
        for (kind, limit) in [("Complete", spec.successful_jobs_history_limit), ("Failed", spec.failed_jobs_history_limit)] {
            let Some(limit) = limit.and_then(|l| usize::try_from(l).ok()) else { continue };
            let mut list: Vec<_> = owned.iter().filter(|j| finished(j).is_some_and(|c| c.type_ == kind)).cloned().collect();
            list.sort_by_key(|j| (j.status.as_ref().and_then(|s| s.start_time.as_ref()).map(|t| t.0), j.name().to_owned()));
            for job in list.iter().take(list.len().saturating_sub(limit)) {
                self.delete(cron, job).await?;
            }
        }
        Ok(())
    }

    async fn delete(&self, cron: &CronJob, job: &Arc<Job>) -> Outcome {
        let how = Deletion { propagation: Some(PropagationPolicy::Background), ..Deletion::of(job.uid()) };
        match self.kit.rest.delete::<Job>(job.ns(), job.name(), &how).await {
            Ok(()) => {
                self.jobs.saw_deletion(&job.key(), job.uid()).await;
                self.recorder.normal(cron, "SuccessfulDelete", format!("Deleted job {}", job.name()));
                Ok(())
            }
            Err(error) if not_found(&error) => Ok(()),
            Err(error) => {
                self.recorder.warning(cron, "FailedDelete", format!("Deleted job: {}", text(&error)));
                Err(error.into())
            }
        }
    }

    async fn start_if_due(&self, cron: &CronJob, status: &mut CronJobStatus) -> Outcome {
        let spec = cron.spec.clone().unwrap_or_default();
        let zone = match &spec.time_zone {
            None => TimeZone::UTC,
            Some(name) => match TimeZone::get(name) {
                Ok(zone) => zone,
                Err(_) => {
                    self.recorder.warning(cron, "UnknownTimeZone", format!("invalid timeZone: {name:?}: unknown time zone {name}"));
                    return Ok(());
                }
            },
        };
        if spec.suspend == Some(true) {
            return Ok(());
        }
        let schedule = match Schedule::parse(&spec.schedule) {
            Ok(schedule) => schedule,
            Err(reason) => {
                self.recorder.warning(cron, "UnparseableSchedule", format!("unparseable schedule: {:?} : {reason}", spec.schedule));
                return Ok(());
            }
        };
        let now = self.kit.clock.now();
        self.wake_next(cron, &schedule, &zone, now);
        let mut earliest = status.last_schedule_time.as_ref().map_or_else(|| cron.created(), |t| t.0);
        if let Some(seconds) = spec.starting_deadline_seconds {
            earliest = earliest.max(now.checked_sub(SignedDuration::from_secs(seconds)).unwrap_or(earliest));
        }
        let (newest, missed) = due(&schedule, &zone, earliest, now);
        let Some(at) = newest else { return Ok(()) };
        if missed > 100 {
            self.recorder.warning(
                cron,
                "TooManyMissedTimes",
                "too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew",
            );
        }
        let too_late = spec.starting_deadline_seconds.is_some_and(|s| at.as_second() + s < now.as_second());
        if too_late {
            let stamp = at.strftime("%a, %d %b %Y %H:%M:%S +0000");
            self.recorder.warning(cron, "MissSchedule", format!("Missed scheduled time to start a job: {stamp}"));
            return Ok(());
        }
        let active = status.active.clone().unwrap_or_default();
        match spec.concurrency_policy.as_deref() {
            Some("Forbid") if !active.is_empty() => {
                self.recorder.normal(
                    cron,
                    "JobAlreadyActive",
                    "Not starting job because prior execution is running and concurrency policy is Forbid",
                );
                return Ok(());
            }
            Some("Replace") => {
                for running in &active {
                    let key = format!("{}/{}", cron.ns(), running.name.as_deref().unwrap_or_default());
                    if let Some(job) = self.jobs.get(&key) {
                        self.delete(cron, &job).await?;
                    }
                }
                status.active = None;
            }
            _ => {}
        }
        let job = build(cron, at, &zone);
        match self.kit.create(&job).await {
            Ok(created) => {
                self.recorder.normal(cron, "SuccessfulCreate", format!("Created job {}", created.name()));
                status.active.get_or_insert_default().push(ObjectReference { ..reference(&created) });
                status.last_schedule_time = Some(time(at));
                Ok(())
            }
            // Started by an earlier attempt whose status was not written.
            Err(error) if already_exists(&error) => {
                if let Some(existing) =
                    self.jobs.get(&job.key()).filter(|j| finished(j).is_none() && j.controller().is_some_and(|c| c.uid == cron.uid()))
                {
                    status.active.get_or_insert_default().push(reference(&*existing));
                }
                status.last_schedule_time = Some(time(at));
                Ok(())
            }
            Err(error) if namespace_terminating(&error) => Ok(()),
            Err(error) => {
                self.recorder.warning(cron, "FailedCreate", format!("Error creating job: {}", text(&error)));
                Err(error.into())
            }
        }
    }

    fn wake_next(&self, cron: &CronJob, schedule: &Schedule, zone: &TimeZone, now: Timestamp) {
        if let Some(next) = schedule.after(now, zone).and_then(|n| n.checked_add(SignedDuration::from_millis(DELTA_MILLIS)).ok()) {
            self.queue.add_when(cron.key(), next);
        }
    }
}

/// The job of one time; its name makes starting it twice impossible.
fn build(cron: &CronJob, at: Timestamp, zone: &TimeZone) -> Job {
    let template = cron.spec.as_ref().map(|s| s.job_template.clone()).unwrap_or_default();
    let meta = template.metadata.unwrap_or_default();
    let mut annotations: BTreeMap<String, String> = meta.annotations.unwrap_or_default();
    let stamp =
        if *zone == TimeZone::UTC { format!("{at:.0}") } else { at.to_zoned(zone.clone()).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string() };
    annotations.insert(SCHEDULED_AT.to_owned(), stamp);
    Job {
        metadata: ObjectMeta {
            name: Some(format!("{}-{}", cron.name(), at.as_second() / 60)),
            namespace: cron.metadata.namespace.clone(),
            labels: meta.labels,
            annotations: Some(annotations),
            owner_references: Some(vec![controller_of(cron)]),
            ..ObjectMeta::default()
        },
        spec: template.spec,
        status: None,
    }
}
