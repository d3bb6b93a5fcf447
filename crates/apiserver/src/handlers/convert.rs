//! Between the stored version of an object and the served one.

use std::borrow::Cow;

use bytes::Bytes;
use serde_json::Value;

use crate::registry::{Resource, Storage};
use crate::schema::{Table, TypeId, decode};
use crate::store::Object;

/// The object as this row serves it.
pub fn served<'a>(resource: &Resource, stored: &'a Value) -> Cow<'a, Value> {
    match &resource.storage {
        Storage::Stored { conversion: Some(conversion), .. } => {
            let mut value = (conversion.from_stored)(stored.clone());
            value["apiVersion"] = resource.gvk.api_version().into();
            Cow::Owned(canonical(&resource.schema, Some(resource.type_id), value))
        }
        _ => Cow::Borrowed(stored),
    }
}

/// The bytes of an object as this row serves it: the shared ones unless a conversion is needed.
pub fn served_bytes(resource: &Resource, object: &Object) -> Bytes {
    match served(resource, object.value()) {
        Cow::Borrowed(_) => object.bytes(),
        Cow::Owned(value) => to_bytes(&value),
    }
}

/// The object as it is stored.
pub fn stored(resource: &Resource, value: Value) -> Value {
    match &resource.storage {
        Storage::Stored { conversion: Some(conversion), .. } => {
            let mut value = (conversion.to_stored)(value);
            value["apiVersion"] = conversion.stored_api_version.into();
            canonical(&resource.schema, resource.schema.find(conversion.stored_type), value)
        }
        _ => value,
    }
}

/// What the version's own types print; a conversion makes no value that does not fit them.
fn canonical(schema: &Table, id: Option<TypeId>, value: Value) -> Value {
    match id.map(|id| decode(schema, id, value.clone())) {
        Some(Ok(decoded)) => decoded.value,
        _ => value,
    }
}

/// JSON text of a value.
pub fn to_bytes(value: &Value) -> Bytes {
    // A `Value` has text keys and finite numbers only: it always encodes.
    serde_json::to_vec(value).unwrap_or_default().into()
}
