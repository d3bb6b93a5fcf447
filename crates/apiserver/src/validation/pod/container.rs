//! Containers of all three lists.

use serde_json::Value;

use super::probe::{self, Kind};
use super::volume::Volumes;
use super::{environment, resources, security};
use crate::json::Json;
use crate::status::FieldError;
use crate::validation::names;
use crate::validation::path::{Errors, Path};

const PROTOCOLS: [&str; 3] = ["SCTP", "TCP", "UDP"];

/// Checks all containers of a pod spec.
pub fn all(spec: &Value, volumes: &Volumes<'_>, path: &Path, errors: &mut Errors) {
    let claims: Vec<&str> = spec.list("resourceClaims").iter().map(|c| c.text("name")).collect();
    let mut names: Vec<&str> = Vec::new();
    let containers = spec.list("containers");
    let list = path.child("containers");
    if containers.is_empty() {
        errors.required(&list, "");
    }
    for (i, container) in containers.iter().enumerate() {
        let path = list.index(i);
        common(container, volumes, &claims, &path, errors);
        unique(container, &mut names, &path, errors);
        probe::lifecycle(container.at("lifecycle"), &path.child("lifecycle"), errors);
        probes(container, &path, errors);
        restart_policy(container, &path, errors);
    }
    host_ports(containers, &list, errors);
    init(spec, volumes, &claims, &mut names, path, errors);
    ephemeral(spec, volumes, &claims, &mut names, path, errors);
}

fn unique<'a>(container: &'a Value, names: &mut Vec<&'a str>, path: &Path, errors: &mut Errors) {
    let name = container.text("name");
    if names.contains(&name) && !name.is_empty() {
        errors.duplicate(&path.child("name"), name);
    }
    names.push(name);
}

fn probes(container: &Value, path: &Path, errors: &mut Errors) {
    for (field, kind) in [("livenessProbe", Kind::Liveness), ("readinessProbe", Kind::Readiness), ("startupProbe", Kind::Startup)] {
        probe::probe(container.at(field), kind, &path.child(field), errors);
    }
}

/// Restart policies of single containers, with rules (`ContainerRestartRules`, on since 1.35).
fn restart_policy(container: &Value, path: &Path, errors: &mut Errors) {
    let (policy, rules) = (container.text("restartPolicy"), container.list("restartPolicyRules"));
    if policy.is_empty() {
        if !rules.is_empty() {
            errors.required(&path.child("restartPolicy"), "must specify restartPolicy when restart rules are used");
        }
        return;
    }
    const POLICIES: [&str; 3] = ["Always", "Never", "OnFailure"];
    if !POLICIES.contains(&policy) {
        errors.not_supported(&path.child("restartPolicy"), policy, &POLICIES);
    }
}

fn init<'a>(spec: &'a Value, volumes: &Volumes<'_>, claims: &[&str], names: &mut Vec<&'a str>, path: &Path, errors: &mut Errors) {
    let list = path.child("initContainers");
    for (i, container) in spec.list("initContainers").iter().enumerate() {
        let path = list.index(i);
        common(container, volumes, claims, &path, errors);
        let policy = container.text("restartPolicy");
        if !policy.is_empty() && !["Always", "Never", "OnFailure"].contains(&policy) {
            errors.not_supported(&path.child("restartPolicy"), policy, &["Always", "Never", "OnFailure"]);
        }
        unique(container, names, &path, errors);
        if policy == "Always" {
            probe::lifecycle(container.at("lifecycle"), &path.child("lifecycle"), errors);
            probes(container, &path, errors);
        } else {
            for field in ["lifecycle", "livenessProbe", "readinessProbe", "startupProbe"] {
                if container.has(field) {
                    errors.forbidden(&path.child(field), "may not be set for init containers without restartPolicy=Always");
                }
            }
        }
        host_ports(std::slice::from_ref(container), &list, errors);
    }
}

fn ephemeral<'a>(spec: &'a Value, volumes: &Volumes<'_>, claims: &[&str], names: &mut Vec<&'a str>, path: &Path, errors: &mut Errors) {
    const REFUSED: [&str; 6] = ["lifecycle", "livenessProbe", "readinessProbe", "startupProbe", "ports", "resizePolicy"];
    let list = path.child("ephemeralContainers");
    for (i, container) in spec.list("ephemeralContainers").iter().enumerate() {
        let path = list.index(i);
        common(container, volumes, claims, &path, errors);
        unique(container, names, &path, errors);
        let target = container.text("targetContainerName");
        let known = ["containers", "initContainers"].iter().flat_map(|l| spec.list(l)).any(|c| c.text("name") == target);
        if !target.is_empty() && !known {
            errors.push(FieldError::not_found(path.child("targetContainerName"), target));
        }
        for field in REFUSED.iter().filter(|f| container.has(f)) {
            errors.forbidden(&path.child(field), "cannot be set for an Ephemeral Container");
        }
        if container.object("resources").is_some_and(|r| !r.is_empty()) {
            errors.forbidden(&path.child("resources"), "cannot be set for an Ephemeral Container");
        }
    }
}

fn common(container: &Value, volumes: &Volumes<'_>, claims: &[&str], path: &Path, errors: &mut Errors) {
    match container.text("name") {
        "" => errors.required(&path.child("name"), ""),
        name => errors.all_invalid(&path.child("name"), name, names::dns_label(name)),
    }
    match container.text("image") {
        "" => errors.required(&path.child("image"), ""),
        image if image.trim() != image => {
            errors.invalid(&path.child("image"), image, "must not have leading or trailing whitespace");
        }
        _ => {}
    }
    errors.one_of(&path.child("terminationMessagePolicy"), container.text("terminationMessagePolicy"), &["File", "FallbackToLogsOnError"]);
    ports(container.list("ports"), &path.child("ports"), errors);
    environment::variables(container.list("env"), &path.child("env"), errors);
    environment::sources(container.list("envFrom"), &path.child("envFrom"), errors);
    volumes.mounts(container, &path.child("volumeMounts"), errors);
    volumes.devices(container, &path.child("volumeDevices"), errors);
    errors.one_of(&path.child("imagePullPolicy"), container.text("imagePullPolicy"), &["Always", "IfNotPresent", "Never"]);
    resources::requirements(container.at("resources"), claims, &path.child("resources"), errors);
    security::container(container.at("securityContext"), &path.child("securityContext"), errors);
}

fn ports(ports: &[Value], path: &Path, errors: &mut Errors) {
    let mut seen: Vec<&str> = Vec::new();
    for (i, port) in ports.iter().enumerate() {
        let path = path.index(i);
        let name = port.text("name");
        if !name.is_empty() {
            let messages = names::port_name(name);
            if !messages.is_empty() {
                errors.all_invalid(&path.child("name"), name, messages);
            } else if seen.contains(&name) {
                errors.duplicate(&path.child("name"), name);
            } else {
                seen.push(name);
            }
        }
        match port.int("containerPort").unwrap_or(0) {
            0 => errors.required(&path.child("containerPort"), ""),
            number => numbers(&path.child("containerPort"), number, errors),
        }
        if let Some(number) = port.int("hostPort").filter(|n| *n != 0) {
            numbers(&path.child("hostPort"), number, errors);
        }
        errors.one_of(&path.child("protocol"), port.text("protocol"), &PROTOCOLS);
    }
}

fn numbers(path: &Path, number: i64, errors: &mut Errors) {
    for message in names::port_number(number) {
        errors.invalid(path, number, message);
    }
}

/// Two containers of a pod cannot take the same port of the host.
fn host_ports(containers: &[Value], list: &Path, errors: &mut Errors) {
    let mut seen: Vec<String> = Vec::new();
    for (i, container) in containers.iter().enumerate() {
        for (j, port) in container.list("ports").iter().enumerate() {
            let Some(number) = port.int("hostPort").filter(|n| *n != 0) else { continue };
            let text = format!("{}/{}/{number}", port.text("protocol"), port.text("hostIP"));
            if seen.contains(&text) {
                errors.duplicate(&list.index(i).child("ports").index(j).child("hostPort"), text.as_str());
            }
            seen.push(text);
        }
    }
}
