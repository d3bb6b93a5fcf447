//! Which path gives which document.

use std::sync::Arc;

use bytes::Bytes;
use futures::future::BoxFuture;
use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use serde_json::Value;
use sha2::{Digest, Sha512};

use super::{aggregated, lists};
use crate::request::RequestContext;
use crate::server::{Body, Core, PathHandler, full};
use crate::status::ApiError;

/// Answers `/api`, `/apis` and what is below, up to the resource lists.
#[derive(Clone, Copy, Debug, Default)]
pub struct Discovery;

impl PathHandler for Discovery {
    fn handle<'a>(
        &'a self,
        core: &'a Arc<Core>,
        _: &'a RequestContext,
        request: &'a Request<Bytes>,
    ) -> BoxFuture<'a, Option<Result<Response<Body>, ApiError>>> {
        Box::pin(std::future::ready(answer(core, request)))
    }
}

fn answer(core: &Core, request: &Request<Bytes>) -> Option<Result<Response<Body>, ApiError>> {
    let parts: Vec<&str> = request.uri().path().split('/').filter(|p| !p.is_empty()).collect();
    let registry = core.registry();
    let accept = request.headers().get(ACCEPT).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let document = match parts.as_slice() {
        [root @ ("api" | "apis")] if aggregated::is_wanted(accept) => {
            if request.method() != Method::GET {
                return Some(Err(ApiError::method_not_allowed()));
            }
            return Some(Ok(tagged(request, &aggregated::document(&registry, *root == "api"))));
        }
        ["api"] => Some(lists::api_versions(&format!("{}:{}", core.config.advertise_address, core.config.secure_port))),
        ["apis"] => Some(lists::api_groups(&registry)),
        ["api", version] => lists::api_resources(&registry, "", version),
        ["apis", group] => lists::api_group(&registry, group),
        ["apis", group, version] => lists::api_resources(&registry, group, version),
        _ => return None,
    }?;
    if request.method() != Method::GET {
        return Some(Err(ApiError::method_not_allowed()));
    }
    let mut response = Response::new(full(document.to_string()));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Some(Ok(response))
}

/// The aggregated documents carry an entity tag, by which kubectl keeps its cache.
fn tagged(request: &Request<Bytes>, document: &Value) -> Response<Body> {
    let text = document.to_string();
    let tag: String = Sha512::digest(&text).iter().map(|b| format!("{b:02X}")).collect();
    let tag = format!("\"{tag}\"");
    let known = request.headers().get(IF_NONE_MATCH).is_some_and(|v| v.as_bytes() == tag.as_bytes());
    let mut response = Response::new(full(if known { String::new() } else { text }));
    if known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    }
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(aggregated::MEDIA_TYPE));
    headers.insert(VARY, HeaderValue::from_static("Accept"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("public"));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(ETAG, tag);
    }
    response
}
