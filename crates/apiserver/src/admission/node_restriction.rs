//! `NodeRestriction`: a kubelet changes its own node and the pods bound to it, nothing else.

use serde_json::Value;

use super::node_restriction_pods as pods;
use super::plugin::{concerns, forbidden};
use crate::authz::node_identity;
use crate::json::Json;
use crate::server::{AdmissionCall, Operation};
use crate::status::ApiError;

pub(super) fn admit(call: &AdmissionCall<'_>, object: &mut Value) -> Result<(), ApiError> {
    let node = match node_identity(&call.context.user) {
        None => return Ok(()),
        Some("") => return Err(forbidden(call, object, format!("could not determine node from user {:?}", call.context.user.name))),
        Some(node) => node.to_owned(),
    };
    let on = |group: &str, plural: &str| concerns(call, group, plural);
    if on("", "pods") {
        pods::admit(call, &node, object)
    } else if on("", "nodes") {
        own_node(call, &node, object)
    } else if on("", "persistentvolumeclaims") {
        claim(call, &node, object)
    } else if on("", "serviceaccounts") && call.subresource == "token" {
        pods::token(call, &node, object)
    } else if on("coordination.k8s.io", "leases") {
        lease(call, &node, object)
    } else if on("storage.k8s.io", "csinodes") {
        csi_node(call, &node, object)
    } else {
        Ok(())
    }
}

/// Labels that a kubelet may set on itself, among those of Kubernetes' own domains (`kubeletapis`).
fn is_kubelet_label(key: &str) -> bool {
    const KNOWN: [&str; 11] = [
        "kubernetes.io/hostname",
        "kubernetes.io/os",
        "kubernetes.io/arch",
        "beta.kubernetes.io/os",
        "beta.kubernetes.io/arch",
        "beta.kubernetes.io/instance-type",
        "node.kubernetes.io/instance-type",
        "topology.kubernetes.io/zone",
        "topology.kubernetes.io/region",
        "failure-domain.beta.kubernetes.io/zone",
        "failure-domain.beta.kubernetes.io/region",
    ];
    let domain = key.split('/').next().unwrap_or_default();
    let within = |base: &str| domain == base || domain.ends_with(&format!(".{base}"));
    KNOWN.contains(&key) || within("kubelet.kubernetes.io") || within("node.kubernetes.io")
}

/// Whether a label lies in Kubernetes' own domains.
fn is_kubernetes_label(key: &str) -> bool {
    let Some((domain, _)) = key.split_once('/') else { return false };
    ["kubernetes.io", "k8s.io"].iter().any(|base| domain == *base || domain.ends_with(&format!(".{base}")))
}

/// Labels whose value differs between two objects.
fn changed_labels<'a>(new: &'a Value, old: &'a Value) -> Vec<&'a str> {
    let get = |object: &'a Value, key: &str| object.object("metadata.labels").and_then(|l| l.get(key));
    let mut keys: Vec<&str> = new.entries("metadata.labels").iter().chain(&old.entries("metadata.labels")).map(|(k, _)| *k).collect();
    keys.sort_unstable();
    keys.dedup();
    keys.retain(|key| get(new, key) != get(old, key));
    keys
}

fn own_node(call: &AdmissionCall<'_>, node: &str, object: &Value) -> Result<(), ApiError> {
    let name = if call.name.is_empty() { object.text("metadata.name") } else { call.name };
    if name != node {
        return Err(forbidden(call, object, format!("node {node:?} is not allowed to modify node {name:?}")));
    }
    match call.operation {
        Operation::Create => {
            let bad: Vec<&str> = object
                .entries("metadata.labels")
                .into_iter()
                .map(|(key, _)| key)
                .filter(|key| key.starts_with("node-restriction.kubernetes.io/") || (is_kubernetes_label(key) && !is_kubelet_label(key)))
                .collect();
            if bad.is_empty() {
                return Ok(());
            }
            Err(forbidden(call, object, format!("node {node:?} is not allowed to set the following labels: {}", bad.join(", "))))
        }
        Operation::Update => {
            let Some(old) = call.old else { return Ok(()) };
            if object.at("spec.taints") != old.at("spec.taints") {
                return Err(forbidden(call, object, format!("node {node:?} is not allowed to modify taints")));
            }
            if object.at("metadata.ownerReferences") != old.at("metadata.ownerReferences") {
                return Err(forbidden(call, object, format!("node {node:?} is not allowed to modify ownerReferences")));
            }
            let bad: Vec<&str> = changed_labels(object, old)
                .into_iter()
                .filter(|key| key.starts_with("node-restriction.kubernetes.io/") || (is_kubernetes_label(key) && !is_kubelet_label(key)))
                .collect();
            if bad.is_empty() {
                Ok(())
            } else {
                Err(forbidden(call, object, format!("is not allowed to modify labels: {}", bad.join(", "))))
            }
        }
        _ => Ok(()),
    }
}

fn claim(call: &AdmissionCall<'_>, node: &str, object: &Value) -> Result<(), ApiError> {
    if call.subresource != "status" {
        return Err(forbidden(call, object, "may only update PVC status"));
    }
    let Some(old) = call.old else { return Ok(()) };
    let rest = |claim: &Value| {
        let mut claim = claim.clone();
        for field in [
            "status.capacity",
            "status.conditions",
            "status.allocatedResources",
            "status.allocatedResourceStatuses",
            "metadata.managedFields",
            "metadata.resourceVersion",
        ] {
            claim.remove(field);
        }
        claim
    };
    if rest(object) == rest(old) {
        return Ok(());
    }
    let why = format!("node {node:?} is not allowed to update fields other than status.quantity and status.conditions");
    Err(forbidden(call, object, why))
}

fn lease(call: &AdmissionCall<'_>, node: &str, object: &Value) -> Result<(), ApiError> {
    if call.namespace != "kube-node-lease" {
        return Err(forbidden(call, object, "can only access leases in the \"kube-node-lease\" system namespace"));
    }
    let name = if call.operation == Operation::Create { object.text("metadata.name") } else { call.name };
    if name == node { Ok(()) } else { Err(forbidden(call, object, "can only access node lease with the same name as the requesting node")) }
}

fn csi_node(call: &AdmissionCall<'_>, node: &str, object: &Value) -> Result<(), ApiError> {
    let name = if call.operation == Operation::Create { object.text("metadata.name") } else { call.name };
    if name == node { Ok(()) } else { Err(forbidden(call, object, "can only access CSINode with the same name as the requesting node")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kubelets_may_set_only_their_own_labels() {
        let cases = [
            ("kubernetes.io/hostname", true, true),
            ("node.kubernetes.io/pool", true, true),
            ("node-role.kubernetes.io/control-plane", true, false),
            ("example.com/team", false, false),
            ("plain", false, false),
        ];
        for (key, kubernetes, kubelet) in cases {
            assert_eq!((is_kubernetes_label(key), is_kubelet_label(key)), (kubernetes, kubelet), "{key}");
        }
    }
}
