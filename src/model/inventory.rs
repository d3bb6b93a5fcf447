//! What a backend calls things. Content names roles and keys; only this file and the backends know literals.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// What a node is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Runs the API server and its companions.
    ControlPlane,
    /// Runs workloads.
    Worker,
}

/// One node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InventoryNode {
    /// Name in the API, and the word for `ssh`.
    pub name: String,
    /// What it is for.
    pub role: Role,
    /// Its InternalIP.
    pub address: String,
}

/// Where things are on a node, and what they are called. Every key is a name in templates: `{{ inventory.kubeletConfig }}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NodePaths {
    /// The kubelet's configuration file.
    pub kubelet_config: String,
    /// The kubelet's kubeconfig.
    pub kubelet_kubeconfig: String,
    /// Environment file with the kubelet's flags that kubeadm writes.
    pub kubelet_flags: String,
    /// The kubelet's unit.
    pub kubelet_unit: String,
    /// The container runtime's unit.
    pub runtime_unit: String,
    /// The container runtime's configuration file.
    pub containerd_config: String,
    /// The container runtime's socket, without `unix://`.
    pub containerd_socket: String,
    /// The cluster's CA certificate on every node.
    pub cluster_ca: String,
    /// Folder of certificates.
    pub pki: String,
    /// Folder of static pod manifests.
    pub manifests: String,
    /// The administrator's kubeconfig on a control-plane node.
    pub admin_kubeconfig: String,
    /// The API server's port.
    pub api_port: String,
}

impl NodePaths {
    /// As kubeadm lays a Debian node out.
    pub fn kubeadm() -> Self {
        let text = str::to_owned;
        Self {
            kubelet_config: text("/var/lib/kubelet/config.yaml"),
            kubelet_kubeconfig: text("/etc/kubernetes/kubelet.conf"),
            kubelet_flags: text("/var/lib/kubelet/kubeadm-flags.env"),
            kubelet_unit: text("kubelet"),
            runtime_unit: text("containerd"),
            containerd_config: text("/etc/containerd/config.toml"),
            containerd_socket: text("/run/containerd/containerd.sock"),
            cluster_ca: text("/etc/kubernetes/pki/ca.crt"),
            pki: text("/etc/kubernetes/pki"),
            manifests: text("/etc/kubernetes/manifests"),
            admin_kubeconfig: text("/etc/kubernetes/admin.conf"),
            api_port: text("6443"),
        }
    }
}

/// Everything that content may name about a cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Inventory {
    /// Name of the kubeconfig's context.
    pub context: String,
    /// Nodes in the order of their names, control plane first.
    pub nodes: Vec<InventoryNode>,
    /// Paths and names on the nodes.
    pub paths: NodePaths,
    /// How the names of a scenario's own namespaces begin: nothing, unless the cluster is shared with others.
    #[serde(default)]
    pub namespace_prefix: String,
}

impl Inventory {
    /// Names of the nodes with a role, in order.
    pub fn names(&self, role: Role) -> Vec<&str> {
        self.nodes.iter().filter(|n| n.role == role).map(|n| n.name.as_str()).collect()
    }

    /// A node by name.
    pub fn node(&self, name: &str) -> Option<&InventoryNode> {
        self.nodes.iter().find(|n| n.name == name)
    }

    /// The name `inventory` in templates: the paths by their keys, `context`, `namespacePrefix`, `controlPlane` (the first one's name), `controlPlanes`,
    /// `workers`, and `address` by node name.
    pub fn to_template(&self) -> Value {
        let mut map = match serde_json::to_value(&self.paths) {
            Ok(Value::Object(map)) => map,
            _ => Map::new(),
        };
        let control_planes = self.names(Role::ControlPlane);
        map.insert("context".into(), json!(self.context));
        map.insert("namespacePrefix".into(), json!(self.namespace_prefix));
        map.insert("controlPlane".into(), json!(control_planes.first()));
        map.insert("controlPlanes".into(), json!(control_planes));
        map.insert("workers".into(), json!(self.names(Role::Worker)));
        map.insert("address".into(), self.nodes.iter().map(|n| (n.name.clone(), json!(n.address))).collect::<Map<_, _>>().into());
        Value::Object(map)
    }

    /// A made-up inventory of one control plane and `workers` workers, to check templates against.
    pub fn example(workers: usize) -> Self {
        let node = |name: String, role, last| InventoryNode { name, role, address: format!("192.0.2.{last}") };
        let mut nodes = vec![node("control-plane".into(), Role::ControlPlane, 10)];
        nodes.extend((1..=workers).map(|i| node(format!("worker-{i}"), Role::Worker, 10 + i)));
        Self { context: "example".into(), nodes, paths: NodePaths::kubeadm(), namespace_prefix: String::new() }
    }
}
