//! From the parsed path to the verb's function.

use bytes::Bytes;
use http::{Method, Request, Response};

use super::call::Call;
use super::{collection, computed, create, delete, list, patch, read, subresource, update, watch};
use crate::registry::Storage;
use crate::server::Body;
use crate::status::ApiError;

/// Answers a request on a resource that exists.
pub async fn route(call: &Call, request: Request<Bytes>) -> Result<Response<Body>, ApiError> {
    let info = &call.context.info;
    let resource = &call.resource;
    let (named, placed) = (!info.name.is_empty(), !info.namespace.is_empty());
    // A scope has paths of its own: namespaced objects are named in their namespace, others never in one (a namespace itself
    // counts as its own, see `RequestInfo`).
    let own = resource.plural == "namespaces" && resource.gvk.group.is_empty();
    if (resource.namespaced && named && !placed) || (!resource.namespaced && placed && !(own && info.name == info.namespace)) {
        return Err(ApiError::no_such_resource());
    }
    if let Some(text) = resource.hooks.deprecated {
        call.context.warn(text);
    }
    if !info.subresource.is_empty() {
        return subresource::handle(call, request).await;
    }
    let fits = match info.verb {
        "create" | "deletecollection" | "list" => !named,
        "get" | "update" | "patch" | "delete" => named,
        _ => true,
    };
    if !fits || request.method() == Method::HEAD || !resource.has_verb(info.verb) {
        return Err(ApiError::method_not_allowed());
    }
    let virtual_only = matches!(resource.storage, Storage::Virtual(_));
    let (headers, bytes) = (request.headers(), request.body());
    if let Storage::Computed(compute) = resource.storage {
        return computed::handle(call, headers, compute).await;
    }
    match info.verb {
        "create" => create::handle(call, headers, bytes).await,
        _ if virtual_only => Err(ApiError::method_not_allowed()),
        "get" => read::handle(call, headers),
        "list" => list::handle(call, headers),
        "watch" => watch::handle(call, headers),
        "update" => update::handle(call, headers, bytes).await,
        "patch" => patch::handle(call, headers, bytes).await,
        "delete" => delete::handle(call, headers, bytes).await,
        "deletecollection" => collection::handle(call, headers, bytes).await,
        _ => Err(ApiError::method_not_allowed()),
    }
}
