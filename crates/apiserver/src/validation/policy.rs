//! Quotas, limit ranges, disruption budgets and autoscalers.

use serde_json::Value;

use super::diff::internal;
use super::meta::label_selector;
use super::names;
use super::path::{Errors, Path};
use super::pod::{canonical, check_quantity, quantity, resource_name};
use super::workloads::{at_most_all, int_or_percent};
use crate::json::Json;
use crate::registry::Validation;
use crate::status::FieldError;

const SCOPES: [&str; 7] =
    ["BestEffort", "NotBestEffort", "Terminating", "NotTerminating", "PriorityClass", "CrossNamespacePodAffinity", "VolumeAttributesClass"];

/// Judges a ResourceQuota.
pub fn resource_quota(input: &Validation<'_>) -> Vec<FieldError> {
    let mut errors = Errors::default();
    let (spec, path) = (input.object.at("spec"), Path::new("spec"));
    for (name, value) in spec.entries("hard") {
        let path = path.child("hard").key(name);
        quota_name(name, &path, &mut errors);
        check_quantity(name, value, &path, &mut errors);
    }
    let scopes = spec.list("scopes");
    for scope in scopes.iter().filter_map(Value::as_str) {
        if !SCOPES.contains(&scope) {
            errors.invalid(&path.child("scopes"), scopes.to_vec(), "unsupported scope");
        }
        for (name, _) in spec.entries("hard") {
            let pods_only = matches!(scope, "BestEffort");
            if pods_only && !matches!(name, "pods" | "count/pods") {
                errors.invalid(&path.child("scopes"), scopes.to_vec(), "unsupported scope applied to resource");
            }
        }
    }
    for (one, other) in [("BestEffort", "NotBestEffort"), ("Terminating", "NotTerminating")] {
        if scopes.iter().any(|s| s == one) && scopes.iter().any(|s| s == other) {
            errors.invalid(&path.child("scopes"), scopes.to_vec(), "conflicting scopes");
        }
    }
    for (i, requirement) in spec.list("scopeSelector.matchExpressions").iter().enumerate() {
        let path = path.child("scopeSelector").child("matchExpressions").index(i);
        if !SCOPES.contains(&requirement.text("scopeName")) {
            errors.invalid(&path.child("scopeName"), requirement.text("scopeName"), "unsupported scope");
        }
        if !matches!(requirement.text("operator"), "In" | "NotIn" | "Exists" | "DoesNotExist") {
            errors.invalid(&path.child("operator"), requirement.text("operator"), "not a valid selector operator");
        }
    }
    if let Some(old) = input.old
        && spec.at("scopes") != old.at("spec.scopes")
    {
        errors.invalid(&path.child("scopes"), scopes.to_vec(), "field is immutable");
    }
    errors.0
}

fn quota_name(name: &str, path: &Path, errors: &mut Errors) {
    const QUOTA: [&str; 20] = [
        "cpu",
        "memory",
        "ephemeral-storage",
        "requests.cpu",
        "requests.memory",
        "requests.storage",
        "requests.ephemeral-storage",
        "limits.cpu",
        "limits.memory",
        "limits.ephemeral-storage",
        "pods",
        "resourcequotas",
        "services",
        "replicationcontrollers",
        "secrets",
        "persistentvolumeclaims",
        "configmaps",
        "services.nodeports",
        "services.loadbalancers",
        "requests.hugepages",
    ];
    let messages = names::qualified_name(name);
    if !messages.is_empty() {
        return errors.all_invalid(path, name, messages);
    }
    resource_name(name, path, errors);
    if !name.contains('/') {
        let huge = name.starts_with("requests.hugepages-") || name.starts_with("hugepages-");
        if !QUOTA.contains(&name) && !huge {
            errors.invalid(path, name, "must be a standard resource for quota");
        }
    }
}

/// Judges a LimitRange.
pub fn limit_range(input: &Validation<'_>) -> Vec<FieldError> {
    let mut errors = Errors::default();
    let mut types: Vec<&str> = Vec::new();
    for (i, limit) in input.object.list("spec.limits").iter().enumerate() {
        let path = Path::new("spec").child("limits").index(i);
        let kind = limit.text("type");
        errors.all_invalid(&path.child("type"), kind, names::qualified_name(kind));
        if !kind.contains('/') && !matches!(kind, "Pod" | "Container" | "PersistentVolumeClaim") {
            errors.invalid(&path.child("type"), kind, "must be a standard limit type or fully qualified");
        }
        if types.contains(&kind) {
            errors.duplicate(&path.child("type"), kind);
        }
        types.push(kind);
        limit_item(limit, kind, &path, &mut errors);
    }
    errors.0
}

fn limit_item(limit: &Value, kind: &str, path: &Path, errors: &mut Errors) {
    const FIELDS: [&str; 5] = ["max", "min", "default", "defaultRequest", "maxLimitRequestRatio"];
    if kind == "Pod" {
        for field in ["default", "defaultRequest"] {
            if limit.object(field).is_some_and(|m| !m.is_empty()) {
                errors.forbidden(&path.child(field), "may not be specified when `type` is 'Pod'");
            }
        }
    }
    if kind == "PersistentVolumeClaim" && !limit.has("min.storage") && !limit.has("max.storage") {
        errors.required(&path.child("limits"), "either minimum or maximum storage value is required, but neither was provided");
    }
    let mut keys: Vec<&str> = FIELDS.iter().flat_map(|f| limit.entries(f).into_iter().map(|(k, _)| k)).collect();
    keys.sort_unstable();
    keys.dedup();
    for key in keys {
        let get = |field: &str| limit.object(field).and_then(|m| m.get(key));
        let amount = |field: &str| get(field).and_then(quantity);
        for field in FIELDS {
            if let Some(value) = get(field) {
                resource_name(key, &path.child(field).key(key), errors);
                check_quantity(key, value, &path.child(field).key(key), errors);
            }
        }
        let names = [("min", "min value"), ("max", "max value"), ("default", "default value"), ("defaultRequest", "default request value")];
        let text = |field: &str| names.iter().find(|(f, _)| *f == field).map_or("", |(_, t)| *t);
        // lower, higher, field that is blamed, whose value is shown
        let order = [
            ("min", "max", "min", "min"),
            ("min", "defaultRequest", "defaultRequest", "defaultRequest"),
            ("defaultRequest", "max", "defaultRequest", "defaultRequest"),
            ("defaultRequest", "default", "defaultRequest", "defaultRequest"),
            ("min", "default", "default", "min"),
            ("default", "max", "default", "max"),
        ];
        for (low, high, blamed, shown) in order {
            if let (Some(lower), Some(upper)) = (amount(low), amount(high))
                && lower > upper
            {
                let high_text = if (low, high) == ("defaultRequest", "default") { "default limit value" } else { text(high) };
                let shown = get(shown).map(canonical).unwrap_or_default();
                let why = format!("{} {lower} is greater than {high_text} {upper}", text(low));
                errors.invalid(&path.child(blamed).key(key), shown, why);
            }
        }
        if let Some(ratio) = amount("maxLimitRequestRatio")
            && ratio.milli() < 1000
        {
            errors.invalid(&path.child("maxLimitRequestRatio").key(key), ratio.to_string(), format!("ratio {ratio} is less than 1"));
        }
    }
}

/// Judges a PodDisruptionBudget.
pub fn disruption_budget(input: &Validation<'_>) -> Vec<FieldError> {
    let mut errors = Errors::default();
    if input.subresource == "status" {
        return errors.0;
    }
    let (spec, path) = (input.object.at("spec"), Path::new("spec"));
    if spec.has("minAvailable") && spec.has("maxUnavailable") {
        let spec = internal(spec, &["minAvailable", "selector", "maxUnavailable", "unhealthyPodEvictionPolicy"], &[]);
        errors.invalid(&path, spec, "minAvailable and maxUnavailable cannot be both set");
    }
    for field in ["minAvailable", "maxUnavailable"].iter().filter(|f| spec.has(f)) {
        int_or_percent(spec.at(field), &path.child(field), &mut errors);
        at_most_all(spec.at(field), &path.child(field), &mut errors);
    }
    let policy = spec.text("unhealthyPodEvictionPolicy");
    if !matches!(policy, "" | "AlwaysAllow" | "IfHealthyBudget") {
        errors.not_supported(&path.child("unhealthyPodEvictionPolicy"), policy, &["AlwaysAllow", "IfHealthyBudget"]);
    }
    label_selector(spec.at("selector"), &path.child("selector"), &mut errors);
    errors.0
}

/// Judges a HorizontalPodAutoscaler (in its `autoscaling/v2` form).
pub fn autoscaler(input: &Validation<'_>) -> Vec<FieldError> {
    let mut errors = Errors::default();
    if input.subresource == "status" {
        return errors.0;
    }
    let (spec, path) = (input.object.at("spec"), Path::new("spec"));
    let (minimum, maximum) = (spec.int("minReplicas").unwrap_or(1), spec.int("maxReplicas").unwrap_or(0));
    if minimum < 1 {
        errors.invalid(&path.child("minReplicas"), minimum, "must be greater than or equal to 1");
    }
    if maximum < 1 {
        errors.invalid(&path.child("maxReplicas"), maximum, "must be greater than 0");
    }
    if maximum < minimum {
        errors.invalid(&path.child("maxReplicas"), maximum, "must be greater than or equal to `minReplicas`");
    }
    for field in ["kind", "name"] {
        let path = path.child("scaleTargetRef").child(field);
        match spec.at("scaleTargetRef").text(field) {
            "" => errors.required(&path, ""),
            value => errors.all_invalid(&path, value, names::path_segment(value)),
        }
    }
    let version = spec.text("scaleTargetRef.apiVersion");
    let before = input.old.map(|old| old.text("spec.scaleTargetRef.apiVersion"));
    // Only replication controllers can be scaled in the core group.
    if !version.contains('/') && spec.text("scaleTargetRef.kind") != "ReplicationController" && before != Some(version) {
        errors.invalid(&path.child("scaleTargetRef").child("apiVersion"), version, "apiVersion must specify API group");
    }
    for (i, metric) in spec.list("metrics").iter().enumerate() {
        self::metric(metric, &path.child("metrics").index(i), &mut errors);
    }
    for direction in ["scaleUp", "scaleDown"] {
        scaling_rules(spec.at("behavior").at(direction), &path.child("behavior").child(direction), &mut errors);
    }
    errors.0
}

fn metric(metric: &Value, path: &Path, errors: &mut Errors) {
    const TYPES: [(&str, &str); 5] = [
        ("ContainerResource", "containerResource"),
        ("External", "external"),
        ("Object", "object"),
        ("Pods", "pods"),
        ("Resource", "resource"),
    ];
    let kind = metric.text("type");
    if kind.is_empty() {
        return errors.required(&path.child("type"), "must specify a metric source type");
    }
    let Some((_, field)) = TYPES.iter().find(|(name, _)| *name == kind) else {
        return errors.not_supported(&path.child("type"), kind, &TYPES.map(|(name, _)| name));
    };
    if !metric.has(field) {
        return errors.required(&path.child(field), "must populate information for the given metric source");
    }
    for (_, other) in TYPES.iter().filter(|(_, f)| f != field && metric.has(f)) {
        errors.forbidden(&path.child(other), "must populate the given metric source only");
    }
    let (source, path) = (metric.at(field), path.child(field));
    let target = path.child("target");
    match *field {
        "resource" | "containerResource" => {
            if source.text("name").is_empty() {
                errors.required(&path.child("name"), "must specify a resource name");
            }
            if *field == "containerResource" && source.text("container").is_empty() {
                errors.required(&path.child("container"), "must specify a container");
            }
            match (source.has("target.averageUtilization"), source.has("target.averageValue")) {
                (false, false) => {
                    errors.required(&target.child("averageUtilization"), "must set either a target raw value or a target utilization");
                }
                (true, true) => {
                    errors.forbidden(&target.child("averageValue"), "may not set both a target raw value and a target utilization");
                }
                _ => {}
            }
        }
        _ => {
            if source.text("metric.name").is_empty() {
                errors.required(&path.child("metric").child("name"), "must specify a metric name");
            }
        }
    }
    if let Some(percent) = source.int("target.averageUtilization").filter(|p| *p < 1) {
        errors.invalid(&target.child("averageUtilization"), percent, "must be greater than 0");
    }
}

fn scaling_rules(rules: &Value, path: &Path, errors: &mut Errors) {
    if rules.is_null() {
        return;
    }
    if let Some(window) = rules.int("stabilizationWindowSeconds") {
        if window < 0 {
            errors.invalid(&path.child("stabilizationWindowSeconds"), window, "must be greater than or equal to zero");
        } else if window > 3600 {
            errors.invalid(&path.child("stabilizationWindowSeconds"), window, "must be less than or equal to 3600");
        }
    }
    let select = rules.text("selectPolicy");
    if !matches!(select, "" | "Max" | "Min" | "Disabled") {
        errors.not_supported(&path.child("selectPolicy"), select, &["Disabled", "Max", "Min"]);
    }
    for (i, policy) in rules.list("policies").iter().enumerate() {
        let path = path.child("policies").index(i);
        if !matches!(policy.text("type"), "Pods" | "Percent") {
            errors.not_supported(&path.child("type"), policy.text("type"), &["Percent", "Pods"]);
        }
        for field in ["value", "periodSeconds"] {
            let number = policy.int(field).unwrap_or(0);
            if number <= 0 {
                errors.invalid(&path.child(field), number, "must be greater than zero");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::judge;
    use super::*;
    use serde_json::json;

    #[test]
    fn budgets_take_one_bound() {
        let object = json!({"spec": {"minAvailable": 1, "maxUnavailable": "120%"}});
        assert_eq!(
            judge(disruption_budget, &object, None),
            [
                "spec: Invalid value: {\"MinAvailable\":1,\"Selector\":null,\"MaxUnavailable\":\"120%\",\"UnhealthyPodEvictionPolicy\":null}: minAvailable and maxUnavailable cannot be both set",
                "spec.maxUnavailable: Invalid value: \"120%\": must not be greater than 100%",
            ]
        );
    }

    #[test]
    fn quotas_and_limits_name_known_resources() {
        assert_eq!(
            judge(resource_quota, &json!({"spec": {"hard": {"pods": "1.5", "gold": "1"}}}), None),
            [
                "spec.hard[gold]: Invalid value: \"gold\": must be a standard resource type or fully qualified",
                "spec.hard[gold]: Invalid value: \"gold\": must be a standard resource for quota",
                "spec.hard[pods]: Invalid value: \"1.5\": must be an integer",
            ]
        );
        assert_eq!(
            judge(limit_range, &json!({"spec": {"limits": [{"type": "Container", "min": {"cpu": "2"}, "max": {"cpu": "1"}}]}}), None),
            ["spec.limits[0].min[cpu]: Invalid value: \"2\": min value 2 is greater than max value 1"]
        );
    }

    #[test]
    fn autoscalers_need_a_target_and_bounds() {
        let object =
            json!({"spec": {"minReplicas": 3, "maxReplicas": 2, "scaleTargetRef": {"kind": "Deployment", "apiVersion": "apps/v1"}}});
        assert_eq!(
            judge(autoscaler, &object, None),
            [
                "spec.maxReplicas: Invalid value: 2: must be greater than or equal to `minReplicas`",
                "spec.scaleTargetRef.name: Required value",
            ]
        );
    }
}
