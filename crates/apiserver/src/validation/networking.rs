//! Ingresses, ingress classes and network policies (`pkg/apis/networking/validation`).

use serde_json::Value;

use super::meta::label_selector;
use super::names;
use super::path::{Errors, Path};
use crate::json::Json;
use crate::registry::Validation;
use crate::status::FieldError;

/// Judges a NetworkPolicy.
pub fn network_policy(input: &Validation<'_>) -> Vec<FieldError> {
    let mut errors = Errors::default();
    let (spec, path) = (input.object.at("spec"), Path::new("spec"));
    label_selector(spec.at("podSelector"), &path.child("podSelector"), &mut errors);
    for (direction, peers) in [("ingress", "from"), ("egress", "to")] {
        for (i, rule) in spec.list(direction).iter().enumerate() {
            let path = path.child(direction).index(i);
            for (j, port) in rule.list("ports").iter().enumerate() {
                policy_port(port, &path.child("ports").index(j), &mut errors);
            }
            for (j, peer) in rule.list(peers).iter().enumerate() {
                policy_peer(peer, &path.child(peers).index(j), &mut errors);
            }
        }
    }
    let types = spec.list("policyTypes");
    if types.len() > 2 {
        errors.invalid(&path.child("policyTypes"), types.to_vec(), "may not specify more than two policyTypes");
        return errors.0;
    }
    for (i, kind) in types.iter().filter_map(Value::as_str).enumerate() {
        if !["Ingress", "Egress"].contains(&kind) {
            errors.not_supported(&path.child("policyTypes").index(i), kind, &["Ingress", "Egress"]);
        }
    }
    errors.0
}

fn policy_port(port: &Value, path: &Path, errors: &mut Errors) {
    let protocol = port.text("protocol");
    if !protocol.is_empty() && !["TCP", "UDP", "SCTP"].contains(&protocol) {
        errors.not_supported(&path.child("protocol"), protocol, &["TCP", "UDP", "SCTP"]);
    }
    let end = port.int("endPort");
    match port.at("port") {
        Value::Null => {
            if let Some(end) = end {
                errors.invalid(&path.child("endPort"), end, "may not be specified when `port` is not specified");
            }
        }
        Value::String(name) => {
            if let Some(end) = end {
                errors.invalid(&path.child("endPort"), end, "may not be specified when `port` is non-numeric");
            }
            errors.all_invalid(&path.child("port"), name, names::port_name(name));
        }
        number => {
            let number = number.as_i64().unwrap_or(0);
            for message in names::port_number(number) {
                errors.invalid(&path.child("port"), number, message);
            }
            if let Some(end) = end {
                if end < number {
                    errors.invalid(&path.child("endPort"), number, "must be greater than or equal to `port`");
                }
                for message in names::port_number(end) {
                    errors.invalid(&path.child("endPort"), end, message);
                }
            }
        }
    }
}

fn policy_peer(peer: &Value, path: &Path, errors: &mut Errors) {
    let mut count = 0;
    for field in ["podSelector", "namespaceSelector"].iter().filter(|f| peer.has(f)) {
        count += 1;
        label_selector(peer.at(field), &path.child(field), errors);
    }
    if peer.has("ipBlock") {
        count += 1;
        let (block, path) = (peer.at("ipBlock"), path.child("ipBlock"));
        match block.text("cidr") {
            "" => errors.required(&path.child("cidr"), ""),
            cidr => {
                errors.all_invalid(&path.child("cidr"), cidr, names::cidr(cidr));
                for (i, except) in block.list("except").iter().filter_map(Value::as_str).enumerate() {
                    let path = path.child("except").index(i);
                    let messages = names::cidr(except);
                    if !messages.is_empty() {
                        errors.all_invalid(&path, except, messages);
                    } else if !strictly_within(except, cidr) {
                        errors.invalid(&path, except, "must be a strict subset of `cidr`");
                    }
                }
            }
        }
    }
    if count == 0 {
        errors.required(path, "must specify a peer");
    } else if count > 1 && peer.has("ipBlock") {
        errors.forbidden(path, "may not specify both ipBlock and another peer");
    }
}

fn strictly_within(inner: &str, outer: &str) -> bool {
    use std::net::IpAddr;
    let (Some((inner, inner_length)), Some((outer, outer_length))) = (names::parse_cidr(inner), names::parse_cidr(outer)) else {
        return true;
    };
    let bits = |ip: IpAddr| match ip {
        IpAddr::V4(v4) => (u128::from(u32::from(v4)) << 96, 32),
        IpAddr::V6(v6) => (u128::from(v6), 128),
    };
    let ((a, a_width), (b, b_width)) = (bits(inner), bits(outer));
    let mask = if outer_length == 0 { 0 } else { u128::MAX << (128 - u32::from(outer_length)) };
    a_width == b_width && inner_length > outer_length && a & mask == b & mask
}

/// Judges an Ingress.
pub fn ingress(input: &Validation<'_>) -> Vec<FieldError> {
    let mut errors = Errors::default();
    if input.subresource == "status" {
        return errors.0;
    }
    let (spec, path) = (input.object.at("spec"), Path::new("spec"));
    let rules = spec.list("rules");
    if input.old.is_none() {
        let key = "kubernetes.io/ingress.class";
        let annotation = input.object.object("metadata.annotations").and_then(|a| a.get(key)).and_then(Value::as_str);
        let class = spec.text("ingressClassName");
        if let Some(annotation) = annotation.filter(|a| !class.is_empty() && *a != class) {
            let path = Path::new("annotations").child(key);
            errors.invalid(&path, annotation, "must match `ingressClassName` when both are specified");
        }
    }
    if rules.is_empty() && !spec.has("defaultBackend") {
        errors.invalid(&path, spec.at("rules").clone(), "either `defaultBackend` or `rules` must be specified");
    }
    if spec.has("defaultBackend") {
        backend(spec.at("defaultBackend"), &path.child("defaultBackend"), &mut errors);
    }
    for (i, rule) in rules.iter().enumerate() {
        let path = path.child("rules").index(i);
        host(rule.text("host"), &path.child("host"), &mut errors);
        if rule.has("http") {
            let path = path.child("http").child("paths");
            if rule.list("http.paths").is_empty() {
                errors.required(&path, "");
            }
            for (j, entry) in rule.list("http.paths").iter().enumerate() {
                http_path(entry, &path.index(j), &mut errors);
            }
        }
    }
    for (i, tls) in spec.list("tls").iter().enumerate() {
        let path = path.child("tls").index(i);
        for (j, name) in tls.list("hosts").iter().filter_map(Value::as_str).enumerate() {
            let rule = if name.contains('*') { names::wildcard_subdomain } else { names::dns_subdomain };
            errors.all_invalid(&path.child("hosts").index(j), name, rule(name));
        }
        let secret = tls.text("secretName");
        if !secret.is_empty() {
            errors.all_invalid(&path.child("secretName"), secret, names::dns_subdomain(secret));
        }
    }
    let class = spec.text("ingressClassName");
    if spec.has("ingressClassName") {
        errors.all_invalid(&path.child("ingressClassName"), class, names::dns_subdomain(class));
    }
    errors.0
}

fn host(name: &str, path: &Path, errors: &mut Errors) {
    if name.is_empty() {
        return;
    }
    if name.parse::<std::net::IpAddr>().is_ok() {
        errors.invalid(path, name, "must be a DNS name, not an IP address");
    }
    let rule = if name.contains('*') { names::wildcard_subdomain } else { names::dns_subdomain };
    errors.all_invalid(path, name, rule(name));
}

fn http_path(entry: &Value, path: &Path, errors: &mut Errors) {
    const TYPES: [&str; 3] = ["Exact", "ImplementationSpecific", "Prefix"];
    let target = entry.text("path");
    match entry.text("pathType") {
        "" => return errors.required(&path.child("pathType"), "pathType must be specified"),
        "Exact" | "Prefix" => {
            if !target.starts_with('/') {
                errors.invalid(&path.child("path"), target, "must be an absolute path");
            }
            for bad in ["//", "/./", "/../", "%2f", "%2F"].iter().filter(|bad| target.contains(**bad)) {
                errors.invalid(&path.child("path"), target, format!("must not contain '{bad}'"));
            }
            for bad in ["/..", "/."].iter().filter(|bad| target.ends_with(**bad)) {
                errors.invalid(&path.child("path"), target, format!("cannot end with '{bad}'"));
            }
        }
        "ImplementationSpecific" if !target.is_empty() && !target.starts_with('/') => {
            errors.invalid(&path.child("path"), target, "must be an absolute path");
        }
        "ImplementationSpecific" => {}
        other => errors.not_supported(&path.child("pathType"), other, &TYPES),
    }
    backend(entry.at("backend"), &path.child("backend"), errors);
}

fn backend(backend: &Value, path: &Path, errors: &mut Errors) {
    let service = backend.at("service");
    match (backend.has("resource"), !service.is_null()) {
        (true, true) => errors.invalid(path, "", "cannot set both resource and service backends"),
        (true, false) => {
            for field in ["kind", "name"] {
                if backend.at("resource").text(field).is_empty() {
                    errors.required(&path.child("resource").child(field), "");
                }
            }
        }
        (false, true) => {
            let service_path = path.child("service");
            match service.text("name") {
                "" => errors.required(&service_path.child("name"), ""),
                name => errors.all_invalid(&service_path.child("name"), name, names::dns1035_label(name)),
            }
            let (name, number) = (service.text("port.name"), service.int("port.number").unwrap_or(0));
            match (name.is_empty(), number) {
                (false, n) if n != 0 => errors.invalid(path, "", "cannot set both port name & port number"),
                (false, _) => errors.all_invalid(&service_path.child("port").child("name"), name, names::port_name(name)),
                (true, 0) => errors.required(path, "port name or number is required"),
                (true, number) => {
                    for message in names::port_number(number) {
                        errors.invalid(&service_path.child("port").child("number"), number, message);
                    }
                }
            }
        }
        (false, false) => errors.invalid(path, "", "resource or service backend is required"),
    }
}

/// Judges an IngressClass.
pub fn ingress_class(input: &Validation<'_>) -> Vec<FieldError> {
    let mut errors = Errors::default();
    let (spec, path) = (input.object.at("spec"), Path::new("spec"));
    let controller = spec.text("controller");
    if controller.len() > 250 {
        errors.push(FieldError::too_long(path.child("controller"), 250));
    }
    if controller.is_empty() {
        errors.required(&path.child("controller"), "");
    } else if !controller.contains('/') {
        errors.invalid(&path.child("controller"), controller, "must be a domain-prefixed path (such as \"acme.io/foo\")");
    }
    if let Some(old) = input.old {
        errors.immutable(&path.child("controller"), spec.at("controller"), old.at("spec.controller"));
    }
    errors.0
}

#[cfg(test)]
mod tests {
    use super::super::testing::judge;
    use super::*;
    use serde_json::json;

    #[test]
    fn ingresses_are_judged_as_upstream_does() {
        let with = |path: Value| json!({"metadata": {"name": "i"}, "spec": {"rules": [{"host": "a.b", "http": {"paths": [path]}}]}});
        let service = json!({"service": {"name": "web", "port": {"number": 80}}});
        let cases = [
            (with(json!({"path": "/", "pathType": "Prefix", "backend": service})), None),
            (
                with(json!({"path": "/", "backend": service})),
                Some("spec.rules[0].http.paths[0].pathType: Required value: pathType must be specified"),
            ),
            (
                with(json!({"path": "x", "pathType": "Prefix", "backend": service})),
                Some("spec.rules[0].http.paths[0].path: Invalid value: \"x\": must be an absolute path"),
            ),
            (
                with(json!({"path": "/", "pathType": "Prefix", "backend": {"service": {"name": "web"}}})),
                Some("spec.rules[0].http.paths[0].backend: Required value: port name or number is required"),
            ),
            (
                json!({"metadata": {"name": "i"}, "spec": {}}),
                Some("spec: Invalid value: null: either `defaultBackend` or `rules` must be specified"),
            ),
        ];
        for (object, want) in cases {
            assert_eq!(judge(ingress, &object, None), want.into_iter().collect::<Vec<_>>());
        }
    }

    #[test]
    fn peers_are_one_kind_of_thing() {
        let with = |peer: Value| json!({"spec": {"podSelector": {}, "ingress": [{"from": [peer]}], "policyTypes": ["Ingress"]}});
        let cases = [
            (with(json!({"podSelector": {}, "namespaceSelector": {}})), None),
            (with(json!({})), Some("spec.ingress[0].from[0]: Required value: must specify a peer")),
            (
                with(json!({"podSelector": {}, "ipBlock": {"cidr": "10.0.0.0/8"}})),
                Some("spec.ingress[0].from[0]: Forbidden: may not specify both ipBlock and another peer"),
            ),
            (
                with(json!({"ipBlock": {"cidr": "10.0.0.0/8", "except": ["11.0.0.0/16"]}})),
                Some("spec.ingress[0].from[0].ipBlock.except[0]: Invalid value: \"11.0.0.0/16\": must be a strict subset of `cidr`"),
            ),
        ];
        for (object, want) in cases {
            assert_eq!(judge(network_policy, &object, None), want.into_iter().collect::<Vec<_>>());
        }
    }
}
