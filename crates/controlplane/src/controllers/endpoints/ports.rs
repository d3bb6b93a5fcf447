//! The port of a pod that a Service's port means.

use k8s_openapi::api::core::v1::{Pod, Service, ServicePort};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

/// A resolved port.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Port {
    /// Name of the Service's port.
    pub name: String,
    /// Number in the pod.
    pub port: i32,
    /// Protocol.
    pub protocol: String,
    /// `appProtocol`.
    pub app_protocol: Option<String>,
}

/// `podutil.FindPort`: a number as it is, a name by the containers' ports (sidecars too).
fn find(pod: &Pod, port: &ServicePort) -> Option<i32> {
    let protocol = port.protocol.as_deref().unwrap_or("TCP");
    match &port.target_port {
        Some(IntOrString::Int(number)) if *number != 0 => Some(*number),
        Some(IntOrString::String(name)) => {
            let spec = pod.spec.as_ref()?;
            let sidecars = spec.init_containers.iter().flatten().filter(|c| c.restart_policy.as_deref() == Some("Always"));
            let ports = spec.containers.iter().chain(sidecars).flat_map(|c| c.ports.iter().flatten());
            let mut found = ports.filter(|p| p.name.as_ref() == Some(name) && p.protocol.as_deref().unwrap_or("TCP") == protocol);
            found.next().map(|p| p.container_port)
        }
        _ => Some(port.port),
    }
}

/// All ports of a Service that this pod has.
pub fn resolve(service: &Service, pod: &Pod) -> Vec<Port> {
    let ports = service.spec.iter().flat_map(|s| s.ports.iter().flatten());
    ports
        .filter_map(|p| {
            Some(Port {
                name: p.name.clone().unwrap_or_default(),
                port: find(pod, p)?,
                protocol: p.protocol.clone().unwrap_or_else(|| "TCP".to_owned()),
                app_protocol: p.app_protocol.clone(),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::resolve;
    use k8s_openapi::api::core::v1::{Pod, Service};
    use serde_json::json;

    #[test]
    fn named_ports_are_found_in_containers_and_missing_ones_left_out() {
        let pod: Pod =
            serde_json::from_value(json!({"spec": {"containers": [{"name": "c", "ports": [{"name": "web", "containerPort": 8080}]}]}}))
                .unwrap();
        let service: Service = serde_json::from_value(json!({"spec": {"ports": [
            {"name": "a", "port": 80, "targetPort": "web"}, {"name": "b", "port": 81, "targetPort": "nope"}, {"name": "c", "port": 82, "targetPort": 9000}, {"name": "d", "port": 83}]}}))
        .unwrap();
        let ports: Vec<_> = resolve(&service, &pod).into_iter().map(|p| (p.name, p.port)).collect();
        assert_eq!(ports, [("a".to_owned(), 8080), ("c".to_owned(), 9000), ("d".to_owned(), 83)]);
    }
}
