//! taint-eviction-controller: pods leave nodes with NoExecute taints when their tolerations run out.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Node, ObjectReference, Pod, PodCondition, Taint, Toleration};
use serde_json::json;

use crate::machinery::errors::not_found;
use crate::machinery::events::EventType;
use crate::machinery::kit::Reconcile;
use crate::machinery::object::time;
use crate::machinery::placement::tolerates;
use crate::machinery::queue::Retry;
use crate::machinery::{Informer, Kit, Meta, Outcome, Queue, Recorder, pods};

struct Controller {
    kit: Kit,
    recorder: Recorder,
    nodes: Arc<Informer<Node>>,
    pods: Arc<Informer<Pod>>,
    queue: Arc<Queue>,
}

/// Runs the controller.
pub async fn run(kit: Kit) {
    let queue = kit.queue("taint_eviction");
    let this = Controller {
        recorder: kit.recorder("taint-eviction-controller"),
        nodes: kit.informer(),
        pods: kit.informer(),
        queue: queue.clone(),
        kit: kit.clone(),
    };
    let (add, pods_cache) = (queue.clone(), this.pods.clone());
    this.nodes.subscribe(move |change| {
        let taints = |n: &Arc<Node>| no_execute(n);
        if change.old.map(taints) != change.new.map(taints) {
            let name = change.any().map(|n| n.name().to_owned()).unwrap_or_default();
            pods_cache.list().iter().filter(|p| pods::node(p) == name).for_each(|p| add.add(p.key()));
        }
    });
    let add = queue.clone();
    this.pods.subscribe(move |change| {
        if let Some(pod) = change.any()
            && !pods::node(pod).is_empty()
            && change.old.is_none_or(|old| {
                pods::node(old) != pods::node(pod)
                    || old.spec.as_ref().map(|s| &s.tolerations) != pod.spec.as_ref().map(|s| &s.tolerations)
                    || change.new.is_none()
            })
        {
            add.add(pod.key());
        }
    });
    kit.work(&queue, &[&*this.nodes, &*this.pods], &this).await;
}

fn no_execute(node: &Node) -> Vec<Taint> {
    node.spec.iter().flat_map(|s| s.taints.iter().flatten()).filter(|t| t.effect == "NoExecute").cloned().collect()
}

/// How long a pod may stay: `None` is for ever.
fn may_stay(taints: &[Taint], tolerations: &[Toleration]) -> Option<Duration> {
    let mut shortest = None::<i64>;
    for taint in taints {
        let used: Vec<_> = tolerations.iter().filter(|t| tolerates(t, taint)).collect();
        if used.is_empty() {
            return Some(Duration::ZERO);
        }
        for seconds in used.iter().filter_map(|t| t.toleration_seconds) {
            shortest = Some(shortest.map_or(seconds, |s| s.min(seconds)));
        }
    }
    shortest.map(|s| Duration::from_secs(u64::try_from(s).unwrap_or(0)))
}

impl Reconcile for Controller {
    async fn reconcile(&self, key: &str) -> Outcome {
        let Some(pod) = self.pods.get(key) else {
            self.forget(key);
            return Ok(());
        };
        let taints = self.nodes.get(pods::node(&pod)).map(|n| no_execute(&n)).unwrap_or_default();
        let tolerations = pod.spec.as_ref().and_then(|s| s.tolerations.clone()).unwrap_or_default();
        let known = self.started(key, &pod);
        if taints.is_empty() || pod.deleting() {
            if known.is_some() && !pod.deleting() {
                self.event(&pod, format!("Cancelling deletion of Pod {key}"));
            }
            self.forget(key);
            return Ok(());
        }
        let Some(stay) = may_stay(&taints, &tolerations) else {
            self.forget(key);
            return Ok(());
        };
        let now = self.kit.clock.now();
        let start = known.unwrap_or_else(|| self.remember(key, &pod, now));
        let end = start.checked_add(stay).unwrap_or(Timestamp::MAX);
        if end > now {
            self.queue.add_when(key, end);
            return Ok(());
        }
        self.event(&pod, format!("Marking for deletion Pod {key}"));
        self.evict(&pod).await?;
        self.forget(key);
        Ok(())
    }
}

impl Controller {
    fn event(&self, pod: &Pod, message: String) {
        let about = ObjectReference {
            api_version: Some("v1".to_owned()),
            kind: Some("Pod".to_owned()),
            name: pod.metadata.name.clone(),
            namespace: pod.metadata.namespace.clone(),
            uid: pod.metadata.uid.clone(),
            ..ObjectReference::default()
        };
        self.recorder.about(about, EventType::Normal, "TaintManagerEviction", message);
    }

    /// When the pod's time began to run: the controller's own observation, as upstream's timers; kept in the process's
    /// memory so that a fork goes on with it and a new process starts again.
    fn started(&self, key: &str, pod: &Pod) -> Option<Timestamp> {
        let id = format!("taint-eviction-timer {key} {}", pod.uid());
        self.kit.memory.read(|m| m.retries.get(&id).map(|r| r.until))
    }

    fn remember(&self, key: &str, pod: &Pod, now: Timestamp) -> Timestamp {
        let id = format!("taint-eviction-timer {key} {}", pod.uid());
        self.kit.memory.write(|m| m.retries.insert(id, Retry { failures: 0, until: now }));
        now
    }

    fn forget(&self, key: &str) {
        let prefix = format!("taint-eviction-timer {key} ");
        let ids: Vec<String> = self
            .kit
            .memory
            .read(|m| m.retries.range(prefix.clone()..).take_while(|(k, _)| k.starts_with(&prefix)).map(|(k, _)| k.clone()).collect());
        for id in ids {
            self.kit.memory.write(|m| m.retries.remove(&id));
        }
    }

    async fn evict(&self, pod: &Pod) -> Outcome {
        let condition = PodCondition {
            type_: "DisruptionTarget".to_owned(),
            status: "True".to_owned(),
            reason: Some("DeletionByTaintManager".to_owned()),
            message: Some("Taint manager: deleting due to NoExecute taint".to_owned()),
            last_transition_time: Some(time(self.kit.clock.now())),
            observed_generation: pod.metadata.generation,
            ..PodCondition::default()
        };
        match self.kit.patch(pod, "status", &json!({"status": {"conditions": [condition]}})).await {
            Err(error) if not_found(&error) => return Ok(()),
            other => other?,
        };
        self.kit.delete(pod).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::may_stay;
    use k8s_openapi::api::core::v1::{Taint, Toleration};
    use serde_json::{Value, json};
    use std::time::Duration;

    #[test]
    fn the_shortest_toleration_counts_and_an_intolerable_taint_at_once() {
        let taint: Taint = serde_json::from_value(json!({"key": "node.kubernetes.io/unreachable", "effect": "NoExecute"})).unwrap();
        let tolerate = |v: Value| serde_json::from_value::<Vec<Toleration>>(v).unwrap();
        let default =
            json!({"key": "node.kubernetes.io/unreachable", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300});
        let cases = [
            (json!([]), Some(0)),
            (json!([default]), Some(300)),
            (json!([default, {"operator": "Exists", "tolerationSeconds": 30}]), Some(30)),
            (json!([{"operator": "Exists"}]), None),
        ];
        for (tolerations, seconds) in cases {
            assert_eq!(
                may_stay(std::slice::from_ref(&taint), &tolerate(tolerations.clone())),
                seconds.map(Duration::from_secs),
                "{tolerations}"
            );
        }
        assert_eq!(may_stay(&[], &[]), None);
    }
}
