//! `StorageObjectInUseProtection` and `PersistentVolumeClaimResize`.

use serde_json::Value;

use super::plugin::{creates, forbidden, is, lookup};
use crate::json::Json;
use crate::server::{AdmissionCall, Operation};
use crate::status::ApiError;

pub(super) fn protect(call: &AdmissionCall<'_>, object: &mut Value) -> Result<(), ApiError> {
    let finalizer = if is(call, "", "persistentvolumeclaims") {
        "kubernetes.io/pvc-protection"
    } else if is(call, "", "persistentvolumes") {
        "kubernetes.io/pv-protection"
    } else {
        return Ok(());
    };
    if creates(call) && !object.list("metadata.finalizers").iter().any(|f| f == finalizer) {
        let mut finalizers = object.list("metadata.finalizers").to_vec();
        finalizers.push(finalizer.into());
        object.put("metadata.finalizers", finalizers);
    }
    Ok(())
}

pub(super) fn resize(call: &AdmissionCall<'_>, claim: &Value) -> Result<(), ApiError> {
    let Some(old) = call.old.filter(|_| is(call, "", "persistentvolumeclaims") && call.operation == Operation::Update) else {
        return Ok(());
    };
    let size = |claim: &Value| claim.text("spec.resources.requests.storage").parse::<values::Quantity>().ok();
    if size(claim) <= size(old) {
        return Ok(());
    }
    if old.text("status.phase") != "Bound" {
        return Err(forbidden(call, claim, "Only bound persistent volume claims can be expanded"));
    }
    let class = lookup(call).get("storage.k8s.io", "storageclasses", "", claim.text("spec.storageClassName"));
    if class.is_some_and(|c| c.value().flag("allowVolumeExpansion") == Some(true)) {
        return Ok(());
    }
    Err(forbidden(
        call,
        claim,
        "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize",
    ))
}
