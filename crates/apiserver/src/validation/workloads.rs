//! Deployments, replica sets, stateful sets, daemon sets and replication controllers
//! (`pkg/apis/apps/validation`, `pkg/apis/core/validation`).

use serde_json::Value;
use values::{IntOrPercent, Selector};

use super::diff::internal;
use super::meta::{is_empty_selector, label_selector};
use super::names;
use super::path::{Errors, Path};
use super::pod::template;
use crate::json::Json;
use crate::registry::Validation;
use crate::status::FieldError;

/// Judges a Deployment.
pub fn deployment(input: &Validation<'_>) -> Vec<FieldError> {
    let mut errors = Errors::default();
    if input.subresource == "status" {
        status_counts(input, &["replicas", "updatedReplicas", "readyReplicas", "availableReplicas", "unavailableReplicas"], &mut errors);
        return errors.0;
    }
    let (spec, path) = (input.object.at("spec"), Path::new("spec"));
    errors.non_negative(&path.child("replicas"), spec.int("replicas").unwrap_or(0));
    selector_and_template(spec, &path, "deployment", "ReplicaSet", &mut errors);
    deployment_strategy(spec.at("strategy"), &path.child("strategy"), &mut errors);
    let ready = spec.int("minReadySeconds").unwrap_or(0);
    errors.non_negative(&path.child("minReadySeconds"), ready);
    errors.non_negative(&path.child("revisionHistoryLimit"), spec.int("revisionHistoryLimit").unwrap_or(0));
    if let Some(deadline) = spec.int("progressDeadlineSeconds") {
        errors.non_negative(&path.child("progressDeadlineSeconds"), deadline);
        if deadline <= ready {
            errors.invalid(&path.child("progressDeadlineSeconds"), deadline, "must be greater than minReadySeconds");
        }
    }
    immutable_selector(input, &path, &mut errors);
    errors.0
}

/// Judges a ReplicaSet.
pub fn replica_set(input: &Validation<'_>) -> Vec<FieldError> {
    let mut errors = Errors::default();
    if input.subresource == "status" {
        status_counts(input, &["replicas", "fullyLabeledReplicas", "readyReplicas", "availableReplicas"], &mut errors);
        return errors.0;
    }
    let (spec, path) = (input.object.at("spec"), Path::new("spec"));
    errors.non_negative(&path.child("replicas"), spec.int("replicas").unwrap_or(0));
    errors.non_negative(&path.child("minReadySeconds"), spec.int("minReadySeconds").unwrap_or(0));
    selector_and_template(spec, &path, "deployment", "ReplicaSet", &mut errors);
    immutable_selector(input, &path, &mut errors);
    errors.0
}

/// Judges a DaemonSet.
pub fn daemon_set(input: &Validation<'_>) -> Vec<FieldError> {
    let mut errors = Errors::default();
    if input.subresource == "status" {
        return errors.0;
    }
    let (spec, path) = (input.object.at("spec"), Path::new("spec"));
    let selector = spec.at("selector");
    label_selector(selector, &path.child("selector"), &mut errors);
    let labels = spec.at("template.metadata.labels");
    if let Ok(parsed) = Selector::from_json(selector)
        && !parsed.is_everything()
        && !parsed.matches_json(labels)
    {
        let path = path.child("template").child("metadata").child("labels");
        errors.invalid(&path, labels.clone(), "`selector` does not match template `labels`");
    }
    if !selector.is_null() && is_empty_selector(selector) {
        errors.invalid(&path.child("selector"), selector.clone(), "empty selector is invalid for daemonset");
    }
    template(spec.at("template"), &path.child("template"), &mut errors);
    restarts_always(spec, "DaemonSet", &path, &mut errors);
    errors.non_negative(&path.child("minReadySeconds"), spec.int("minReadySeconds").unwrap_or(0));
    let strategy = spec.at("updateStrategy");
    match strategy.text("type") {
        "OnDelete" => {}
        "RollingUpdate" => {
            let path = path.child("updateStrategy").child("rollingUpdate");
            rolling_daemon_set(strategy.at("rollingUpdate"), &path, &mut errors);
        }
        _ => {
            let strategy = internal(strategy, &["type", "rollingUpdate"], &[]);
            errors.not_supported(&path.child("updateStrategy"), strategy, &["RollingUpdate", "OnDelete"]);
        }
    }
    errors.non_negative(&path.child("revisionHistoryLimit"), spec.int("revisionHistoryLimit").unwrap_or(0));
    immutable_selector(input, &path, &mut errors);
    errors.0
}

fn rolling_daemon_set(rolling: &Value, path: &Path, errors: &mut Errors) {
    if rolling.is_null() {
        return errors.required(path, "");
    }
    let (surge, unavailable) = (rolling.at("maxSurge"), rolling.at("maxUnavailable"));
    int_or_percent(unavailable, &path.child("maxUnavailable"), errors);
    int_or_percent(surge, &path.child("maxSurge"), errors);
    match (amount(surge) != 0, amount(unavailable) != 0) {
        (true, true) => errors.invalid(&path.child("maxSurge"), surge.clone(), "may not be set when maxUnavailable is non-zero"),
        (false, false) => errors.required(&path.child("maxUnavailable"), "cannot be 0 when maxSurge is 0"),
        _ => {}
    }
}

/// Judges a StatefulSet.
pub fn stateful_set(input: &Validation<'_>) -> Vec<FieldError> {
    let mut errors = Errors::default();
    if input.subresource == "status" {
        status_counts(input, &["replicas", "readyReplicas", "currentReplicas", "updatedReplicas", "availableReplicas"], &mut errors);
        return errors.0;
    }
    let (spec, path) = (input.object.at("spec"), Path::new("spec"));
    match spec.text("podManagementPolicy") {
        "" => errors.required(&path.child("podManagementPolicy"), ""),
        "OrderedReady" | "Parallel" => {}
        other => errors.invalid(&path.child("podManagementPolicy"), other, "must be 'OrderedReady' or 'Parallel'"),
    }
    let strategy = spec.at("updateStrategy");
    match strategy.text("type") {
        "" => errors.required(&path.child("updateStrategy"), ""),
        "OnDelete" if strategy.has("rollingUpdate") => errors.invalid(
            &path.child("updateStrategy").child("rollingUpdate"),
            strategy.at("rollingUpdate").clone(),
            "only allowed for updateStrategy 'RollingUpdate'",
        ),
        "OnDelete" | "RollingUpdate" => {
            let partition = strategy.int("rollingUpdate.partition").unwrap_or(0);
            errors.non_negative(&path.child("updateStrategy").child("rollingUpdate").child("partition"), partition);
        }
        _ => errors.invalid(&path.child("updateStrategy"), strategy.clone(), "must be 'RollingUpdate' or 'OnDelete'"),
    }
    for field in ["whenDeleted", "whenScaled"] {
        let policy = spec.at("persistentVolumeClaimRetentionPolicy").text(field);
        if !matches!(policy, "" | "Retain" | "Delete") {
            errors.not_supported(&path.child("persistentVolumeClaimRetentionPolicy").child(field), policy, &["Retain", "Delete"]);
        }
    }
    for field in ["replicas", "minReadySeconds", "revisionHistoryLimit"] {
        errors.non_negative(&path.child(field), spec.int(field).unwrap_or(0));
    }
    errors.non_negative(&path.child("ordinals.start"), spec.int("ordinals.start").unwrap_or(0));
    let selector = spec.at("selector");
    if selector.is_null() {
        errors.required(&path.child("selector"), "");
    } else {
        label_selector(selector, &path.child("selector"), &mut errors);
        if is_empty_selector(selector) {
            errors.invalid(&path.child("selector"), selector.clone(), "empty selector is invalid for statefulset");
        }
    }
    matching_template(spec, &path, &mut errors);
    restarts_always(spec, "StatefulSet", &path, &mut errors);
    if let Some(old) = input.old {
        stateful_set_update(input.object, old, &path, &mut errors);
    }
    errors.0
}

fn stateful_set_update(new: &Value, old: &Value, path: &Path, errors: &mut Errors) {
    const MAY_CHANGE: [&str; 7] = [
        "replicas",
        "ordinals",
        "template",
        "updateStrategy",
        "revisionHistoryLimit",
        "persistentVolumeClaimRetentionPolicy",
        "minReadySeconds",
    ];
    let fixed = |object: &Value| {
        let mut spec = object.at("spec").clone();
        for field in MAY_CHANGE {
            spec.remove(field);
        }
        spec
    };
    if fixed(new) != fixed(old) {
        errors.forbidden(
            path,
            "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden",
        );
    }
}

/// Judges a ReplicationController.
pub fn replication_controller(input: &Validation<'_>) -> Vec<FieldError> {
    let mut errors = Errors::default();
    if input.subresource == "status" {
        return errors.0;
    }
    let (spec, path) = (input.object.at("spec"), Path::new("spec"));
    errors.non_negative(&path.child("minReadySeconds"), spec.int("minReadySeconds").unwrap_or(0));
    let selector = spec.entries("selector");
    if selector.is_empty() {
        errors.required(&path.child("selector"), "");
    }
    errors.non_negative(&path.child("replicas"), spec.int("replicas").unwrap_or(0));
    let path = path.child("template");
    if spec.at("template").is_null() {
        errors.required(&path, "");
        return errors.0;
    }
    let labels = spec.at("template.metadata.labels");
    if !selector.iter().all(|(key, value)| labels.get(*key) == Some(*value)) {
        errors.invalid(&path.child("metadata").child("labels"), labels.clone(), "`selector` does not match template `labels`");
    }
    template(spec.at("template"), &path, &mut errors);
    restarts_always(spec, "ReplicationController", &Path::new("spec"), &mut errors);
    errors.0
}

fn selector_and_template(spec: &Value, path: &Path, what: &str, owner: &str, errors: &mut Errors) {
    let selector = spec.at("selector");
    if selector.is_null() {
        errors.required(&path.child("selector"), "");
    } else {
        label_selector(selector, &path.child("selector"), errors);
        if is_empty_selector(selector) {
            errors.invalid(&path.child("selector"), selector.clone(), format!("empty selector is invalid for {what}"));
        }
    }
    if Selector::from_json(selector).is_err() {
        return errors.invalid(&path.child("selector"), selector.clone(), "invalid label selector");
    }
    matching_template(spec, path, errors);
    restarts_always(spec, owner, path, errors);
}

/// The template must carry the labels that the selector wants; a missing selector matches nothing.
fn matching_template(spec: &Value, path: &Path, errors: &mut Errors) {
    let labels = spec.at("template.metadata.labels");
    let path = path.child("template");
    if let Ok(selector) = Selector::from_json(spec.at("selector"))
        && !selector.is_everything()
        && !selector.matches_json(labels)
    {
        errors.invalid(&path.child("metadata").child("labels"), labels.clone(), "`selector` does not match template `labels`");
    }
    template(spec.at("template"), &path, errors);
}

fn restarts_always(spec: &Value, owner: &str, path: &Path, errors: &mut Errors) {
    let (pod, path) = (spec.at("template.spec"), path.child("template").child("spec"));
    let policy = pod.text("restartPolicy");
    if policy != "Always" {
        errors.not_supported(&path.child("restartPolicy"), policy, &["Always"]);
    }
    if pod.has("activeDeadlineSeconds") {
        errors.forbidden(&path.child("activeDeadlineSeconds"), format!("activeDeadlineSeconds in {owner} is not Supported"));
    }
}

/// Selectors of `apps/v1` never change.
fn immutable_selector(input: &Validation<'_>, path: &Path, errors: &mut Errors) {
    if let Some(old) = input.old {
        errors.immutable(&path.child("selector"), input.object.at("spec.selector"), old.at("spec.selector"));
    }
}

fn deployment_strategy(strategy: &Value, path: &Path, errors: &mut Errors) {
    let rolling = strategy.at("rollingUpdate");
    match strategy.text("type") {
        "Recreate" if !rolling.is_null() => {
            errors.forbidden(&path.child("rollingUpdate"), "may not be specified when strategy `type` is 'Recreate'");
        }
        "Recreate" => {}
        "RollingUpdate" if rolling.is_null() => {
            errors.required(&path.child("rollingUpdate"), "this should be defaulted and never be nil");
        }
        "RollingUpdate" => {
            let path = path.child("rollingUpdate");
            let (surge, unavailable) = (rolling.at("maxSurge"), rolling.at("maxUnavailable"));
            int_or_percent(unavailable, &path.child("maxUnavailable"), errors);
            int_or_percent(surge, &path.child("maxSurge"), errors);
            if amount(unavailable) == 0 && amount(surge) == 0 {
                errors.invalid(&path.child("maxUnavailable"), unavailable.clone(), "may not be 0 when `maxSurge` is 0");
            }
            at_most_all(unavailable, &path.child("maxUnavailable"), errors);
        }
        _ => errors.not_supported(path, internal(strategy, &["type", "rollingUpdate"], &[]), &["Recreate", "RollingUpdate"]),
    }
}

/// The number, or the percentage's number: enough to tell zero from the rest.
fn amount(value: &Value) -> i64 {
    match value {
        Value::String(text) => text.trim_end_matches('%').parse().unwrap_or(0),
        other => other.as_i64().unwrap_or(0),
    }
}

/// Checks a number or percentage (`ValidatePositiveIntOrPercent`).
pub fn int_or_percent(value: &Value, path: &Path, errors: &mut Errors) {
    match value {
        Value::String(text) => errors.all_invalid(path, text, names::percent(text)),
        Value::Number(_) => errors.non_negative(path, value.as_i64().unwrap_or(0)),
        _ => {}
    }
}

/// A percentage of what is unavailable is at most 100 (`IsNotMoreThan100Percent`).
pub fn at_most_all(value: &Value, path: &Path, errors: &mut Errors) {
    let percent = value.as_str().is_some_and(|t| IntOrPercent::parse(t).is_some()) && amount(value) > 100;
    if percent {
        errors.invalid(path, value.clone(), "must not be greater than 100%");
    }
}

fn status_counts(input: &Validation<'_>, fields: &[&str], errors: &mut Errors) {
    let (status, path) = (input.object.at("status"), Path::new("status"));
    let get = |field: &str| status.int(field).unwrap_or(0);
    for field in fields {
        errors.non_negative(&path.child(field), get(field));
    }
    errors.non_negative(&path.child("observedGeneration"), get("observedGeneration"));
    const BOUNDED: [&str; 5] = ["updatedReplicas", "currentReplicas", "fullyLabeledReplicas", "readyReplicas", "availableReplicas"];
    for field in BOUNDED.iter().filter(|f| fields.contains(f)) {
        if get(field) > get("replicas") {
            errors.invalid(&path.child(field), get(field), "cannot be greater than status.replicas");
        }
    }
    if get("availableReplicas") > get("readyReplicas") {
        errors.invalid(&path.child("availableReplicas"), get("availableReplicas"), "cannot be greater than readyReplicas");
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::judge;
    use super::*;
    use serde_json::json;

    fn deployment_object() -> Value {
        json!({"metadata": {"name": "web"}, "spec": {"replicas": 1, "selector": {"matchLabels": {"app": "web"}},
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}},
            "template": {"metadata": {"labels": {"app": "web"}}, "spec": {
                "containers": [{"name": "c", "image": "nginx", "imagePullPolicy": "Always", "terminationMessagePolicy": "File"}],
                "restartPolicy": "Always", "dnsPolicy": "ClusterFirst", "terminationGracePeriodSeconds": 30}}}})
    }

    type Edit = fn(&mut Value);

    #[test]
    fn deployments_are_judged_as_upstream_does() {
        let good = deployment_object();
        assert_eq!(judge(deployment, &good, None), Vec::<String>::new());
        let cases: [(Edit, &[&str]); 5] = [
            (
                |o| drop(o.remove("spec.selector")),
                &[
                    "spec.selector: Required value",
                    "spec.template.metadata.labels: Invalid value: {\"app\":\"web\"}: `selector` does not match template `labels`",
                ],
            ),
            (|o| o.put("spec.replicas", -1), &["spec.replicas: Invalid value: -1: must be greater than or equal to 0"]),
            (
                |o| o.put("spec.template.metadata.labels", json!({"app": "api"})),
                &["spec.template.metadata.labels: Invalid value: {\"app\":\"api\"}: `selector` does not match template `labels`"],
            ),
            (
                |o| o.put("spec.strategy.rollingUpdate", json!({"maxSurge": 0, "maxUnavailable": 0})),
                &["spec.strategy.rollingUpdate.maxUnavailable: Invalid value: 0: may not be 0 when `maxSurge` is 0"],
            ),
            (
                |o| o.put("spec.template.spec.restartPolicy", "Never"),
                &["spec.template.spec.restartPolicy: Unsupported value: \"Never\": supported values: \"Always\""],
            ),
        ];
        for (edit, want) in cases {
            let mut object = good.clone();
            edit(&mut object);
            assert_eq!(judge(deployment, &object, None), want);
        }
    }

    #[test]
    fn selectors_do_not_change() {
        let old = deployment_object();
        let mut new = old.clone();
        new.put("spec.selector.matchLabels", json!({"app": "api"}));
        new.put("spec.template.metadata.labels", json!({"app": "api"}));
        assert_eq!(
            judge(deployment, &new, Some(&old)),
            ["spec.selector: Invalid value: {\"matchLabels\":{\"app\":\"api\"}}: field is immutable"]
        );
    }
}
