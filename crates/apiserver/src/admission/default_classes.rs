//! `DefaultStorageClass` and `DefaultIngressClass`.

use std::sync::Arc;

use serde_json::Value;

use super::plugin::{creates, is, lookup};
use crate::json::Json;
use crate::server::AdmissionCall;
use crate::status::ApiError;
use crate::store::Object;

fn annotated(object: &Value, key: &str) -> bool {
    object.object("metadata.annotations").and_then(|a| a.get(key)).is_some_and(|v| v == "true")
}

/// Of several default classes the newest counts, then the first by name.
fn newest(mut classes: Vec<Arc<Object>>) -> Option<String> {
    classes.sort_by(|a, b| {
        let time = |o: &Arc<Object>| o.value().text("metadata.creationTimestamp").to_owned();
        time(b).cmp(&time(a)).then_with(|| a.value().text("metadata.name").cmp(b.value().text("metadata.name")))
    });
    classes.first().map(|c| c.value().text("metadata.name").to_owned())
}

pub(super) fn storage_class(call: &AdmissionCall<'_>, claim: &mut Value) -> Result<(), ApiError> {
    if !is(call, "", "persistentvolumeclaims") || !creates(call) {
        return Ok(());
    }
    let old_way = claim.object("metadata.annotations").is_some_and(|a| a.contains_key("volume.beta.kubernetes.io/storage-class"));
    if claim.has("spec.storageClassName") || old_way {
        return Ok(());
    }
    let classes = lookup(call).list("storage.k8s.io", "storageclasses", "").into_iter().filter(|c| {
        annotated(c.value(), "storageclass.kubernetes.io/is-default-class")
            || annotated(c.value(), "storageclass.beta.kubernetes.io/is-default-class")
    });
    if let Some(name) = newest(classes.collect()) {
        claim.put("spec.storageClassName", name);
    }
    Ok(())
}

pub(super) fn ingress_class(call: &AdmissionCall<'_>, ingress: &mut Value) -> Result<(), ApiError> {
    if !is(call, "networking.k8s.io", "ingresses") || !creates(call) || ingress.has("spec.ingressClassName") {
        return Ok(());
    }
    if ingress.object("metadata.annotations").is_some_and(|a| a.contains_key("kubernetes.io/ingress.class")) {
        return Ok(());
    }
    let classes = lookup(call).list("networking.k8s.io", "ingressclasses", "").into_iter();
    let classes = classes.filter(|c| annotated(c.value(), "ingressclass.kubernetes.io/is-default-class"));
    if let Some(name) = newest(classes.collect()) {
        ingress.put("spec.ingressClassName", name);
    }
    Ok(())
}
