//! Which rules a user has in a namespace (`pkg/registry/rbac/validation/rule.go`).

use serde_json::Value;

use super::chain::Decision;
use super::grants::{Grant, Grants, Remembered};
use super::rules::{Wanted, allows};
use crate::json::Json;
use crate::lookup::Lookup;
use crate::request::UserInfo;
use crate::server::Core;

const GROUP: &str = "rbac.authorization.k8s.io";

/// Rules that apply to a user, and what could not be resolved.
#[derive(Clone, Debug, Default)]
pub struct Resolved {
    /// Rules in the order of their bindings.
    pub rules: Vec<Value>,
    /// Roles that bindings name but that are not there.
    pub errors: Vec<String>,
}

/// All rules of a user in a namespace (cluster-wide ones only when it is empty).
pub fn rules_for(core: &Core, user: &UserInfo, namespace: &str) -> Resolved {
    let found = Remembered::of(core, user, namespace);
    let rules = found.grants.iter().flat_map(|grant| grant.role.value().list("rules")).cloned().collect();
    Resolved { rules, errors: found.errors.clone() }
}

/// Asks RBAC.
pub(super) fn authorize(core: &Core, user: &UserInfo, namespace: &str, wanted: &Wanted<'_>) -> Decision {
    let found = Remembered::of(core, user, namespace);
    let allowing = found.grants.iter().find(|grant| grant.role.value().list("rules").iter().any(|rule| allows(rule, wanted)));
    match allowing {
        Some(Grant { binding, subject, .. }) => {
            let binding = binding.value();
            Decision { allowed: true, reason: reason(binding, &binding.list("subjects")[*subject]) }
        }
        None if found.errors.is_empty() => Decision { allowed: false, reason: String::new() },
        None => Decision { allowed: false, reason: format!("RBAC: {}", aggregate(&found.errors)) },
    }
}

/// `[a, b]` of several errors, one alone as it is (`utilerrors.NewAggregate`).
fn aggregate(errors: &[String]) -> String {
    let mut unique: Vec<&str> = Vec::new();
    for error in errors {
        if !unique.contains(&error.as_str()) {
            unique.push(error);
        }
    }
    if let [one] = unique.as_slice() { (*one).to_owned() } else { format!("[{}]", unique.join(", ")) }
}

/// `RBAC: allowed by RoleBinding "b/ns" of Role "r" to User "jane"`.
fn reason(binding: &Value, subject: &Value) -> String {
    let name = match binding.text("metadata.namespace") {
        "" => binding.text("metadata.name").to_owned(),
        namespace => format!("{}/{namespace}", binding.text("metadata.name")),
    };
    let who = match (subject.text("kind"), subject.text("namespace")) {
        ("ServiceAccount", namespace) => format!("ServiceAccount {:?}", format!("{}/{namespace}", subject.text("name"))),
        (kind, _) => format!("{kind} {:?}", subject.text("name")),
    };
    let (kind, role) = (binding.text("roleRef.kind"), binding.text("roleRef.name"));
    format!("RBAC: allowed by {} {name:?} of {kind} {role:?} to {who}", binding.text("kind"))
}

/// Looks through all bindings for those of a user.
pub(super) fn find(lookup: &Lookup, user: &UserInfo, namespace: &str) -> Grants {
    let mut found = Grants { grants: Vec::new(), errors: Vec::new() };
    let mut bindings = lookup.list(GROUP, "clusterrolebindings", "");
    if !namespace.is_empty() {
        bindings.extend(lookup.list(GROUP, "rolebindings", namespace));
    }
    for object in bindings {
        let binding = object.value();
        let binding_namespace = binding.text("metadata.namespace");
        let Some(subject) = binding.list("subjects").iter().position(|s| applies(s, user, binding_namespace)) else { continue };
        match role(lookup, binding.at("roleRef"), binding_namespace) {
            Ok(role) => found.grants.push(Grant { binding: object, subject, role }),
            Err(error) => found.errors.push(error),
        }
    }
    found
}

/// The role that a binding refers to.
pub(super) fn role(lookup: &Lookup, reference: &Value, namespace: &str) -> Result<std::sync::Arc<crate::store::Object>, String> {
    let name = reference.text("name");
    let (plural, singular, namespace) = match reference.text("kind") {
        "Role" => ("roles", "role", namespace),
        "ClusterRole" => ("clusterroles", "clusterrole", ""),
        other => return Err(format!("unsupported role reference kind: {other:?}")),
    };
    lookup.get(GROUP, plural, namespace, name).ok_or_else(|| format!("{singular}.{GROUP} {name:?} not found"))
}

fn applies(subject: &Value, user: &UserInfo, binding_namespace: &str) -> bool {
    let name = subject.text("name");
    match subject.text("kind") {
        "User" => user.name == name,
        "Group" => user.groups.iter().any(|g| g == name),
        "ServiceAccount" => {
            let namespace = match subject.text("namespace") {
                "" => binding_namespace,
                namespace => namespace,
            };
            !namespace.is_empty() && user.name.strip_prefix("system:serviceaccount:") == Some(&format!("{namespace}:{name}"))
        }
        _ => false,
    }
}
