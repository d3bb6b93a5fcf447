//! A pod spec as a whole (`ValidatePodSpec`), in pods and in templates.

use serde_json::Value;

use super::volume::Volumes;
use super::{container, scheduling, security};
use crate::json::Json;
use crate::validation::meta::{annotations, labels};
use crate::validation::names;
use crate::validation::path::{Errors, Path};

/// Checks a pod spec.
pub fn pod_spec(spec: &Value, path: &Path, errors: &mut Errors) {
    if !spec.has("terminationGracePeriodSeconds") {
        errors.required(&path.child("terminationGracePeriodSeconds"), "");
    }
    let volumes = Volumes::check(spec, &path.child("volumes"), errors);
    container::all(spec, &volumes, path, errors);
    host_network_ports(spec, path, errors);
    errors.one_of(&path.child("restartPolicy"), spec.text("restartPolicy"), &["Always", "OnFailure", "Never"]);
    errors.one_of(&path.child("dnsPolicy"), spec.text("dnsPolicy"), &["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"]);
    labels(spec.at("nodeSelector"), &path.child("nodeSelector"), errors);
    security::pod(spec, path, errors);
    scheduling::affinity(spec.at("affinity"), &path.child("affinity"), errors);
    dns(spec, &path.child("dnsConfig"), errors);
    for (i, gate) in spec.list("readinessGates").iter().enumerate() {
        let kind = gate.text("conditionType");
        errors.all_invalid(&path.child("readinessGates").index(i).child("conditionType"), kind, names::qualified_name(kind));
    }
    let mut gates: Vec<&str> = Vec::new();
    for (i, gate) in spec.list("schedulingGates").iter().enumerate() {
        let (name, path) = (gate.text("name"), path.child("schedulingGates").index(i));
        errors.all_invalid(&path, name, names::qualified_name(name));
        if gates.contains(&name) {
            errors.duplicate(&path, name);
        }
        gates.push(name);
    }
    scheduling::spread(spec.list("topologySpreadConstraints"), &path.child("topologySpreadConstraints"), errors);
    for (field, rule) in [("serviceAccountName", names::dns_subdomain as fn(&str) -> names::Messages), ("nodeName", names::dns_subdomain)] {
        let name = spec.text(field);
        if !name.is_empty() {
            errors.all_invalid(&path.child(field), name, rule(name));
        }
    }
    if let Some(seconds) = spec.int("activeDeadlineSeconds")
        && !(1..=i64::from(i32::MAX)).contains(&seconds)
    {
        errors.invalid(&path.child("activeDeadlineSeconds"), seconds, names::range_error(1, i64::from(i32::MAX)));
    }
    for field in ["hostname", "subdomain"] {
        let name = spec.text(field);
        if !name.is_empty() {
            errors.all_invalid(&path.child(field), name, names::dns_label(name));
        }
    }
    scheduling::tolerations(spec.list("tolerations"), &path.child("tolerations"), errors);
    for (i, alias) in spec.list("hostAliases").iter().enumerate() {
        let (ip, path) = (alias.text("ip"), path.child("hostAliases").index(i));
        errors.all_invalid(&path.child("ip"), ip, names::ip(ip));
        for name in alias.list("hostnames").iter().filter_map(Value::as_str) {
            errors.all_invalid(&path.child("hostnames"), name, names::dns_subdomain(name));
        }
    }
    for field in ["priorityClassName", "runtimeClassName"] {
        let name = spec.text(field);
        if !name.is_empty() {
            errors.all_invalid(&path.child(field), name, names::dns_subdomain(name));
        }
    }
    let policy = spec.text("preemptionPolicy");
    if !policy.is_empty() {
        errors.one_of(&path.child("preemptionPolicy"), policy, &["PreemptLowerPriority", "Never"]);
    }
}

/// In the host's network a host port is the container's.
fn host_network_ports(spec: &Value, path: &Path, errors: &mut Errors) {
    if spec.flag("hostNetwork") != Some(true) {
        return;
    }
    for list in ["containers", "initContainers"] {
        for (i, container) in spec.list(list).iter().enumerate() {
            for (j, port) in container.list("ports").iter().enumerate() {
                let (host, own) = (port.int("hostPort").unwrap_or(0), port.int("containerPort").unwrap_or(0));
                if host != own {
                    let path = path.child(list).index(i).child("ports").index(j).child("hostPort");
                    errors.invalid(&path, host, "must match `containerPort` when `hostNetwork` is true");
                }
            }
        }
    }
}

fn dns(spec: &Value, path: &Path, errors: &mut Errors) {
    let config = spec.at("dnsConfig");
    let servers = config.list("nameservers");
    if spec.text("dnsPolicy") == "None" {
        if config.is_null() {
            return errors.required(path, "must provide `dnsConfig` when `dnsPolicy` is None");
        }
        if servers.is_empty() {
            return errors.required(&path.child("nameservers"), "must provide at least one DNS nameserver when `dnsPolicy` is None");
        }
    }
    if servers.len() > 3 {
        errors.invalid(&path.child("nameservers"), servers.to_vec(), "must not have more than 3 nameservers");
    }
    for (i, server) in servers.iter().filter_map(Value::as_str).enumerate() {
        errors.all_invalid(&path.child("nameservers").index(i), server, names::ip(server));
    }
    if config.list("searches").len() > 32 {
        errors.invalid(&path.child("searches"), config.list("searches").to_vec(), "must not have more than 32 search paths");
    }
    for (i, option) in config.list("options").iter().enumerate() {
        if option.text("name").is_empty() {
            errors.required(&path.child("options").index(i), "must not be empty");
        }
    }
}

/// Checks a pod template (`ValidatePodTemplateSpec`).
pub fn template(template: &Value, path: &Path, errors: &mut Errors) {
    labels(template.at("metadata.labels"), &path.child("labels"), errors);
    annotations(template.at("metadata.annotations"), &path.child("annotations"), errors);
    pod_spec(template.at("spec"), &path.child("spec"), errors);
    if !template.list("spec.ephemeralContainers").is_empty() {
        errors.forbidden(&path.child("spec").child("ephemeralContainers"), "ephemeral containers not allowed in pod template");
    }
}
