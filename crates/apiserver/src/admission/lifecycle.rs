//! `NamespaceLifecycle`: nothing is created where there is no namespace or where it goes.

use serde_json::Value;

use super::plugin::{creates, forbidden, is, lookup};
use crate::json::Json;
use crate::server::{AdmissionCall, Operation};
use crate::status::{ApiError, Cause};

const PROTECTED: [&str; 3] = ["default", "kube-system", "kube-public"];

pub(super) fn admit(call: &AdmissionCall<'_>, object: &mut Value) -> Result<(), ApiError> {
    if call.operation == Operation::Delete && is(call, "", "namespaces") && PROTECTED.contains(&call.name) {
        return Err(forbidden(call, object, "this namespace may not be deleted"));
    }
    if call.namespace.is_empty() || !creates(call) {
        return Ok(());
    }
    // Access reviews are not bound to a namespace that exists.
    if call.resource.gvk.group == "authorization.k8s.io" {
        return Ok(());
    }
    let Some(namespace) = lookup(call).get("", "namespaces", "", call.namespace) else {
        return Err(ApiError::not_found("", "namespaces", call.namespace));
    };
    let namespace = namespace.value();
    if namespace.text("status.phase") != "Terminating" && !namespace.has("metadata.deletionTimestamp") {
        return Ok(());
    }
    let why = format!("unable to create new content in namespace {} because it is being terminated", call.namespace);
    let mut error = forbidden(call, object, why);
    let cause = Cause {
        reason: "NamespaceTerminating".into(),
        message: format!("namespace {} is being terminated", call.namespace),
        field: "metadata.namespace".into(),
    };
    if let Some(details) = &mut error.details {
        details.causes.push(cause);
    }
    Err(error)
}
