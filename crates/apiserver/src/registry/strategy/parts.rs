//! Subresources that write a part of their parent.

use serde_json::Value;

use crate::registry::{Gvk, Subresource, SubresourceKind};

const READ_WRITE: &[&str] = &["get", "patch", "update"];

/// Partial subresources of a resource.
pub fn parts(group: &str, plural: &str) -> Vec<Subresource> {
    let part = |name, kind, verbs, take| Subresource { name, gvk: Gvk::new(group, "v1", kind), verbs, kind: SubresourceKind::Part(take) };
    match (group, plural) {
        ("", "namespaces") => vec![part("finalize", "Namespace", &["update"], finalize)],
        ("", "pods") => {
            vec![part("ephemeralcontainers", "Pod", READ_WRITE, ephemeral_containers), part("resize", "Pod", READ_WRITE, resize)]
        }
        ("certificates.k8s.io", "certificatesigningrequests") => {
            vec![part("approval", "CertificateSigningRequest", READ_WRITE, approval)]
        }
        _ => Vec::new(),
    }
}

/// `old` with the value that `new` has at a place.
fn with(old: &Value, new: &Value, path: &[&str]) -> Value {
    let mut result = old.clone();
    let Some((last, parents)) = path.split_last() else { return result };
    let mut target = &mut result;
    for key in parents {
        target = &mut target[*key];
    }
    match (parents.iter().try_fold(new, |value, key| value.get(key)).and_then(|value| value.get(last)), target.as_object_mut()) {
        (Some(value), Some(map)) => drop(map.insert((*last).into(), value.clone())),
        (None, Some(map)) => drop(map.shift_remove(*last)),
        _ => {}
    }
    result
}

/// `namespaces/finalize`: `spec.finalizers`.
fn finalize(old: &Value, new: &Value) -> Value {
    with(old, new, &["spec", "finalizers"])
}

/// `pods/ephemeralcontainers`.
fn ephemeral_containers(old: &Value, new: &Value) -> Value {
    with(old, new, &["spec", "ephemeralContainers"])
}

/// `certificatesigningrequests/approval`: the conditions.
fn approval(old: &Value, new: &Value) -> Value {
    with(old, new, &["status", "conditions"])
}

/// `pods/resize`: resources of containers that are there already.
fn resize(old: &Value, new: &Value) -> Value {
    let mut result = old.clone();
    for list in ["containers", "initContainers"] {
        let Some(items) = result.get_mut("spec").and_then(|spec| spec.get_mut(list)).and_then(Value::as_array_mut) else { continue };
        for item in items {
            let wanted = new.get("spec").and_then(|spec| spec.get(list)).and_then(Value::as_array);
            let Some(wanted) = wanted.into_iter().flatten().find(|other| other.get("name") == item.get("name")) else { continue };
            for key in ["resources", "resizePolicy"] {
                if let (Some(value), Some(map)) = (wanted.get(key), item.as_object_mut()) {
                    map.insert(key.into(), value.clone());
                }
            }
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_the_part_is_taken() {
        let old = json!({"metadata": {"name": "n"}, "spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Terminating"}});
        let new = json!({"metadata": {"name": "n", "labels": {"a": "b"}}, "spec": {"finalizers": []}, "status": {}});
        assert_eq!(
            finalize(&old, &new),
            json!({"metadata": {"name": "n"}, "spec": {"finalizers": []}, "status": {"phase": "Terminating"}})
        );
        let old = json!({"spec": {"containers": [{"name": "a", "image": "i", "resources": {}}]}});
        let new = json!({"spec": {"containers": [{"name": "a", "image": "other", "resources": {"limits": {"cpu": "1"}}}]}});
        assert_eq!(
            resize(&old, &new),
            json!({"spec": {"containers": [{"name": "a", "image": "i", "resources": {"limits": {"cpu": "1"}}}]}})
        );
    }
}
