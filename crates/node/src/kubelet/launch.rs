//! Making sandboxes and containers from a pod's spec, starting and killing them (`kuberuntime_container.go`).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use component::klog::Value;
use k8s_openapi::api::core::v1::{Container as Spec, LifecycleHandler, Pod};
use serde_json::Value as Json;

use super::environment::Environment;
use super::pods::{format_pod, full_name, name, namespace, uid as uid_of};
use super::process::Kubelet;
use super::runtime_pod::{RuntimePod, UID_LABEL};
use super::state::PodMemory;
use super::status::spec;
use super::worker::RETRY;
use crate::containerd::{Container, ContainerConfig, ContainerState, DnsConfig, PortMapping, SandboxConfig};
use crate::images::catalogue;
use crate::network::Protocol;

/// Where the kubelet keeps pods' files.
pub(super) fn pod_dir(pod: &Pod) -> String {
    format!("/var/lib/kubelet/pods/{}", uid_of(pod))
}

/// Directory of a pod's logs.
pub(super) fn log_dir(pod: &Pod) -> String {
    format!("/var/log/pods/{}_{}_{}", namespace(pod), name(pod), uid_of(pod))
}

impl Kubelet {
    /// `spec.containers{name}`, for events.
    pub(super) fn field_path(&self, pod: &Pod, container: &str) -> String {
        let spec = spec(pod);
        let among = |list: &[Spec]| list.iter().any(|other| other.name == container);
        let list = if among(&spec.containers) {
            "containers"
        } else if spec.init_containers.as_deref().is_some_and(among) {
            "initContainers"
        } else {
            "ephemeralContainers"
        };
        format!("spec.{list}{{{container}}}")
    }

    pub(super) fn sandbox_config(&self, pod: &Pod, attempt: u32) -> SandboxConfig {
        let spec = spec(pod);
        let host_network = spec.host_network == Some(true);
        let hostname =
            if host_network { self.machine.name() } else { spec.hostname.clone().unwrap_or_else(|| name(pod).chars().take(63).collect()) };
        let ports = spec.containers.iter().flat_map(|container| container.ports.iter().flatten()).filter_map(|port| {
            Some(PortMapping {
                host_port: u16::try_from(port.host_port.filter(|port| *port > 0)?).ok()?,
                container_port: u16::try_from(port.container_port).ok()?,
                protocol: Protocol::parse(port.protocol.as_deref()),
            })
        });
        let mut labels: BTreeMap<String, String> = pod.metadata.labels.clone().unwrap_or_default();
        labels.insert("io.kubernetes.pod.name".to_owned(), name(pod).to_owned());
        labels.insert("io.kubernetes.pod.namespace".to_owned(), namespace(pod).to_owned());
        labels.insert(UID_LABEL.to_owned(), uid_of(pod));
        SandboxConfig {
            name: name(pod).to_owned(),
            namespace: namespace(pod).to_owned(),
            uid: uid_of(pod),
            attempt,
            hostname,
            log_directory: log_dir(pod),
            dns: Some(self.dns(pod)),
            host_network,
            port_mappings: if host_network { Vec::new() } else { ports.collect() },
            hosts_path: if host_network { "/etc/hosts".to_owned() } else { format!("{}/etc-hosts", pod_dir(pod)) },
            labels,
            annotations: pod.metadata.annotations.clone().unwrap_or_default(),
        }
    }

    /// `dnsPolicy` and `dnsConfig` (`pkg/kubelet/network/dns`).
    fn dns(&self, pod: &Pod) -> DnsConfig {
        let spec = spec(pod);
        let host = self.machine.host_files().read_text(&self.settings.config.resolv_conf).unwrap_or_default();
        let mut host_dns = DnsConfig::default();
        for line in host.lines() {
            let mut words = line.split_whitespace();
            match words.next() {
                Some("nameserver") => host_dns.servers.extend(words.next().map(str::to_owned)),
                Some("search") => host_dns.searches = words.map(str::to_owned).collect(),
                Some("options") => host_dns.options = words.map(str::to_owned).collect(),
                _ => {}
            }
        }
        let policy = spec.dns_policy.as_deref().unwrap_or("ClusterFirst");
        let cluster = !self.settings.config.cluster_dns.is_empty()
            && (policy == "ClusterFirstWithHostNet" || policy == "ClusterFirst" && spec.host_network != Some(true));
        let mut dns = if cluster {
            let domain = &self.settings.config.cluster_domain;
            let mut searches = Vec::new();
            if !domain.is_empty() {
                searches = vec![format!("{}.svc.{domain}", namespace(pod)), format!("svc.{domain}"), domain.clone()];
            }
            searches.extend(host_dns.searches);
            DnsConfig { servers: self.settings.config.cluster_dns.clone(), searches, options: vec!["ndots:5".to_owned()] }
        } else if policy == "None" {
            DnsConfig::default()
        } else {
            host_dns
        };
        if let Some(own) = &spec.dns_config {
            dns.servers.extend(own.nameservers.iter().flatten().cloned());
            dns.searches.extend(own.searches.iter().flatten().cloned());
            for option in own.options.iter().flatten() {
                let name = option.name.clone().unwrap_or_default();
                dns.options.retain(|old| old.split(':').next() != Some(name.as_str()));
                dns.options.push(option.value.as_ref().map_or_else(|| name.clone(), |value| format!("{name}:{value}")));
            }
        }
        dns
    }

    /// Pulls, makes and starts a container. An error comes with the time of the next attempt.
    pub(super) async fn start_container(
        self: &Arc<Self>,
        uid: &str,
        sandbox: &str,
        container: &Spec,
        _list: &str,
    ) -> Result<(), (String, Duration)> {
        let Some(memory) = self.memory(uid) else { return Ok(()) };
        let pod = memory.pod.clone();
        let subject = self.pod_subject(&pod, Some(self.field_path(&pod, &container.name)));
        let failed = |reason: &str, message: &str| {
            format!("failed to \"StartContainer\" for \"{}\" with {reason}: {}", container.name, component::klog::quote(message))
        };
        let wait_for = |reason: &str, message: &str| {
            self.amend(uid, |memory| {
                memory.containers.entry(container.name.clone()).or_default().waiting = Some((reason.to_owned(), message.to_owned()));
            });
        };
        let image_id = match self.ensure_image(uid, &pod, container).await {
            Ok(id) => id,
            Err((reason, message, wait)) => {
                wait_for(&reason, &message);
                return Err((failed(&reason, &message), wait));
            }
        };
        let runtime = self.runtime_pod(uid).map_err(|error| (error.to_string(), Duration::from_secs(2)))?;
        let attempt = runtime.newest(&container.name).map_or(0, |current| current.config.attempt + 1);
        let config = match self.container_config(&pod, container, &image_id, attempt, &runtime).await {
            Ok(config) => config,
            Err(message) => {
                self.recorder.record(&subject, "Warning", "Failed", &format!("Error: {message}"));
                wait_for("CreateContainerConfigError", &message);
                return Err((failed("CreateContainerConfigError", &message), RETRY));
            }
        };
        let id = match self.cri.create_container(sandbox, config).await {
            Ok(id) => id,
            Err(error) => {
                let message = if error.code == "Unknown" { error.message.clone() } else { error.to_string() };
                self.recorder.record(&subject, "Warning", "Failed", &format!("Error: {message}"));
                wait_for("CreateContainerError", &message);
                return Err((failed("CreateContainerError", &message), RETRY));
            }
        };
        self.recorder.record(&subject, "Normal", "Created", "Container created");
        let post_start = container.lifecycle.as_ref().and_then(|lifecycle| lifecycle.post_start.clone());
        self.amend(uid, |memory| {
            let kept = memory.containers.entry(container.name.clone()).or_default();
            kept.id.clone_from(&id);
            kept.probes.clear();
            kept.hook_done = post_start.is_none();
            kept.restarts = attempt;
        });
        let link = format!("/var/log/containers/{}_{}_{}-{id}.log", name(&pod), namespace(&pod), container.name);
        let target = format!("{}/{}/{attempt}.log", log_dir(&pod), container.name);
        // A name with the container's id: nothing is there yet.
        let _ = self.machine.host_files().symlink(&target, &link);
        if let Err(error) = self.cri.start_container(&id).await {
            let message = if error.code == "Unknown" { error.message.clone() } else { error.to_string() };
            self.log.error(
                "log.go:32",
                &error.to_string(),
                "StartContainer from runtime service failed",
                &[("containerID", Value::Text(&id))],
            );
            self.recorder.record(&subject, "Warning", "Failed", &format!("Error: {message}"));
            wait_for("RunContainerError", &message);
            let text = format!("container {} start failed in pod {}: RunContainerError: {message}", container.name, format_pod(&pod));
            self.log.error("kuberuntime_manager.go:1664", &text, "Unhandled Error", &[("logger", Value::Text("UnhandledError"))]);
            return Err((failed("RunContainerError", &message), Duration::from_secs(1)));
        }
        self.recorder.record(&subject, "Normal", "Started", "Container started");
        self.amend(uid, |memory| {
            memory.containers.entry(container.name.clone()).or_default().waiting = None;
        });
        self.collect_garbage(&runtime, &container.name);
        // Probes begin with the container.
        self.wake_prober(uid);
        if let Some(handler) = post_start {
            self.report(uid).await;
            if let Err(message) = self.run_hook(&pod, &id, &handler).await {
                self.recorder.record(&subject, "Warning", "FailedPostStartHook", &format!("PostStartHook failed{}", message));
                let current = self.runtime_pod(uid).ok().and_then(|runtime| runtime.newest(&container.name).cloned());
                if let (Some(current), Some(memory)) = (current, self.memory(uid)) {
                    self.kill_container(&memory, &current, "", 30, Some("FailedPostStartHook")).await;
                }
                wait_for("PostStartHookError", &format!("PostStartHook failed{message}"));
                return Err((failed("PostStartHookError", "PostStartHook failed"), Duration::from_secs(1)));
            }
            self.amend(uid, |memory| memory.containers.entry(container.name.clone()).or_default().hook_done = true);
        }
        self.report(uid).await;
        Ok(())
    }

    /// Of the ended containers of a name only the newest is kept (`MaxPerPodContainer`).
    pub(super) fn collect_garbage(&self, before: &RuntimePod, container: &str) {
        let old = before.containers.iter().filter(|other| other.config.name == container && other.state == ContainerState::Exited).skip(1);
        for old in old {
            self.log.info("scope.go:122", "RemoveContainer", &[("containerID", Value::Text(&old.id))]);
            if let Err(error) = self.cri.remove_container(&old.id) {
                self.log.error("log.go:32", &error.to_string(), "RemoveContainer from runtime service failed", &[]);
            }
            let files = self.machine.host_files();
            if let Ok(entries) = files.read_dir("/var/log/containers") {
                for (entry, _) in entries.iter().filter(|(entry, _)| entry.ends_with(&format!("-{}.log", old.id))) {
                    let link = format!("/var/log/containers/{entry}");
                    if let Ok(target) = files.read_link(&link) {
                        let _ = files.unlink(&target); // rotated away already
                    }
                    let _ = files.unlink(&link);
                }
            }
        }
    }

    async fn container_config(
        &self,
        pod: &Pod,
        container: &Spec,
        image_id: &str,
        attempt: u32,
        runtime: &RuntimePod,
    ) -> Result<ContainerConfig, String> {
        let spec = spec(pod);
        let ip = if spec.host_network == Some(true) {
            Some(self.settings.node_ip.clone())
        } else {
            let sandbox =
                self.runtime_pod(&uid_of(pod)).ok().and_then(|fresh| fresh.sandbox().cloned()).or_else(|| runtime.sandbox().cloned());
            sandbox.and_then(|sandbox| sandbox.ip).map(|ip| ip.to_string())
        };
        let image = catalogue().by_id(image_id).ok_or("image is gone")?;
        let pod_context = spec.security_context.clone().unwrap_or_default();
        let own = container.security_context.clone().unwrap_or_default();
        let run_as_user = own.run_as_user.or(pod_context.run_as_user).and_then(|id| u32::try_from(id).ok());
        let run_as_group = own.run_as_group.or(pod_context.run_as_group).and_then(|id| u32::try_from(id).ok());
        let non_root = own.run_as_non_root.or(pod_context.run_as_non_root).unwrap_or(false);
        if non_root {
            let shown = format!("(pod: \"{}\", container: {})", format_pod(pod), container.name);
            match run_as_user {
                Some(0) => return Err(format!("container's runAsUser breaks non-root policy {shown}")),
                Some(_) => {}
                None if image.user.is_empty() || image.user_id(&image.user).is_some_and(|(uid, _)| uid == 0) => {
                    return Err(format!("container has runAsNonRoot and image will run as root {shown}"));
                }
                None if image.user.split(':').next().is_some_and(|user| user.parse::<u32>().is_err()) => {
                    return Err(format!(
                        "container has runAsNonRoot and image has non-numeric user ({}), cannot verify user is non-root {shown}",
                        image.user.split(':').next().unwrap_or_default()
                    ));
                }
                None => {}
            }
        }
        let environment = Environment { kubelet: self, pod, container, ip: ip.as_deref() };
        let envs = environment.resolve().await?;
        let lookup: BTreeMap<String, String> = envs.iter().cloned().collect();
        let expand = |words: &Option<Vec<String>>| -> Vec<String> {
            words.iter().flatten().map(|word| super::environment::expand(word, |name| lookup.get(name).cloned())).collect()
        };
        let files = self.machine.host_files();
        let log_directory = format!("{}/{}", log_dir(pod), container.name);
        files.make_dirs(&log_directory, 0o755).map_err(|errno| errno.go())?;
        let mounts = self.container_mounts(pod, container, attempt, ip.as_deref(), &lookup)?;
        let limit = container.resources.as_ref().and_then(|resources| resources.limits.as_ref()?.get("memory").cloned());
        let memory_limit =
            limit.and_then(|quantity| values::Quantity::parse(&quantity.0).ok()).and_then(|quantity| u64::try_from(quantity.value()).ok());
        let mut labels = BTreeMap::from([
            ("io.kubernetes.container.name".to_owned(), container.name.clone()),
            ("io.kubernetes.pod.name".to_owned(), name(pod).to_owned()),
            ("io.kubernetes.pod.namespace".to_owned(), namespace(pod).to_owned()),
        ]);
        labels.insert(UID_LABEL.to_owned(), uid_of(pod));
        let annotations = BTreeMap::from([
            ("io.kubernetes.container.restartCount".to_owned(), attempt.to_string()),
            ("io.kubernetes.container.terminationMessagePath".to_owned(), message_path(container)),
            (
                "io.kubernetes.container.terminationMessagePolicy".to_owned(),
                container.termination_message_policy.clone().unwrap_or_else(|| "File".to_owned()),
            ),
            ("io.kubernetes.pod.terminationGracePeriod".to_owned(), spec.termination_grace_period_seconds.unwrap_or(30).to_string()),
        ]);
        Ok(ContainerConfig {
            name: container.name.clone(),
            attempt,
            image: container.image.clone().unwrap_or_default(),
            image_id: image_id.to_owned(),
            command: expand(&container.command),
            args: expand(&container.args),
            working_dir: container.working_dir.clone().unwrap_or_default(),
            envs,
            mounts,
            log_path: format!("{}/{attempt}.log", container.name),
            run_as_user,
            run_as_group,
            read_only_rootfs: own.read_only_root_filesystem.unwrap_or(false),
            memory_limit,
            stop_signal: None,
            stdin: container.stdin.unwrap_or(false),
            tty: container.tty.unwrap_or(false),
            privileged: own.privileged.unwrap_or(false),
            labels,
            annotations,
        })
    }

    /// Runs the preStop hook, then stops a container within `grace` seconds. `message` overrides the event's text.
    pub(super) async fn kill_container(&self, memory: &PodMemory, container: &Container, text: &str, grace: i64, message: Option<&str>) {
        let pod = &memory.pod;
        let subject = self.pod_subject(pod, Some(self.field_path(pod, &container.config.name)));
        let message = message.map_or_else(|| format!("{text} {}", container.config.name), str::to_owned);
        self.recorder.record(&subject, "Normal", "Killing", &message);
        let shown = format!("containerd://{}", container.id);
        self.log.info(
            "kuberuntime_container.go:874",
            "Killing container with a grace period",
            &[
                ("pod", Value::Text(&full_name(pod))),
                ("podUID", Value::Text(&uid_of(pod))),
                ("containerName", Value::Text(&container.config.name)),
                ("containerID", Value::Text(&shown)),
                ("gracePeriod", Value::Raw(grace.to_string())),
            ],
        );
        let spec = spec(pod);
        let hook = spec
            .containers
            .iter()
            .chain(spec.init_containers.iter().flatten())
            .find(|other| other.name == container.config.name)
            .and_then(|container| container.lifecycle.as_ref()?.pre_stop.clone());
        let mut left = Duration::from_secs(u64::try_from(grace).unwrap_or(0));
        if let Some(handler) = hook
            && !left.is_zero()
        {
            let begun = self.machine.clock().now();
            if let Ok(Err(error)) = tokio::time::timeout(left, self.run_hook(pod, &container.id, &handler)).await {
                self.recorder.record(&subject, "Warning", "FailedPreStopHook", &format!("PreStopHook failed{error}"));
            }
            // Two seconds are left at least (minimumGracePeriodInSeconds).
            left = left.saturating_sub(self.machine.clock().since(begun)).max(Duration::from_secs(2));
        }
        if let Err(error) = self.cri.stop_container(&container.id, left).await {
            self.log.error(
                "log.go:32",
                &error.to_string(),
                "StopContainer from runtime service failed",
                &[("containerID", Value::Text(&container.id))],
            );
        }
    }

    /// Runs a lifecycle handler; the error begins with what comes after `Hook failed`.
    async fn run_hook(&self, pod: &Pod, container: &str, handler: &LifecycleHandler) -> Result<(), String> {
        if let Some(exec) = &handler.exec {
            let argv = exec.command.clone().unwrap_or_default();
            return match self.cri.exec_sync(container, argv.clone(), None).await {
                Ok((.., 0)) => Ok(()),
                Ok((out, err, code)) => {
                    let output = String::from_utf8_lossy(&[out, err].concat()).into_owned();
                    Err(format!(": command '{}' exited with {code}: {output}", argv.join(" "))
                        .trim_end_matches([':', ' ', '\n'])
                        .to_owned())
                }
                Err(error) => Err(format!(": {error}")),
            };
        }
        if let Some(sleep) = &handler.sleep {
            tokio::time::sleep(Duration::from_secs(u64::try_from(sleep.seconds).unwrap_or(0))).await;
            return Ok(());
        }
        if let Some(http) = &handler.http_get {
            return self.http_hook(pod, container, http).await.map_err(|error| format!(": {error}"));
        }
        Ok(())
    }

    /// Messages that ended containers left (`terminationMessagePath`), by container id.
    pub(super) fn termination_messages(&self, memory: &PodMemory, runtime: &RuntimePod) -> BTreeMap<String, String> {
        /// `MaxContainerTerminationMessageLength`
        const LIMIT: usize = 4096;
        let pod = &memory.pod;
        let mut messages = BTreeMap::new();
        for container in runtime.containers.iter().filter(|container| container.state == ContainerState::Exited) {
            let file = format!("{}/containers/{}/{}", pod_dir(pod), container.config.name, container.config.attempt);
            let files = self.machine.host_files();
            let mut text = files.read_text(&file).unwrap_or_default();
            let policy = container.config.annotations.get("io.kubernetes.container.terminationMessagePolicy");
            if text.is_empty() && policy.is_some_and(|policy| policy == "FallbackToLogsOnError") && container.exit_code != 0 {
                let log = files.read_text(&format!("{}/{}", log_dir(pod), container.config.log_path)).unwrap_or_default();
                let lines: Vec<&str> = log.lines().filter_map(|line| line.splitn(4, ' ').nth(3)).collect();
                // 80 lines or 2048 bytes, whichever is less.
                text = lines[lines.len().saturating_sub(80)..].iter().map(|line| format!("{line}\n")).collect();
                let from = text.len().saturating_sub(2048);
                text = text.chars().skip(from).collect();
            }
            if !text.is_empty() {
                messages.insert(container.id.clone(), text.chars().take(LIMIT).collect());
            }
        }
        messages
    }

    /// `ensureImageExists`: the id of the image, or reason, message and the time of the next attempt.
    async fn ensure_image(&self, uid: &str, pod: &Pod, container: &Spec) -> Result<String, (String, String, Duration)> {
        let image = container.image.clone().unwrap_or_default();
        let subject = self.pod_subject(pod, Some(self.field_path(pod, &container.name)));
        let reference = match crate::images::Reference::parse(&image) {
            Ok(reference) => reference,
            Err(error) => {
                let text = format!("couldn't parse image name \"{image}\": {error}");
                let message = format!("Failed to apply default image tag \"{image}\": {text}");
                self.recorder.record(&subject, "Warning", "InspectFailed", &message);
                self.recorder.record(&subject, "Warning", "Failed", "Error: InvalidImageName");
                return Err(("InvalidImageName".to_owned(), message, RETRY));
            }
        };
        let policy =
            container.image_pull_policy.clone().unwrap_or_else(|| if reference.is_latest() { "Always" } else { "IfNotPresent" }.to_owned());
        let unavailable = |error: crate::containerd::CriError| {
            ("ImageInspectError".to_owned(), format!("Failed to inspect image \"{image}\": {error}"), Duration::from_secs(2))
        };
        let present = self.cri.image(&reference.to_string()).map_err(unavailable)?;
        match (&present, policy.as_str()) {
            (Some(record), "IfNotPresent" | "Never") => {
                let message = format!("Container image \"{image}\" already present on machine and can be accessed by the pod");
                self.recorder.record(&subject, "Normal", "Pulled", &message);
                return Ok(record.id.clone());
            }
            (None, "Never") => {
                let message = format!("Container image \"{image}\" is not present with pull policy of Never");
                self.recorder.record(&subject, "Warning", "ErrImageNeverPull", &message);
                self.recorder.record(&subject, "Warning", "Failed", "Error: ErrImageNeverPull");
                return Err(("ErrImageNeverPull".to_owned(), message, RETRY));
            }
            _ => {}
        }
        let kept = self.memory(uid).and_then(|memory| memory.containers.get(&container.name).cloned()).unwrap_or_default();
        if let Some((seconds, last)) = kept.pull_backoff {
            let passed = self.machine.clock().since(last);
            if passed < Duration::from_secs(seconds) {
                let short = format!("Back-off pulling image \"{image}\"");
                self.recorder.record(&subject, "Normal", "BackOff", &short);
                self.recorder.record(&subject, "Warning", "Failed", "Error: ImagePullBackOff");
                let message = match &kept.pull_error {
                    Some(error) => format!("{short}: ErrImagePull: {error}"),
                    None => short,
                };
                let left = Duration::from_secs(seconds).saturating_sub(passed);
                return Err(("ImagePullBackOff".to_owned(), message, left.min(RETRY).max(Duration::from_secs(1))));
            }
        }
        self.recorder.record(&subject, "Normal", "Pulling", &format!("Pulling image \"{image}\""));
        let queued = self.machine.clock().now();
        let pull = async {
            let _turn = match self.settings.config.serialize_image_pulls {
                true => Some(self.pulls.lock().await),
                false => None,
            };
            let begun = self.machine.clock().now();
            (self.cri.pull_image(&image).await, self.machine.clock().since(begun))
        };
        let (result, took) = pull.await;
        let waited = self.machine.clock().since(queued);
        let now = self.machine.clock().now();
        match result {
            Ok(id) => {
                let size = self.cri.image(&id).ok().flatten().map_or(0, |record| record.size);
                let message = format!(
                    "Successfully pulled image \"{image}\" in {} ({} including waiting). Image size: {size} bytes.",
                    go_millis(took),
                    go_millis(waited)
                );
                self.recorder.record(&subject, "Normal", "Pulled", &message);
                self.amend(uid, |memory| {
                    let kept = memory.containers.entry(container.name.clone()).or_default();
                    (kept.pull_backoff, kept.pull_error) = (None, None);
                });
                Ok(id)
            }
            Err(error) => {
                // remote_image.go strips the code of unknown errors.
                let text = if error.code == "Unknown" { error.message.clone() } else { error.to_string() };
                self.recorder.record(&subject, "Warning", "Failed", &format!("Failed to pull image \"{image}\": {text}"));
                self.recorder.record(&subject, "Warning", "Failed", "Error: ErrImagePull");
                self.amend(uid, |memory| {
                    let kept = memory.containers.entry(container.name.clone()).or_default();
                    let seconds = kept.pull_backoff.map_or(10, |(seconds, _)| (seconds * 2).min(300));
                    kept.pull_backoff = Some((seconds, now));
                    kept.pull_error = Some(text.clone());
                });
                Err(("ErrImagePull".to_owned(), text, RETRY))
            }
        }
    }

    /// Status of a pod for a look at what it would be; used by the server's `/pods`.
    pub(super) fn pods_json(&self) -> Json {
        let pods: Vec<_> = self.machine.read(|state| state.kubelet.pods.values().cloned().collect());
        let items: Vec<Json> = pods
            .iter()
            .map(|memory| {
                let mut pod = serde_json::to_value(&*memory.pod).unwrap_or_default();
                pod["status"] = Json::clone(&memory.status);
                pod
            })
            .collect();
        serde_json::json!({"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": items})
    }
}

/// `truncate(duration, ms)` as Go prints it.
fn go_millis(duration: Duration) -> String {
    values::duration::format_go(Duration::from_millis(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)))
}

pub(super) fn message_path(container: &Spec) -> String {
    container.termination_message_path.clone().filter(|path| !path.is_empty()).unwrap_or_else(|| "/dev/termination-log".to_owned())
}
