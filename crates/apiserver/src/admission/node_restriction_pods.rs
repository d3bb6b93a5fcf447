//! The part of `NodeRestriction` about pods: mirror pods, statuses, evictions and tokens.

use serde_json::Value;

use super::plugin::{forbidden, lookup};
use crate::json::Json;
use crate::server::{AdmissionCall, Operation};
use crate::status::ApiError;

const MIRROR: &str = "kubernetes.io/config.mirror";

pub(super) fn admit(call: &AdmissionCall<'_>, node: &str, object: &Value) -> Result<(), ApiError> {
    match call.subresource {
        "" => whole(call, node, object),
        "status" => status(call, node, object),
        "eviction" => eviction(call, node, object),
        other => Err(forbidden(call, object, format!("unexpected pod subresource {other:?}, only 'status' and 'eviction' are allowed"))),
    }
}

fn whole(call: &AdmissionCall<'_>, node: &str, pod: &Value) -> Result<(), ApiError> {
    match call.operation {
        Operation::Create => mirror(call, node, pod),
        Operation::Delete => {
            let old = call.old.unwrap_or(&Value::Null);
            if old.text("spec.nodeName") == node {
                return Ok(());
            }
            Err(forbidden(call, pod, format!("node {node:?} can only delete pods with spec.nodeName set to itself")))
        }
        other => {
            let why = format!("unexpected operation {:?}, node {node:?} can only create and delete mirror pods", other.as_str());
            Err(forbidden(call, pod, why))
        }
    }
}

fn mirror(call: &AdmissionCall<'_>, node: &str, pod: &Value) -> Result<(), ApiError> {
    let refuse = |why: String| Err(forbidden(call, pod, why));
    if !pod.object("metadata.annotations").is_some_and(|a| a.contains_key(MIRROR)) {
        return refuse(format!("pod does not have {MIRROR:?} annotation, node {node:?} can only create mirror pods"));
    }
    if pod.text("spec.nodeName") != node {
        return refuse(format!("node {node:?} can only create pods with spec.nodeName set to itself"));
    }
    let [owner] = pod.list("metadata.ownerReferences") else {
        let why = if pod.list("metadata.ownerReferences").is_empty() { "an owner reference" } else { "a single owner reference" };
        return refuse(format!("node {node:?} can only create pods with {why} set to itself"));
    };
    if owner.text("apiVersion") != "v1" || owner.text("kind") != "Node" || owner.text("name") != node {
        return refuse(format!("node {node:?} can only create pods with an owner reference set to itself"));
    }
    if owner.flag("controller") != Some(true) {
        return refuse(format!("node {node:?} can only create pods with a controller owner reference set to itself"));
    }
    if owner.flag("blockOwnerDeletion") == Some(true) {
        return refuse(format!("node {node:?} must not set blockOwnerDeletion on an owner reference"));
    }
    match lookup(call).get("", "nodes", "", node) {
        None => return refuse(format!("error looking up node {node} to verify uid: nodes {node:?} not found")),
        Some(found) if found.value().text("metadata.uid") != owner.text("uid") => {
            let uid = found.value().text("metadata.uid").to_owned();
            return refuse(format!("node {node} UID mismatch: expected {} got {uid}", owner.text("uid")));
        }
        Some(_) => {}
    }
    match reference(pod.at("spec")) {
        Some(what) => refuse(format!("node {node:?} can not create pods that reference {what}")),
        None => Ok(()),
    }
}

/// The first kind of API object that a pod refers to (`podHasReferencesToAPIObjects`).
fn reference(spec: &Value) -> Option<&'static str> {
    if !spec.text("serviceAccountName").is_empty() {
        return Some("serviceaccounts");
    }
    let volumes = spec.list("volumes");
    let projected = |field: &str| volumes.iter().any(|v| v.list("projected.sources").iter().any(|s| s.has(field)));
    let env = |key: &str, from: &str| {
        ["containers", "initContainers", "ephemeralContainers"]
            .iter()
            .flat_map(|l| spec.list(l))
            .any(|c| c.list("env").iter().any(|e| e.at("valueFrom").has(key)) || c.list("envFrom").iter().any(|e| e.has(from)))
    };
    if volumes.iter().any(|v| v.has("secret"))
        || projected("secret")
        || env("secretKeyRef", "secretRef")
        || !spec.list("imagePullSecrets").is_empty()
    {
        return Some("secrets");
    }
    if volumes.iter().any(|v| v.has("configMap")) || projected("configMap") || env("configMapKeyRef", "configMapRef") {
        return Some("configmaps");
    }
    volumes.iter().any(|v| v.has("persistentVolumeClaim") || v.has("ephemeral")).then_some("persistentvolumeclaims")
}

fn status(call: &AdmissionCall<'_>, node: &str, pod: &Value) -> Result<(), ApiError> {
    if call.operation != Operation::Update {
        return Err(forbidden(call, pod, format!("unexpected operation {:?}", call.operation.as_str())));
    }
    let old = call.old.unwrap_or(&Value::Null);
    if old.text("spec.nodeName") != node {
        return Err(forbidden(call, pod, format!("node {node:?} can only update pod status for pods with spec.nodeName set to itself")));
    }
    let labels = |pod: &Value| pod.object("metadata.labels").cloned().unwrap_or_default();
    if labels(pod) != labels(old) {
        return Err(forbidden(call, pod, format!("node {node:?} cannot update labels through pod status")));
    }
    Ok(())
}

fn eviction(call: &AdmissionCall<'_>, node: &str, object: &Value) -> Result<(), ApiError> {
    let pod = lookup(call).get("", "pods", call.namespace, call.name);
    match pod {
        None => Err(ApiError::not_found("", "pods", call.name)),
        Some(pod) if pod.value().text("spec.nodeName") != node => {
            Err(forbidden(call, object, format!("node {node} can only evict pods with spec.nodeName set to itself")))
        }
        Some(_) => Ok(()),
    }
}

/// Tokens are for pods of this node, and bound to them.
pub(super) fn token(call: &AdmissionCall<'_>, node: &str, request: &Value) -> Result<(), ApiError> {
    let bound = request.at("spec.boundObjectRef");
    let refuse = |why: String| Err(forbidden(call, request, why));
    if bound.text("kind") != "Pod" || bound.text("apiVersion") != "v1" || bound.text("name").is_empty() {
        return refuse("node requested token not bound to a pod".to_owned());
    }
    if bound.text("uid").is_empty() {
        return refuse("node requested token with a pod binding without a uid".to_owned());
    }
    match lookup(call).get("", "pods", call.namespace, bound.text("name")) {
        None => Err(ApiError::not_found("", "pods", bound.text("name"))),
        Some(pod) if pod.value().text("metadata.uid") != bound.text("uid") => refuse(format!(
            "the UID in the bound object reference ({}) does not match the UID in record. The object might have been deleted and then recreated",
            bound.text("uid")
        )),
        Some(pod) if pod.value().text("spec.nodeName") != node => {
            refuse("node requested token bound to a pod scheduled on a different node".to_owned())
        }
        Some(_) => Ok(()),
    }
}
