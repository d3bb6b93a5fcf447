//! Environment variables and the references in them.

use serde_json::Value;

use crate::json::Json;
use crate::validation::names;
use crate::validation::path::{Errors, Path};

const ENVIRONMENT_FIELDS: [&str; 9] = [
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
];
const VOLUME_FIELDS: [&str; 5] = ["metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace", "metadata.uid"];
const RESOURCE_FIELDS: [&str; 6] =
    ["limits.cpu", "limits.ephemeral-storage", "limits.memory", "requests.cpu", "requests.ephemeral-storage", "requests.memory"];

/// Where a field reference stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In `env`.
    Environment,
    /// In a downward API volume.
    Volume,
}

/// Checks `env` (`ValidateEnv`).
pub fn variables(list: &[Value], path: &Path, errors: &mut Errors) {
    for (i, variable) in list.iter().enumerate() {
        let path = path.index(i);
        match variable.text("name") {
            "" => errors.required(&path.child("name"), ""),
            name => errors.all_invalid(&path.child("name"), name, names::env_name(name)),
        }
        value_from(variable, &path.child("valueFrom"), errors);
    }
}

fn value_from(variable: &Value, path: &Path, errors: &mut Errors) {
    let from = variable.at("valueFrom");
    if from.is_null() {
        return;
    }
    let mut sources = 0;
    if from.has("fieldRef") {
        sources += 1;
        field_reference(from.at("fieldRef"), Place::Environment, &path.child("fieldRef"), errors);
    }
    if from.has("resourceFieldRef") {
        sources += 1;
        resource_reference(from.at("resourceFieldRef"), false, &path.child("resourceFieldRef"), errors);
    }
    for kind in ["configMapKeyRef", "secretKeyRef"] {
        if from.has(kind) {
            sources += 1;
            key_reference(from.at(kind), &path.child(kind), errors);
        }
    }
    if from.has("fileKeyRef") {
        sources += 1;
    }
    if sources == 0 {
        errors.invalid(path, "", "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`");
    }
    if !variable.text("value").is_empty() {
        if sources > 0 {
            errors.invalid(path, "", "may not be specified when `value` is not empty");
        }
    } else if sources > 1 {
        errors.invalid(path, "", "may not have more than one field specified at a time");
    }
}

/// Checks a `fieldRef` (`validateObjectFieldSelector`).
pub fn field_reference(reference: &Value, place: Place, path: &Path, errors: &mut Errors) {
    let field = reference.text("fieldPath");
    if reference.text("apiVersion").is_empty() {
        return errors.required(&path.child("apiVersion"), "");
    }
    if field.is_empty() {
        return errors.required(&path.child("fieldPath"), "");
    }
    if let Some((base, subscript)) = field.strip_suffix("']").and_then(|f| f.split_once("['")) {
        match base {
            "metadata.annotations" => {
                errors.all_invalid(path, &subscript.to_ascii_lowercase(), names::qualified_name(&subscript.to_ascii_lowercase()))
            }
            "metadata.labels" => errors.all_invalid(path, subscript, names::qualified_name(subscript)),
            other => errors.invalid(
                &path.child("fieldPath"),
                field,
                format!("error converting fieldPath: field label does not support subscript: {other:?}"),
            ),
        }
        return;
    }
    let field = if field == "spec.host" { "spec.nodeName" } else { field };
    let known = ENVIRONMENT_FIELDS.contains(&field)
        || VOLUME_FIELDS.contains(&field)
        || matches!(field, "spec.restartPolicy" | "spec.schedulerName" | "status.phase" | "status.nominatedNodeName");
    if !known {
        let why = format!("error converting fieldPath: field label not supported: {field}");
        return errors.invalid(&path.child("fieldPath"), field, why);
    }
    let allowed: &[&str] = if place == Place::Environment { &ENVIRONMENT_FIELDS } else { &VOLUME_FIELDS };
    if !allowed.contains(&field) {
        errors.not_supported(&path.child("fieldPath"), field, allowed);
    }
}

/// Checks a `resourceFieldRef` (`validateContainerResourceFieldSelector`).
pub fn resource_reference(reference: &Value, volume: bool, path: &Path, errors: &mut Errors) {
    let resource = reference.text("resource");
    if volume && reference.text("containerName").is_empty() {
        errors.required(&path.child("containerName"), "");
    } else if resource.is_empty() {
        errors.required(&path.child("resource"), "");
    } else if !RESOURCE_FIELDS.contains(&resource)
        && !["limits.hugepages-", "requests.hugepages-"].iter().any(|prefix| resource.starts_with(prefix))
    {
        errors.not_supported(&path.child("resource"), resource, &RESOURCE_FIELDS);
    }
}

fn key_reference(reference: &Value, path: &Path, errors: &mut Errors) {
    let (name, key) = (reference.text("name"), reference.text("key"));
    // An empty name stays allowed for compatibility.
    if !name.is_empty() {
        errors.all_invalid(&path.child("name"), name, names::dns_subdomain(name));
    }
    if key.is_empty() {
        errors.required(&path.child("key"), "");
    } else {
        errors.all_invalid(&path.child("key"), key, names::config_key(key));
    }
}

/// Checks `envFrom` (`ValidateEnvFrom`).
pub fn sources(list: &[Value], path: &Path, errors: &mut Errors) {
    for (i, source) in list.iter().enumerate() {
        let item = path.index(i);
        let prefix = source.text("prefix");
        if !prefix.is_empty() {
            errors.all_invalid(&item.child("prefix"), prefix, names::env_name(prefix));
        }
        let mut count = 0;
        for kind in ["configMapRef", "secretRef"] {
            if !source.has(kind) {
                continue;
            }
            count += 1;
            let name_path = item.child(kind).child("name");
            match source.at(kind).text("name") {
                "" => errors.required(&name_path, ""),
                name => errors.all_invalid(&name_path, name, names::dns_subdomain(name)),
            }
        }
        // Upstream reports these two at the list, not at the item.
        if count == 0 {
            errors.invalid(path, "", "must specify one of: `configMapRef` or `secretRef`");
        } else if count > 1 {
            errors.invalid(path, "", "may not have more than one field specified at a time");
        }
    }
}
