//! Watch events: from a change of the store to a line of the answer.

use bytes::{BufMut, Bytes, BytesMut};
use serde_json::{Value, json};

use super::call::Call;
use super::convert::{served, served_bytes, to_bytes};
use super::negotiate::Format;
use super::respond::partial;
use super::selector::Filter;
use super::table;
use crate::status::ApiError;
use crate::store::{Change, ChangeKind, Object};

/// Makes the events of one watch.
pub struct Events {
    call: Call,
    format: Format,
    filter: Filter,
    /// Tables define their columns in the first event only.
    columns_sent: bool,
}

impl Events {
    /// For a watch in a format.
    pub fn new(call: Call, format: Format, filter: Filter) -> Self {
        Self { call, format, filter, columns_sent: false }
    }

    /// The event of an object that was there before.
    pub fn initial(&mut self, object: &Object) -> Option<Bytes> {
        self.filter.matches(&self.call, object.value()).then(|| self.event("ADDED", object))
    }

    /// The event of a change, if this watch sees one. An object that begins or ceases to match is added or deleted.
    pub fn change(&mut self, change: &Change) -> Option<Bytes> {
        let matches = |object: &Object| self.filter.matches(&self.call, object.value());
        let before = change.previous.as_deref().is_some_and(matches);
        let after = change.kind != ChangeKind::Deleted && matches(&change.object);
        match (before, after) {
            (false, true) => Some(self.event("ADDED", &change.object)),
            (true, true) => Some(self.event("MODIFIED", &change.object)),
            (true, false) if change.kind == ChangeKind::Deleted => Some(self.event("DELETED", &change.object)),
            (true, false) => {
                // The last state that matched, at the version of the change.
                let last = change.previous.as_ref().map(|previous| previous.value().clone()).unwrap_or_default();
                Some(self.event("DELETED", &Object::new(last, change.revision)))
            }
            (false, false) => None,
        }
    }

    /// A bookmark; the one that ends the initial events is marked.
    pub fn bookmark(&mut self, revision: u64, initial: bool) -> Bytes {
        let gvk = &self.call.resource.gvk;
        let mut metadata = json!({"resourceVersion": revision.to_string(), "creationTimestamp": null});
        if initial {
            metadata["annotations"] = json!({"k8s.io/initial-events-end": "true"});
        }
        let object = match self.format {
            Format::Table => {
                let metadata = json!({"resourceVersion": revision.to_string()});
                let object = json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": metadata});
                json!({"kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": metadata, "columnDefinitions": null,
                    "rows": [{"cells": [], "object": object}]})
            }
            Format::Partial => json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": metadata}),
            _ => json!({"kind": gvk.kind, "apiVersion": gvk.api_version(), "metadata": metadata}),
        };
        line("BOOKMARK", &to_bytes(&object))
    }

    /// The event that ends a watch that cannot go on.
    pub fn error(&self, error: &ApiError) -> Bytes {
        line("ERROR", &to_bytes(&error.to_value()))
    }

    fn event(&mut self, kind: &str, object: &Object) -> Bytes {
        let bytes = match self.format {
            Format::Object | Format::Yaml => served_bytes(&self.call.resource, object),
            Format::Partial => to_bytes(&partial(object.value())),
            Format::Table => {
                let value = served(&self.call.resource, object.value());
                let metadata = json!({"resourceVersion": object.revision().to_string()});
                let columns = !std::mem::replace(&mut self.columns_sent, true);
                // `includeObject` was judged with the request's other options; what is wrong with it is told as an event.
                let table: Result<Value, ApiError> = table::table(&self.call, [&*value], metadata, columns);
                match table {
                    Ok(table) => to_bytes(&table),
                    Err(error) => return self.error(&error),
                }
            }
        };
        line(kind, &bytes)
    }
}

fn line(kind: &str, object: &[u8]) -> Bytes {
    let mut out = BytesMut::with_capacity(object.len() + kind.len() + 24);
    out.put_slice(b"{\"type\":\"");
    out.put_slice(kind.as_bytes());
    out.put_slice(b"\",\"object\":");
    out.put_slice(object);
    out.put_slice(b"}\n");
    out.freeze()
}
