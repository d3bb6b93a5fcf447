//! GET of one object.

use std::sync::Arc;

use http::{HeaderMap, Response, StatusCode};

use super::call::Call;
use super::respond::object_response;
use crate::server::Body;
use crate::status::ApiError;
use crate::store::Object;

/// The stored object.
pub fn get(call: &Call, namespace: &str, name: &str) -> Result<Arc<Object>, ApiError> {
    let key = call.key(namespace, name)?;
    call.core.store.get(&key)?.ok_or_else(|| call.not_found(name))
}

/// Answers a GET.
pub fn handle(call: &Call, headers: &HeaderMap) -> Result<Response<Body>, ApiError> {
    let info = &call.context.info;
    let object = get(call, &info.namespace, &info.name)?;
    object_response(call, headers, StatusCode::OK, &object)
}
