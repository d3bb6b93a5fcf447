//! Requests on subresources.

use bytes::Bytes;
use http::{Request, Response};

use super::call::Call;
use super::{patch, read, scale, update};
use crate::registry::{SubresourceCall, SubresourceKind};
use crate::server::Body;
use crate::status::ApiError;

/// Answers a request on a subresource.
pub async fn handle(call: &Call, request: Request<Bytes>) -> Result<Response<Body>, ApiError> {
    let info = &call.context.info;
    let subresource = call.resource.subresource(&info.subresource).ok_or_else(ApiError::no_such_resource)?;
    // A verb that the subresource lacks is 405; exec and its like also come as `get` (WebSocket) although discovery may list more.
    if !subresource.verbs.contains(&info.verb) {
        return Err(ApiError::method_not_allowed());
    }
    match subresource.kind {
        SubresourceKind::Handler(handler) => {
            let (core, resource, context) = (call.core.clone(), call.resource.clone(), call.context.clone());
            handler(SubresourceCall { core, resource, context, request }).await
        }
        SubresourceKind::Scale(paths) => scale::handle(call, paths, request.headers(), request.body()).await,
        SubresourceKind::Status | SubresourceKind::Part(_) => match info.verb {
            "get" => read::handle(call, request.headers()),
            "update" => update::handle(call, request.headers(), request.body()).await,
            _ => patch::handle(call, request.headers(), request.body()).await,
        },
    }
}
