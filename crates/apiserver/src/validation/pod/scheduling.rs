//! Affinity, tolerations and spreading.

use serde_json::Value;

use crate::json::Json;
use crate::validation::meta::label_selector;
use crate::validation::names;
use crate::validation::path::{Errors, Path};

const EFFECTS: [&str; 3] = ["NoSchedule", "PreferNoSchedule", "NoExecute"];

/// Checks tolerations (`ValidateTolerations`).
pub fn tolerations(list: &[Value], path: &Path, errors: &mut Errors) {
    for (i, toleration) in list.iter().enumerate() {
        let path = path.index(i);
        let [key, operator, value, effect] = ["key", "operator", "value", "effect"].map(|f| toleration.text(f));
        if !key.is_empty() {
            errors.all_invalid(&path.child("key"), key, names::qualified_name(key));
        } else if operator != "Exists" {
            errors.invalid(
                &path.child("operator"),
                operator,
                "operator must be Exists when `key` is empty, which means \"match all values and all keys\"",
            );
        }
        if toleration.has("tolerationSeconds") && effect != "NoExecute" {
            errors.invalid(&path.child("effect"), effect, "effect must be 'NoExecute' when `tolerationSeconds` is set");
        }
        match operator {
            "Equal" | "" => {
                let messages = names::label_value(value);
                if !messages.is_empty() {
                    errors.invalid(&path.child("operator"), value, messages.join(";"));
                }
            }
            "Exists" if !value.is_empty() => {
                errors.invalid(&path.child("operator"), value, "value must be empty when `operator` is 'Exists'");
            }
            "Exists" => {}
            "Lt" | "Gt" => errors.not_supported(&path.child("operator"), operator, &["Equal", "Exists", "Lt", "Gt"]),
            other => errors.not_supported(&path.child("operator"), other, &["Equal", "Exists"]),
        }
        if !effect.is_empty() && !EFFECTS.contains(&effect) {
            errors.not_supported(&path.child("effect"), effect, &EFFECTS);
        }
    }
}

/// Checks `affinity` (`validateAffinity`).
pub fn affinity(affinity: &Value, path: &Path, errors: &mut Errors) {
    let node = affinity.at("nodeAffinity");
    let node_path = path.child("nodeAffinity");
    if node.has("requiredDuringSchedulingIgnoredDuringExecution") {
        let path = node_path.child("requiredDuringSchedulingIgnoredDuringExecution");
        let terms = node.list("requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms");
        let path = path.child("nodeSelectorTerms");
        if terms.is_empty() {
            errors.required(&path, "must have at least one node selector term");
        }
        for (i, term) in terms.iter().enumerate() {
            node_selector_term(term, &path.index(i), errors);
        }
    }
    for (i, term) in node.list("preferredDuringSchedulingIgnoredDuringExecution").iter().enumerate() {
        let path = node_path.child("preferredDuringSchedulingIgnoredDuringExecution").index(i);
        weight(term, &path, errors);
        node_selector_term(term.at("preference"), &path.child("preference"), errors);
    }
    for kind in ["podAffinity", "podAntiAffinity"] {
        let (pods, path) = (affinity.at(kind), path.child(kind));
        for (i, term) in pods.list("requiredDuringSchedulingIgnoredDuringExecution").iter().enumerate() {
            pod_term(term, &path.child("requiredDuringSchedulingIgnoredDuringExecution").index(i), errors);
        }
        for (i, term) in pods.list("preferredDuringSchedulingIgnoredDuringExecution").iter().enumerate() {
            let path = path.child("preferredDuringSchedulingIgnoredDuringExecution").index(i);
            weight(term, &path, errors);
            pod_term(term.at("podAffinityTerm"), &path.child("podAffinityTerm"), errors);
        }
    }
}

fn weight(term: &Value, path: &Path, errors: &mut Errors) {
    let weight = term.int("weight").unwrap_or(0);
    if !(1..=100).contains(&weight) {
        errors.invalid(&path.child("weight"), weight, "must be in the range 1-100");
    }
}

/// Checks one node selector term.
pub fn node_selector_term(term: &Value, path: &Path, errors: &mut Errors) {
    for (i, requirement) in term.list("matchExpressions").iter().enumerate() {
        let path = path.child("matchExpressions").index(i);
        let (key, values) = (requirement.text("key"), requirement.list("values"));
        match requirement.text("operator") {
            "In" | "NotIn" if values.is_empty() => {
                errors.required(&path.child("values"), "must be specified when `operator` is 'In' or 'NotIn'");
            }
            "Exists" | "DoesNotExist" if !values.is_empty() => {
                errors.forbidden(&path.child("values"), "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
            }
            "Gt" | "Lt" if values.len() != 1 => {
                errors.required(&path.child("values"), "must be specified single value when `operator` is 'Lt' or 'Gt'");
            }
            "In" | "NotIn" | "Exists" | "DoesNotExist" | "Gt" | "Lt" => {}
            other => errors.invalid(&path.child("operator"), other, "not a valid selector operator"),
        }
        errors.all_invalid(&path.child("key"), key, names::qualified_name(key));
        for (i, value) in values.iter().filter_map(Value::as_str).enumerate() {
            errors.all_invalid(&path.child("values").index(i), value, names::label_value(value));
        }
    }
    for (i, requirement) in term.list("matchFields").iter().enumerate() {
        let path = path.child("matchFields").index(i);
        match requirement.text("operator") {
            "In" | "NotIn" if requirement.list("values").len() != 1 => {
                errors.required(&path.child("values"), "must be only one value when `operator` is 'In' or 'NotIn' for node field selector")
            }
            "In" | "NotIn" => {}
            other => errors.invalid(&path.child("operator"), other, "not a valid selector operator"),
        }
        if requirement.text("key") != "metadata.name" {
            errors.invalid(&path.child("key"), requirement.text("key"), "not a valid field selector key");
        }
    }
}

fn pod_term(term: &Value, path: &Path, errors: &mut Errors) {
    label_selector(term.at("labelSelector"), &path.child("labelSelector"), errors);
    label_selector(term.at("namespaceSelector"), &path.child("namespaceSelector"), errors);
    for name in term.list("namespaces").iter().filter_map(Value::as_str) {
        errors.all_invalid(&path.child("namespace"), name, names::dns_label(name));
    }
    let key = term.text("topologyKey");
    if key.is_empty() {
        errors.required(&path.child("topologyKey"), "can not be empty");
    }
    errors.all_invalid(&path.child("topologyKey"), key, names::qualified_name(key));
}

/// Checks `topologySpreadConstraints`.
pub fn spread(constraints: &[Value], path: &Path, errors: &mut Errors) {
    const ACTIONS: [&str; 2] = ["DoNotSchedule", "ScheduleAnyway"];
    const POLICIES: [&str; 2] = ["Honor", "Ignore"];
    for (i, constraint) in constraints.iter().enumerate() {
        let path = path.index(i);
        let skew = constraint.int("maxSkew").unwrap_or(0);
        if skew <= 0 {
            errors.invalid(&path.child("maxSkew"), skew, "must be greater than zero");
        }
        let (key, action) = (constraint.text("topologyKey"), constraint.text("whenUnsatisfiable"));
        if key.is_empty() {
            errors.required(&path.child("topologyKey"), "can not be empty");
        }
        if !ACTIONS.contains(&action) {
            errors.not_supported(&path.child("whenUnsatisfiable"), action, &ACTIONS);
        }
        if constraints[i + 1..].iter().any(|c| c.text("topologyKey") == key && c.text("whenUnsatisfiable") == action) {
            errors.duplicate(&path.child("{topologyKey, whenUnsatisfiable}"), format!("{{{key}, {action}}}"));
        }
        if let Some(minimum) = constraint.int("minDomains") {
            if minimum <= 0 {
                errors.invalid(&path.child("minDomains"), minimum, "must be greater than zero");
            }
            if action != "DoNotSchedule" {
                let why = format!("can only use minDomains if whenUnsatisfiable=DoNotSchedule, not {action}");
                errors.invalid(&path.child("minDomains"), minimum, why);
            }
        }
        for field in ["nodeAffinityPolicy", "nodeTaintsPolicy"] {
            let policy = constraint.text(field);
            if !policy.is_empty() && !POLICIES.contains(&policy) {
                errors.not_supported(&path.child(field), policy, &POLICIES);
            }
        }
        if !constraint.list("matchLabelKeys").is_empty() && !constraint.has("labelSelector") {
            errors.forbidden(&path.child("matchLabelKeys"), "must not be specified when labelSelector is not set");
        }
        label_selector(constraint.at("labelSelector"), &path.child("labelSelector"), errors);
    }
}
