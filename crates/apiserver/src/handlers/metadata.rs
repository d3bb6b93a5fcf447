//! Rules for `metadata` that hold for every kind (`registry/rest/meta.go`, `create.go`, `update.go`).

use serde_json::{Map, Value};

use super::call::Call;
use crate::status::{ApiError, FieldError};

fn map(object: &mut Value) -> Option<&mut Map<String, Value>> {
    object.get_mut("metadata")?.as_object_mut()
}

/// A text of `metadata`, or the empty one.
pub fn text<'a>(object: &'a Value, key: &str) -> &'a str {
    object["metadata"][key].as_str().unwrap_or("")
}

/// Sets the namespace of a new or changed object to the request's (`EnsureObjectNamespaceMatchesRequestNamespace`).
pub fn match_namespace(call: &Call, namespace: &str, object: &mut Value) -> Result<(), ApiError> {
    let given = text(object, "namespace").to_owned();
    if !call.resource.namespaced {
        if let Some(metadata) = map(object) {
            metadata.shift_remove("namespace");
        }
        return Ok(());
    }
    if given.is_empty() {
        if let Some(metadata) = map(object) {
            metadata.insert("namespace".into(), namespace.into());
        }
        return Ok(());
    }
    if given == namespace {
        return Ok(());
    }
    Err(ApiError::bad_request("the namespace of the provided object does not match the namespace sent on the request"))
}

/// System fields of a new object (`FillObjectMetaSystemFields`, `WipeObjectMetaSystemFields`).
pub fn fill_system_fields(call: &Call, object: &mut Value) {
    let uid = call.core.store.generate(component::Generator::uuid);
    let now = call.core.now_text();
    let Some(metadata) = map(object) else { return };
    for key in ["deletionTimestamp", "deletionGracePeriodSeconds", "selfLink", "generation", "resourceVersion"] {
        metadata.shift_remove(key);
    }
    metadata.insert("uid".into(), uid.into());
    metadata.insert("creationTimestamp".into(), now.into());
    if call.resource.hooks.has_generation {
        metadata.insert("generation".into(), 1.into());
    }
}

/// A name from `generateName` (`names.SimpleNameGenerator`): the prefix, cut to 58 characters, and five of the usual ones.
pub fn generate_name(call: &Call, prefix: &str) -> String {
    let cut: String = prefix.chars().take(58).collect();
    cut + &call.core.store.generate(|generator| generator.name_suffix(5))
}

/// Fields that an update cannot change come from the stored object.
pub fn keep_system_fields(object: &mut Value, live: &Value) {
    let keys = [
        "namespace",
        "uid",
        "creationTimestamp",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "generation",
        "selfLink",
        "generateName",
    ];
    let Some(metadata) = map(object) else { return };
    for key in keys {
        match live["metadata"].get(key) {
            Some(value) => drop(metadata.insert(key.into(), value.clone())),
            None if key == "generateName" => {}
            None => drop(metadata.shift_remove(key)),
        }
    }
}

/// Fields that may be repeated but not changed (`ValidateObjectMetaUpdate`).
pub fn immutable_errors(object: &Value, live: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    for key in ["name", "uid", "creationTimestamp"] {
        let (new, old) = (&object["metadata"][key], &live["metadata"][key]);
        if !new.is_null() && new != old {
            errors.push(FieldError::invalid(format!("metadata.{key}"), new.clone(), "field is immutable"));
        }
    }
    errors
}

/// Whether an object whose deletion was asked for has nothing left that keeps it (`ShouldDeleteDuringUpdate`).
pub fn ready_to_go(call: &Call, object: &Value) -> bool {
    let metadata = &object["metadata"];
    !metadata["deletionTimestamp"].is_null()
        && metadata["deletionGracePeriodSeconds"].as_i64().unwrap_or(0) == 0
        && metadata["finalizers"].as_array().is_none_or(Vec::is_empty)
        && !call.resource.hooks.delete.is_some_and(|deletion| (deletion.pending)(object))
}

/// Repeated owners are dropped with a warning (`dedupOwnerReferencesAndAddWarning`).
pub fn dedup_owners(call: &Call, object: &mut Value) {
    let Some(owners) = object.pointer_mut("/metadata/ownerReferences").and_then(Value::as_array_mut) else { return };
    let mut seen: Vec<Value> = Vec::new();
    let mut repeated = Vec::new();
    owners.retain(|owner| {
        let fresh = !seen.contains(owner);
        if fresh {
            seen.push(owner.clone());
        } else {
            repeated.push(owner["uid"].as_str().unwrap_or("").to_owned());
        }
        fresh
    });
    if !repeated.is_empty() {
        call.context.warn(format!(
            ".metadata.ownerReferences contains duplicate entries; API server dedups owner references in 1.20+, and may reject such requests as early as 1.24; please fix your requests; duplicate UID(s) observed: {}",
            repeated.join(", ")
        ));
    }
}

/// An empty status, with the defaults of its type: what a new object has.
pub fn reset_status(call: &Call, object: &mut Value) {
    let schema = &call.resource.schema;
    let mut empty = crate::schema::zero_object(schema, call.resource.type_id);
    crate::schema::apply_defaults(schema, call.resource.type_id, &mut empty);
    let Some(object) = object.as_object_mut() else { return };
    match empty.as_object_mut().and_then(|empty| empty.shift_remove("status")) {
        Some(status) => drop(object.insert("status".into(), status)),
        None => drop(object.shift_remove("status")),
    }
}
