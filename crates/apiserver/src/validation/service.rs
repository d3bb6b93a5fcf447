//! Services, endpoints and endpoint slices.

use std::net::IpAddr;

use serde_json::Value;

use super::meta::labels;
use super::names;
use super::path::{Errors, Path};
use super::pod_port;
use crate::json::Json;
use crate::registry::Validation;
use crate::status::FieldError;

const PROTOCOLS: [&str; 3] = ["SCTP", "TCP", "UDP"];
const TYPES: [&str; 4] = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];

/// Judges a Service (`ValidateServiceCreate`, `ValidateServiceUpdate`).
pub fn service(input: &Validation<'_>) -> Vec<FieldError> {
    let mut errors = Errors::default();
    if input.subresource == "status" {
        return errors.0;
    }
    if let Some(old) = input.old {
        update(input.object, old, &mut errors);
    }
    spec(input.object.at("spec"), &Path::new("spec"), &mut errors);
    errors.0
}

fn is_headless(spec: &Value) -> bool {
    spec.text("clusterIP") == "None"
}

fn spec(spec: &Value, path: &Path, errors: &mut Errors) {
    let (kind, ports) = (spec.text("type"), spec.list("ports"));
    if ports.is_empty() && !is_headless(spec) && kind != "ExternalName" {
        errors.required(&path.child("ports"), "");
    }
    match kind {
        "LoadBalancer" | "NodePort" if is_headless(spec) => {
            let why = format!("may not be set to 'None' for {kind} services");
            errors.invalid(&path.child("clusterIPs").index(0), "None", why);
        }
        "ExternalName" => {
            if !spec.list("clusterIPs").is_empty() {
                errors.forbidden(&path.child("clusterIPs"), "may not be set for ExternalName services");
            }
            for field in ["ipFamilies", "ipFamilyPolicy"] {
                if spec.has(field) && spec.at(field) != &Value::Array(Vec::new()) {
                    errors.forbidden(&path.child(field), "may not be set for ExternalName services");
                }
            }
            // A trailing dot of a fully qualified name is fine.
            match spec.text("externalName").strip_suffix('.').unwrap_or(spec.text("externalName")) {
                "" => errors.required(&path.child("externalName"), ""),
                name => errors.all_invalid(&path.child("externalName"), name, names::dns_subdomain(name)),
            }
        }
        _ => {}
    }
    let mut seen: Vec<&str> = Vec::new();
    for (i, port) in ports.iter().enumerate() {
        service_port(port, ports.len() > 1, &mut seen, &path.child("ports").index(i), errors);
    }
    labels(spec.at("selector"), &path.child("selector"), errors);
    affinity(spec, path, errors);
    cluster_ips(spec, path, errors);
    for (i, ip) in spec.list("externalIPs").iter().filter_map(Value::as_str).enumerate() {
        let path = path.child("externalIPs").index(i);
        let messages = names::ip(ip);
        if messages.is_empty() { endpoint_ip(ip, &path, errors) } else { errors.all_invalid(&path, ip, messages) }
    }
    errors.one_of(&path.child("type"), kind, &TYPES);
    if kind == "ClusterIP" {
        for (i, port) in ports.iter().enumerate() {
            if port.int("nodePort").unwrap_or(0) != 0 {
                errors.forbidden(&path.child("ports").index(i).child("nodePort"), "may not be used when `type` is 'ClusterIP'");
            }
        }
    }
    duplicates(ports, path, errors);
    for range in spec.list("loadBalancerSourceRanges").iter().filter_map(Value::as_str) {
        errors.all_invalid(&path.child("loadBalancerSourceRanges"), range, names::cidr(range.trim()));
    }
    if kind != "LoadBalancer" {
        for field in ["loadBalancerSourceRanges", "allocateLoadBalancerNodePorts", "loadBalancerClass"] {
            if spec.has(field) && spec.at(field) != &Value::Array(Vec::new()) {
                errors.forbidden(&path.child(field), "may only be used when `type` is 'LoadBalancer'");
            }
        }
    }
    traffic_policies(spec, kind, path, errors);
}

fn service_port<'a>(port: &'a Value, name_needed: bool, seen: &mut Vec<&'a str>, path: &Path, errors: &mut Errors) {
    match port.text("name") {
        "" if name_needed => errors.required(&path.child("name"), ""),
        "" => {}
        name => {
            errors.all_invalid(&path.child("name"), name, names::dns_label(name));
            if seen.contains(&name) {
                errors.duplicate(&path.child("name"), name);
            }
            seen.push(name);
        }
    }
    let number = port.int("port").unwrap_or(0);
    for message in names::port_number(number) {
        errors.invalid(&path.child("port"), number, message);
    }
    errors.one_of(&path.child("protocol"), port.text("protocol"), &PROTOCOLS);
    pod_port(port.at("targetPort"), &path.child("targetPort"), errors);
    let protocol = port.text("appProtocol");
    if !protocol.is_empty() {
        errors.all_invalid(&path.child("appProtocol"), protocol, names::qualified_name(protocol));
    }
}

fn affinity(spec: &Value, path: &Path, errors: &mut Errors) {
    let affinity = spec.text("sessionAffinity");
    errors.one_of(&path.child("sessionAffinity"), affinity, &["ClientIP", "None"]);
    let path = path.child("sessionAffinityConfig");
    match affinity {
        "ClientIP" => {
            let timeout = spec.int("sessionAffinityConfig.clientIP.timeoutSeconds");
            match timeout {
                None => errors.required(&path, "when session affinity type is ClientIP"),
                Some(seconds) if !(1..=86400).contains(&seconds) => {
                    errors.invalid(&path.child("clientIP").child("timeoutSeconds"), seconds, "must be greater than 0 and less than 86400");
                }
                Some(_) => {}
            }
        }
        "None" if spec.has("sessionAffinityConfig") => errors.forbidden(&path, "must not be set when session affinity is None"),
        _ => {}
    }
}

fn cluster_ips(spec: &Value, path: &Path, errors: &mut Errors) {
    if spec.text("type") == "ExternalName" {
        return;
    }
    let (ips, path) = (spec.list("clusterIPs"), path.child("clusterIPs"));
    if ips.is_empty() {
        if !spec.text("clusterIP").is_empty() {
            errors.required(&path, "");
        }
        return;
    }
    if ips[0] != *spec.at("clusterIP") {
        errors.invalid(&path, ips.to_vec(), "first value must match `clusterIP`");
    }
    if ips.len() > 1 && ips.iter().any(|ip| ip == "None") {
        errors.invalid(&path, ips.to_vec(), "'None' must be the first and only value");
    }
    if ips.len() > 2 {
        errors.invalid(&path, ips.to_vec(), "may only hold up to 2 values");
    }
    for (i, ip) in ips.iter().filter_map(Value::as_str).enumerate().filter(|(_, ip)| *ip != "None") {
        errors.all_invalid(&path.index(i), ip, names::ip(ip));
    }
}

fn duplicates(ports: &[Value], path: &Path, errors: &mut Errors) {
    let mut keys: Vec<(i64, &str)> = Vec::new();
    for (i, port) in ports.iter().enumerate() {
        let key = (port.int("port").unwrap_or(0), port.text("protocol"));
        if keys.contains(&key) {
            errors.duplicate(&path.child("ports").index(i), serde_json::json!({"port": key.0, "protocol": key.1}));
        }
        keys.push(key);
    }
    let mut node_ports: Vec<(i64, &str)> = Vec::new();
    for (i, port) in ports.iter().enumerate() {
        let Some(number) = port.int("nodePort").filter(|n| *n != 0) else { continue };
        let key = (number, port.text("protocol"));
        if node_ports.contains(&key) {
            errors.duplicate(&path.child("ports").index(i).child("nodePort"), number);
        }
        node_ports.push(key);
    }
}

fn traffic_policies(spec: &Value, kind: &str, path: &Path, errors: &mut Errors) {
    let external = spec.text("externalTrafficPolicy");
    let exposed = matches!(kind, "NodePort" | "LoadBalancer") || (kind == "ClusterIP" && !spec.list("externalIPs").is_empty());
    let field = path.child("externalTrafficPolicy");
    if !exposed && !external.is_empty() {
        errors.invalid(&field, external, "may only be set for externally-accessible services");
    } else if exposed {
        errors.one_of(&field, external, &["Cluster", "Local"]);
    }
    let internal = spec.text("internalTrafficPolicy");
    if matches!(kind, "ClusterIP" | "NodePort" | "LoadBalancer") {
        errors.one_of(&path.child("internalTrafficPolicy"), internal, &["Cluster", "Local"]);
    }
    let distribution = spec.text("trafficDistribution");
    const DISTRIBUTIONS: [&str; 3] = ["PreferClose", "PreferSameZone", "PreferSameNode"];
    if !distribution.is_empty() && !DISTRIBUTIONS.contains(&distribution) {
        errors.not_supported(&path.child("trafficDistribution"), distribution, &DISTRIBUTIONS);
    }
}

fn update(new: &Value, old: &Value, errors: &mut Errors) {
    let kind = |service: &Value| service.text("spec.type").to_owned();
    if kind(new) == "ExternalName" || kind(old) == "ExternalName" {
        return;
    }
    let (new_ips, old_ips) = (new.list("spec.clusterIPs"), old.list("spec.clusterIPs"));
    let path = Path::new("spec").child("clusterIPs").index(0);
    match (old_ips.first(), new_ips.first()) {
        (Some(_), None) => errors.invalid(&path, new_ips.to_vec(), "primary clusterIP can not be unset"),
        (Some(before), Some(after)) if before != after => errors.invalid(&path, new_ips.to_vec(), "may not change once set"),
        _ => {}
    }
}

/// Addresses that no endpoint can have (`ValidateEndpointIP`).
fn endpoint_ip(text: &str, path: &Path, errors: &mut Errors) {
    let Ok(ip) = text.parse::<IpAddr>() else {
        return errors.invalid(path, text, "must be a valid IP address");
    };
    if ip.is_unspecified() {
        errors.invalid(path, text, format!("may not be unspecified ({text})"));
    }
    if ip.is_loopback() {
        errors.invalid(path, text, "may not be in the loopback range (127.0.0.0/8, ::1/128)");
    }
    if matches!(ip, IpAddr::V4(v4) if v4.is_link_local()) {
        errors.invalid(path, text, "may not be in the link-local range (169.254.0.0/16, fe80::/10)");
    }
    if matches!(ip, IpAddr::V4(v4) if v4.octets()[..3] == [224, 0, 0]) {
        errors.invalid(path, text, "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)");
    }
}

/// Judges Endpoints.
pub fn endpoints(input: &Validation<'_>) -> Vec<FieldError> {
    let mut errors = Errors::default();
    for (i, subset) in input.object.list("subsets").iter().enumerate() {
        let path = Path::new("subsets").index(i);
        if subset.list("addresses").is_empty() && subset.list("notReadyAddresses").is_empty() {
            errors.required(&path, "must specify `addresses` or `notReadyAddresses`");
        }
        for list in ["addresses", "notReadyAddresses"] {
            for (j, address) in subset.list(list).iter().enumerate() {
                endpoint_ip(address.text("ip"), &path.child(list).index(j).child("ip"), &mut errors);
            }
        }
        let ports = subset.list("ports");
        for (j, port) in ports.iter().enumerate() {
            let path = path.child("ports").index(j);
            match port.text("name") {
                "" if ports.len() > 1 => errors.required(&path.child("name"), ""),
                "" => {}
                name => errors.all_invalid(&path.child("name"), name, names::dns_label(name)),
            }
            let number = port.int("port").unwrap_or(0);
            for message in names::port_number(number) {
                errors.invalid(&path.child("port"), number, message);
            }
            errors.one_of(&path.child("protocol"), port.text("protocol"), &PROTOCOLS);
        }
    }
    errors.0
}

/// Judges an EndpointSlice.
pub fn endpoint_slice(input: &Validation<'_>) -> Vec<FieldError> {
    let mut errors = Errors::default();
    let object = input.object;
    let kind = object.text("addressType");
    errors.one_of(&Path::new("addressType"), kind, &["FQDN", "IPv4", "IPv6"]);
    for (i, endpoint) in object.list("endpoints").iter().enumerate() {
        let path = Path::new("endpoints").index(i);
        let addresses = endpoint.list("addresses");
        if addresses.is_empty() {
            errors.required(&path.child("addresses"), "must contain at least 1 address");
        }
        for (j, address) in addresses.iter().filter_map(Value::as_str).enumerate() {
            let path = path.child("addresses").index(j);
            let parsed = address.parse::<IpAddr>().ok();
            match kind {
                "IPv4" if !parsed.is_some_and(|ip| ip.is_ipv4()) => errors.invalid(&path, address, "must be an IPv4 address"),
                "IPv6" if !parsed.is_some_and(|ip| ip.is_ipv6()) => errors.invalid(&path, address, "must be an IPv6 address"),
                "IPv4" | "IPv6" => endpoint_ip(address, &path, &mut errors),
                "FQDN" => errors.all_invalid(&path, address, names::dns_subdomain(address)),
                _ => {}
            }
        }
    }
    let mut seen: Vec<&str> = Vec::new();
    for (i, port) in object.list("ports").iter().enumerate() {
        let path = Path::new("ports").index(i);
        let name = port.text("name");
        if !name.is_empty() {
            errors.all_invalid(&path.child("name"), name, names::dns_label(name));
        }
        if seen.contains(&name) {
            errors.duplicate(&path.child("name"), name);
        }
        seen.push(name);
        errors.one_of(&path.child("protocol"), port.text("protocol"), &PROTOCOLS);
    }
    if let Some(old) = input.old {
        errors.immutable(&Path::new("addressType"), object.at("addressType"), old.at("addressType"));
    }
    errors.0
}

#[cfg(test)]
mod tests {
    use super::super::testing::judge;
    use super::*;
    use serde_json::json;

    fn good() -> Value {
        json!({"metadata": {"name": "s"}, "spec": {"type": "ClusterIP", "clusterIP": "10.96.0.9", "clusterIPs": ["10.96.0.9"], "sessionAffinity": "None",
            "internalTrafficPolicy": "Cluster", "ports": [{"port": 80, "targetPort": 80, "protocol": "TCP"}]}})
    }

    #[test]
    fn services_are_judged_as_upstream_does() {
        assert_eq!(judge(service, &good(), None), Vec::<String>::new());
        type Edit = fn(&mut Value);
        let cases: [(Edit, &[&str]); 5] = [
            (|s| s.put("spec.ports", json!([])), &["spec.ports: Required value"]),
            (
                |s| s.put("spec.type", "Foo"),
                &[
                    "spec.type: Unsupported value: \"Foo\": supported values: \"ClusterIP\", \"ExternalName\", \"LoadBalancer\", \"NodePort\"",
                ],
            ),
            (
                |s| s["spec"]["ports"][0]["targetPort"] = json!("abc--"),
                &[
                    "spec.ports[0].targetPort: Invalid value: \"abc--\": must not contain consecutive hyphens",
                    "spec.ports[0].targetPort: Invalid value: \"abc--\": must not begin or end with a hyphen",
                ],
            ),
            (
                |s| s["spec"]["ports"][0]["nodePort"] = json!(30080),
                &["spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'"],
            ),
            (
                |s| {
                    s["spec"]["ports"] =
                        json!([{"port": 80, "targetPort": 80, "protocol": "TCP"}, {"port": 81, "targetPort": 81, "protocol": "TCP"}])
                },
                &["spec.ports[0].name: Required value", "spec.ports[1].name: Required value"],
            ),
        ];
        for (edit, want) in cases {
            let mut object = good();
            edit(&mut object);
            assert_eq!(judge(service, &object, None), want);
        }
    }

    #[test]
    fn cluster_ips_stay() {
        let mut new = good();
        new.put("spec.clusterIP", "10.96.4.4");
        new.put("spec.clusterIPs", json!(["10.96.4.4"]));
        assert_eq!(judge(service, &new, Some(&good())), ["spec.clusterIPs[0]: Invalid value: [\"10.96.4.4\"]: may not change once set"]);
    }
}
