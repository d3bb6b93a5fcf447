//! Answers.

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use http::{HeaderMap, Response, StatusCode};
use serde_json::{Value, json};

use super::call::Call;
use super::convert::{served, served_bytes, to_bytes};
use super::negotiate::{self, Format};
use super::table;
use crate::request::RequestContext;
use crate::server::{Body, full};
use crate::status::ApiError;
use crate::store::Object;

/// JSON with a code.
pub fn json_response(code: StatusCode, bytes: impl Into<Bytes>) -> Response<Body> {
    typed(code, "application/json", bytes)
}

/// Text with a code.
pub fn text_response(code: StatusCode, text: impl Into<Bytes>) -> Response<Body> {
    let mut response = typed(code, "text/plain; charset=utf-8", text);
    response.headers_mut().insert("x-content-type-options", HeaderValue::from_static("nosniff"));
    response
}

fn typed(code: StatusCode, media: &'static str, bytes: impl Into<Bytes>) -> Response<Body> {
    let mut response = Response::new(full(bytes));
    *response.status_mut() = code;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-cache, private"));
    response
}

/// The `Status` of an error.
pub fn error_response(error: &ApiError) -> Response<Body> {
    let code = StatusCode::from_u16(error.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = json_response(code, to_bytes(&error.to_value()));
    if let Some(seconds) = error.details.as_ref().map(|details| details.retry_after_seconds).filter(|seconds| *seconds > 0) {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// A value that is not stored (a `Scale`, a review, a `Status`), as it is.
pub fn value_response(context: &RequestContext, headers: &HeaderMap, code: StatusCode, value: &Value) -> Result<Response<Body>, ApiError> {
    Ok(match negotiate::format(headers, false)? {
        Format::Yaml => typed(code, "application/yaml", yaml(value)?),
        _ => json_response(code, pretty(context, to_bytes(value))),
    })
}

/// A stored object in the format that the client wants.
pub fn object_response(call: &Call, headers: &HeaderMap, code: StatusCode, object: &Object) -> Result<Response<Body>, ApiError> {
    Ok(match negotiate::format(headers, false)? {
        Format::Object => json_response(code, pretty(&call.context, served_bytes(&call.resource, object))),
        Format::Yaml => typed(code, "application/yaml", yaml(&served(&call.resource, object.value()))?),
        Format::Partial => json_response(code, pretty(&call.context, to_bytes(&partial(object.value())))),
        Format::Table => {
            let value = served(&call.resource, object.value());
            let metadata = json!({"resourceVersion": object.revision().to_string()});
            json_response(code, pretty(&call.context, to_bytes(&table::table(call, [&*value], metadata, true)?)))
        }
    })
}

/// Metadata of an object, alone.
pub fn partial(object: &Value) -> Value {
    json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": object["metadata"]})
}

/// YAML text of a value.
pub fn yaml(value: &Value) -> Result<Bytes, ApiError> {
    serde_saphyr::to_string(value).map(Bytes::from).map_err(ApiError::internal)
}

/// Indents JSON for people (`pretty=true`, and for curl, wget and browsers unless told otherwise).
pub fn pretty(context: &RequestContext, bytes: Bytes) -> Bytes {
    let wanted = match context.info.query.get("pretty") {
        Some(text) => matches!(text, "1" | "true" | "True" | "TRUE" | "t" | "T"),
        None => ["curl", "Wget", "Mozilla/5.0"].iter().any(|agent| context.user_agent.starts_with(agent)),
    };
    if !wanted {
        return bytes;
    }
    let Ok(value) = serde_json::from_slice::<Value>(&bytes) else { return bytes };
    serde_json::to_vec_pretty(&value).map_or(bytes, Bytes::from)
}
