//! The cluster as one scheduling cycle sees it.

use std::collections::BTreeMap;
use std::sync::Arc;

use imbl::OrdMap;
use k8s_openapi::api::apps::v1::{ReplicaSet, StatefulSet};
use k8s_openapi::api::core::v1::{Namespace, Node, PersistentVolume, PersistentVolumeClaim, Pod, Service};
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use k8s_openapi::api::storage::v1::StorageClass;

use super::resources::{Resources, add, read, requests};
use crate::machinery::Meta;

/// A pod with what is computed from it once.
#[derive(Clone, Debug)]
pub struct PodInfo {
    /// The pod.
    pub pod: Arc<Pod>,
    /// Its requests.
    pub requests: Resources,
    /// Its requests with the scoring defaults.
    pub counted: Resources,
}

impl PodInfo {
    /// Computes them.
    pub fn new(pod: Arc<Pod>) -> Self {
        Self { requests: requests(&pod, false), counted: requests(&pod, true), pod }
    }

    /// `spec.priority`.
    pub fn priority(&self) -> i32 {
        priority(&self.pod)
    }
}

/// `spec.priority`, zero when unset.
pub fn priority(pod: &Pod) -> i32 {
    pod.spec.as_ref().and_then(|s| s.priority).unwrap_or(0)
}

/// A node with the pods on it.
#[derive(Clone, Debug)]
pub struct NodeInfo {
    /// The node.
    pub node: Arc<Node>,
    /// Pods on it, assumed ones too, in key order.
    pub pods: Vec<Arc<PodInfo>>,
    /// Sum of their requests.
    pub requested: Resources,
    /// Sum of their requests with the scoring defaults.
    pub counted: Resources,
    /// What it has for pods.
    pub allocatable: Resources,
}

impl NodeInfo {
    /// A node with these pods.
    pub fn new(node: Arc<Node>, pods: Vec<Arc<PodInfo>>) -> Self {
        let allocatable = read(node.status.as_ref().and_then(|s| s.allocatable.as_ref()));
        let (mut requested, mut counted) = (Resources::new(), Resources::new());
        for pod in &pods {
            add(&mut requested, &pod.requests);
            add(&mut counted, &pod.counted);
        }
        Self { node, pods, requested, counted, allocatable }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        self.node.name()
    }

    /// The same node with other pods.
    pub fn with_pods(&self, pods: Vec<Arc<PodInfo>>) -> Self {
        Self::new(self.node.clone(), pods)
    }
}

/// All that filters and scores may look at.
#[derive(Clone)]
pub struct Snapshot {
    /// Nodes in the order of their names.
    pub nodes: Vec<Arc<NodeInfo>>,
    /// Pods that preemption made room for, by node.
    pub nominated: BTreeMap<String, Vec<Arc<PodInfo>>>,
    /// Namespaces, for selectors of namespaces.
    pub namespaces: OrdMap<String, Arc<Namespace>>,
    /// Services, for the default spreading.
    pub services: OrdMap<String, Arc<Service>>,
    /// ReplicaSets, for the default spreading.
    pub replica_sets: OrdMap<String, Arc<ReplicaSet>>,
    /// StatefulSets, for the default spreading.
    pub stateful_sets: OrdMap<String, Arc<StatefulSet>>,
    /// Claims.
    pub claims: OrdMap<String, Arc<PersistentVolumeClaim>>,
    /// Volumes.
    pub volumes: OrdMap<String, Arc<PersistentVolume>>,
    /// Storage classes.
    pub classes: OrdMap<String, Arc<StorageClass>>,
    /// Disruption budgets, for preemption.
    pub budgets: OrdMap<String, Arc<PodDisruptionBudget>>,
}

impl Snapshot {
    /// A node by name.
    pub fn node(&self, name: &str) -> Option<&Arc<NodeInfo>> {
        self.nodes.iter().find(|n| n.name() == name)
    }

    /// The same cluster with one node replaced.
    pub fn with_node(&self, changed: NodeInfo) -> Self {
        let mut copy = self.clone();
        let changed = Arc::new(changed);
        for node in &mut copy.nodes {
            if node.name() == changed.name() {
                *node = changed.clone();
            }
        }
        copy
    }

    /// All pods that are on nodes, with their nodes.
    pub fn placed(&self) -> impl Iterator<Item = (&Arc<NodeInfo>, &Arc<PodInfo>)> {
        self.nodes.iter().flat_map(|n| n.pods.iter().map(move |p| (n, p)))
    }
}

#[cfg(test)]
pub mod fixtures {
    //! Clusters for tests.

    use std::sync::Arc;

    use imbl::OrdMap;
    use k8s_openapi::api::core::v1::{Node, Pod};
    use serde_json::{Value, json};

    use super::{NodeInfo, PodInfo, Snapshot};
    use crate::machinery::{Meta, pods};

    /// A node with room for 2 cpus, 4Gi and 110 pods; `extra` is merged over it.
    pub fn node(name: &str, extra: Value) -> Node {
        let mut value = json!({
            "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name}},
            "spec": {}, "status": {"allocatable": {"cpu": "2", "memory": "4Gi", "pods": "110"}}
        });
        json_merge(&mut value, &extra);
        serde_json::from_value(value).unwrap()
    }

    /// A pod; `extra` is merged over it.
    pub fn pod(name: &str, extra: Value) -> Arc<Pod> {
        let mut value = json!({"metadata": {"name": name, "namespace": "default", "uid": name}, "spec": {"containers": [{"name": "c"}]}});
        json_merge(&mut value, &extra);
        Arc::new(serde_json::from_value(value).unwrap())
    }

    fn json_merge(into: &mut Value, from: &Value) {
        match (into, from) {
            (Value::Object(into), Value::Object(from)) => {
                for (key, value) in from {
                    json_merge(into.entry(key.clone()).or_insert(Value::Null), value);
                }
            }
            (into, from) => *into = from.clone(),
        }
    }

    /// Nodes and the pods that name them.
    pub fn cluster(nodes: Vec<Node>, pods: &[Arc<Pod>]) -> Snapshot {
        let info = |node: Node| {
            let here = pods.iter().filter(|p| pods::node(p) == node.name()).map(|p| Arc::new(PodInfo::new(p.clone()))).collect();
            Arc::new(NodeInfo::new(Arc::new(node), here))
        };
        Snapshot {
            nodes: nodes.into_iter().map(info).collect(),
            nominated: Default::default(),
            namespaces: OrdMap::new(),
            services: OrdMap::new(),
            replica_sets: OrdMap::new(),
            stateful_sets: OrdMap::new(),
            claims: OrdMap::new(),
            volumes: OrdMap::new(),
            classes: OrdMap::new(),
            budgets: OrdMap::new(),
        }
    }
}
