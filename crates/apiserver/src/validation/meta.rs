//! `metadata` and label selectors (apimachinery's `api/validation` and `meta/v1/validation`).

use serde_json::Value;

use super::names::{self, Messages};
use super::path::{Errors, Path};
use crate::json::Json;

/// Total size of annotations.
const ANNOTATIONS_SIZE: usize = 256 * 1024;

/// How an object's name must look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameRule {
    /// DNS subdomain, the usual one.
    Subdomain,
    /// DNS label.
    Label,
    /// DNS label of 1035 kind.
    Label1035,
    /// Anything that can be one segment of a path.
    PathSegment,
}

impl NameRule {
    fn check(self, name: &str) -> Messages {
        match self {
            Self::Subdomain => names::dns_subdomain(name),
            Self::Label => names::dns_label(name),
            Self::Label1035 => names::dns1035_label(name),
            Self::PathSegment => names::path_segment(name),
        }
    }

    /// A prefix may end with a dash, because something is appended (`maskTrailingDash`).
    fn check_prefix(self, prefix: &str) -> Messages {
        match prefix.strip_suffix('-') {
            Some(start) if !start.is_empty() && self != Self::PathSegment => self.check(&format!("{start}a")),
            _ => self.check(prefix),
        }
    }
}

/// Checks `metadata` of a new object.
pub fn object_meta(object: &Value, namespaced: bool, rule: NameRule, errors: &mut Errors) {
    let meta = object.at("metadata");
    let path = Path::new("metadata");
    if let Some(prefix) = Some(meta.text("generateName")).filter(|p| !p.is_empty()) {
        errors.all_invalid(&path.child("generateName"), prefix, rule.check_prefix(prefix));
    }
    match meta.text("name") {
        "" => errors.required(&path.child("name"), "name or generateName is required"),
        name => errors.all_invalid(&path.child("name"), name, rule.check(name)),
    }
    match (namespaced, meta.text("namespace")) {
        (true, "") => errors.required(&path.child("namespace"), ""),
        (true, namespace) => errors.all_invalid(&path.child("namespace"), namespace, names::dns_label(namespace)),
        (false, "") => {}
        (false, _) => errors.forbidden(&path.child("namespace"), "not allowed on this type"),
    }
    common(meta, &path, errors);
}

fn common(meta: &Value, path: &Path, errors: &mut Errors) {
    errors.non_negative(&path.child("generation"), meta.int("generation").unwrap_or(0));
    labels(meta.at("labels"), &path.child("labels"), errors);
    annotations(meta.at("annotations"), &path.child("annotations"), errors);
    owners(meta.list("ownerReferences"), &path.child("ownerReferences"), errors);
    finalizers(meta.list("finalizers"), &path.child("finalizers"), errors);
}

/// Checks a map of labels.
pub fn labels(labels: &Value, path: &Path, errors: &mut Errors) {
    for (key, value) in labels.entries("") {
        errors.all_invalid(path, key, names::qualified_name(key));
        let value = value.as_str().unwrap_or_default();
        errors.all_invalid(path, value, names::label_value(value));
    }
}

/// Checks a map of annotations.
pub fn annotations(annotations: &Value, path: &Path, errors: &mut Errors) {
    let mut size = 0;
    for (key, value) in annotations.entries("") {
        errors.all_invalid(path, key, names::qualified_name(&key.to_ascii_lowercase()));
        size += key.len() + value.as_str().unwrap_or_default().len();
    }
    if size > ANNOTATIONS_SIZE {
        errors.push(crate::status::FieldError::too_long(path, ANNOTATIONS_SIZE));
    }
}

fn owners(owners: &[Value], path: &Path, errors: &mut Errors) {
    let mut controller: Option<String> = None;
    for owner in owners {
        let version = owner.text("apiVersion");
        if version.rsplit('/').next().unwrap_or_default().is_empty() {
            errors.invalid(&path.child("apiVersion"), version, "version must not be empty");
        }
        for field in ["kind", "name", "uid"] {
            if owner.text(field).is_empty() {
                errors.invalid(&path.child(field), "", "must not be empty");
            }
        }
        if owner.flag("controller") == Some(true) {
            let this = format!("{}/{}", owner.text("kind"), owner.text("name"));
            match &controller {
                Some(first) => errors.invalid(
                    path,
                    owners.to_vec(),
                    format!("Only one reference can have Controller set to true. Found \"true\" in references for {first} and {this}"),
                ),
                None => controller = Some(this),
            }
        }
    }
}

/// core's `validateKubeFinalizerName`.
fn standard_finalizer(name: &str, path: &Path, errors: &mut Errors) {
    if !name.contains('/') && !STANDARD_FINALIZERS.contains(&name) {
        errors.invalid(path, name, "name is neither a standard finalizer name nor is it fully qualified");
    }
}

/// Finalizers that need no prefix.
const STANDARD_FINALIZERS: &[&str] = &["kubernetes", "orphan", "foregroundDeletion"];

fn finalizers(finalizers: &[Value], path: &Path, errors: &mut Errors) {
    for (i, name) in finalizers.iter().filter_map(Value::as_str).enumerate() {
        errors.all_invalid(path, name, names::qualified_name(name));
        standard_finalizer(name, &path.index(i), errors);
    }
    let has = |name: &str| finalizers.iter().any(|f| f == name);
    if has("orphan") && has("foregroundDeletion") {
        errors.invalid(path, finalizers.to_vec(), "finalizer orphan and foregroundDeletion cannot be both set");
    }
}

/// Checks the change of `metadata` from `old` to `new` (`ValidateObjectMetaUpdate`).
pub fn object_meta_update(new: &Value, old: &Value, errors: &mut Errors) {
    let path = Path::new("metadata");
    let (new, old) = (new.at("metadata"), old.at("metadata"));
    if old.has("deletionTimestamp") {
        let mut added: Vec<&str> =
            new.list("finalizers").iter().filter(|f| !old.list("finalizers").contains(f)).filter_map(Value::as_str).collect();
        added.sort_unstable();
        if !added.is_empty() {
            let list: Vec<String> = added.iter().map(|f| format!("{f:?}")).collect();
            errors.forbidden(
                &path.child("finalizers"),
                format!(
                    "no new finalizers can be added if the object is being deleted, found new finalizers []string{{{}}}",
                    list.join(", ")
                ),
            );
        }
    }
    if new.int("generation").unwrap_or(0) < old.int("generation").unwrap_or(0) {
        errors.invalid(&path.child("generation"), new.int("generation").unwrap_or(0), "must not be decremented");
    }
    for field in ["name", "namespace", "uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds"] {
        errors.immutable(&path.child(field), new.at(field), old.at(field));
    }
    labels(new.at("labels"), &path.child("labels"), errors);
    annotations(new.at("annotations"), &path.child("annotations"), errors);
    owners(new.list("ownerReferences"), &path.child("ownerReferences"), errors);
    for (i, name) in new.list("finalizers").iter().filter_map(Value::as_str).enumerate() {
        standard_finalizer(name, &path.child("finalizers").index(i), errors);
    }
}

/// Checks a `LabelSelector` (`ValidateLabelSelector`).
pub fn label_selector(selector: &Value, path: &Path, errors: &mut Errors) {
    labels(selector.at("matchLabels"), &path.child("matchLabels"), errors);
    for (i, expression) in selector.list("matchExpressions").iter().enumerate() {
        let path = path.child("matchExpressions").index(i);
        let (key, values) = (expression.text("key"), expression.list("values"));
        match expression.text("operator") {
            "In" | "NotIn" if values.is_empty() => {
                errors.required(&path.child("values"), "must be specified when `operator` is 'In' or 'NotIn'");
            }
            "Exists" | "DoesNotExist" if !values.is_empty() => {
                errors.forbidden(&path.child("values"), "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
            }
            "In" | "NotIn" | "Exists" | "DoesNotExist" => {}
            other => errors.invalid(&path.child("operator"), other, "not a valid selector operator"),
        }
        errors.all_invalid(&path.child("key"), key, names::qualified_name(key));
        for (i, value) in values.iter().enumerate() {
            let value = value.as_str().unwrap_or_default();
            errors.all_invalid(&path.child("values").index(i), value, names::label_value(value));
        }
    }
}

/// Whether a selector names nothing at all.
pub fn is_empty_selector(selector: &Value) -> bool {
    selector.object("matchLabels").is_none_or(serde_json::Map::is_empty) && selector.list("matchExpressions").is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn texts(errors: Errors) -> Vec<String> {
        errors.0.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn metadata_errors_come_in_order() {
        let object = json!({"metadata": {"generateName": "Web-", "labels": {"a": "b c"}, "finalizers": ["kubernetes", "x", "x.y/z"]}});
        let mut errors = Errors::default();
        object_meta(&object, true, NameRule::Subdomain, &mut errors);
        let fields: Vec<_> = errors.0.iter().map(|e| e.field.as_str()).collect();
        assert_eq!(fields, ["metadata.generateName", "metadata.name", "metadata.namespace", "metadata.labels", "metadata.finalizers[1]"]);
    }

    #[test]
    fn a_prefix_may_end_with_a_dash() {
        assert!(NameRule::Subdomain.check_prefix("web-").is_empty());
        assert!(!NameRule::Subdomain.check_prefix("web_").is_empty());
    }

    #[test]
    fn names_do_not_change_and_finalizers_do_not_grow_during_deletion() {
        let old = json!({"metadata": {"name": "a", "deletionTimestamp": "2026-01-01T00:00:00Z"}});
        let new = json!({"metadata": {"name": "b", "deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": ["x.y/z"]}});
        let mut errors = Errors::default();
        object_meta_update(&new, &old, &mut errors);
        assert_eq!(
            texts(errors),
            [
                "metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{\"x.y/z\"}",
                "metadata.name: Invalid value: \"b\": field is immutable",
            ]
        );
    }

    #[test]
    fn selectors_need_values_by_operator() {
        let selector = json!({"matchExpressions": [{"key": "a", "operator": "In"}, {"key": "a", "operator": "Exists", "values": ["x"]}, {"key": "a", "operator": "Is"}]});
        let mut errors = Errors::default();
        label_selector(&selector, &Path::new("spec.selector"), &mut errors);
        assert_eq!(
            texts(errors),
            [
                "spec.selector.matchExpressions[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'",
                "spec.selector.matchExpressions[1].values: Forbidden: may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
                "spec.selector.matchExpressions[2].operator: Invalid value: \"Is\": not a valid selector operator",
            ]
        );
    }
}
