//! `PodSecurity`: the namespace's labels say which standard pods must meet.

use serde_json::Value;

use super::plugin::{forbidden, is, lookup};
use super::pod_security_checks::{Level, reasons, violations};
use crate::json::Json;
use crate::server::{AdmissionCall, Operation};
use crate::status::ApiError;

const PREFIX: &str = "pod-security.kubernetes.io/";

/// Level and version of one mode.
struct Policy {
    level: Level,
    text: String,
}

fn policy(namespace: &Value, mode: &str) -> Policy {
    let label = |name: String| namespace.object("metadata.labels").and_then(|l| l.get(&name)).and_then(Value::as_str).map(str::to_owned);
    let level = label(format!("{PREFIX}{mode}"));
    let version = label(format!("{PREFIX}{mode}-version")).unwrap_or_else(|| "latest".to_owned());
    let parsed = match level.as_deref() {
        None | Some("privileged") => Level::Privileged,
        Some("baseline") => Level::Baseline,
        // A level that cannot be read is the strictest one.
        Some(_) => Level::Restricted,
    };
    Policy { level: parsed, text: format!("{}:{version}", parsed.name()) }
}

/// Without a level of its own, what is enforced on pods is warned of on everything that makes pods.
fn warn_policy(namespace: &Value) -> Policy {
    let own = namespace.object("metadata.labels").is_some_and(|l| l.contains_key(&format!("{PREFIX}warn")));
    let enforce = policy(namespace, "enforce");
    if !own && enforce.level > Level::Privileged { enforce } else { policy(namespace, "warn") }
}

/// Where the pod (template) of a kind stands.
fn template_path(group: &str, plural: &str) -> Option<&'static str> {
    Some(match (group, plural) {
        ("", "pods") => "",
        ("", "podtemplates") => "template",
        ("", "replicationcontrollers") | ("apps", "replicasets" | "deployments" | "statefulsets" | "daemonsets") | ("batch", "jobs") => {
            "spec.template"
        }
        ("batch", "cronjobs") => "spec.jobTemplate.spec.template",
        _ => return None,
    })
}

pub(super) fn judge(call: &AdmissionCall<'_>, object: &Value) -> Result<(), ApiError> {
    if is(call, "", "namespaces") && matches!(call.operation, Operation::Create | Operation::Update) {
        return namespace(call, object);
    }
    let (group, plural) = (call.resource.gvk.group.as_str(), call.resource.plural.as_str());
    let Some(path) = template_path(group, plural) else { return Ok(()) };
    let ephemeral = plural == "pods" && call.subresource == "ephemeralcontainers";
    if !(call.subresource.is_empty() || ephemeral) || !matches!(call.operation, Operation::Create | Operation::Update) {
        return Ok(());
    }
    let Some(namespace) = lookup(call).get("", "namespaces", "", call.namespace) else { return Ok(()) };
    let namespace = namespace.value();
    let is_pod = path.is_empty();
    // Nothing that matters changed (`isSignificantPodUpdate`).
    if is_pod
        && !ephemeral
        && call.old.is_some_and(|old| {
            old.at("spec.containers") == object.at("spec.containers") && old.at("spec.initContainers") == object.at("spec.initContainers")
        })
    {
        return Ok(());
    }
    let pod = object.at(path);
    let found = |policy: &Policy| violations(policy.level, pod.at("metadata"), pod.at("spec"));
    let enforce = policy(namespace, "enforce");
    if is_pod {
        let found = found(&enforce);
        if !found.is_empty() {
            return Err(forbidden(call, object, format!("violates PodSecurity {:?}: {found}", enforce.text)));
        }
    }
    let warn = warn_policy(namespace);
    let found = found(&warn);
    if !found.is_empty() {
        call.context.warn(format!("would violate PodSecurity {:?}: {found}", warn.text));
    }
    Ok(())
}

/// Labels must be readable, and a stricter level warns of pods that are there already.
fn namespace(call: &AdmissionCall<'_>, namespace: &Value) -> Result<(), ApiError> {
    for mode in ["enforce", "audit", "warn"] {
        let key = format!("{PREFIX}{mode}");
        let value = namespace.object("metadata.labels").and_then(|l| l.get(&key)).and_then(Value::as_str);
        if let Some(value) = value.filter(|v| !matches!(*v, "privileged" | "baseline" | "restricted")) {
            let why = "must be one of privileged, baseline, restricted";
            let error = crate::status::FieldError::invalid(format!("metadata.labels[{key}]"), value, why);
            let name = namespace.text("metadata.name");
            // A label that was broken before may stay.
            if call.old.and_then(|old| old.object("metadata.labels")?.get(&key)) != Some(&Value::from(value)) {
                return Err(ApiError::invalid("", "Namespace", name, &[error]));
            }
        }
    }
    let enforce = policy(namespace, "enforce");
    if call.operation != Operation::Update || call.old.is_some_and(|old| policy(old, "enforce").text == enforce.text) {
        return Ok(());
    }
    let name = namespace.text("metadata.name");
    let mut warnings: Vec<(String, String, usize)> = Vec::new();
    for pod in lookup(call).list("", "pods", name) {
        let pod = pod.value();
        let found = reasons(enforce.level, pod.at("metadata"), pod.at("spec"));
        if found.is_empty() {
            continue;
        }
        match warnings.iter_mut().find(|(_, text, _)| *text == found) {
            Some((_, _, count)) => *count += 1,
            None => warnings.push((pod.text("metadata.name").to_owned(), found, 1)),
        }
    }
    if warnings.is_empty() {
        return Ok(());
    }
    call.context.warn(format!("existing pods in namespace {name:?} violate the new PodSecurity enforce level {:?}", enforce.text));
    for (pod, found, count) in warnings {
        call.context.warn(match count {
            1 => format!("{pod}: {found}"),
            2 => format!("{pod} (and 1 other pod): {found}"),
            more => format!("{pod} (and {} other pods): {found}", more - 1),
        });
    }
    Ok(())
}
