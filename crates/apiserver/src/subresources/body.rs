//! Bodies of creates on subresources, and their answers.

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use serde_json::Value;

use crate::handlers::{Call, json_response, read_value};
use crate::json::Json;
use crate::registry::SubresourceCall;
use crate::server::{AdmissionCall, Body, Operation};
use crate::status::ApiError;

/// The call as the verbs know it.
pub(super) fn call(call: &SubresourceCall) -> Call {
    Call { core: call.core.clone(), resource: call.resource.clone(), context: call.context.clone() }
}

/// Reads a body of a kind; an empty `kind` and `apiVersion` are filled in.
pub(super) fn read(request: &Request<Bytes>, api_version: &str, kind: &str) -> Result<Value, ApiError> {
    let mut value =
        if request.body().is_empty() { serde_json::json!({}) } else { read_value(request.headers(), request.body(), kind)?.value };
    let given = value.text("kind").to_owned();
    if !given.is_empty() && given != kind {
        let version = value.text("apiVersion");
        return Err(ApiError::bad_request(format!(
            "no kind {given:?} is registered for version {version:?} in scheme \"pkg/runtime/scheme.go:111\""
        )));
    }
    value.put("kind", kind);
    if value.text("apiVersion").is_empty() {
        value.put("apiVersion", api_version);
    }
    Ok(value)
}

/// Runs admission over a create on a subresource.
pub(super) async fn admit(call: &Call, object: &mut Value, dry_run: bool) -> Result<(), ApiError> {
    let info = &call.context.info;
    let admission = AdmissionCall {
        core: &call.core,
        context: &call.context,
        resource: &call.resource,
        operation: Operation::Create,
        namespace: &info.namespace,
        name: &info.name,
        subresource: &info.subresource,
        old: None,
        dry_run,
    };
    call.core.plugins.admission.mutate(&admission, object).await?;
    call.core.plugins.admission.validate(&admission, Some(object)).await
}

/// 201 with an object.
pub(super) fn created(value: &Value) -> Response<Body> {
    json_response(StatusCode::CREATED, value.to_string())
}

/// 201 with `Status: Success`, as creates that store nothing of their own return.
pub(super) fn success() -> Response<Body> {
    let mut status = crate::status::success(None);
    status.put("code", 201);
    json_response(StatusCode::CREATED, status.to_string())
}
