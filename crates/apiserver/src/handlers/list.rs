//! LIST: consistent listings in chunks.

use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};
use http::{HeaderMap, Response, StatusCode};
use serde_json::{Map, Value, json};

use super::call::Call;
use super::continuation::Continuation;
use super::convert::{served, served_bytes, to_bytes};
use super::negotiate::{self, Format};
use super::options::{ListOptions, Match};
use super::respond::{json_response, partial, pretty, yaml};
use super::selector::Filter;
use super::table;
use crate::server::Body;
use crate::status::ApiError;
use crate::store::{Object, StoreError};

/// The result of a listing.
pub struct Listing {
    /// Objects of this chunk.
    pub items: Vec<Arc<Object>>,
    /// Revision of the whole listing.
    pub revision: u64,
    /// Where it goes on.
    pub continuation: Option<Continuation>,
    /// How many are left, when it can be told.
    pub remaining: Option<usize>,
}

/// Collects the objects of a listing.
pub fn collect(call: &Call, namespace: &str, options: &ListOptions, filter: &Filter) -> Result<Listing, ApiError> {
    let prefix = call.resource.prefix(namespace).ok_or_else(ApiError::method_not_allowed)?;
    let start = options.continuation.as_deref().map(Continuation::decode).transpose()?;
    if start.is_some() && options.resource_version.is_some_and(|version| version > 0) {
        return Err(ApiError::bad_request("specifying resource version is not allowed when using continue"));
    }
    let after = start.as_ref().map(|start| format!("{prefix}{}", start.after));
    let exact = match (&start, options.version_match, options.resource_version) {
        (Some(start), _, _) => start.revision,
        (None, Match::Exact, version) => version,
        // A legacy list with a limit and a version is exact, too.
        (None, Match::Unset, Some(version)) if version > 0 && options.limit != usize::MAX => Some(version),
        _ => None,
    };
    let current = call.core.store.revision();
    if let Some(asked) = options.resource_version.filter(|version| *version > current) {
        return Err(ApiError::too_large_resource_version(asked, current));
    }
    // One name is one look-up.
    if let (Some(name), None) = (&filter.name, &exact)
        && (!namespace.is_empty() || !call.resource.namespaced)
    {
        let found = call.core.store.get(&format!("{prefix}{name}"))?;
        let items = found.into_iter().filter(|object| filter.matches(call, object.value())).collect();
        return Ok(Listing { items, revision: current, continuation: None, remaining: None });
    }
    let everything = filter.is_everything();
    let wanted = if everything { options.limit.saturating_add(1) } else { usize::MAX };
    let page = call.core.store.page(&prefix, after.as_deref(), exact, wanted).map_err(|error| match error {
        StoreError::Compacted { .. } if start.is_some() => expired(start.as_ref()),
        other => other.into(),
    })?;
    let mut items = Vec::new();
    let (mut last, mut more) = (None, false);
    for (key, object) in &page.items {
        if !everything && !filter.matches(call, object.value()) {
            continue;
        }
        if items.len() == options.limit {
            more = true;
            break;
        }
        items.push(object.clone());
        last = Some(key);
    }
    let continuation = match last {
        Some(key) if more => Some(Continuation { revision: Some(page.revision), after: key[prefix.len()..].to_owned() }),
        _ => None,
    };
    let remaining = match (last, more && everything) {
        (Some(key), true) => Some(call.core.store.count(&prefix, Some(key), Some(page.revision))?),
        _ => None,
    };
    Ok(Listing { items, revision: page.revision, continuation, remaining })
}

/// Text of apiserver's `storage/etcd3/errors.go`.
const EXPIRED: &str = "The provided continue parameter is too old to display a consistent list result. \
    You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. \
    Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time \
    the first chunk was returned and now may show up in the list.";

/// A token whose revision was compacted: 410 with a token that goes on at the present revision.
fn expired(start: Option<&Continuation>) -> ApiError {
    let token = start.map(|start| Continuation { revision: None, after: start.after.clone() }.encode());
    let mut error = ApiError::expired(EXPIRED);
    error.continuation = token;
    error
}

/// Answers a LIST.
pub fn handle(call: &Call, headers: &HeaderMap) -> Result<Response<Body>, ApiError> {
    let info = &call.context.info;
    let format = negotiate::format(headers, true)?;
    let options = ListOptions::of(&info.query, false)?;
    let filter = Filter::of(&call.resource, &info.query)?;
    let listing = collect(call, &info.namespace, &options, &filter)?;
    let bytes = match format {
        Format::Object => listing_bytes(call, &listing),
        Format::Yaml => {
            let value: Value = serde_json::from_slice(&listing_bytes(call, &listing)).map_err(ApiError::internal)?;
            let mut response = json_response(StatusCode::OK, yaml(&value)?);
            response.headers_mut().insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static("application/yaml"));
            return Ok(response);
        }
        Format::Partial => {
            let items: Vec<Value> = listing.items.iter().map(|object| partial(object.value())).collect();
            let metadata = metadata(&listing);
            to_bytes(&json!({"kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1", "metadata": metadata, "items": items}))
        }
        Format::Table => {
            let values: Vec<_> = listing.items.iter().map(|object| served(&call.resource, object.value())).collect();
            to_bytes(&table::table(call, values.iter().map(|value| &**value), metadata(&listing), true)?)
        }
    };
    Ok(json_response(StatusCode::OK, pretty(&call.context, bytes)))
}

fn metadata(listing: &Listing) -> Value {
    let mut map = Map::new();
    map.insert("resourceVersion".into(), listing.revision.to_string().into());
    if let Some(continuation) = &listing.continuation {
        map.insert("continue".into(), continuation.encode().into());
    }
    if let Some(remaining) = listing.remaining {
        map.insert("remainingItemCount".into(), remaining.into());
    }
    Value::Object(map)
}

/// The list's text, put together from the objects' shared bytes.
pub fn listing_bytes(call: &Call, listing: &Listing) -> Bytes {
    let items: Vec<Bytes> = listing.items.iter().map(|object| served_bytes(&call.resource, object)).collect();
    let size: usize = items.iter().map(|item| item.len() + 1).sum();
    let mut out = BytesMut::with_capacity(size + 256);
    let head = json!({"kind": call.resource.list_kind, "apiVersion": call.resource.gvk.api_version(), "metadata": metadata(listing)});
    let head = to_bytes(&head);
    out.put_slice(&head[..head.len() - 1]);
    out.put_slice(b",\"items\":[");
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.put_u8(b',');
        }
        out.put_slice(item);
    }
    out.put_slice(b"]}");
    out.freeze()
}
