//! Requests and limits.

use serde_json::Value;
use values::Quantity;

use crate::json::Json;
use crate::validation::names;
use crate::validation::path::{Errors, Path};

/// A quantity written as text or number.
pub fn quantity(value: &Value) -> Option<Quantity> {
    match value {
        Value::String(text) => text.parse().ok(),
        Value::Number(number) => number.to_string().parse().ok(),
        _ => None,
    }
}

/// A quantity in canonical form, as errors print it.
pub fn canonical(value: &Value) -> String {
    quantity(value).map_or_else(|| value.to_string(), |q| q.to_string())
}

const CONTAINER: [&str; 3] = ["cpu", "memory", "ephemeral-storage"];
/// Names that are standard without a prefix, in any place (`IsStandardResourceName`).
const STANDARD: [&str; 20] = [
    "cpu",
    "memory",
    "ephemeral-storage",
    "requests.cpu",
    "requests.memory",
    "requests.ephemeral-storage",
    "limits.cpu",
    "limits.memory",
    "limits.ephemeral-storage",
    "pods",
    "resourcequotas",
    "services",
    "replicationcontrollers",
    "secrets",
    "configmaps",
    "persistentvolumeclaims",
    "storage",
    "requests.storage",
    "services.nodeports",
    "services.loadbalancers",
];

fn is_huge_pages(name: &str) -> bool {
    name.starts_with("hugepages-")
}

/// Checks the name of a resource (`validateResourceName`).
pub fn resource_name(name: &str, path: &Path, errors: &mut Errors) {
    let messages = names::qualified_name(name);
    if !messages.is_empty() {
        return errors.all_invalid(path, name, messages);
    }
    if !name.contains('/') && !STANDARD.contains(&name) && !is_huge_pages(name) && !name.starts_with("requests.hugepages-") {
        errors.invalid(path, name, "must be a standard resource type or fully qualified");
    }
}

fn container_resource_name(name: &str, path: &Path, errors: &mut Errors) {
    resource_name(name, path, errors);
    if !name.contains('/') {
        if !CONTAINER.contains(&name) && !is_huge_pages(name) {
            errors.invalid(path, name, "must be a standard resource for containers");
        }
    } else if !name.contains("kubernetes.io/") && name.starts_with("requests.") {
        errors.invalid(path, name, "doesn't follow extended resource name standard");
    }
}

/// Checks an amount: not negative, and whole where halves make no sense (`ValidateResourceQuantityValue`).
pub fn check_quantity(name: &str, value: &Value, path: &Path, errors: &mut Errors) {
    let Some(amount) = quantity(value) else { return };
    if amount.is_negative() {
        errors.invalid(path, amount.to_string(), "must be greater than or equal to 0");
    }
    let whole = matches!(
        name,
        "pods"
            | "resourcequotas"
            | "services"
            | "replicationcontrollers"
            | "secrets"
            | "configmaps"
            | "persistentvolumeclaims"
            | "services.nodeports"
            | "services.loadbalancers"
    ) || name.starts_with("count/")
        || (name.contains('/') && !name.contains("kubernetes.io/"));
    if whole && amount.milli() % 1000 != 0 {
        errors.invalid(path, value.clone(), "must be an integer");
    }
}

/// Whether requests may be lower than limits: not for extended resources and huge pages (`IsOvercommitAllowed`).
fn overcommit(name: &str) -> bool {
    let native = !name.contains('/') || name.contains("kubernetes.io/");
    native && !is_huge_pages(name)
}

/// Checks `resources` of a container (`validateResourceRequirements`).
pub fn requirements(resources: &Value, claims: &[&str], path: &Path, errors: &mut Errors) {
    let (limit_path, request_path) = (path.child("limits"), path.child("requests"));
    let (mut huge, mut basic) = (false, false);
    let limits = resources.entries("limits");
    for (name, value) in &limits {
        let path = limit_path.key(name);
        container_resource_name(name, &path, errors);
        check_quantity(name, value, &path, errors);
        huge |= is_huge_pages(name);
        basic |= matches!(*name, "cpu" | "memory");
    }
    for (name, value) in resources.entries("requests") {
        let path = request_path.key(name);
        container_resource_name(name, &path, errors);
        check_quantity(name, value, &path, errors);
        let limit = limits.iter().find(|(n, _)| *n == name).map(|(_, v)| *v);
        match (limit, quantity(value), limit.and_then(quantity)) {
            (Some(_), Some(request), Some(limit)) if request != limit && !overcommit(name) => {
                errors.invalid(&request_path, request.to_string(), format!("must be equal to {name} limit of {limit}"));
            }
            (Some(_), Some(request), Some(limit)) if request > limit => {
                errors.invalid(&request_path, request.to_string(), format!("must be less than or equal to {name} limit of {limit}"));
            }
            (None, ..) if !overcommit(name) => errors.required(&limit_path, "Limit must be set for non overcommitable resources"),
            _ => {}
        }
        huge |= is_huge_pages(name);
        basic |= matches!(name, "cpu" | "memory");
    }
    if huge && !basic {
        errors.forbidden(path, "HugePages require cpu or memory");
    }
    for (i, claim) in resources.list("claims").iter().enumerate() {
        let path = path.child("claims").index(i);
        match claim.text("name") {
            "" => errors.required(&path, ""),
            name if !claims.contains(&name) => errors.push(crate::status::FieldError::not_found(&path, name)),
            _ => {}
        }
    }
}
