//! One pod's worker: brings the pod to what its spec says, one step after the other (`pod_workers.go`, `kubelet.go` SyncPod,
//! `kuberuntime_manager.go`). It is level triggered: every round starts from what the runtime says.

use std::sync::Arc;
use std::time::Duration;

use component::klog::Value;
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::{Container as Spec, PodSpec};
use serde_json::{Value as Json, json};

use super::api::PatchKind;
use super::node_status;
use super::pods::{format_pod, full_name, name, namespace, uid as uid_of};
use super::process::Kubelet;
use super::runtime_pod::RuntimePod;
use super::state::{PodMemory, Source, Terminating};
use super::status::{self, is_sidecar, is_started, restarts, spec};
use crate::containerd::{ContainerState, SandboxState};

/// What the worker does after a round.
pub(super) enum Next {
    /// The pod is gone.
    End,
    /// Waits for news, at most so long.
    Wait(Duration),
}

/// A status that the API server did not take is sent again so often (`syncPeriod` of the status manager).
const REPORT_RETRY: Duration = Duration::from_secs(10);

/// Rounds after an error come so often (`backOffPeriod` with its jitter, without the chance).
pub(super) const RETRY: Duration = Duration::from_secs(12);

impl Kubelet {
    /// Works for one pod until it is gone.
    pub(super) async fn work(self: Arc<Self>, uid: String) {
        let bell = self.waker(&uid);
        loop {
            match self.sync(&uid).await {
                Next::End => {
                    self.forget_waker(&uid);
                    return;
                }
                Next::Wait(limit) => {
                    // Either news or time; both lead to a new round.
                    let _ = tokio::time::timeout(limit, bell.notified()).await;
                }
            }
        }
    }

    pub(super) fn memory(&self, uid: &str) -> Option<Arc<PodMemory>> {
        self.machine.read(|state| state.kubelet.pods.get(uid).cloned())
    }

    async fn sync(self: &Arc<Self>, uid: &str) -> Next {
        let Some(memory) = self.memory(uid) else { return Next::End };
        let now = self.machine.clock().now();
        if !self.machine.read(|state| node_status::runtime_errors(&state.kubelet.node, now)).is_empty() {
            return Next::Wait(Duration::from_secs(1));
        }
        let pod = memory.pod.clone();
        if pod.metadata.deletion_timestamp.is_some() && memory.terminating.as_ref().is_none_or(|terminating| terminating.reason.is_some()) {
            let grace = pod.metadata.deletion_grace_period_seconds.unwrap_or(30);
            let stopped = memory.terminating.as_ref().is_some_and(|terminating| terminating.stopped);
            let reason = memory.terminating.as_ref().and_then(|terminating| terminating.reason.clone());
            if reason.is_none() {
                self.amend(uid, |memory| memory.terminating = Some(Terminating { since: now, grace, reason: None, stopped }));
            } else if stopped {
                return self.clean_up(uid).await;
            }
        }
        let Some(memory) = self.memory(uid) else { return Next::End };
        if memory.terminating.is_some() {
            return self.terminate(uid, &memory).await;
        }
        if !self.may_start(&memory) {
            return Next::Wait(Duration::from_secs(1));
        }
        if memory.finished {
            if self.is_reported(uid) {
                return Next::Wait(Duration::from_secs(3600));
            }
            self.report(uid).await;
            return Next::Wait(REPORT_RETRY);
        }
        if let Some(limit) = spec(&pod).active_deadline_seconds {
            let end = memory.start_time + SignedDuration::from_secs(limit);
            if now >= end {
                let reason = ("DeadlineExceeded".to_owned(), "Pod was active on the node longer than the specified deadline".to_owned());
                self.recorder.record(&self.pod_subject(&pod, None), "Normal", &reason.0, &reason.1);
                let grace = spec(&pod).termination_grace_period_seconds.unwrap_or(30);
                self.amend(uid, |memory| {
                    memory.terminating = Some(Terminating { since: now, grace, reason: Some(reason), stopped: false })
                });
                return Next::Wait(Duration::ZERO);
            }
        }
        self.ensure_mirror(&memory).await;
        let next = self.run_pod(uid, &memory).await;
        self.report(uid).await;
        let next = match next {
            Next::Wait(limit) if !self.is_reported(uid) => Next::Wait(limit.min(REPORT_RETRY)),
            next => next,
        };
        let deadline = spec(&pod).active_deadline_seconds.map(|limit| {
            let end = memory.start_time + SignedDuration::from_secs(limit);
            Duration::try_from(end.duration_since(self.machine.clock().now())).unwrap_or_default()
        });
        match (next, deadline) {
            (Next::Wait(limit), Some(deadline)) => Next::Wait(limit.min(deadline)),
            (next, _) => next,
        }
    }

    fn complain(&self, memory: &PodMemory, error: &str) {
        let pod = &memory.pod;
        self.log.error(
            "pod_workers.go:1324",
            error,
            "Error syncing pod, skipping",
            &[("pod", Value::Text(&full_name(pod))), ("podUID", Value::Text(&uid_of(pod)))],
        );
    }

    /// Takes over containers that run since before this kubelet started: their hooks are done and their probes begin anew.
    fn adopt(&self, uid: &str, memory: &PodMemory, runtime: &RuntimePod) {
        let spec = spec(&memory.pod);
        let unknown = |container: &&Spec| memory.containers.get(&container.name).is_none_or(|kept| kept.id.is_empty());
        let running = |container: &Spec| {
            let newest = runtime.newest(&container.name).filter(|newest| newest.state == ContainerState::Running)?;
            Some((container.name.clone(), newest.id.clone()))
        };
        let found: Vec<_> = spec.init_containers.iter().flatten().chain(&spec.containers).filter(unknown).filter_map(running).collect();
        if found.is_empty() {
            return;
        }
        self.amend(uid, |memory| {
            for (name, id) in found {
                let kept = memory.containers.entry(name).or_default();
                (kept.id, kept.hook_done) = (id, true);
            }
        });
    }

    /// One round for a pod that is to run.
    async fn run_pod(self: &Arc<Self>, uid: &str, memory: &PodMemory) -> Next {
        let pod = memory.pod.clone();
        let spec = spec(&pod);
        let Ok(runtime) = self.runtime_pod(uid) else { return Next::Wait(Duration::from_secs(2)) };
        let inits = spec.init_containers.clone().unwrap_or_default();
        if self.is_over(spec, &inits, &runtime) {
            return self.finish(uid, &runtime).await;
        }
        self.adopt(uid, memory, &runtime);
        if memory.status.is_null() {
            // A first status shows that the kubelet has taken the pod.
            self.report(uid).await;
        }
        let network = self.machine.read(|state| state.kubelet.node.network_error.clone());
        if let Some(network) = network
            && spec.host_network != Some(true)
        {
            let message = format!("network is not ready: container runtime network not ready: {network}");
            self.recorder.record(&self.pod_subject(&pod, None), "Warning", "NetworkNotReady", &message);
            self.complain(memory, &message);
            return Next::Wait(Duration::from_secs(2));
        }
        if let Some(until) = memory.hold_until {
            let wait = until.duration_since(self.machine.clock().now());
            if wait.is_positive() {
                return Next::Wait(Duration::try_from(wait).unwrap_or_default());
            }
        }
        if let Err(error) = self.mount(uid, memory).await {
            self.complain(memory, &error);
            return Next::Wait(Duration::from_secs(4));
        }
        let sandbox = match runtime.sandbox() {
            Some(sandbox) => sandbox.clone(),
            None => match self.make_sandbox(memory, &runtime).await {
                Ok(sandbox) => sandbox,
                Err(error) => {
                    let message = format!("Failed to create pod sandbox: {error}");
                    self.recorder.record(&self.pod_subject(&pod, None), "Warning", "FailedCreatePodSandBox", &message);
                    let quoted = format!(
                        "failed to \"CreatePodSandbox\" for \"{}\" with CreatePodSandboxError: {}",
                        format_pod(&pod),
                        component::klog::quote(&format!("Failed to create sandbox for pod \"{}\": {error}", format_pod(&pod)))
                    );
                    self.complain(memory, &quoted);
                    return Next::Wait(RETRY);
                }
            },
        };
        let mut wait = self.settings.config.sync_frequency;
        let mut errors = Vec::new();
        for ephemeral in spec.ephemeral_containers.iter().flatten() {
            let container: Option<Spec> = serde_json::to_value(ephemeral).ok().and_then(|value| serde_json::from_value(value).ok());
            if let Some(container) = container
                && runtime.newest(&container.name).is_none()
                && let Err((error, retry)) = self.start_container(uid, &sandbox.id, &container, "ephemeralContainers").await
            {
                errors.push(error);
                wait = wait.min(retry);
            }
        }
        // Init containers one after the other; each must have ended well, a sidecar must have started.
        for container in &inits {
            match self.step_init(uid, spec, container, &sandbox.id).await {
                Step::Done => {}
                Step::Wait(limit) => {
                    return self.conclude(memory, errors, wait.min(limit));
                }
                Step::Failed(error, limit) => {
                    errors.push(error);
                    return self.conclude(memory, errors, wait.min(limit));
                }
            }
        }
        for container in &spec.containers {
            match self.step_container(uid, spec, container, &sandbox.id).await {
                Step::Done => {}
                Step::Wait(limit) => wait = wait.min(limit),
                Step::Failed(error, limit) => {
                    errors.push(error);
                    wait = wait.min(limit);
                }
            }
        }
        if let Some(refresh) = self.memory(uid).and_then(|memory| memory.refresh) {
            let due = Duration::try_from(refresh.duration_since(self.machine.clock().now())).unwrap_or_default();
            wait = wait.min(due.max(Duration::from_secs(1)));
        }
        self.conclude(memory, errors, wait)
    }

    fn conclude(&self, memory: &PodMemory, errors: Vec<String>, wait: Duration) -> Next {
        if !errors.is_empty() {
            self.complain(memory, &node_status::aggregate(&errors));
        }
        Next::Wait(wait)
    }

    /// Whether no container will ever run again.
    fn is_over(&self, spec: &PodSpec, inits: &[Spec], runtime: &RuntimePod) -> bool {
        let ended = |container: &Spec, init: bool| {
            runtime
                .newest(&container.name)
                .is_some_and(|current| current.state == ContainerState::Exited && !restarts(spec, container, init, current.exit_code))
        };
        let failed_init = inits.iter().any(|container| {
            !is_sidecar(container) && ended(container, true) && runtime.newest(&container.name).is_some_and(|c| c.exit_code != 0)
        });
        failed_init || spec.containers.iter().all(|container| ended(container, false))
    }

    /// A pod that has run to its end: sidecars and the sandbox are stopped.
    async fn finish(self: &Arc<Self>, uid: &str, runtime: &RuntimePod) -> Next {
        let Some(memory) = self.memory(uid) else { return Next::End };
        for container in runtime.running() {
            self.kill_container(&memory, container, "Stopping container", 30, None).await;
        }
        self.report(uid).await;
        for sandbox in &runtime.sandboxes {
            if let Err(error) = self.cri.stop_sandbox(&sandbox.id) {
                self.complain(&memory, &error.to_string());
                return Next::Wait(RETRY);
            }
        }
        self.amend(uid, |memory| memory.finished = true);
        self.report(uid).await;
        Next::Wait(Duration::from_secs(3600))
    }

    async fn make_sandbox(self: &Arc<Self>, memory: &PodMemory, runtime: &RuntimePod) -> Result<Arc<crate::containerd::Sandbox>, String> {
        let pod = &memory.pod;
        if let Some(old) = runtime.sandboxes.first() {
            if runtime.containers.iter().any(|container| container.state == ContainerState::Running) || old.state == SandboxState::NotReady
            {
                let message = "Pod sandbox changed, it will be killed and re-created.";
                self.recorder.record(&self.pod_subject(pod, None), "Normal", "SandboxChanged", message);
            }
            for container in runtime.running() {
                self.kill_container(memory, container, "Stopping container", 30, None).await;
            }
            for sandbox in &runtime.sandboxes {
                self.cri.stop_sandbox(&sandbox.id).map_err(|error| error.to_string())?;
            }
        }
        let attempt = runtime.sandboxes.iter().map(|sandbox| sandbox.config.attempt + 1).max().unwrap_or(0);
        let config = self.sandbox_config(pod, attempt);
        let made = self.cri.run_sandbox(config).await.map_err(|error| error.to_string())?;
        // Only the newest dead sandbox is kept.
        for old in runtime.sandboxes.iter().skip(1) {
            let live = runtime.containers.iter().any(|container| container.sandbox == old.id);
            if !live && let Err(error) = self.cri.remove_sandbox(&old.id) {
                self.log.error(
                    "kuberuntime_gc.go:180",
                    &error.to_string(),
                    "Failed to remove sandbox",
                    &[("sandboxID", Value::Text(&old.id))],
                );
            }
        }
        Ok(made)
    }

    async fn step_init(self: &Arc<Self>, uid: &str, spec: &PodSpec, container: &Spec, sandbox: &str) -> Step {
        let Ok(runtime) = self.runtime_pod(uid) else { return Step::Wait(Duration::from_secs(2)) };
        // Once the main containers have begun, init containers that are gone were done.
        let begun = spec.containers.iter().any(|main| runtime.newest(&main.name).is_some());
        match runtime.newest(&container.name) {
            None if begun && !is_sidecar(container) => Step::Done,
            Some(current) if current.state == ContainerState::Exited && current.exit_code == 0 && !is_sidecar(container) => Step::Done,
            Some(current) if current.state == ContainerState::Running => {
                if !is_sidecar(container) {
                    return Step::Wait(self.settings.config.sync_frequency);
                }
                let step = self.step_container(uid, spec, container, sandbox).await;
                let started = self.memory(uid).is_some_and(|memory| {
                    memory.containers.get(&container.name).is_some_and(|kept| kept.id == current.id && is_started(container, kept))
                });
                match step {
                    Step::Done if !started => Step::Wait(Duration::from_secs(5)),
                    step => step,
                }
            }
            _ => match self.step_start(uid, spec, container, sandbox, true).await {
                Step::Done if is_sidecar(container) => Step::Wait(Duration::ZERO),
                Step::Done => Step::Wait(self.settings.config.sync_frequency),
                step => step,
            },
        }
    }

    /// A container that is to run: kills it if a probe or a new definition says so, starts it if it does not run.
    async fn step_container(self: &Arc<Self>, uid: &str, spec: &PodSpec, container: &Spec, sandbox: &str) -> Step {
        let (Ok(runtime), Some(memory)) = (self.runtime_pod(uid), self.memory(uid)) else { return Step::Wait(Duration::from_secs(2)) };
        let Some(current) = runtime.newest(&container.name).filter(|current| current.state == ContainerState::Running) else {
            return self.step_start(uid, spec, container, sandbox, false).await;
        };
        let probe = |kind: &str| {
            memory.containers.get(&container.name).filter(|kept| kept.id == current.id).and_then(|kept| kept.probes.get(kind)?.success)
        };
        let grace = spec.termination_grace_period_seconds.unwrap_or(30);
        let changed = current.config.image != container.image.clone().unwrap_or_default();
        let (why, grace) = if changed {
            (format!("Container {} definition changed", container.name), grace)
        } else if probe("startup") == Some(false) {
            let own = container.startup_probe.as_ref().and_then(|probe| probe.termination_grace_period_seconds);
            (format!("Container {} failed startup probe", container.name), own.unwrap_or(grace))
        } else if probe("liveness") == Some(false) {
            let own = container.liveness_probe.as_ref().and_then(|probe| probe.termination_grace_period_seconds);
            (format!("Container {} failed liveness probe", container.name), own.unwrap_or(grace))
        } else {
            return Step::Done;
        };
        let restart = status::restart_policy(spec) != "Never" || is_sidecar(container);
        let message = if restart { format!("{why}, will be restarted") } else { why };
        self.kill_container(&memory, current, "", grace, Some(&message)).await;
        self.step_start(uid, spec, container, sandbox, false).await
    }

    async fn step_start(self: &Arc<Self>, uid: &str, spec: &PodSpec, container: &Spec, sandbox: &str, init: bool) -> Step {
        let (Ok(runtime), Some(memory)) = (self.runtime_pod(uid), self.memory(uid)) else { return Step::Wait(Duration::from_secs(2)) };
        let pod = memory.pod.clone();
        if let Some(current) = runtime.newest(&container.name)
            && current.state == ContainerState::Exited
        {
            if !restarts(spec, container, init, current.exit_code) {
                return Step::Done;
            }
            self.collect_garbage(&runtime, &container.name);
            if let Some(wait) = self.crash_wait(&memory, &container.name, current.finished) {
                let seconds = memory.containers.get(&container.name).and_then(|kept| kept.backoff).map_or(10, |(seconds, _)| seconds);
                let shown = values::duration::format_go(Duration::from_secs(seconds));
                let text = format!("back-off {shown} restarting failed container={} pod={}", container.name, format_pod(&pod));
                let event = format!("Back-off restarting failed container {} in pod {}", container.name, format_pod(&pod));
                self.recorder.record(&self.pod_subject(&pod, Some(self.field_path(&pod, &container.name))), "Warning", "BackOff", &event);
                self.amend(uid, |memory| {
                    memory.containers.entry(container.name.clone()).or_default().waiting =
                        Some(("CrashLoopBackOff".to_owned(), text.clone()));
                });
                let error = format!(
                    "failed to \"StartContainer\" for \"{}\" with CrashLoopBackOff: {}",
                    container.name,
                    component::klog::quote(&text)
                );
                return Step::Failed(error, wait.min(RETRY));
            }
            self.note_crash(uid, &container.name);
        }
        let kind = if init { "initContainers" } else { "containers" };
        match self.start_container(uid, sandbox, container, kind).await {
            Ok(()) => Step::Done,
            Err((error, wait)) => Step::Failed(error, wait),
        }
    }

    /// How long a container that ended at `finished` has to wait, by its back-off (client-go `flowcontrol.Backoff`).
    fn crash_wait(&self, memory: &PodMemory, container: &str, finished: Option<Timestamp>) -> Option<Duration> {
        let (seconds, last) = memory.containers.get(container)?.backoff?;
        let finished = finished?;
        let longest = self.settings.config.max_restart_period;
        if self.is_stale(finished, last, longest) {
            return None;
        }
        let wait = Duration::from_secs(seconds).checked_sub(self.machine.clock().since(finished))?;
        (!wait.is_zero()).then_some(wait)
    }

    fn is_stale(&self, at: Timestamp, last: Timestamp, longest: Duration) -> bool {
        at.duration_since(last) > SignedDuration::try_from(longest * 2).unwrap_or_default()
    }

    fn note_crash(&self, uid: &str, container: &str) {
        let now = self.machine.clock().now();
        let longest = self.settings.config.max_restart_period;
        self.amend(uid, |memory| {
            let kept = memory.containers.entry(container.to_owned()).or_default();
            kept.backoff = Some(match kept.backoff {
                Some((seconds, last)) if !self.is_stale(now, last, longest) => ((seconds * 2).min(longest.as_secs()), now),
                _ => (10.min(longest.as_secs()), now),
            });
        });
    }

    /// One round for a pod that is to end.
    async fn terminate(self: &Arc<Self>, uid: &str, memory: &PodMemory) -> Next {
        let Some(terminating) = memory.terminating.clone() else { return Next::Wait(Duration::ZERO) };
        let Ok(runtime) = self.runtime_pod(uid) else { return Next::Wait(Duration::from_secs(2)) };
        if !terminating.stopped {
            let passed = self.machine.clock().since(terminating.since).as_secs() as i64;
            let grace = (terminating.grace - passed).max(i64::from(terminating.grace > 0) * 2);
            let inits: Vec<String> = spec(&memory.pod).init_containers.iter().flatten().map(|container| container.name.clone()).collect();
            // Sidecars end after the main containers, the last one first.
            let (sidecars, main): (Vec<_>, Vec<_>) =
                runtime.running().cloned().partition(|container| inits.contains(&container.config.name));
            futures::future::join_all(
                main.iter().map(|container| self.kill_container(memory, container, "Stopping container", grace, None)),
            )
            .await;
            for name in inits.iter().rev() {
                for container in sidecars.iter().filter(|container| container.config.name == *name) {
                    self.kill_container(memory, container, "Stopping container", grace, None).await;
                }
            }
            self.report(uid).await;
            let Ok(runtime) = self.runtime_pod(uid) else { return Next::Wait(Duration::from_secs(2)) };
            for sandbox in &runtime.sandboxes {
                if self.cri.stop_sandbox(&sandbox.id).is_err() {
                    return Next::Wait(Duration::from_secs(2));
                }
            }
            self.amend(uid, |memory| {
                if let Some(terminating) = &mut memory.terminating {
                    terminating.stopped = true;
                }
            });
            self.report(uid).await;
        }
        if terminating.reason.is_some() && memory.pod.metadata.deletion_timestamp.is_none() {
            // Evicted or past its deadline: it stays as a failed pod until somebody deletes it.
            self.amend(uid, |memory| memory.finished = true);
            return Next::Wait(Duration::from_secs(3600));
        }
        self.clean_up(uid).await
    }

    /// Removes all of a pod that has ended, and lets the API server forget it.
    async fn clean_up(self: &Arc<Self>, uid: &str) -> Next {
        let Some(memory) = self.memory(uid) else { return Next::End };
        let Ok(runtime) = self.runtime_pod(uid) else { return Next::Wait(Duration::from_secs(2)) };
        for container in runtime.running() {
            self.kill_container(&memory, container, "Stopping container", 0, None).await;
        }
        let pod = &memory.pod;
        self.report(uid).await;
        self.unmount(pod);
        if let Some(client) = &self.client {
            let path = format!("/api/v1/namespaces/{}/pods/{}", namespace(pod), name(pod));
            let target = match memory.source {
                Source::Api if memory.mirror_uid.as_deref() == Some("gone") => None,
                Source::Api => Some(uid.to_owned()),
                Source::File(_) => memory.mirror_uid.clone(),
            };
            if let Some(target) = target {
                let options = json!({"gracePeriodSeconds": 0, "preconditions": {"uid": target}});
                match client.delete(&path, &options).await {
                    Ok(_) => {}
                    Err(error) if error.is_not_found() || error.code == Some(409) => {}
                    Err(error) => {
                        if memory.source == Source::Api {
                            self.log.error(
                                "status_manager.go:1109",
                                &error.message,
                                "Failed to delete status for pod",
                                &[("pod", Value::Text(&full_name(pod)))],
                            );
                        } else {
                            self.log.error(
                                "mirror_client.go:139",
                                &error.message,
                                "Failed deleting a mirror pod",
                                &[("pod", Value::Text(&full_name(pod)))],
                            );
                        }
                        return Next::Wait(Duration::from_secs(5));
                    }
                }
            }
        }
        for container in &runtime.containers {
            self.log.info("scope.go:122", "RemoveContainer", &[("containerID", Value::Text(&container.id))]);
        }
        for sandbox in &runtime.sandboxes {
            if self.cri.remove_sandbox(&sandbox.id).is_err() {
                return Next::Wait(Duration::from_secs(2));
            }
        }
        self.remove_files(pod);
        self.machine.write(|state| state.kubelet.pods.remove(uid));
        Next::End
    }

    /// Whether the API server has the pod's status (and a static pod's mirror).
    fn is_reported(&self, uid: &str) -> bool {
        self.client.is_none()
            || self.memory(uid).is_none_or(|memory| {
                let forgotten = memory.source == Source::Api && memory.mirror_uid.is_some();
                let mirrored = memory.source == Source::Api || memory.mirror_uid.is_some();
                forgotten || mirrored && equal(&memory.sent, &memory.status)
            })
    }

    /// Computes the status and sends it if it differs from what the API server has.
    pub(super) async fn report(&self, uid: &str) {
        let (Some(memory), Ok(runtime)) = (self.memory(uid), self.runtime_pod(uid)) else { return };
        let messages = self.termination_messages(&memory, &runtime);
        let new = self.machine.read(|state| {
            let context =
                status::Context { now: self.machine.clock().now(), host_ip: &self.settings.node_ip, images: &state.containers, messages };
            status::compute(&memory, &runtime, &context)
        });
        if *memory.status != new {
            self.amend(uid, |memory| memory.status = Arc::new(new.clone()));
        }
        let Some(client) = &self.client else { return };
        let target = match memory.source {
            Source::Api => Some(uid.to_owned()).filter(|_| memory.mirror_uid.is_none()),
            Source::File(_) => memory.mirror_uid.clone(),
        };
        let Some(target) = target else { return };
        if equal(&memory.sent, &new) {
            return;
        }
        let pod = &memory.pod;
        let path = format!("/api/v1/namespaces/{}/pods/{}/status", namespace(pod), name(pod));
        let body = json!({"metadata": {"uid": target}, "status": status::patch(&memory.sent, &new)});
        match client.patch(&path, PatchKind::Strategic, &body).await {
            Ok(mut patched) => self.amend(uid, |memory| memory.sent = Arc::new(patched["status"].take())),
            Err(error) if error.is_not_found() || error.code == Some(409) => {}
            Err(error) => {
                let text = error.message.replacen("Patch ", "Get ", 1).replace("/status\"", "\"");
                self.log.error(
                    "status_manager.go:1045",
                    &text,
                    "Failed to get status for pod",
                    &[("podUID", Value::Text(uid)), ("pod", Value::Text(&full_name(pod)))],
                );
            }
        }
    }
}

/// Whether the API server has all of a status; what it has beyond (conditions of others) does not count.
fn equal(sent: &Json, new: &Json) -> bool {
    match (sent, new) {
        (Json::Object(sent), Json::Object(new)) => new.iter().all(|(key, value)| match key.as_str() {
            "conditions" => value.as_array().into_iter().flatten().all(|condition| {
                sent.get("conditions").and_then(Json::as_array).into_iter().flatten().any(|other| {
                    ["type", "status", "reason", "message", "lastTransitionTime", "observedGeneration"]
                        .iter()
                        .all(|field| other[*field] == condition[*field])
                })
            }),
            _ => match sent.get(key) {
                Some(other) => covers(other, value),
                None => value.is_null(),
            },
        }),
        _ => false,
    }
}

/// `sent` has every field of `new`; empty objects and false values may be missing from it.
fn covers(sent: &Json, new: &Json) -> bool {
    match (sent, new) {
        (Json::Object(sent), Json::Object(new)) => {
            new.iter().all(|(key, value)| match sent.get(key) {
                Some(other) => covers(other, value),
                None => value.is_null() || value.as_object().is_some_and(serde_json::Map::is_empty),
            }) && sent.keys().all(|key| new.contains_key(key) || sent[key].is_null())
        }
        (Json::Array(sent), Json::Array(new)) => sent.len() == new.len() && sent.iter().zip(new).all(|(a, b)| covers(a, b)),
        _ => sent == new,
    }
}

/// How a step for one container went.
pub(super) enum Step {
    /// Nothing is left to do for it now.
    Done,
    /// News will come, or time must pass.
    Wait(Duration),
    /// An error, and when to try again.
    Failed(String, Duration),
}
