//! NodePorts: two pods cannot have the same port of the host.

use k8s_openapi::api::core::v1::Pod;

use crate::scheduler::diagnosis::Refusal;
use crate::scheduler::snapshot::NodeInfo;

/// Host address, protocol and port.
type HostPort = (String, String, i32);

fn host_ports(pod: &Pod) -> Vec<HostPort> {
    let spec = pod.spec.as_ref();
    let sidecars = spec.iter().flat_map(|s| s.init_containers.iter().flatten()).filter(|c| c.restart_policy.as_deref() == Some("Always"));
    spec.iter()
        .flat_map(|s| s.containers.iter())
        .chain(sidecars)
        .flat_map(|c| c.ports.iter().flatten())
        .filter_map(|p| {
            let port = p.host_port.filter(|n| *n > 0)?;
            let ip = p.host_ip.clone().filter(|i| !i.is_empty()).unwrap_or_else(|| "0.0.0.0".to_owned());
            Some((ip, p.protocol.clone().unwrap_or_else(|| "TCP".to_owned()), port))
        })
        .collect()
}

/// Whether the node's ports are free.
pub fn check(pod: &Pod, node: &NodeInfo) -> Option<Refusal> {
    let wanted = host_ports(pod);
    if wanted.is_empty() {
        return None;
    }
    let any = "0.0.0.0";
    let clash = |a: &HostPort, b: &HostPort| a.1 == b.1 && a.2 == b.2 && (a.0 == b.0 || a.0 == any || b.0 == any);
    let taken = node.pods.iter().flat_map(|p| host_ports(&p.pod)).any(|used| wanted.iter().any(|w| clash(w, &used)));
    taken.then(|| Refusal::resolvable("NodePorts", "node(s) didn't have free ports for the requested pod ports"))
}
