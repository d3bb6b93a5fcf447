//! What kubeadm puts on the machines: certificates, kubeconfigs, manifests, the kubelet's configuration.

use std::net::IpAddr;

use jiff::Timestamp;
use node::fs::Tree;
use node::image::{HostFile, HostSpec, host_image};

use crate::config::{Layout, NodeInfo, Role};
use crate::kubeconfigs;
use crate::pki::{ClusterPki, Pair};

const MANIFESTS: [(&str, &str); 4] = [
    ("etcd", include_str!("../manifests/etcd.yaml")),
    ("kube-apiserver", include_str!("../manifests/kube-apiserver.yaml")),
    ("kube-controller-manager", include_str!("../manifests/kube-controller-manager.yaml")),
    ("kube-scheduler", include_str!("../manifests/kube-scheduler.yaml")),
];

/// Cluster name in kubeconfigs.
const CLUSTER: &str = "kubernetes";

/// The kubelet's configuration file, the same on all nodes and in the ConfigMap `kubelet-config`.
pub fn kubelet_config(layout: &Layout) -> String {
    fill(include_str!("../manifests/kubelet-config.yaml"), layout, layout.control_plane())
}

/// The whole file system of a node right after `kubeadm init` or `join` has written its files.
pub fn host_files(layout: &Layout, pki: &ClusterPki, node: &NodeInfo, now: Timestamp) -> Tree {
    let hosts: Vec<(String, IpAddr)> = layout.nodes.iter().map(|n| (n.name.clone(), n.address.into())).collect();
    let mut files = vec![
        file("/etc/kubernetes/pki/ca.crt", 0o644, &pki.ca.pair.cert),
        file("/var/lib/kubelet/config.yaml", 0o644, &kubelet_config(layout)),
        file("/var/lib/kubelet/kubeadm-flags.env", 0o644, &format!("KUBELET_KUBEADM_ARGS=\"--node-ip={}\"\n", node.address)),
        file("/etc/cni/net.d/10-bridge.conflist", 0o644, CNI),
        file("/etc/kubernetes/kubelet.conf", 0o600, &kubeconfigs::kubelet(&server(layout), &pki.ca, CLUSTER, &node.name)),
    ];
    let mut links = Vec::new();
    if let Some(pair) = pki.pairs.get(&format!("kubelet/{}", node.name)) {
        let path = format!("/var/lib/kubelet/pki/kubelet-client-{}.pem", now.strftime("%Y-%m-%d-%H-%M-%S"));
        files.push(file(&path, 0o600, &format!("{}{}", pair.cert, pair.key)));
        links.push(("/var/lib/kubelet/pki/kubelet-client-current.pem".to_owned(), path));
    }
    if let Some(pair) = pki.pairs.get(&format!("kubelet-serving/{}", node.name)) {
        files.extend(pair_files("/var/lib/kubelet/pki/kubelet", pair));
    }
    if node.role == Role::ControlPlane {
        files.extend(control_plane_files(layout, pki, node));
        links.push(("/root/.kube/config".to_owned(), "/etc/kubernetes/admin.conf".to_owned()));
    }
    host_image(&HostSpec { name: &node.name, address: node.address.into(), hosts: &hosts, now, files, links })
}

fn control_plane_files(layout: &Layout, pki: &ClusterPki, node: &NodeInfo) -> Vec<HostFile> {
    let mut files = Vec::new();
    for (directory, authority) in [("ca", &pki.ca), ("etcd/ca", &pki.etcd_ca), ("front-proxy-ca", &pki.front_proxy_ca)] {
        files.extend(pair_files(&format!("/etc/kubernetes/pki/{directory}"), &authority.pair));
    }
    for (name, pair) in &pki.pairs {
        if let Some(user) = user_of(name) {
            let content = kubeconfigs::embedded(&server(layout), &pki.ca, CLUSTER, user, pair);
            files.push(file(&format!("/etc/kubernetes/{name}"), 0o600, &content));
        } else if name == "sa" {
            files.push(file("/etc/kubernetes/pki/sa.pub", 0o600, &pair.cert));
            files.push(file("/etc/kubernetes/pki/sa.key", 0o600, &pair.key));
        } else if !name.starts_with("kubelet") {
            files.extend(pair_files(&format!("/etc/kubernetes/pki/{name}"), pair));
        }
    }
    for (name, manifest) in MANIFESTS {
        files.push(file(&format!("/etc/kubernetes/manifests/{name}.yaml"), 0o600, &fill(manifest, layout, node)));
    }
    files
}

/// User entry of a kubeconfig that kubeadm writes.
fn user_of(kubeconfig: &str) -> Option<&'static str> {
    Some(match kubeconfig {
        "admin.conf" => "kubernetes-admin",
        "super-admin.conf" => "kubernetes-super-admin",
        "controller-manager.conf" => "system:kube-controller-manager",
        "scheduler.conf" => "system:kube-scheduler",
        _ => return None,
    })
}

fn server(layout: &Layout) -> String {
    format!("https://{}", layout.api_address())
}

fn file(path: &str, mode: u32, content: &str) -> HostFile {
    HostFile { path: path.to_owned(), mode, content: content.to_owned() }
}

fn pair_files(path: &str, pair: &Pair) -> [HostFile; 2] {
    [file(&format!("{path}.crt"), 0o644, &pair.cert), file(&format!("{path}.key"), 0o600, &pair.key)]
}

fn fill(template: &str, layout: &Layout, node: &NodeInfo) -> String {
    [
        ("address", node.address.to_string()),
        ("name", node.name.clone()),
        ("service_cidr", layout.service_cidr.clone()),
        ("pod_cidr", layout.pod_cidr.clone()),
        ("dns_address", layout.dns_address.to_string()),
    ]
    .iter()
    .fold(template.to_owned(), |text, (key, value)| text.replace(&format!("{{{{{key}}}}}"), value))
}

/// The pod network: a bridge on each node, addresses from the node's pod range, routes between nodes.
const CNI: &str = r#"{
  "cniVersion": "1.0.0",
  "name": "cluster-network",
  "plugins": [
    {"type": "bridge", "bridge": "cni0", "isGateway": true, "ipMasq": true, "hairpinMode": true,
     "ipam": {"type": "host-local", "routes": [{"dst": "0.0.0.0/0"}]}},
    {"type": "portmap", "capabilities": {"portMappings": true}}
  ]
}
"#;
