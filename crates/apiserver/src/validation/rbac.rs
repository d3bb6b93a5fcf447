//! Roles and bindings (`pkg/apis/rbac/validation`).

use serde_json::Value;

use super::names;
use super::path::{Errors, Path};
use crate::json::Json;
use crate::registry::Validation;
use crate::status::FieldError;

const GROUP: &str = "rbac.authorization.k8s.io";

/// Judges a Role.
pub fn role(input: &Validation<'_>) -> Vec<FieldError> {
    let mut errors = Errors::default();
    rules(input.object, true, &mut errors);
    errors.0
}

/// Judges a ClusterRole.
pub fn cluster_role(input: &Validation<'_>) -> Vec<FieldError> {
    let mut errors = Errors::default();
    rules(input.object, false, &mut errors);
    if input.object.has("aggregationRule") && input.object.list("aggregationRule.clusterRoleSelectors").is_empty() {
        errors.required(
            &Path::new("aggregationRule").child("clusterRoleSelectors"),
            "at least one clusterRoleSelector required if aggregationRule is non-nil",
        );
    }
    errors.0
}

fn rules(object: &Value, namespaced: bool, errors: &mut Errors) {
    for (i, rule) in object.list("rules").iter().enumerate() {
        let path = Path::new("rules").index(i);
        if rule.list("verbs").is_empty() {
            errors.required(&path.child("verbs"), "verbs must contain at least one value");
        }
        let urls = rule.list("nonResourceURLs");
        if !urls.is_empty() {
            let path = path.child("nonResourceURLs");
            if namespaced {
                errors.invalid(&path, urls.to_vec(), "namespaced rules cannot apply to non-resource URLs");
            }
            let others = ["apiGroups", "resources", "resourceNames"].iter().any(|f| !rule.list(f).is_empty());
            if others {
                errors.invalid(&path, urls.to_vec(), "rules cannot apply to both regular resources and non-resource URLs");
            }
            continue;
        }
        if rule.list("apiGroups").is_empty() {
            errors.required(&path.child("apiGroups"), "resource rules must supply at least one api group");
        }
        if rule.list("resources").is_empty() {
            errors.required(&path.child("resources"), "resource rules must supply at least one resource");
        }
    }
}

/// Judges a RoleBinding.
pub fn role_binding(input: &Validation<'_>) -> Vec<FieldError> {
    binding(input, true)
}

/// Judges a ClusterRoleBinding.
pub fn cluster_role_binding(input: &Validation<'_>) -> Vec<FieldError> {
    binding(input, false)
}

fn binding(input: &Validation<'_>, namespaced: bool) -> Vec<FieldError> {
    let mut errors = Errors::default();
    let (reference, path) = (input.object.at("roleRef"), Path::new("roleRef"));
    if reference.text("apiGroup") != GROUP {
        errors.not_supported(&path.child("apiGroup"), reference.text("apiGroup"), &[GROUP]);
    }
    let kinds: &[&str] = if namespaced { &["Role", "ClusterRole"] } else { &["ClusterRole"] };
    if !kinds.contains(&reference.text("kind")) {
        errors.not_supported(&path.child("kind"), reference.text("kind"), kinds);
    }
    match reference.text("name") {
        "" => errors.required(&path.child("name"), ""),
        name => errors.all_invalid(&path.child("name"), name, names::path_segment(name)),
    }
    for (i, subject) in input.object.list("subjects").iter().enumerate() {
        self::subject(subject, namespaced, &Path::new("subjects").index(i), &mut errors);
    }
    if let Some(old) = input.old
        && reference != old.at("roleRef")
    {
        // The internal type has no names for JSON, so that Go's appear.
        let shown = serde_json::json!({
            "APIGroup": reference.text("apiGroup"), "Kind": reference.text("kind"), "Name": reference.text("name"),
        });
        errors.invalid(&path, shown, "cannot change roleRef");
    }
    errors.0
}

fn subject(subject: &Value, namespaced: bool, path: &Path, errors: &mut Errors) {
    let (name, group) = (subject.text("name"), subject.text("apiGroup"));
    if name.is_empty() {
        errors.required(&path.child("name"), "");
    }
    match subject.text("kind") {
        "ServiceAccount" => {
            if !name.is_empty() {
                errors.all_invalid(&path.child("name"), name, names::dns_subdomain(name));
            }
            if !group.is_empty() {
                errors.not_supported(&path.child("apiGroup"), group, &[""]);
            }
            if !namespaced && subject.text("namespace").is_empty() {
                errors.required(&path.child("namespace"), "");
            }
        }
        "User" | "Group" => {
            if group != GROUP {
                errors.not_supported(&path.child("apiGroup"), group, &[GROUP]);
            }
        }
        other => errors.not_supported(&path.child("kind"), other, &["ServiceAccount", "User", "Group"]),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::judge;
    use super::*;
    use serde_json::json;

    #[test]
    fn role_references_do_not_change() {
        let old = json!({"roleRef": {"apiGroup": GROUP, "kind": "Role", "name": "a"}, "subjects": [{"kind": "User", "apiGroup": GROUP, "name": "jane"}]});
        assert_eq!(judge(role_binding, &old, None), Vec::<String>::new());
        let mut new = old.clone();
        new.put("roleRef.name", "b");
        assert_eq!(
            judge(role_binding, &new, Some(&old)),
            [
                "roleRef: Invalid value: {\"APIGroup\":\"rbac.authorization.k8s.io\",\"Kind\":\"Role\",\"Name\":\"b\"}: cannot change roleRef"
            ]
        );
    }

    #[test]
    fn rules_need_verbs_groups_and_resources() {
        assert_eq!(
            judge(role, &json!({"rules": [{}, {"verbs": ["get"], "nonResourceURLs": ["/x"]}]}), None),
            [
                "rules[0].verbs: Required value: verbs must contain at least one value",
                "rules[0].apiGroups: Required value: resource rules must supply at least one api group",
                "rules[0].resources: Required value: resource rules must supply at least one resource",
                "rules[1].nonResourceURLs: Invalid value: [\"/x\"]: namespaced rules cannot apply to non-resource URLs",
            ]
        );
    }
}
