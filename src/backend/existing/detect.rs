//! What a cluster that somebody else made can do. What cannot be seen is not claimed: a scenario is then not offered, which is better than one
//! that cannot be solved.

use std::collections::BTreeSet;

use k8s_openapi::api::apps::v1::DaemonSet;
use k8s_openapi::api::core::v1::{Node, Pod};
use k8s_openapi::api::networking::v1::IngressClass;
use k8s_openapi::api::storage::v1::StorageClass;
use kube::api::ListParams;
use kube::{Api, ResourceExt};

use crate::model::{Capability, InventoryNode, Role};

/// DaemonSets of networks that enforce NetworkPolicies (each project's documentation says so), by name.
const ENFORCING: [&str; 7] = ["calico-node", "cilium", "antrea-agent", "kube-router", "weave-net", "kindnet", "canal"];

/// kind's network enforces them since kind 0.24; the tags of its image begin with their day.
const KINDNET_SINCE: &str = "v20240813";

/// Annotation of the class that claims without one get.
const DEFAULT_CLASS: &str = "storageclass.kubernetes.io/is-default-class";

/// What was found out about a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Detected {
    /// What it can do.
    pub capabilities: BTreeSet<Capability>,
    /// Its nodes, control planes first, by name.
    pub nodes: Vec<InventoryNode>,
    /// Nodes that ordinary pods can go to.
    pub schedulable: u32,
    /// What could not be looked at, with the server's words.
    pub unknown: Vec<(&'static str, String)>,
}

/// Looks at a cluster. Only reads; what may not be read is `unknown`.
pub async fn detect(client: &kube::Client) -> Result<Detected, kube::Error> {
    let mut unknown = Vec::new();
    let (nodes, daemon_sets, classes, ingress_classes, ingress_pods, groups) = futures::join!(
        list::<Node>(client, ""),
        list::<DaemonSet>(client, ""),
        list::<StorageClass>(client, ""),
        list::<IngressClass>(client, ""),
        list::<Pod>(client, "app.kubernetes.io/component=controller"),
        client.list_api_groups(),
    );
    // A cluster that does not even say what it serves is not there.
    let groups: BTreeSet<String> = groups?.groups.into_iter().map(|g| g.name).collect();
    let nodes = or_unknown(nodes, "nodes", &mut unknown);
    let daemon_sets = or_unknown(daemon_sets, "network policies", &mut unknown);
    let classes = or_unknown(classes, "storage classes", &mut unknown);
    let ingress_classes = or_unknown(ingress_classes, "ingress classes", &mut unknown);
    let ingress_pods = or_unknown(ingress_pods, "ingress controllers", &mut unknown);
    let mut capabilities = BTreeSet::new();
    for (capability, there) in [
        (Capability::NetworkPolicy, daemon_sets.iter().any(enforces)),
        (Capability::Provisioner, classes.iter().any(is_default)),
        (Capability::Metrics, groups.contains("metrics.k8s.io")),
        (Capability::Gateway, groups.contains("gateway.networking.k8s.io")),
        (Capability::Ingress, !ingress_classes.is_empty() && ingress_pods.iter().any(runs)),
    ] {
        if there {
            capabilities.insert(capability);
        }
    }
    let schedulable = nodes.iter().filter(|n| takes_pods(n)).count();
    Ok(Detected { capabilities, nodes: inventory(&nodes), schedulable: u32::try_from(schedulable).unwrap_or(u32::MAX), unknown })
}

async fn list<K>(client: &kube::Client, labels: &str) -> Result<Vec<K>, kube::Error>
where
    K: kube::Resource<DynamicType = ()> + Clone + std::fmt::Debug + serde::de::DeserializeOwned,
{
    Ok(Api::<K>::all(client.clone()).list(&ListParams::default().labels(labels)).await?.items)
}

/// What was listed; nothing where it may not be looked at, which is noted.
fn or_unknown<K>(listed: Result<Vec<K>, kube::Error>, what: &'static str, unknown: &mut Vec<(&'static str, String)>) -> Vec<K> {
    listed.unwrap_or_else(|error| {
        unknown.push((what, error.to_string()));
        Vec::new()
    })
}

/// Whether a DaemonSet is a network that enforces policies, on all its nodes: half of it leaves the rest open.
fn enforces(daemon_set: &DaemonSet) -> bool {
    let whole = daemon_set.status.as_ref().is_some_and(|s| s.number_ready > 0 && s.number_ready == s.desired_number_scheduled);
    let name = daemon_set.name_any();
    whole && ENFORCING.contains(&name.as_str()) && !(name == "kindnet" && is_old_kindnet(daemon_set))
}

/// Whether its image says that it is of a time when kind's network knew no policies.
fn is_old_kindnet(daemon_set: &DaemonSet) -> bool {
    let containers = daemon_set.spec.as_ref().and_then(|s| s.template.spec.as_ref()).map(|s| s.containers.as_slice()).unwrap_or_default();
    containers.iter().filter_map(|c| c.image.as_deref()?.rsplit_once(':')).any(|(_, tag)| {
        let day = tag.get(..KINDNET_SINCE.len()).filter(|day| day.starts_with("v20") && day[1..].bytes().all(|b| b.is_ascii_digit()));
        day.is_some_and(|day| day < KINDNET_SINCE)
    })
}

fn is_default(class: &StorageClass) -> bool {
    class.annotations().get(DEFAULT_CLASS).is_some_and(|v| v == "true") && class.provisioner != "kubernetes.io/no-provisioner"
}

fn runs(pod: &Pod) -> bool {
    pod.status.as_ref().is_some_and(|s| s.phase.as_deref() == Some("Running"))
}

fn takes_pods(node: &Node) -> bool {
    let spec = node.spec.as_ref();
    let cordoned = spec.and_then(|s| s.unschedulable).unwrap_or(false);
    let repels = spec.and_then(|s| s.taints.as_deref()).unwrap_or_default().iter().any(|t| t.effect != "PreferNoSchedule");
    let ready = node
        .status
        .as_ref()
        .and_then(|s| s.conditions.as_deref())
        .unwrap_or_default()
        .iter()
        .any(|c| c.type_ == "Ready" && c.status == "True");
    ready && !cordoned && !repels
}

fn inventory(nodes: &[Node]) -> Vec<InventoryNode> {
    let mut all: Vec<InventoryNode> = nodes
        .iter()
        .map(|node| {
            let control_plane = node.labels().contains_key("node-role.kubernetes.io/control-plane");
            let addresses = node.status.as_ref().and_then(|s| s.addresses.as_deref()).unwrap_or_default();
            let address = addresses.iter().find(|a| a.type_ == "InternalIP").map(|a| a.address.clone()).unwrap_or_default();
            InventoryNode { name: node.name_any(), role: if control_plane { Role::ControlPlane } else { Role::Worker }, address }
        })
        .collect();
    all.sort_by(|a, b| (a.role != Role::ControlPlane, &a.name).cmp(&(b.role != Role::ControlPlane, &b.name)));
    all
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn decode<T: serde::de::DeserializeOwned>(value: serde_json::Value) -> T {
        serde_json::from_value(value).expect("an object")
    }

    #[test]
    fn nodes_that_take_pods() {
        let node = |spec: serde_json::Value, ready: &str| {
            takes_pods(&decode(json!({"spec": spec, "status": {"conditions": [{"type": "Ready", "status": ready}]}})))
        };
        assert!(node(json!({}), "True"));
        assert!(node(json!({"taints": [{"key": "a", "effect": "PreferNoSchedule"}]}), "True"));
        assert!(!node(json!({}), "Unknown"));
        assert!(!node(json!({"unschedulable": true}), "True"));
        assert!(!node(json!({"taints": [{"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}]}), "True"));
    }

    #[test]
    fn control_planes_come_first() {
        let node = |name: &str, labels: serde_json::Value| {
            decode::<Node>(
                json!({"metadata": {"name": name, "labels": labels}, "status": {"addresses": [{"type": "InternalIP", "address": "192.0.2.1"}]}}),
            )
        };
        let nodes = [node("a", json!({})), node("z", json!({"node-role.kubernetes.io/control-plane": ""}))];
        let names: Vec<String> = inventory(&nodes).into_iter().map(|n| n.name).collect();
        assert_eq!(names, ["z", "a"]);
    }

    #[test]
    fn only_what_works_is_claimed() {
        let daemon_set = |name: &str, image: &str, ready: i32| {
            enforces(&decode(json!({
                "metadata": {"name": name},
                "spec": {"selector": {}, "template": {"spec": {"containers": [{"name": "main", "image": image}]}}},
                "status": {"numberReady": ready, "currentNumberScheduled": 3, "desiredNumberScheduled": 3, "numberMisscheduled": 0},
            })))
        };
        assert!(
            daemon_set("kindnet", "docker.io/kindest/kindnetd:v20250512-df8de77b", 3) && daemon_set("calico-node", "calico/node:v3.29", 3)
        );
        assert!(!daemon_set("kindnet", "docker.io/kindest/kindnetd:v20240202-8f1494ea", 3), "of a time without policies");
        assert!(!daemon_set("calico-node", "calico/node:v3.29", 0) && !daemon_set("calico-node", "calico/node:v3.29", 2));
        assert!(!daemon_set("kube-flannel-ds", "flannel:v0.26", 3) && !daemon_set("cilium-envoy", "cilium-envoy:v1", 3));
        let class = |default: &str, provisioner: &str| {
            is_default(&decode(json!({"metadata": {"name": "c", "annotations": {DEFAULT_CLASS: default}}, "provisioner": provisioner})))
        };
        assert!(class("true", "rancher.io/local-path"));
        assert!(!class("false", "rancher.io/local-path") && !class("true", "kubernetes.io/no-provisioner"));
    }
}
