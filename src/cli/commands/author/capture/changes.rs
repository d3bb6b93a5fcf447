//! What differs between two states of a cluster, as far as somebody meant it.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::backend::embedded::Handover;

/// A state, cleaned of what the cluster writes by itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    /// Objects by kind, namespace and name.
    pub objects: BTreeMap<Name, Value>,
    /// Files by node and path.
    pub files: BTreeMap<(String, String), String>,
}

/// What an object is called.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name {
    /// Kind.
    pub kind: String,
    /// Namespace; none for cluster-scoped kinds.
    pub namespace: Option<String>,
    /// Name.
    pub name: String,
    /// API version.
    pub api_version: String,
}

/// Kinds that only controllers write.
const CONTROLLED: &[&str] = &[
    "Event",
    "Lease",
    "EndpointSlice",
    "Endpoints",
    "ControllerRevision",
    "CSINode",
    "ServiceCIDR",
    "IPAddress",
    "APIService",
    "FlowSchema",
    "PriorityLevelConfiguration",
];

/// Keys of metadata that the server writes.
const SERVERS: &[&str] = &[
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "managedFields",
    "selfLink",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
];

/// Annotations and labels that components write.
const COMPONENTS: &[&str] = &[
    "deployment.kubernetes.io/",
    "kubectl.kubernetes.io/last-applied-configuration",
    "pv.kubernetes.io/",
    "volume.beta.kubernetes.io/",
    "volume.kubernetes.io/",
    "node.alpha.kubernetes.io/",
    "kubernetes.io/metadata.name",
    "control-plane.alpha.kubernetes.io/",
];

impl State {
    /// The state of a cluster.
    pub fn of(handover: &Handover) -> Self {
        let objects = handover.objects();
        let meant = objects.into_values().filter_map(|object| Some((name_of(&object)?, clean(object)?)));
        Self { objects: meant.collect(), files: handover.files() }
    }
}

fn name_of(object: &Value) -> Option<Name> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    Some(Name {
        kind: text(&object["kind"])?,
        namespace: text(&object["metadata"]["namespace"]),
        name: text(&object["metadata"]["name"])?,
        api_version: text(&object["apiVersion"])?,
    })
}

/// An object as somebody meant it; none for what controllers made.
fn clean(mut object: Value) -> Option<Value> {
    let owned = object["metadata"]["ownerReferences"].as_array().is_some_and(|owners| !owners.is_empty());
    let kind = object["kind"].as_str()?.to_owned();
    let name = object["metadata"]["name"].as_str()?.to_owned();
    let made =
        owned || CONTROLLED.contains(&kind.as_str()) || name == "kube-root-ca.crt" || (kind == "ServiceAccount" && name == "default");
    // Mirrors of static pods belong to files.
    if made || !object["metadata"]["annotations"]["kubernetes.io/config.mirror"].is_null() {
        return None;
    }
    let map = object.as_object_mut()?;
    map.remove("status");
    if let Some(metadata) = map.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.retain(|key, _| !SERVERS.contains(&key.as_str()));
        for key in ["annotations", "labels"] {
            if let Some(words) = metadata.get_mut(key).and_then(Value::as_object_mut) {
                words.retain(|word, _| !COMPONENTS.iter().any(|start| word.starts_with(start)));
                if words.is_empty() {
                    metadata.remove(key);
                }
            }
        }
        if kind == "Namespace" || kind.starts_with("PersistentVolume") {
            metadata.remove("finalizers");
        }
    }
    if let Some(spec) = map.get_mut("spec").and_then(Value::as_object_mut) {
        match kind.as_str() {
            "Namespace" => drop(spec.remove("finalizers")),
            "Service" => ["clusterIP", "clusterIPs"].iter().for_each(|key| {
                // A headless Service says so itself.
                if spec.get(*key).is_some_and(|v| v != "None" && *v != serde_json::json!(["None"])) {
                    spec.remove(*key);
                }
            }),
            "Pod" => pod(spec),
            "Node" => {
                // Conditions put these on and off.
                if let Some(taints) = spec.get_mut("taints").and_then(Value::as_array_mut) {
                    taints.retain(|taint| !taint["key"].as_str().is_some_and(|k| k.starts_with("node.kubernetes.io/")));
                    if taints.is_empty() {
                        spec.remove("taints");
                    }
                }
            }
            _ => {}
        }
        if spec.is_empty() {
            map.remove("spec");
        }
    }
    Some(object)
}

/// What admission and the scheduler write into a pod.
fn pod(spec: &mut Map<String, Value>) {
    spec.remove("nodeName");
    let access = |value: &Value| value["name"].as_str().is_some_and(|name| name.starts_with("kube-api-access-"));
    if let Some(volumes) = spec.get_mut("volumes").and_then(Value::as_array_mut) {
        volumes.retain(|volume| !access(volume));
    }
    for list in ["containers", "initContainers"] {
        for container in spec.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
            if let Some(mounts) = container.get_mut("volumeMounts").and_then(Value::as_array_mut) {
                mounts.retain(|mount| !access(mount));
            }
        }
    }
    if let Some(tolerations) = spec.get_mut("tolerations").and_then(Value::as_array_mut) {
        tolerations.retain(|t| !t["key"].as_str().is_some_and(|key| key.starts_with("node.kubernetes.io/")));
    }
}

/// The parts of `after` that are not in `before`, `null` for what is gone: a JSON merge patch. Items of lists that have a name are
/// given alone, with it, where `partial` asks for what a check compares; a patch needs lists whole.
pub fn difference(before: &Value, after: &Value, partial: bool) -> Option<Value> {
    match (before, after) {
        (Value::Object(old), Value::Object(new)) => {
            let mut changed = Map::new();
            for (key, value) in new {
                if let Some(part) = difference(old.get(key).unwrap_or(&Value::Null), value, partial) {
                    changed.insert(key.clone(), part);
                }
            }
            for key in old.keys().filter(|key| !new.contains_key(*key)) {
                changed.insert(key.clone(), Value::Null);
            }
            (!changed.is_empty()).then_some(Value::Object(changed))
        }
        (Value::Array(old), Value::Array(new)) if partial && new.iter().all(|item| item["name"].is_string()) && !new.is_empty() => {
            let items: Vec<Value> = new
                .iter()
                .filter_map(|item| {
                    let same = old.iter().find(|o| o["name"] == item["name"]).unwrap_or(&Value::Null);
                    let mut part = difference(same, item, partial)?;
                    part["name"] = item["name"].clone();
                    Some(part)
                })
                .collect();
            (!items.is_empty()).then_some(Value::Array(items))
        }
        (old, new) => (old != new).then(|| new.clone()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_was_meant_differs() {
        let object = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "namespace": "b", "uid": "u", "resourceVersion": "3"},
            "spec": {"nodeName": "worker-1", "volumes": [{"name": "kube-api-access-x"}, {"name": "data"}]}, "status": {"phase": "Running"}});
        let cleaned = clean(object.clone()).expect("meant");
        assert_eq!(
            cleaned,
            json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "namespace": "b"}, "spec": {"volumes": [{"name": "data"}]}})
        );
        let mut owned = object;
        owned["metadata"]["ownerReferences"] = json!([{"kind": "ReplicaSet"}]);
        assert_eq!(clean(owned), None);
    }

    #[test]
    fn differences_are_small() {
        let before =
            json!({"spec": {"replicas": 1, "paused": true, "containers": [{"name": "a", "image": "x"}, {"name": "b", "image": "y"}]}});
        let after = json!({"spec": {"replicas": 2, "containers": [{"name": "a", "image": "z"}, {"name": "b", "image": "y"}]}});
        assert_eq!(
            difference(&before, &after, true),
            Some(json!({"spec": {"replicas": 2, "paused": null, "containers": [{"image": "z", "name": "a"}]}}))
        );
        let whole = difference(&before, &after, false).expect("differs");
        assert_eq!(whole["spec"]["containers"], after["spec"]["containers"]);
        assert_eq!(difference(&after, &after, true), None);
    }
}
