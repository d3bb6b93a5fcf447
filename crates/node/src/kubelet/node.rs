//! Registering the node, reporting its status, renewing its lease (`kubelet_node_status.go`, `component-helpers/apimachinery/lease`).

use std::sync::Arc;
use std::time::Duration;

use component::klog::Value as Field;
use serde_json::{Map, Value, json};

use super::api::{ApiClient, ApiError, PatchKind};
use super::events::Subject;
use super::node_status::{self, PRESSURES, time};
use super::process::Kubelet;

/// Timeout of the heartbeat client.
const HEARTBEAT: Duration = Duration::from_secs(10);

impl Kubelet {
    pub(super) fn node_subject(&self) -> Subject {
        let reference = json!({"kind": "Node", "name": self.settings.node_name, "apiVersion": "v1"});
        Subject { reference, namespace: "default".to_owned() }
    }

    fn node_event(&self, reason: &str) {
        let message = format!("Node {} status is now: {reason}", self.settings.node_name);
        self.recorder.record(&self.node_subject(), "Normal", reason, &message);
    }

    fn node_path(&self) -> String {
        format!("/api/v1/nodes/{}", self.settings.node_name)
    }

    /// Registers the node, however long it takes, then reports its status at every tick and whenever it changes.
    pub(super) async fn run_node(self: Arc<Self>, client: ApiClient) {
        if !self.machine.read(|state| state.kubelet.node.registered) {
            self.register(&client).await;
        }
        let frequency = self.settings.config.node_status_update_frequency;
        let mut changes = self.machine.changes();
        loop {
            let now = self.machine.clock().now();
            let ready = |kubelet: &Self| kubelet.machine.read(|state| node_status::readiness(&state.kubelet.node, now).0);
            let due = self.machine.read(|state| state.kubelet.node.next_status).unwrap_or(now);
            let was_ready = self.was_ready();
            if now >= due || (ready(&self) && !was_ready) {
                if ready(&self) && !was_ready && self.machine.read(|state| state.kubelet.node.reported_at.is_some()) {
                    self.log.info("kubelet_node_status.go:427", "Fast updating node status as it just became ready", &[]);
                }
                self.update_status(&client).await;
                let next = self.machine.clock().now() + jiff::SignedDuration::try_from(frequency).unwrap_or_default();
                self.machine.write(|state| state.kubelet.node.next_status = Some(next));
                continue;
            }
            tokio::select! {
                biased;
                () = tokio::time::sleep_until(self.machine.clock().instant_at(due)) => {}
                // Only the runtime's health may make a report come earlier.
                _ = changes.changed(), if !was_ready => {}
            }
        }
    }

    fn was_ready(&self) -> bool {
        self.machine.read(|state| state.kubelet.node.conditions.get("Ready").is_some_and(|(status, _)| status == "True"))
    }

    async fn register(&self, client: &ApiClient) {
        let mut step = Duration::from_millis(100);
        for attempt in 0u64.. {
            if self.try_register(client, attempt == 0).await {
                self.log.info(
                    "kubelet_node_status.go:77",
                    "Successfully registered node",
                    &[("node", Field::Text(&self.settings.node_name))],
                );
                let pods = self.machine.write(|state| {
                    state.kubelet.node.registered = true;
                    state.kubelet.pods.keys().cloned().collect::<Vec<_>>()
                });
                // Static pods get their mirrors now.
                for uid in pods {
                    self.wake(&uid);
                }
                return;
            }
            tokio::time::sleep(step).await;
            step = (step * 2).min(Duration::from_secs(7));
        }
    }

    async fn try_register(&self, client: &ApiClient, first: bool) -> bool {
        let name = &self.settings.node_name;
        self.log.info("kubelet_node_status.go:74", "Attempting to register node", &[("node", Field::Text(name))]);
        let mut node = node_status::initial(&self.settings);
        // Events about the conditions go with the first attempt alone; upstream repeats them and counts.
        let (status, _) = self.status(&Value::Null, first);
        node["status"] = Value::Object(status);
        let error = match client.post("/api/v1/nodes", &node).await {
            Ok(_) => return true,
            Err(error) => error,
        };
        if !error.is_already_exists() {
            self.log.error(
                "kubelet_node_status.go:106",
                &error.message,
                "Unable to register node with API server",
                &[("node", Field::Text(name))],
            );
            return false;
        }
        let existing: Value = match client.get(&self.node_path()).await {
            Ok(existing) => existing,
            Err(error) => {
                self.log.error(
                    "kubelet_node_status.go:112",
                    &error.message,
                    "Unable to register node with API server, error getting existing node",
                    &[("node", Field::Text(name))],
                );
                return false;
            }
        };
        self.log.info("kubelet_node_status.go:123", "Node was previously registered", &[("node", Field::Text(name))]);
        // Default labels and the annotation are put back if they are missing.
        let mut patch = Map::new();
        for (key, value) in node_status::labels(&self.settings) {
            if existing["metadata"]["labels"][&key] != value.as_str() {
                patch.insert(key, value.into());
            }
        }
        if !patch.is_empty() {
            let body = json!({"metadata": {"labels": patch}});
            if let Err(error) = client.patch(&self.node_path(), PatchKind::Strategic, &body).await {
                self.log.error(
                    "kubelet_node_status.go:130",
                    &error.message,
                    "Unable to reconcile node with API server,error updating node",
                    &[("node", Field::Text(name))],
                );
                return false;
            }
        }
        true
    }

    /// The whole status, with events for what changes if `say`; whether it differs from `existing` in more than heartbeats.
    fn status(&self, existing: &Value, say: bool) -> (Map<String, Value>, bool) {
        let now = self.machine.clock().now();
        let version = self.cri.version().unwrap_or_else(|_| "Unknown".to_owned());
        let mut status = self.machine.read(|state| node_status::status(state, &self.settings, &version));
        let previous: Vec<Value> = existing["conditions"].as_array().cloned().unwrap_or_default();
        let find = |kind: &str| previous.iter().find(|condition| condition["type"] == kind);
        let mut conditions = Vec::new();
        let mut changed = existing.is_null();
        let mut put = |kind: &str, value: &str, reason: &str, message: &str| {
            let old = find(kind);
            let same = old.is_some_and(|old| old["status"] == value);
            changed |= !same || old.is_none_or(|old| old["reason"] != reason || (old["message"] != message));
            let since = match old {
                Some(old) if same => old["lastTransitionTime"].clone(),
                _ => Value::from(time(now)),
            };
            conditions.push(json!({
                "type": kind, "status": value, "reason": reason, "message": message,
                "lastHeartbeatTime": time(now), "lastTransitionTime": since,
            }));
            !same
        };
        for (kind, good, bad) in &PRESSURES {
            let pressed = self.pressure(kind);
            let [reason, message, event] = if pressed { bad } else { good };
            if put(kind, if pressed { "True" } else { "False" }, reason, message) && say {
                self.node_event(event);
            }
        }
        let (ready, reason, message) = self.machine.read(|state| node_status::readiness(&state.kubelet.node, now));
        let had_ready = find("Ready").is_some();
        if put("Ready", if ready { "True" } else { "False" }, reason, &message) && had_ready && say {
            self.node_event(if ready { "NodeReady" } else { "NodeNotReady" });
        }
        self.machine.write(|state| {
            state.kubelet.node.conditions.insert("Ready".to_owned(), (if ready { "True" } else { "False" }.to_owned(), now));
            if existing.is_null() && !state.kubelet.node.allocatable_enforced {
                state.kubelet.node.allocatable_enforced = true;
            }
        });
        for field in ["addresses", "allocatable", "capacity", "images", "nodeInfo", "daemonEndpoints"] {
            changed |= status.get(field) != existing.get(field);
        }
        status.insert("conditions".to_owned(), Value::Array(conditions));
        (status, changed)
    }

    /// `updateNodeStatus`: up to five attempts.
    async fn update_status(&self, client: &ApiClient) {
        for _ in 0..5 {
            match self.try_update_status(client).await {
                Ok(()) => return,
                Err(error) => {
                    self.log.error("kubelet_node_status.go:474", &error, "Error updating node status, will retry", &[]);
                }
            }
        }
        self.log.error("kubelet_node_status.go:461", "update node status exceeds retry count", "Unable to update node status", &[]);
    }

    async fn try_update_status(&self, client: &ApiClient) -> Result<(), String> {
        let name = &self.settings.node_name;
        let path = format!("{}?timeout=10s", self.node_path());
        let node: Value = ApiClient::within(HEARTBEAT, client.get(&path))
            .await
            .map_err(|error| format!("error getting node {}: {error}", component::klog::quote(name)))?;
        self.take_pod_cidr(&node);
        let (status, changed) = self.status(&node["status"], true);
        let now = self.machine.clock().now();
        let reported = self.machine.read(|state| state.kubelet.node.reported_at);
        let report_due = reported.is_none_or(|at| self.machine.clock().since(at) >= self.settings.config.node_status_report_frequency);
        if changed || report_due {
            let body = json!({"metadata": {"uid": node["metadata"]["uid"]}, "status": status});
            let path = format!("{}/status?timeout=10s", self.node_path());
            let patched = ApiClient::within(HEARTBEAT, client.patch(&path, PatchKind::Strategic, &body)).await;
            patched.map_err(|error| {
                format!(
                    "failed to patch status {} for node {}: {error}",
                    component::klog::quote(&body.to_string()),
                    component::klog::quote(name)
                )
            })?;
            self.machine.write(|state| state.kubelet.node.reported_at = Some(now));
        }
        Ok(())
    }

    /// Hands the node's pod CIDR to the runtime when it is new.
    fn take_pod_cidr(&self, node: &Value) {
        let Some(cidr) = node["spec"]["podCIDR"].as_str() else { return };
        let old = self.machine.read(|state| state.kubelet.node.pod_cidr.clone());
        if old == cidr {
            return;
        }
        self.log.info("kuberuntime_manager.go:2062", "Updating runtime config through cri with podcidr", &[("CIDR", Field::Text(cidr))]);
        if self.cri.update_pod_cidr(cidr).is_err() {
            return;
        }
        self.log.info(
            "kubelet_network.go:47",
            "Updating Pod CIDR",
            &[("originalPodCIDR", Field::Text(&old)), ("newPodCIDR", Field::Text(cidr))],
        );
        self.machine.write(|state| state.kubelet.node.pod_cidr = cidr.to_owned());
    }

    /// Whether a resource is short. Machines here run out of nothing by themselves.
    fn pressure(&self, kind: &str) -> bool {
        let config = &self.settings.config;
        self.machine.read(|state| match kind {
            "DiskPressure" => {
                let used = state.files.bytes_used() / 1024;
                let free = state.hardware.disk_kib.saturating_sub(used);
                below(config.eviction_hard.get("nodefs.available"), free * 1024, state.hardware.disk_kib * 1024)
            }
            _ => false,
        })
    }

    /// Renews the node's lease for ever.
    pub(super) async fn run_lease(self: Arc<Self>, client: ApiClient) {
        let duration = self.settings.config.node_lease_duration_seconds;
        let interval = Duration::from_secs(duration) / 4;
        let name = &self.settings.node_name;
        let base = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases";
        let path = format!("{base}/{name}?timeout=10s");
        let mut backoff = Duration::from_millis(200);
        let mut lease: Option<Value> = None;
        loop {
            let due = self.machine.read(|state| state.kubelet.node.next_lease);
            if let Some(due) = due {
                tokio::time::sleep_until(self.machine.clock().instant_at(due)).await;
            }
            let now = self.machine.clock().now();
            let renew = now.strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string();
            let result = match lease.take() {
                Some(mut old) => {
                    old["spec"]["renewTime"] = Value::from(renew);
                    ApiClient::within(HEARTBEAT, client.put(&path, &old)).await
                }
                None => self.ensure_lease(&client, base, &path, duration, &renew).await,
            };
            match result {
                Ok(written) => {
                    lease = Some(written);
                    backoff = Duration::from_millis(200);
                    let next = now + jiff::SignedDuration::try_from(interval).unwrap_or_default();
                    self.machine.write(|state| state.kubelet.node.next_lease = Some(next));
                }
                Err(error) => {
                    backoff = (backoff * 2).min(Duration::from_secs(7));
                    let shown = values::duration::format_go(backoff);
                    self.log.error(
                        "controller.go:201",
                        &error.message,
                        "Failed to ensure lease exists, will retry",
                        &[("interval", Field::Text(&shown))],
                    );
                    self.machine.write(|state| state.kubelet.node.next_lease = None);
                    tokio::time::sleep(backoff).await;
                }
            }
        }
    }

    async fn ensure_lease(&self, client: &ApiClient, base: &str, path: &str, duration: u64, renew: &str) -> Result<Value, ApiError> {
        let name = &self.settings.node_name;
        match ApiClient::within(HEARTBEAT, client.get::<Value>(path)).await {
            Ok(mut lease) => {
                lease["spec"]["renewTime"] = Value::from(renew);
                lease["spec"]["holderIdentity"] = Value::from(name.as_str());
                ApiClient::within(HEARTBEAT, client.put(path, &lease)).await
            }
            Err(error) if error.is_not_found() => {
                let mut metadata = json!({"name": name, "namespace": "kube-node-lease"});
                match ApiClient::within(HEARTBEAT, client.get::<Value>(&self.node_path())).await {
                    Ok(node) => {
                        metadata["ownerReferences"] =
                            json!([{"apiVersion": "v1", "kind": "Node", "name": name, "uid": node["metadata"]["uid"]}]);
                    }
                    Err(error) => self.log.error(
                        "nodelease.go:50",
                        &error.message,
                        "Failed to get node when trying to set owner ref to the node lease",
                        &[("node", Field::Text(name))],
                    ),
                }
                let lease = json!({
                    "apiVersion": "coordination.k8s.io/v1",
                    "kind": "Lease",
                    "metadata": metadata,
                    "spec": {"holderIdentity": name, "leaseDurationSeconds": duration, "renewTime": renew},
                });
                ApiClient::within(HEARTBEAT, client.post(&format!("{base}?timeout=10s"), &lease)).await
            }
            Err(error) => Err(error),
        }
    }
}

/// Whether `free` of `total` bytes is less than an eviction threshold (`10%`, `1Gi`).
fn below(threshold: Option<&String>, free: u64, total: u64) -> bool {
    let Some(threshold) = threshold else { return false };
    match threshold.strip_suffix('%').and_then(|percent| percent.parse::<f64>().ok()) {
        Some(percent) => (free as f64) < total as f64 * percent / 100.0,
        None => values::Quantity::parse(threshold).is_ok_and(|quantity| (free as i64) < quantity.value()),
    }
}

#[cfg(test)]
mod tests {
    use super::below;

    #[test]
    fn thresholds_are_percentages_or_quantities() {
        let text = |text: &str| Some(text.to_owned());
        assert!(below(text("10%").as_ref(), 9, 100) && !below(text("10%").as_ref(), 11, 100));
        assert!(below(text("1Ki").as_ref(), 1023, 0) && !below(text("1Ki").as_ref(), 1024, 0));
        assert!(!below(None, 0, 100));
    }
}
