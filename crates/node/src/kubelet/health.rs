//! Keeping an eye on the container runtime: `updateRuntimeUp` and the generic PLEG.

use std::sync::Arc;
use std::time::Duration;

use super::node_status;
use super::process::Kubelet;
use super::start::transport_warning;
use component::klog::Value;

impl Kubelet {
    /// Looks at the runtime for ever: a relist every second, a status every five.
    pub(super) async fn watch_runtime(self: Arc<Self>) {
        let mut skip_delay = Duration::from_millis(100);
        let mut skip_next = self.machine.clock().now();
        for tick in 0u64.. {
            if self.relist() {
                if tick.is_multiple_of(5) {
                    self.look_at_runtime(false);
                }
            } else if tick.is_multiple_of(5) {
                self.look_at_runtime(true);
            }
            let now = self.machine.clock().now();
            let errors = self.machine.read(|state| node_status::runtime_errors(&state.kubelet.node, now));
            if errors.is_empty() {
                skip_delay = Duration::from_millis(100);
            } else if now >= skip_next {
                self.log.error("kubelet.go:2525", &node_status::aggregate(&errors), "Skipping pod synchronization", &[]);
                skip_next = now + jiff::SignedDuration::try_from(skip_delay).unwrap_or_default();
                skip_delay = (skip_delay * 2).min(Duration::from_secs(5));
            }
            if tick.is_multiple_of(2) && errors.is_empty() {
                self.remove_orphans();
            }
            if self.garbage_due() {
                self.collect_containers();
            }
            if self.eviction_needs_node(tick) {
                let message = format!("failed to get node info: node {} not found", component::klog::quote(&self.settings.node_name));
                self.log.error("eviction_manager.go:297", &message, "Eviction manager: failed to get summary stats", &[]);
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }

    /// Whether a minute is full since the start (`ContainerGCPeriod`); a resumed kubelet keeps the rhythm.
    fn garbage_due(&self) -> bool {
        self.machine.clock().since(self.settings.started).as_secs().is_multiple_of(60)
    }

    /// `StartGarbageCollection`. Workers remove old containers when they start new ones; what is left is the event of a failure.
    fn collect_containers(&self) {
        if let Err(error) = self.cri.containers() {
            self.recorder.record(&self.node_subject(), "Warning", "ContainerGCFailed", &error.to_string());
        }
    }

    /// `HandlePodCleanups`: what runs for pods that nobody asks for any more is ended.
    fn remove_orphans(&self) {
        /// Sources have this long to tell of their pods after a start.
        const SETTLE: Duration = Duration::from_secs(5);
        if self.machine.clock().since(self.settings.started) < SETTLE {
            return;
        }
        let orphans: Vec<(String, String)> = self.machine.read(|state| {
            if self.client.is_some() && !state.kubelet.api_synced {
                return Vec::new();
            }
            let sandboxes = state.containers.sandboxes.values();
            let unknown = sandboxes.filter(|sandbox| !state.kubelet.pods.contains_key(&sandbox.config.uid));
            unknown
                .map(|sandbox| (sandbox.id.clone(), format!("{}_{}_{}", sandbox.config.namespace, sandbox.config.name, sandbox.config.uid)))
                .collect()
        });
        for (sandbox, pod) in orphans {
            self.log.info("kubelet_pods.go:1263", "Killing unwanted pod", &[("pod", Value::Text(&pod))]);
            if let Err(error) = self.cri.remove_sandbox(&sandbox) {
                self.log.error("log.go:32", &error.to_string(), "RemovePodSandbox from runtime service failed", &[]);
                continue;
            }
            let files = self.machine.host_files();
            let uid = pod.rsplit('_').next().unwrap_or_default();
            for path in [format!("/var/lib/kubelet/pods/{uid}"), format!("/var/log/pods/{pod}")] {
                let _ = files.remove_all(&path); // gone already
            }
        }
    }

    /// The eviction manager looks every ten seconds; without a node it only complains.
    fn eviction_needs_node(&self, tick: u64) -> bool {
        tick.is_multiple_of(10) && self.client.is_some() && !self.machine.read(|state| state.kubelet.node.registered)
    }

    /// `updateRuntimeUp`; complains if it fails and `say`.
    pub(super) fn look_at_runtime(&self, say: bool) {
        let now = self.machine.clock().now();
        match self.cri.status() {
            Ok(status) => {
                let network = status.network_error.map(|(reason, message)| format!("NetworkReady=false reason:{reason} message:{message}"));
                self.machine.write(|state| {
                    state.kubelet.node.runtime_seen = Some(now);
                    state.kubelet.node.network_error = network;
                });
            }
            Err(error) if say => {
                transport_warning(&self.log, 1, self.cri.path(), &error.message);
                self.log.error("log.go:32", &error.to_string(), "Status from runtime service failed", &[]);
                self.log.error("kubelet.go:3115", &error.to_string(), "Container runtime sanity check failed", &[]);
            }
            Err(_) => {}
        }
    }

    /// One relist of the PLEG.
    fn relist(&self) -> bool {
        /// Its time is noted so often; nothing is decided on smaller differences.
        const NOTE: Duration = Duration::from_secs(5);
        let now = self.machine.clock().now();
        match self.cri.sandboxes() {
            Ok(_) => {
                let noted = self.machine.read(|state| state.kubelet.node.pleg_seen);
                if noted.is_none_or(|seen| self.machine.clock().since(seen) >= NOTE) {
                    self.machine.write(|state| state.kubelet.node.pleg_seen = Some(now));
                }
                true
            }
            Err(error) => {
                let text = error.to_string();
                self.log.error(
                    "log.go:32",
                    &text,
                    "ListPodSandbox with filter from runtime service failed",
                    &[("filter", Value::Text("<nil>"))],
                );
                self.log.error("kuberuntime_sandbox.go:297", &text, "Failed to list pod sandboxes", &[]);
                self.log.error("generic.go:254", &text, "GenericPLEG: Unable to retrieve pods", &[]);
                false
            }
        }
    }
}
