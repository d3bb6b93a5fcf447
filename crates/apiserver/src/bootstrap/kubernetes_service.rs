//! The Service `default/kubernetes` with its endpoints (`pkg/controlplane/controller/kubernetesservice`), and the default
//! ServiceCIDR.

use std::net::IpAddr;

use serde_json::{Value, json};

use super::write;
use crate::json::Json;
use crate::server::Core;

/// First address of a CIDR block after the network's own.
fn first_address(cidr: &str) -> Option<IpAddr> {
    let (address, _) = cidr.split_once('/')?;
    match address.parse().ok()? {
        IpAddr::V4(ip) => Some(IpAddr::V4((u32::from(ip) + 1).into())),
        IpAddr::V6(ip) => Some(IpAddr::V6((u128::from(ip) + 1).into())),
    }
}

/// Creates what is missing and points the endpoints at this server.
pub(super) fn ensure(core: &Core) {
    let Some(ip) = first_address(&core.config.service_cidr) else { return };
    let family = if ip.is_ipv4() { "IPv4" } else { "IPv6" };
    write::create(
        core,
        "networking.k8s.io",
        "servicecidrs",
        json!({"metadata": {"name": "kubernetes", "finalizers": ["networking.k8s.io/service-cidr-finalizer"]}, "spec": {"cidrs": [core.config.service_cidr]},
            "status": {"conditions": [{"type": "Ready", "status": "True", "reason": "", "message": "Kubernetes Service CIDR is ready", "lastTransitionTime": core.now_text()}]}}),
    );
    write::create(
        core,
        "",
        "services",
        json!({
            "metadata": {"name": "kubernetes", "namespace": "default", "labels": {"component": "apiserver", "provider": "kubernetes"}},
            "spec": {
                "clusterIP": ip.to_string(), "clusterIPs": [ip.to_string()], "internalTrafficPolicy": "Cluster",
                "ipFamilies": [family], "ipFamilyPolicy": "SingleStack",
                "ports": [{"name": "https", "port": 443, "protocol": "TCP", "targetPort": core.config.secure_port}],
                "sessionAffinity": "None", "type": "ClusterIP",
            },
            "status": {"loadBalancer": {}},
        }),
    );
    let address = core.config.advertise_address.to_string();
    let ports = json!([{"name": "https", "port": core.config.secure_port, "protocol": "TCP"}]);
    let subsets = json!([{"addresses": [{"ip": address}], "ports": ports}]);
    let endpoints = json!([{"addresses": [address], "conditions": {"ready": true}}]);
    let metadata = |label: &str, value: &str| json!({"name": "kubernetes", "namespace": "default", "labels": {label: value}});
    type Fields<'a> = &'a [(&'a str, &'a Value)];
    let objects: [(&str, &str, Value, Fields<'_>); 2] = [
        (
            "",
            "endpoints",
            json!({"metadata": metadata("endpointslice.kubernetes.io/skip-mirror", "true"), "subsets": subsets}),
            &[("subsets", &subsets)],
        ),
        (
            "discovery.k8s.io",
            "endpointslices",
            json!({"metadata": metadata("kubernetes.io/service-name", "kubernetes"), "addressType": family, "endpoints": endpoints, "ports": ports}),
            &[("endpoints", &endpoints), ("ports", &ports)],
        ),
    ];
    for (group, plural, object, fields) in objects {
        if write::create(core, group, plural, object) {
            continue;
        }
        write::change(core, group, plural, "default", "kubernetes", |object| {
            let changed = fields.iter().any(|(field, want)| object.at(field) != *want);
            for (field, want) in fields {
                object.put(field, (*want).clone());
            }
            changed
        });
    }
}

#[cfg(test)]
mod tests {
    use super::first_address;

    #[test]
    fn the_first_address_belongs_to_the_api_server() {
        assert_eq!(first_address("10.96.0.0/12").map(|ip| ip.to_string()).as_deref(), Some("10.96.0.1"));
        assert_eq!(first_address("fd00::/108").map(|ip| ip.to_string()).as_deref(), Some("fd00::1"));
    }
}
