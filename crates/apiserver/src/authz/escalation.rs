//! Nobody may grant what they do not hold (`pkg/registry/rbac/validation` and the `policybased` storages).

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::chain::decide;
use super::rbac::{role, rules_for};
use crate::json::Json;
use crate::lookup::Lookup;
use crate::request::{RequestInfo, UserInfo};
use crate::server::Core;
use crate::status::ApiError;

const GROUP: &str = "rbac.authorization.k8s.io";

fn is_master(user: &UserInfo) -> bool {
    user.groups.iter().any(|g| g == "system:masters")
}

fn may(core: &Core, user: &UserInfo, verb: &'static str, resource: &str, namespace: &str, name: &str) -> bool {
    let info = RequestInfo {
        is_resource: true,
        verb,
        group: GROUP.to_owned(),
        version: "v1".to_owned(),
        resource: resource.to_owned(),
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        ..RequestInfo::default()
    };
    decide(core, user, &info).allowed
}

/// Confirms that a user may write a Role or ClusterRole with these rules.
pub fn confirm_role(core: &Core, user: &UserInfo, resource: &str, namespace: &str, name: &str, rules: &[Value]) -> Result<(), ApiError> {
    if is_master(user) || may(core, user, "escalate", resource, namespace, name) {
        return Ok(());
    }
    confirm(core, user, namespace, rules).map_err(|why| ApiError::forbidden(GROUP, resource, name, &why))
}

/// Confirms that a user may write a RoleBinding or ClusterRoleBinding to a role.
pub fn confirm_binding(core: &Core, user: &UserInfo, resource: &str, namespace: &str, binding: &Value) -> Result<(), ApiError> {
    let reference = binding.at("roleRef");
    let kind = if reference.text("kind") == "Role" { "roles" } else { "clusterroles" };
    if is_master(user) || may(core, user, "bind", kind, namespace, reference.text("name")) {
        return Ok(());
    }
    let lookup = Lookup::new(core);
    let found = match role(&lookup, reference, namespace) {
        Ok(found) => found,
        // `GetRoleReferenceRules` hands on the look-up's 404.
        Err(_) => return Err(ApiError::not_found(GROUP, kind, reference.text("name"))),
    };
    confirm(core, user, namespace, found.value().list("rules"))
        .map_err(|why| ApiError::forbidden(GROUP, resource, binding.text("metadata.name"), &why))
}

fn confirm(core: &Core, user: &UserInfo, namespace: &str, rules: &[Value]) -> Result<(), String> {
    let held = rules_for(core, user, namespace);
    let missing: Vec<Value> = rules.iter().flat_map(break_down).filter(|rule| !held.rules.iter().any(|h| covers(h, rule))).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let mut texts: Vec<String> = compact(missing).iter().map(text).collect();
    texts.sort();
    texts.dedup();
    let mut why = format!(
        "user {:?} (groups={}) is attempting to grant RBAC permissions not currently held:\n{}",
        user.name,
        go_list(user.groups.iter().map(String::as_str)),
        texts.join("\n")
    );
    if !held.errors.is_empty() {
        why = format!("{why}; resolution errors: [{}]", held.errors.join(" "));
    }
    Err(why)
}

/// Splits a rule into rules of one verb, group, resource and name each (`BreakdownRule`).
fn break_down(rule: &Value) -> Vec<Value> {
    let mut out = Vec::new();
    for verb in rule.list("verbs") {
        for url in rule.list("nonResourceURLs") {
            out.push(json!({"verbs": [verb], "nonResourceURLs": [url]}));
        }
        for group in rule.list("apiGroups") {
            for resource in rule.list("resources") {
                let one = json!({"verbs": [verb], "apiGroups": [group], "resources": [resource]});
                if rule.list("resourceNames").is_empty() {
                    out.push(one);
                } else {
                    for name in rule.list("resourceNames") {
                        let mut named = one.clone();
                        named["resourceNames"] = json!([name]);
                        out.push(named);
                    }
                }
            }
        }
    }
    out
}

/// Whether a held rule covers a broken-down one (`ruleCovers`).
fn covers(held: &Value, wanted: &Value) -> bool {
    let has_all = |field: &str| {
        let held = held.list(field);
        wanted.list(field).iter().all(|w| held.iter().any(|h| h == "*" || h == w))
    };
    if !has_all("verbs") {
        return false;
    }
    if let [url] = wanted.list("nonResourceURLs") {
        let url = url.as_str().unwrap_or_default();
        return held
            .list("nonResourceURLs")
            .iter()
            .filter_map(Value::as_str)
            .any(|h| h == "*" || h == url || h.strip_suffix('*').is_some_and(|start| url.trim_end_matches('*').starts_with(start)));
    }
    let resources = wanted.list("resources").iter().filter_map(Value::as_str).all(|w| {
        let every_sub = w.split_once('/').map(|(_, sub)| format!("*/{sub}"));
        held.list("resources").iter().any(|h| h == "*" || h == w || every_sub.as_deref().is_some_and(|s| h == s))
    });
    let names = held.list("resourceNames");
    let names =
        names.is_empty() || (!wanted.list("resourceNames").is_empty() && wanted.list("resourceNames").iter().all(|w| names.contains(w)));
    has_all("apiGroups") && resources && names
}

/// Joins rules that differ in verbs only (`CompactRules`).
fn compact(rules: Vec<Value>) -> Vec<Value> {
    let mut by_target: BTreeMap<String, Value> = BTreeMap::new();
    for rule in rules {
        let mut target = rule.clone();
        target.remove("verbs");
        let entry = by_target.entry(target.to_string()).or_insert_with(|| {
            target.put("verbs", json!([]));
            target
        });
        if let Some(verbs) = entry["verbs"].as_array_mut() {
            verbs.extend(rule.list("verbs").iter().cloned());
        }
    }
    by_target.into_values().collect()
}

/// `["a" "b"]`, Go's `%q` of a list.
fn go_list<'a>(items: impl Iterator<Item = &'a str>) -> String {
    format!("[{}]", items.map(|i| format!("{i:?}")).collect::<Vec<_>>().join(" "))
}

/// `{APIGroups:[""], Resources:["pods"], Verbs:["get"]}` (`CompactString`).
fn text(rule: &Value) -> String {
    const PARTS: [(&str, &str); 5] = [
        ("APIGroups", "apiGroups"),
        ("Resources", "resources"),
        ("NonResourceURLs", "nonResourceURLs"),
        ("ResourceNames", "resourceNames"),
        ("Verbs", "verbs"),
    ];
    let parts: Vec<String> = PARTS
        .iter()
        .filter(|(_, field)| !rule.list(field).is_empty())
        .map(|(label, field)| format!("{label}:{}", go_list(rule.list(field).iter().filter_map(Value::as_str))))
        .collect();
    format!("{{{}}}", parts.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_rights_are_found_and_joined() {
        let held = json!({"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]});
        let wanted = json!({"apiGroups": [""], "resources": ["pods", "secrets"], "verbs": ["get", "list"]});
        let missing: Vec<Value> = break_down(&wanted).into_iter().filter(|rule| !covers(&held, rule)).collect();
        let mut texts: Vec<String> = compact(missing).iter().map(text).collect();
        texts.sort();
        assert_eq!(
            texts,
            [r#"{APIGroups:[""], Resources:["pods"], Verbs:["list"]}"#, r#"{APIGroups:[""], Resources:["secrets"], Verbs:["get" "list"]}"#]
        );
    }

    #[test]
    fn names_narrow_what_is_held() {
        let held = json!({"apiGroups": [""], "resources": ["secrets"], "verbs": ["*"], "resourceNames": ["a"]});
        let one = |names: Value| json!({"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"], "resourceNames": names});
        assert!(covers(&held, &one(json!(["a"]))));
        assert!(!covers(&held, &one(json!(["b"]))));
        assert!(!covers(&held, &one(json!([]))));
    }
}
