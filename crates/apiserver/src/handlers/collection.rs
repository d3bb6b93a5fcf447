//! DELETECOLLECTION.

use http::{HeaderMap, Response, StatusCode};

use super::call::Call;
use super::delete::delete;
use super::list::{Listing, collect, listing_bytes};
use super::options::{DeleteOptions, ListOptions};
use super::respond::{json_response, pretty};
use super::selector::Filter;
use crate::server::Body;
use crate::status::{ApiError, Reason};

/// Answers a DELETE on a collection: deletes what the selectors choose, and lists it.
pub async fn handle(call: &Call, headers: &HeaderMap, bytes: &[u8]) -> Result<Response<Body>, ApiError> {
    let info = &call.context.info;
    if call.resource.namespaced && info.namespace.is_empty() {
        return Err(ApiError::method_not_allowed());
    }
    let options = DeleteOptions::read(call, headers, bytes)?;
    let filter = Filter::of(&call.resource, &info.query)?;
    let listing = collect(call, &info.namespace, &ListOptions::of(&info.query, false)?, &filter)?;
    for object in &listing.items {
        let name = object.value()["metadata"]["name"].as_str().unwrap_or("");
        let namespace = object.value()["metadata"]["namespace"].as_str().unwrap_or("");
        match delete(call, namespace, name, &options).await {
            // Somebody else was quicker.
            Err(error) if error.reason == Reason::NotFound => {}
            result => drop(result?),
        }
    }
    let listing = Listing { continuation: None, remaining: None, ..listing };
    Ok(json_response(StatusCode::OK, pretty(&call.context, listing_bytes(call, &listing))))
}
