//! Which rules a user has in a namespace (`pkg/registry/rbac/validation/rule.go`).

use serde_json::Value;

use super::chain::Decision;
use super::rules::{Wanted, allows};
use crate::json::Json;
use crate::lookup::Lookup;
use crate::request::UserInfo;

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
pub fn rules_for(core: &crate::server::Core, user: &UserInfo, namespace: &str) -> Resolved {
    let mut resolved = Resolved::default();
    let lookup = Lookup::new(core);
    let mut rules = Vec::new();
    let errors = visit(&lookup, user, namespace, &mut |_, _, role_rules| {
        rules.extend(role_rules.iter().cloned());
        false
    });
    resolved.rules = rules;
    resolved.errors = errors;
    resolved
}

/// Asks RBAC.
pub(super) fn authorize(lookup: &Lookup, user: &UserInfo, namespace: &str, wanted: &Wanted<'_>) -> Decision {
    let mut allowed = None;
    let errors = visit(lookup, user, namespace, &mut |binding, subject, rules| {
        if !rules.iter().any(|rule| allows(rule, wanted)) {
            return false;
        }
        allowed = Some(reason(binding, subject));
        true
    });
    match allowed {
        Some(reason) => Decision { allowed: true, reason },
        None if errors.is_empty() => Decision { allowed: false, reason: String::new() },
        None => Decision { allowed: false, reason: format!("RBAC: {}", aggregate(&errors)) },
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

/// Calls `f` with each binding of the user, the subject that names them and the role's rules, until it returns true.
fn visit(lookup: &Lookup, user: &UserInfo, namespace: &str, f: &mut dyn FnMut(&Value, &Value, &[Value]) -> bool) -> Vec<String> {
    let mut errors = Vec::new();
    let mut bindings = lookup.list(GROUP, "clusterrolebindings", "");
    if !namespace.is_empty() {
        bindings.extend(lookup.list(GROUP, "rolebindings", namespace));
    }
    for binding in &bindings {
        let binding = binding.value();
        let binding_namespace = binding.text("metadata.namespace");
        let Some(subject) = binding.list("subjects").iter().find(|s| applies(s, user, binding_namespace)) else { continue };
        match role(lookup, binding.at("roleRef"), binding_namespace) {
            Ok(role) => {
                if f(binding, subject, role.value().list("rules")) {
                    return errors;
                }
            }
            Err(error) => errors.push(error),
        }
    }
    errors
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
