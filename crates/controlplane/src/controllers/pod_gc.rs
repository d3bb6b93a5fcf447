//! pod-garbage-collector-controller: pods that nobody will ever finish or collect.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Node, Pod, PodCondition};
use serde_json::json;

use crate::machinery::errors::{not_found, text};
use crate::machinery::object::time;
use crate::machinery::queue::Retry;
use crate::machinery::rest::Deletion;
use crate::machinery::{Informer, Kit, Meta, pods};

/// `gcCheckPeriod` and `quarantineTime`.
const PERIOD: Duration = Duration::from_secs(20);
const QUARANTINE: Duration = Duration::from_secs(40);

struct Controller {
    kit: Kit,
    nodes: Arc<Informer<Node>>,
    pods: Arc<Informer<Pod>>,
}

/// Runs the controller.
pub async fn run(kit: Kit) {
    let this = Controller { nodes: kit.informer(), pods: kit.informer(), kit };
    this.nodes.wait_synced().await;
    this.pods.wait_synced().await;
    loop {
        this.collect().await;
        tokio::time::sleep(PERIOD).await;
    }
}

impl Controller {
    async fn collect(&self) {
        let pods = self.pods.list();
        let mut terminated: Vec<_> = pods.iter().filter(|p| pods::is_terminal(p) && !p.deleting()).cloned().collect();
        let threshold = self.kit.options.terminated_pod_gc_threshold;
        if threshold > 0 && terminated.len() > threshold {
            terminated.sort_by(|a, b| a.created().cmp(&b.created()).then_with(|| a.name().cmp(b.name())));
            for pod in terminated.iter().take(terminated.len() - threshold) {
                self.delete(pod, None).await;
            }
        }
        for pod in &pods {
            let node = pods::node(pod);
            if node.is_empty() {
                if pod.deleting() {
                    self.delete(pod, None).await;
                }
            } else if self.nodes.get(node).is_none() {
                if self.quarantine_over(node) && self.really_gone(node).await {
                    self.delete(pod, Some("PodGC: node no longer exists")).await;
                }
            } else if pod.deleting() && self.out_of_service(node) {
                self.delete(pod, None).await;
            }
        }
        self.forget_nodes_that_came_back();
    }

    /// A node that is not in the cache may be new; wait before its pods are taken for orphans.
    fn quarantine_over(&self, node: &str) -> bool {
        let (id, now) = (format!("pod-gc-node {node}"), self.kit.clock.now());
        let since = self.kit.memory.read(|m| m.retries.get(&id).map(|r| r.until));
        if since.is_none() {
            self.kit.memory.write(|m| m.retries.insert(id, Retry { failures: 0, until: now }));
        }
        since.is_some_and(|since| since.checked_add(QUARANTINE).unwrap_or(Timestamp::MAX) <= now)
    }

    fn forget_nodes_that_came_back(&self) {
        let ids: Vec<String> = self.kit.memory.read(|m| {
            let all = m.retries.range("pod-gc-node ".to_owned()..).take_while(|(k, _)| k.starts_with("pod-gc-node "));
            all.filter(|(k, _)| self.nodes.get(&k["pod-gc-node ".len()..]).is_some()).map(|(k, _)| k.clone()).collect()
        });
        for id in ids {
            self.kit.memory.write(|m| m.retries.remove(&id));
        }
    }

    async fn really_gone(&self, node: &str) -> bool {
        matches!(self.kit.rest.get::<Node>("", node).await, Err(error) if not_found(&error))
    }

    fn out_of_service(&self, node: &str) -> bool {
        let Some(node) = self.nodes.get(node) else { return false };
        let ready = node.status.iter().flat_map(|s| s.conditions.iter().flatten()).any(|c| c.type_ == "Ready" && c.status == "True");
        let taint = node.spec.iter().flat_map(|s| s.taints.iter().flatten()).any(|t| t.key == "node.kubernetes.io/out-of-service");
        taint && !ready
    }

    /// Deletes without grace, as no kubelet will answer; marks the pod failed first so that its owner counts right.
    async fn delete(&self, pod: &Arc<Pod>, reason: Option<&str>) {
        if let Some(message) = reason.filter(|_| !pods::is_terminal(pod)) {
            let condition = PodCondition {
                type_: "DisruptionTarget".to_owned(),
                status: "True".to_owned(),
                reason: Some("DeletionByPodGC".to_owned()),
                message: Some(message.to_owned()),
                last_transition_time: Some(time(self.kit.clock.now())),
                observed_generation: pod.metadata.generation,
                ..PodCondition::default()
            };
            let patch = json!({"status": {"phase": "Failed", "conditions": [condition]}});
            if let Err(error) = self.kit.patch(&**pod, "status", &patch).await {
                self.kit.log.unhandled("gc_controller.go:256", &text(&error));
                return;
            }
        }
        let how = Deletion { grace_seconds: Some(0), ..Deletion::of(pod.uid()) };
        match self.kit.rest.delete::<Pod>(pod.ns(), pod.name(), &how).await {
            Ok(()) => self.pods.saw_deletion(&pod.key(), pod.uid()).await,
            Err(error) if not_found(&error) => {}
            Err(error) => self.kit.log.unhandled("gc_controller.go:263", &text(&error)),
        }
    }
}
