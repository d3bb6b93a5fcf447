//! Pods: creation, and the few fields that may change afterwards (`ValidatePodCreate`, `ValidatePodUpdate`,
//! `ValidatePodStatusUpdate`, `ValidatePodEphemeralContainersUpdate`).

use serde_json::Value;

use super::resources::quantity;
use super::scheduling::tolerations;
use super::spec::pod_spec;
use crate::json::Json;
use crate::registry::Validation;
use crate::status::FieldError;
use crate::validation::diff::unified;
use crate::validation::names;
use crate::validation::path::{Errors, Path};

const UPDATABLE: &str = "`spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,\
    `spec.tolerations` (only additions to existing tolerations),\
    `spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";

/// Judges a pod.
pub fn validate(input: &Validation<'_>) -> Vec<FieldError> {
    let mut errors = Errors::default();
    let (pod, spec) = (input.object, Path::new("spec"));
    match (input.old, input.subresource) {
        (_, "status") => {}
        (Some(old), "ephemeralcontainers") => {
            pod_spec(pod.at("spec"), &spec, &mut errors);
            ephemeral(pod, old, &mut errors);
        }
        (Some(old), "resize") => {
            pod_spec(pod.at("spec"), &spec, &mut errors);
            resize(pod, old, &mut errors);
        }
        (None, _) => {
            specific_annotations(pod, &mut errors);
            pod_spec(pod.at("spec"), &spec, &mut errors);
            if !pod.list("spec.ephemeralContainers").is_empty() {
                errors.forbidden(&spec.child("ephemeralContainers"), "cannot be set on create");
            }
            if !pod.list("spec.schedulingGates").is_empty() && !pod.text("spec.nodeName").is_empty() {
                errors.forbidden(&spec.child("nodeName"), "cannot be set until all schedulingGates have been cleared");
            }
        }
        (Some(old), _) => {
            specific_annotations(pod, &mut errors);
            pod_spec(pod.at("spec"), &spec, &mut errors);
            mirror_annotation(pod, old, &mut errors);
            update(pod, old, &mut errors);
        }
    }
    errors.0
}

const MIRROR: &str = "kubernetes.io/config.mirror";

fn annotation<'a>(pod: &'a Value, key: &str) -> Option<&'a Value> {
    pod.object("metadata.annotations").and_then(|a| a.get(key))
}

fn specific_annotations(pod: &Value, errors: &mut Errors) {
    if let Some(value) = annotation(pod, MIRROR)
        && pod.text("spec.nodeName").is_empty()
    {
        let path = Path::new("metadata").child("annotations").key(MIRROR);
        errors.invalid(&path, value.clone(), "must set spec.nodeName if mirror pod annotation is set");
    }
}

fn mirror_annotation(pod: &Value, old: &Value, errors: &mut Errors) {
    let path = Path::new("metadata").child("annotations").key(MIRROR);
    match (annotation(old, MIRROR), annotation(pod, MIRROR)) {
        (Some(before), after) if after != Some(before) => errors.forbidden(&path, "may not remove or update mirror pod annotation"),
        (None, Some(_)) => errors.forbidden(&path, "may not add mirror pod annotation"),
        _ => {}
    }
}

fn update(pod: &Value, old: &Value, errors: &mut Errors) {
    let path = Path::new("spec");
    for list in ["containers", "initContainers"] {
        if pod.at("spec").list(list).len() != old.at("spec").list(list).len() {
            return errors.forbidden(&path.child(list), "pod updates may not add or remove containers");
        }
    }
    let deadline = path.child("activeDeadlineSeconds");
    match (pod.int("spec.activeDeadlineSeconds"), old.int("spec.activeDeadlineSeconds")) {
        (Some(new), _) if !(0..=i64::from(i32::MAX)).contains(&new) => {
            return errors.invalid(&deadline, new, names::range_error(0, i64::from(i32::MAX)));
        }
        (Some(new), Some(before)) if before < new => {
            return errors.invalid(&deadline, new, "must be less than or equal to previous value");
        }
        (None, Some(_)) => errors.invalid(&deadline, Value::Null, "must not update from a positive integer to nil value"),
        _ => {}
    }
    added_tolerations(pod, old, &path.child("tolerations"), errors);
    removed_gates(pod, old, &path.child("schedulingGates"), errors);
    if pod.at("spec") == old.at("spec") {
        return;
    }
    let munged = munge(pod, old);
    if &munged != old.at("spec") {
        let diff = unified(old.at("spec"), &munged);
        errors.forbidden(&path, format!("pod updates may not change fields other than {UPDATABLE}\n{diff}"));
    }
}

/// The new spec with every field that may change set back.
fn munge(pod: &Value, old: &Value) -> Value {
    let mut munged = pod.at("spec").clone();
    for list in ["containers", "initContainers"] {
        for (container, before) in munged.list_mut(list).iter_mut().zip(old.at("spec").list(list)) {
            container.put("image", before.at("image").clone());
        }
    }
    let mut restore = |field: &str| match old.at("spec").at(field) {
        Value::Null => drop(munged.remove(field)),
        value => munged.put(field, value.clone()),
    };
    for field in ["activeDeadlineSeconds", "tolerations", "schedulingGates"] {
        restore(field);
    }
    let grace = |pod: &Value| pod.int("spec.terminationGracePeriodSeconds");
    if grace(old).is_some_and(|g| g < 0) && grace(pod) == Some(1) {
        restore("terminationGracePeriodSeconds");
    }
    // A gated pod may still be narrowed down: node selectors may be added.
    if !old.list("spec.schedulingGates").is_empty() {
        let kept = old.entries("spec.nodeSelector").iter().all(|(k, v)| pod.object("spec.nodeSelector").and_then(|m| m.get(*k)) == Some(v));
        if kept {
            restore("nodeSelector");
        }
        if !old.has("spec.affinity") {
            restore("affinity");
        }
    }
    munged
}

fn added_tolerations(pod: &Value, old: &Value, path: &Path, errors: &mut Errors) {
    let new = pod.list("spec.tolerations");
    let without_seconds = |toleration: &Value| {
        let mut clone = toleration.clone();
        clone.remove("tolerationSeconds");
        clone
    };
    let kept = old.list("spec.tolerations").iter().all(|o| new.iter().any(|n| without_seconds(n) == without_seconds(o)));
    if !kept {
        return errors.forbidden(path, "existing toleration can not be modified except its tolerationSeconds");
    }
    tolerations(new, path, errors);
}

fn removed_gates(pod: &Value, old: &Value, path: &Path, errors: &mut Errors) {
    for (i, gate) in pod.list("spec.schedulingGates").iter().enumerate() {
        if !old.list("spec.schedulingGates").contains(gate) {
            let name = gate.text("name");
            errors.forbidden(&path.index(i).child("name"), format!("only deletion is allowed, but found new scheduling gate '{name}'"));
        }
    }
}

fn ephemeral(pod: &Value, old: &Value, errors: &mut Errors) {
    let path = Path::new("spec").child("ephemeralContainers");
    if annotation(pod, MIRROR).is_some() {
        return errors.forbidden(&Path::new(""), "static pods do not support ephemeral containers");
    }
    for before in old.list("spec.ephemeralContainers") {
        let name = before.text("name");
        match pod.list("spec.ephemeralContainers").iter().find(|c| c.text("name") == name) {
            None => errors.forbidden(&path, format!("existing ephemeral containers {name:?} may not be removed\n")),
            Some(after) if after != before => {
                let diff = unified(before, after);
                errors.forbidden(&path, format!("existing ephemeral containers {name:?} may not be changed\n{diff}"));
            }
            Some(_) => {}
        }
    }
}

fn resize(pod: &Value, old: &Value, errors: &mut Errors) {
    let path = Path::new("spec");
    if annotation(pod, MIRROR).is_some() {
        return errors.forbidden(&Path::new(""), "static pods cannot be resized");
    }
    let mut munged = pod.at("spec").clone();
    for list in ["containers", "initContainers"] {
        for (container, before) in munged.list_mut(list).iter_mut().zip(old.at("spec").list(list)) {
            for kind in ["requests", "limits"] {
                for resource in ["cpu", "memory"] {
                    let field = format!("resources.{kind}.{resource}");
                    match before.at(&field) {
                        Value::Null => drop(container.remove(&field)),
                        value => container.put(&field, value.clone()),
                    }
                }
                let map = format!("resources.{kind}");
                if container.object(&map).is_some_and(serde_json::Map::is_empty) && !before.has(&map) {
                    container.remove(&map);
                }
            }
        }
    }
    if &munged != old.at("spec") {
        errors.forbidden(&path, format!("only cpu and memory resources are mutable\n{}", unified(old.at("spec"), &munged)));
    }
}

/// Warnings for what is legal and unwise (`pkg/api/pod/warnings.go`).
pub fn warnings(input: &Validation<'_>) -> Vec<String> {
    if !input.subresource.is_empty() {
        return Vec::new();
    }
    spec_warnings(input.object.at("spec"), "spec")
}

pub fn spec_warnings(spec: &Value, path: &str) -> Vec<String> {
    let mut out = Vec::new();
    for (key, instead) in [("beta.kubernetes.io/arch", "kubernetes.io/arch"), ("beta.kubernetes.io/os", "kubernetes.io/os")] {
        if spec.object("nodeSelector").is_some_and(|s| s.contains_key(key)) {
            out.push(format!("{path}.nodeSelector[{key}]: deprecated since v1.14; use {instead:?} instead"));
        }
    }
    for (i, volume) in spec.list("volumes").iter().enumerate() {
        if volume.has("gitRepo") {
            out.push(format!("{path}.volumes[{i}].gitRepo: deprecated in v1.11, and disabled by default in v1.33+"));
        }
    }
    for list in ["initContainers", "containers"] {
        for (i, container) in spec.list(list).iter().enumerate() {
            out.extend(container_warnings(container, &format!("{path}.{list}[{i}]")));
        }
    }
    if spec.int("terminationGracePeriodSeconds").is_some_and(|s| s < 0) {
        out.push(format!("{path}.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated as 1"));
    }
    out
}

fn container_warnings(container: &Value, path: &str) -> Vec<String> {
    let mut out = Vec::new();
    for kind in ["limits", "requests"] {
        for (name, value) in container.entries(&format!("resources.{kind}")) {
            let fraction = matches!(name, "memory" | "ephemeral-storage") && quantity(value).is_some_and(|q| q.milli() % 1000 != 0);
            if fraction {
                let text = super::resources::canonical(value);
                out.push(format!("{path}.resources.{kind}[{name}]: fractional byte value {text:?} is invalid, must be an integer"));
            }
        }
    }
    let names: Vec<&str> = container.list("env").iter().map(|e| e.text("name")).collect();
    for (i, name) in names.iter().enumerate() {
        if names[..i].contains(name) {
            let refers = container.list("env")[i].text("value").contains(&format!("$({name})"));
            if !refers {
                out.push(format!("{path}.env[{i}]: hides previous definition of {name:?}, which may be dropped when using apply"));
            }
        }
    }
    let ports = container.list("ports");
    let key = |p: &Value| (p.int("containerPort"), p.text("protocol").to_owned(), p.int("hostPort"), p.text("hostIP").to_owned());
    for (i, port) in ports.iter().enumerate() {
        if let Some(j) = ports[..i].iter().position(|p| key(p) == key(port)) {
            out.push(format!("{path}.ports[{i}]: duplicate port definition with {path}.ports[{j}]"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn pod(change: impl Fn(&mut Value)) -> Value {
        let mut pod = json!({"metadata": {"name": "p"}, "spec": {
            "containers": [{"name": "c", "image": "nginx", "imagePullPolicy": "Always", "terminationMessagePolicy": "File", "resources": {}}],
            "restartPolicy": "Always", "dnsPolicy": "ClusterFirst", "terminationGracePeriodSeconds": 30}});
        change(&mut pod);
        pod
    }

    fn check(pod: &Value) -> Vec<String> {
        let mut errors = Errors::default();
        pod_spec(pod.at("spec"), &Path::new("spec"), &mut errors);
        errors.0.iter().map(ToString::to_string).collect()
    }

    type Edit = fn(&mut Value);

    #[test]
    fn a_good_pod_passes() {
        assert_eq!(check(&pod(|_| {})), Vec::<String>::new());
    }

    #[test]
    fn one_broken_field_gives_upstreams_text() {
        let cases: [(Edit, &str); 15] = [
            (|p| p.put("spec.containers", json!([])), "spec.containers: Required value"),
            (|p| p["spec"]["containers"][0]["name"] = json!(""), "spec.containers[0].name: Required value"),
            (|p| p["spec"]["containers"][0]["image"] = json!(""), "spec.containers[0].image: Required value"),
            (
                |p| p["spec"]["containers"][0]["image"] = json!(" nginx"),
                "spec.containers[0].image: Invalid value: \" nginx\": must not have leading or trailing whitespace",
            ),
            (
                |p| p["spec"]["containers"][0]["imagePullPolicy"] = json!("Sometimes"),
                "spec.containers[0].imagePullPolicy: Unsupported value: \"Sometimes\": supported values: \"Always\", \"IfNotPresent\", \"Never\"",
            ),
            (
                |p| p["spec"]["containers"][0]["resources"] = json!({"requests": {"cpu": "2"}, "limits": {"cpu": "1"}}),
                "spec.containers[0].resources.requests: Invalid value: \"2\": must be less than or equal to cpu limit of 1",
            ),
            (
                |p| p["spec"]["containers"][0]["resources"] = json!({"limits": {"requests.cpu": "1"}}),
                "spec.containers[0].resources.limits[requests.cpu]: Invalid value: \"requests.cpu\": must be a standard resource for containers",
            ),
            (
                |p| p["spec"]["containers"][0]["volumeMounts"] = json!([{"name": "v", "mountPath": "/x"}]),
                "spec.containers[0].volumeMounts[0].name: Not found: \"v\"",
            ),
            (|p| p["spec"]["volumes"] = json!([{"name": "v"}]), "spec.volumes[0]: Required value: must specify a volume type"),
            (
                |p| p["spec"]["containers"][0]["ports"] = json!([{"containerPort": 70000, "protocol": "TCP"}]),
                "spec.containers[0].ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive",
            ),
            (
                |p| p["spec"]["containers"][0]["livenessProbe"] = json!({"successThreshold": 1}),
                "spec.containers[0].livenessProbe: Required value: must specify a handler type",
            ),
            (
                |p| p["spec"]["containers"][0]["livenessProbe"] = json!({"exec": {"command": ["true"]}, "successThreshold": 2}),
                "spec.containers[0].livenessProbe.successThreshold: Invalid value: 2: must be 1",
            ),
            (
                |p| p["spec"]["tolerations"] = json!([{"operator": "Equal", "value": "x"}]),
                "spec.tolerations[0].operator: Invalid value: \"Equal\": operator must be Exists when `key` is empty, which means \"match all values and all keys\"",
            ),
            (
                |p| p.put("spec.restartPolicy", "Maybe"),
                "spec.restartPolicy: Unsupported value: \"Maybe\": supported values: \"Always\", \"OnFailure\", \"Never\"",
            ),
            (
                |p| p["spec"]["containers"][0]["env"] = json!([{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "m"}}}]),
                "spec.containers[0].env[0].valueFrom.configMapKeyRef.key: Required value",
            ),
        ];
        for (edit, want) in cases {
            assert_eq!(check(&pod(edit)), [want]);
        }
    }

    #[test]
    fn only_a_few_fields_may_change() {
        let old = pod(|_| {});
        let allowed: [Edit; 3] = [
            |p| p["spec"]["containers"][0]["image"] = json!("nginx:1.27"),
            |p| p.put("spec.activeDeadlineSeconds", 10),
            |p| p["spec"]["tolerations"] = json!([{"key": "a", "operator": "Exists"}]),
        ];
        for edit in allowed {
            let mut errors = Errors::default();
            update(&pod(edit), &old, &mut errors);
            assert!(errors.is_empty(), "{errors:?}");
        }
        let refused: [Edit; 2] =
            [|p| p.put("spec.nodeSelector", json!({"a": "b"})), |p| p["spec"]["containers"][0]["command"] = json!(["x"])];
        for edit in refused {
            let mut errors = Errors::default();
            update(&pod(edit), &old, &mut errors);
            let text = errors.0.first().map(ToString::to_string).unwrap_or_default();
            assert!(text.starts_with("spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`"), "{text}");
            assert!(text.contains("\n@@ "), "{text}");
        }
    }
}
