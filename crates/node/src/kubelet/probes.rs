//! Probes (`pkg/kubelet/prober`): when they are due is data, so that a fork goes on counting.

use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use k8s_openapi::api::core::v1::{Container as Spec, HTTPGetAction, Pod, Probe};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::process::Kubelet;
use super::state::ProbeMemory;
use super::status::{is_sidecar, spec};
use crate::containerd::{Container, ContainerState};
use crate::servers::http;

/// Outcome of one probe: success, or what is said after `… probe failed: `.
type Outcome = Result<(), String>;

impl Kubelet {
    fn prober_bell(uid: &str) -> String {
        format!("prober {uid}")
    }

    /// Tells the prober of a pod that a container has started.
    pub(super) fn wake_prober(&self, uid: &str) {
        self.wake(&Self::prober_bell(uid));
    }

    /// Runs the probes of a pod until it is gone.
    pub(super) async fn probe(self: Arc<Self>, uid: String) {
        let bell = self.waker(&Self::prober_bell(&uid));
        loop {
            let Some(memory) = self.memory(&uid) else {
                self.forget_waker(&Self::prober_bell(&uid));
                return;
            };
            let pod = memory.pod.clone();
            let own = spec(&pod);
            let probed: Vec<Spec> = own
                .containers
                .iter()
                .chain(own.init_containers.iter().flatten().filter(|container| is_sidecar(container)))
                .filter(|c| c.liveness_probe.is_some() || c.readiness_probe.is_some() || c.startup_probe.is_some())
                .cloned()
                .collect();
            if probed.is_empty() {
                // Its spec cannot gain probes.
                self.forget_waker(&Self::prober_bell(&uid));
                return;
            }
            let due = self.probe_round(&uid, &pod, &probed).await;
            let wait = due.unwrap_or(Duration::from_secs(3600));
            let _ = tokio::time::timeout(wait, bell.notified()).await;
        }
    }

    /// Runs what is due; how long until something else is.
    async fn probe_round(self: &Arc<Self>, uid: &str, pod: &Pod, probed: &[Spec]) -> Option<Duration> {
        let runtime = self.runtime_pod(uid).ok()?;
        let mut soonest: Option<Duration> = None;
        let mut runs = Vec::new();
        for container in probed {
            let Some(current) = runtime.newest(&container.name).filter(|current| current.state == ContainerState::Running) else {
                continue;
            };
            let kept = self.memory(uid).and_then(|memory| memory.containers.get(&container.name).cloned()).unwrap_or_default();
            if kept.id != current.id {
                continue;
            }
            let started = container.startup_probe.is_none() || kept.probes.get("startup").and_then(|probe| probe.success) == Some(true);
            for (kind, probe) in
                [("startup", &container.startup_probe), ("liveness", &container.liveness_probe), ("readiness", &container.readiness_probe)]
            {
                let Some(probe) = probe else { continue };
                // Others wait for the startup probe; it ends with its success.
                if (kind == "startup") == started && container.startup_probe.is_some() {
                    continue;
                }
                let now = self.machine.clock().now();
                let delay = SignedDuration::from_secs(i64::from(probe.initial_delay_seconds.unwrap_or(0)));
                let next = kept.probes.get(kind).map_or_else(|| current.started.unwrap_or(now) + delay, |probe| probe.next);
                let wait = next.duration_since(now);
                if wait.is_positive() {
                    let wait = Duration::try_from(wait).unwrap_or_default();
                    soonest = Some(soonest.map_or(wait, |soonest| soonest.min(wait)));
                    continue;
                }
                let period = Duration::from_secs(probe.period_seconds.filter(|period| *period > 0).unwrap_or(10).unsigned_abs().into());
                soonest = Some(soonest.map_or(period, |soonest| soonest.min(period)));
                runs.push(self.run_probe(uid, pod, container, current.clone(), kind, probe));
            }
        }
        let changed = futures::future::join_all(runs).await.into_iter().any(|changed| changed);
        if changed {
            self.wake(uid);
            // A startup probe that has just succeeded lets the others begin.
            return Some(Duration::ZERO);
        }
        soonest
    }

    /// Runs one probe and notes its result; whether that changed.
    async fn run_probe(&self, uid: &str, pod: &Pod, container: &Spec, current: Arc<Container>, kind: &'static str, probe: &Probe) -> bool {
        let begun = self.machine.clock().now();
        let timeout = Duration::from_secs(probe.timeout_seconds.filter(|limit| *limit > 0).unwrap_or(1).unsigned_abs().into());
        let outcome = self.try_probe(pod, container, &current, probe, timeout).await;
        let subject = self.pod_subject(pod, Some(self.field_path(pod, &container.name)));
        if let Err(reason) = &outcome {
            let title = format!("{}{}", kind[..1].to_uppercase(), &kind[1..]);
            self.recorder.record(&subject, "Warning", "Unhealthy", &format!("{title} probe failed: {reason}"));
        }
        let period = SignedDuration::from_secs(i64::from(probe.period_seconds.filter(|period| *period > 0).unwrap_or(10)));
        let success = outcome.is_ok();
        let threshold = if success { probe.success_threshold.unwrap_or(1) } else { probe.failure_threshold.unwrap_or(3) };
        let threshold = u32::try_from(threshold).unwrap_or(1).max(1);
        let mut changed = false;
        self.amend(uid, |memory| {
            let Some(kept) = memory.containers.get_mut(&container.name).filter(|kept| kept.id == current.id) else { return };
            let old = kept.probes.get(kind).cloned();
            let run = match &old {
                Some(old) if old.run_success == success => old.run + 1,
                _ => 1,
            };
            // Before the first decision a readiness probe counts as failed, a liveness probe as passed.
            let before = old.as_ref().and_then(|old| old.success);
            let after = if run >= threshold { Some(success) } else { before };
            changed = before != after;
            kept.probes.insert(kind.to_owned(), ProbeMemory { next: begun + period, success: after, run, run_success: success });
        });
        changed
    }

    async fn try_probe(&self, pod: &Pod, container: &Spec, current: &Container, probe: &Probe, timeout: Duration) -> Outcome {
        if let Some(exec) = &probe.exec {
            let argv = exec.command.clone().unwrap_or_default();
            return match self.cri.exec_sync(&current.id, argv.clone(), Some(timeout)).await {
                Ok((.., 0)) => Ok(()),
                Ok((out, err, _)) => Err(String::from_utf8_lossy(&[out, err].concat()).into_owned()),
                Err(error) if error.code == "DeadlineExceeded" => {
                    Err(format!("command timed out: \"{}\" timed out after {}", argv.join(" "), values::duration::format_go(timeout)))
                }
                Err(error) => Err(format!("rpc error: code = {} desc = {}", error.code, error.message)),
            };
        }
        let ip = self.pod_ip(pod);
        if let Some(action) = &probe.http_get {
            return self.http_probe(container, &ip, action, timeout).await;
        }
        if let Some(action) = &probe.tcp_socket {
            let port = port(container, &action.port)?;
            let host = action.host.clone().filter(|host| !host.is_empty()).unwrap_or(ip);
            let origin = component::Origin::Node(self.machine.name());
            let network = self.machine.network().clone();
            let connect = component::Dialer::connect(&*network, &origin, &host, port, None);
            return match tokio::time::timeout(timeout, connect).await {
                Ok(Ok(_)) => Ok(()),
                Ok(Err(error)) => Err(error.to_string()),
                Err(_) => Err(format!("dial tcp {host}:{port}: i/o timeout")),
            };
        }
        if probe.grpc.is_some() {
            return Err("gRPC probes are not simulated".to_owned());
        }
        Ok(())
    }

    fn pod_ip(&self, pod: &Pod) -> String {
        if spec(pod).host_network == Some(true) {
            return self.settings.node_ip.clone();
        }
        let uid = pod.metadata.uid.clone().unwrap_or_default();
        self.runtime_pod(&uid).ok().and_then(|runtime| runtime.sandbox()?.ip).map(|ip| ip.to_string()).unwrap_or_default()
    }

    async fn http_probe(&self, container: &Spec, ip: &str, action: &HTTPGetAction, timeout: Duration) -> Outcome {
        let port = port(container, &action.port)?;
        let host = action.host.clone().filter(|host| !host.is_empty()).unwrap_or_else(|| ip.to_owned());
        let scheme = action.scheme.as_deref().unwrap_or("HTTP").to_lowercase();
        let path = action.path.clone().filter(|path| !path.is_empty()).unwrap_or_else(|| "/".to_owned());
        let path = if path.starts_with('/') { path } else { format!("/{path}") };
        let url = format!("{scheme}://{host}:{port}{path}");
        let mut headers =
            vec![("User-Agent".to_owned(), format!("kube-probe/{}.{}", values::KUBERNETES_MINOR.0, values::KUBERNETES_MINOR.1))];
        headers.extend(action.http_headers.iter().flatten().map(|header| (header.name.clone(), header.value.clone())));
        let origin = component::Origin::Node(self.machine.name());
        let request = http::get(self.machine.network().clone(), &origin, &host, port, scheme == "https", &path, &headers);
        match tokio::time::timeout(timeout, request).await {
            Ok(Ok(response)) if (200..400).contains(&response.status) => Ok(()),
            Ok(Ok(response)) => Err(format!("HTTP probe failed with statuscode: {}", response.status)),
            Ok(Err(reason)) => Err(format!("Get \"{url}\": {reason}")),
            Err(_) => Err(format!("Get \"{url}\": context deadline exceeded (Client.Timeout exceeded while awaiting headers)")),
        }
    }

    /// An HTTP lifecycle hook.
    pub(super) async fn http_hook(&self, pod: &Pod, container: &str, action: &HTTPGetAction) -> Outcome {
        let name = self.machine.read(|state| state.containers.containers.get(container).map(|container| container.config.name.clone()));
        let own = spec(pod);
        let container = own.containers.iter().chain(own.init_containers.iter().flatten()).find(|c| Some(&c.name) == name.as_ref());
        let container = container.ok_or("container is gone")?;
        self.http_probe(container, &self.pod_ip(pod), action, Duration::from_secs(30)).await
    }
}

fn port(container: &Spec, port: &IntOrString) -> Result<u16, String> {
    match port {
        IntOrString::Int(number) => u16::try_from(*number).map_err(|_| format!("invalid port number: {number}")),
        IntOrString::String(name) => container
            .ports
            .iter()
            .flatten()
            .find(|port| port.name.as_deref() == Some(name))
            .and_then(|port| u16::try_from(port.container_port).ok())
            .or_else(|| name.parse().ok())
            .ok_or_else(|| format!("couldn't find port: {name}")),
    }
}
