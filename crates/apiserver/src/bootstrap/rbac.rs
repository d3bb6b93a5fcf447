//! The default roles and bindings, from `rbac.txt`: created when missing, completed when something was taken away
//! (`rbac/bootstrap-roles`, reconciliation by `rbac.authorization.kubernetes.io/autoupdate`).

use std::sync::OnceLock;

use serde_json::{Value, json};

use super::write;
use crate::json::Json;
use crate::server::Core;

const DATA: &str = include_str!("rbac.txt");
const GROUP: &str = "rbac.authorization.k8s.io";
const AUTO_UPDATE: &str = "rbac.authorization.kubernetes.io/autoupdate";

/// Creates or completes all of them.
pub(super) fn ensure(core: &Core) {
    for object in objects() {
        let plural = match object.text("kind") {
            "ClusterRole" => "clusterroles",
            "Role" => "roles",
            "ClusterRoleBinding" => "clusterrolebindings",
            _ => "rolebindings",
        };
        let (namespace, name) = (object.text("metadata.namespace"), object.text("metadata.name"));
        match write::get(core, GROUP, plural, namespace, name) {
            Some(current) if is_complete(current.value(), object) => {}
            Some(_) => write::change(core, GROUP, plural, namespace, name, |current| complete(current, object)),
            None => {
                let mut body = object.clone();
                body.remove("kind");
                write::create(core, GROUP, plural, body);
            }
        }
    }
}

/// Whether [`complete`] would change nothing: at every start but the first, so it is found out without a copy.
fn is_complete(current: &Value, wanted: &Value) -> bool {
    ["rules", "subjects"].iter().all(|field| {
        let (has, wants) = (current.list(field), wanted.list(field));
        // As a rule they are the same in the same order.
        wants.iter().enumerate().all(|(at, item)| has.get(at) == Some(item) || has.contains(item))
    })
}

/// Adds rules and subjects that a default object lost, unless its owner forbade it. Returns whether anything changed.
fn complete(current: &mut Value, wanted: &Value) -> bool {
    let off = current.object("metadata.annotations").and_then(|a| a.get(AUTO_UPDATE)).is_some_and(|v| v == "false");
    if off || wanted.has("aggregationRule") {
        return false;
    }
    let mut changed = false;
    for field in ["rules", "subjects"] {
        let missing: Vec<Value> = wanted.list(field).iter().filter(|item| !current.list(field).contains(item)).cloned().collect();
        if missing.is_empty() {
            continue;
        }
        let mut all = current.list(field).to_vec();
        all.extend(missing);
        current.put(field, all);
        changed = true;
    }
    changed
}

/// Rules of a default ClusterRole.
pub fn cluster_role_rules(name: &str) -> Vec<Value> {
    let found = objects().iter().find(|o| o.text("kind") == "ClusterRole" && o.text("metadata.name") == name);
    found.map(|role| role.list("rules").to_vec()).unwrap_or_default()
}

/// All objects of the file, read once. Aggregated roles already have the rules that their controller would fill in.
fn objects() -> &'static [Value] {
    static OBJECTS: OnceLock<Vec<Value>> = OnceLock::new();
    OBJECTS.get_or_init(read)
}

fn read() -> Vec<Value> {
    let mut objects: Vec<Value> = Vec::new();
    for line in DATA.lines().filter(|l| !l.starts_with('#') && !l.trim().is_empty()) {
        match line.strip_prefix("  ") {
            Some(rule) => {
                if let Some(rules) = objects.last_mut().map(|role| role.slot("rules")) {
                    match rules {
                        Value::Array(list) => list.push(parse_rule(rule)),
                        other => *other = json!([parse_rule(rule)]),
                    }
                }
            }
            None => objects.push(parse_head(line)),
        }
    }
    aggregate(&mut objects);
    objects
}

fn list(text: &str) -> Value {
    text.split(',').map(|item| if item == "core" { "" } else { item }).collect()
}

fn parse_rule(line: &str) -> Value {
    let parts: Vec<&str> = line.split(' ').collect();
    match parts.as_slice() {
        ["url", urls, verbs] => json!({"nonResourceURLs": urls.split(',').collect::<Value>(), "verbs": list(verbs)}),
        [groups, resources, verbs, names @ ..] => {
            let mut rule = json!({"apiGroups": list(groups)});
            if let [names] = names {
                rule.put("resourceNames", names.split(',').collect::<Value>());
            }
            rule.put("resources", resources.split(',').collect::<Value>());
            rule.put("verbs", list(verbs));
            rule
        }
        _ => Value::Null,
    }
}

fn parse_head(line: &str) -> Value {
    let mut parts = line.split(' ').filter(|p| !p.is_empty());
    let (kind, name) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let (namespace, name) = match name.split_once('/') {
        // Cluster roles have no slash in their names.
        Some((namespace, name)) => (namespace, name),
        None => ("", name),
    };
    let mut metadata = json!({"name": name});
    if !namespace.is_empty() {
        metadata.put("namespace", namespace);
    }
    metadata["annotations"] = json!({ AUTO_UPDATE: "true" });
    let mut labels = json!({"kubernetes.io/bootstrapping": "rbac-defaults"});
    let mut object = json!({"kind": kind});
    if kind.ends_with("Binding") {
        let (role_kind, role) = parts.next().unwrap_or_default().split_once('/').unwrap_or_default();
        object.put("roleRef", json!({"apiGroup": GROUP, "kind": role_kind, "name": role}));
        let subjects: Vec<Value> = parts.map(parse_subject).collect();
        if !subjects.is_empty() {
            object.put("subjects", subjects);
        }
    } else {
        let mut selectors = Vec::new();
        for part in parts {
            match part.strip_prefix('<') {
                Some(label) => selectors.push(json!({"matchLabels": {format!("{GROUP}/{label}"): "true"}})),
                None => labels[format!("{GROUP}/{part}")] = "true".into(),
            }
        }
        if !selectors.is_empty() {
            object.put("aggregationRule", json!({"clusterRoleSelectors": selectors}));
        }
        object.put("rules", Value::Null);
    }
    metadata.put("labels", labels);
    object.put("metadata", metadata);
    object
}

fn parse_subject(text: &str) -> Value {
    let (kind, name) = text.split_once(':').unwrap_or_default();
    match (kind, name.split_once('/')) {
        ("ServiceAccount", Some((namespace, name))) => json!({"kind": kind, "name": name, "namespace": namespace}),
        _ => json!({"apiGroup": GROUP, "kind": kind, "name": name}),
    }
}

/// Fills in what the aggregation controller would, so that `admin`, `edit` and `view` are whole from the first moment.
fn aggregate(objects: &mut [Value]) {
    // Three rounds: `admin` aggregates `edit`, which aggregates `view`.
    for _ in 0..3 {
        let snapshot = objects.to_vec();
        for role in objects.iter_mut().filter(|o| o.has("aggregationRule")) {
            let labels: Vec<String> = role
                .list("aggregationRule.clusterRoleSelectors")
                .iter()
                .flat_map(|s| s.entries("matchLabels").into_iter().map(|(k, _)| k.to_owned()).collect::<Vec<_>>())
                .collect();
            let mut rules: Vec<Value> = Vec::new();
            let matching =
                snapshot.iter().filter(|o| o.object("metadata.labels").is_some_and(|l| labels.iter().any(|k| l.contains_key(k))));
            for other in matching.filter(|o| o.text("metadata.name") != role.text("metadata.name")) {
                rules.extend(other.list("rules").iter().filter(|r| !rules.contains(r)).cloned().collect::<Vec<_>>());
            }
            role.put("rules", rules);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authz::{Wanted, allows};

    #[test]
    fn the_file_holds_upstreams_objects() {
        let all = objects();
        let count = |kind: &str| all.iter().filter(|o| o.text("kind") == kind).count();
        assert!(count("ClusterRole") > 60 && count("ClusterRoleBinding") > 40 && count("Role") > 5 && count("RoleBinding") > 5);
        assert!(all.iter().all(|o| !o.text("metadata.name").is_empty()));
        let every = all.iter().flat_map(|o| o.list("rules")).all(|r| !r.is_null() && !r.list("verbs").is_empty());
        assert!(every, "every rule has verbs");
    }

    #[test]
    fn aggregated_roles_are_whole() {
        let may = |role: &str, verb: &str, resource: &str| {
            let wanted = Wanted::Resource { verb, group: "", resource, subresource: "", name: "x" };
            cluster_role_rules(role).iter().any(|r| allows(r, &wanted))
        };
        assert!(may("view", "get", "pods") && !may("view", "get", "secrets") && !may("view", "delete", "pods"));
        assert!(may("edit", "delete", "pods") && may("edit", "get", "secrets"));
        assert!(may("admin", "get", "secrets") && may("admin", "list", "pods"));
    }

    #[test]
    fn lost_rules_come_back_unless_auto_update_is_off() {
        let wanted = json!({"rules": [{"verbs": ["get"]}, {"verbs": ["list"]}]});
        let mut current = json!({"metadata": {}, "rules": [{"verbs": ["get"]}]});
        assert!(complete(&mut current, &wanted));
        assert_eq!(current["rules"], wanted["rules"]);
        let mut off = json!({"metadata": {"annotations": {AUTO_UPDATE: "false"}}, "rules": []});
        assert!(!complete(&mut off, &wanted));
    }
}
