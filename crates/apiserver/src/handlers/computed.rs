//! GET and LIST of kinds that are not stored.

use http::{HeaderMap, Response, StatusCode};
use serde_json::{Value, json};

use super::call::Call;
use super::convert::to_bytes;
use super::negotiate::{self, Format};
use super::respond::{json_response, partial, pretty, value_response};
use super::table;
use crate::registry::ComputeHandler;
use crate::server::Body;
use crate::status::ApiError;

/// Answers a GET or LIST.
pub async fn handle(call: &Call, headers: &HeaderMap, compute: ComputeHandler) -> Result<Response<Body>, ApiError> {
    let info = &call.context.info;
    let format = negotiate::format(headers, info.name.is_empty())?;
    let mut objects = compute(call.core.clone()).await;
    if !info.name.is_empty() {
        objects.retain(|object| object["metadata"]["name"] == info.name.as_str());
        let object = objects.pop().ok_or_else(|| call.not_found(&info.name))?;
        if format != Format::Table {
            return value_response(&call.context, headers, StatusCode::OK, &object);
        }
        objects.push(object);
    }
    let value: Value = match format {
        Format::Table => table::table(call, &objects, json!({}), true)?,
        Format::Partial => {
            let items: Vec<Value> = objects.iter().map(partial).collect();
            json!({"kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1", "metadata": {}, "items": items})
        }
        _ => json!({"kind": call.resource.list_kind, "apiVersion": call.resource.gvk.api_version(), "metadata": {}, "items": objects}),
    };
    Ok(json_response(StatusCode::OK, pretty(&call.context, to_bytes(&value))))
}
