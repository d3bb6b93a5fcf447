//! DELETE: preconditions, grace, finalizers, propagation (`registry/generic/registry/store.go`).

use std::sync::Arc;

use http::{HeaderMap, Response, StatusCode};
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::call::Call;
use super::convert::{served, stored};
use super::metadata;
use super::options::{DeleteOptions, Propagation};
use super::respond::{object_response, value_response};
use crate::server::{AdmissionCall, Body, Operation};
use crate::status::{ApiError, Details};
use crate::store::{Object, StoreError};

/// What a deletion did.
#[derive(Clone, Debug)]
pub struct Deleted {
    /// The object, as it is now or was last.
    pub object: Arc<Object>,
    /// Whether it is gone (otherwise it is terminating).
    pub gone: bool,
}

const ORPHAN: &str = "orphan";
const FOREGROUND: &str = "foregroundDeletion";

/// Answers a DELETE on an object.
pub async fn handle(call: &Call, headers: &HeaderMap, bytes: &[u8]) -> Result<Response<Body>, ApiError> {
    let info = &call.context.info;
    let options = DeleteOptions::read(call, headers, bytes)?;
    let deleted = delete(call, &info.namespace, &info.name, &options).await?;
    if !deleted.gone || call.resource.hooks.return_deleted {
        return object_response(call, headers, StatusCode::OK, &deleted.object);
    }
    let details = Details {
        name: info.name.clone(),
        group: call.resource.gvk.group.clone(),
        kind: call.resource.plural.clone(),
        uid: metadata::text(deleted.object.value(), "uid").to_owned(),
        ..Details::default()
    };
    value_response(&call.context, headers, StatusCode::OK, &crate::status::success(Some(&details)))
}

/// Deletes an object, or begins to.
pub async fn delete(call: &Call, namespace: &str, name: &str, options: &DeleteOptions) -> Result<Deleted, ApiError> {
    let key = call.key(namespace, name)?;
    let mut admitted = false;
    loop {
        let live = call.core.store.get(&key)?.ok_or_else(|| call.not_found(name))?;
        let value = served(&call.resource, live.value()).into_owned();
        preconditions(call, name, &value, options)?;
        if !admitted {
            admit(call, namespace, name, &value, options).await?;
            admitted = true;
        }
        match step(call, &key, &live, value, options) {
            Err(StoreError::Conflict(_) | StoreError::NotFound) => {}
            Err(other) => return Err(other.into()),
            Ok(deleted) => return Ok(deleted),
        }
    }
}

async fn admit(call: &Call, namespace: &str, name: &str, old: &Value, options: &DeleteOptions) -> Result<(), ApiError> {
    let admission = AdmissionCall {
        core: &call.core,
        context: &call.context,
        resource: &call.resource,
        operation: Operation::Delete,
        namespace: if call.resource.namespaced { namespace } else { "" },
        name,
        subresource: "",
        old: Some(old),
        dry_run: options.dry_run,
    };
    call.core.plugins.admission.mutate(&admission, &mut Value::Null).await?;
    call.core.plugins.admission.validate(&admission, None).await
}

fn preconditions(call: &Call, name: &str, live: &Value, options: &DeleteOptions) -> Result<(), ApiError> {
    // Upstream names the kind here, not the resource.
    let (group, kind) = (&call.resource.gvk.group, &call.resource.gvk.kind);
    let refuse = |why: String| Err(ApiError::conflict(group, kind, name, &why));
    if let Some(wanted) = &options.uid {
        let uid = metadata::text(live, "uid");
        if wanted != uid {
            return refuse(format!(
                "the UID in the precondition ({wanted}) does not match the UID in record ({uid}). The object might have been deleted and then recreated"
            ));
        }
    }
    if let Some(wanted) = &options.resource_version {
        let version = metadata::text(live, "resourceVersion");
        if wanted != version {
            return refuse(format!(
                "the ResourceVersion in the precondition ({wanted}) does not match the ResourceVersion in record ({version}). The object might have been modified"
            ));
        }
    }
    Ok(())
}

/// Finalizers after a deletion with this propagation (`deletionFinalizersForGarbageCollection`).
fn finalizers(live: &Value, propagation: Option<Propagation>) -> Vec<String> {
    let texts = live["metadata"]["finalizers"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let mut list: Vec<String> = texts.map(str::to_owned).collect();
    let Some(propagation) = propagation else { return list };
    list.retain(|finalizer| finalizer != ORPHAN && finalizer != FOREGROUND);
    match propagation {
        Propagation::Orphan => list.push(ORPHAN.into()),
        Propagation::Foreground => list.push(FOREGROUND.into()),
        Propagation::Background => {}
    }
    list
}

fn step(call: &Call, key: &str, live: &Arc<Object>, mut object: Value, options: &DeleteOptions) -> Result<Deleted, StoreError> {
    let hooks = &call.resource.hooks;
    let finalizers = finalizers(&object, options.propagation);
    let grace = hooks.grace.map(|grace| grace(&object, options.grace));
    let terminating = !object["metadata"]["deletionTimestamp"].is_null();
    let pending_grace = object["metadata"]["deletionGracePeriodSeconds"].as_i64().unwrap_or(0);
    let changed = set_finalizers(&mut object, &finalizers);
    let own = hooks.delete;
    let stays = !finalizers.is_empty() || own.is_some_and(|own| (own.pending)(&object));
    let wait = match grace {
        // A running pod goes when its kubelet says so.
        Some(period) if terminating => {
            let shorter = options.grace.is_some() && period < pending_grace;
            if !shorter && pending_grace > 0 {
                // Already under way, and not to be quicker.
                return write(call, key, live, object, changed, options);
            }
            period
        }
        Some(period) => period,
        None => 0,
    };
    if wait == 0 && !stays {
        if grace.is_none() {
            return remove(call, key, live, options);
        }
        // A deletion without waiting is still a graceful one, of no seconds: first the mark, then the end.
        mark(call, &mut object, 0, terminating, pending_grace);
        let marked = write(call, key, live, object, true, options)?;
        return if options.dry_run { Ok(Deleted { gone: true, ..marked }) } else { remove(call, key, &marked.object, options) };
    }
    if terminating && wait == 0 && pending_grace == 0 {
        return write(call, key, live, object, changed, options);
    }
    mark(call, &mut object, wait, terminating, pending_grace);
    if let Some(own) = own {
        (own.begin)(&mut object);
    }
    write(call, key, live, object, true, options)
}

fn set_finalizers(object: &mut Value, finalizers: &[String]) -> bool {
    let before = object["metadata"]["finalizers"].as_array().map_or(0, Vec::len);
    let wanted = json!(finalizers);
    if (finalizers.is_empty() && before == 0) || object["metadata"]["finalizers"] == wanted {
        return false;
    }
    match object["metadata"].as_object_mut() {
        Some(metadata) if finalizers.is_empty() => drop(metadata.shift_remove("finalizers")),
        Some(metadata) => drop(metadata.insert("finalizers".into(), wanted)),
        None => {}
    }
    true
}

/// Sets the deletion's time (when the grace period will be over) and period; the first mark counts as a generation.
fn mark(call: &Call, object: &mut Value, wait: i64, terminating: bool, pending: i64) {
    let now = call.core.config.clock.now_seconds();
    let base = match object["metadata"]["deletionTimestamp"].as_str().and_then(|text| text.parse::<jiff::Timestamp>().ok()) {
        // A shorter period counts from the first request.
        Some(end) if terminating => end.checked_sub(SignedDuration::from_secs(pending)).unwrap_or(now),
        _ => now,
    };
    let end = base.checked_add(SignedDuration::from_secs(wait)).unwrap_or(now);
    let metadata = &mut object["metadata"];
    metadata["deletionTimestamp"] = end.max(if terminating { now } else { end }).to_string().into();
    // Namespaces have a life of their own (`pkg/registry/core/namespace/storage`) and no period.
    if call.resource.hooks.delete.is_none() {
        metadata["deletionGracePeriodSeconds"] = wait.into();
    }
    if let Some(generation) = metadata["generation"].as_i64().filter(|generation| !terminating && *generation > 0) {
        metadata["generation"] = (generation + 1).into();
    }
    if metadata["generation"].is_null()
        && let Some(map) = metadata.as_object_mut()
    {
        map.shift_remove("generation");
    }
}

fn write(call: &Call, key: &str, live: &Arc<Object>, object: Value, changed: bool, options: &DeleteOptions) -> Result<Deleted, StoreError> {
    if !changed {
        return Ok(Deleted { object: live.clone(), gone: false });
    }
    if options.dry_run {
        return Ok(Deleted { object: Arc::new(Object::new(stored(&call.resource, object), live.revision())), gone: false });
    }
    let object = call.core.store.update(key, live.revision(), stored(&call.resource, object))?;
    Ok(Deleted { object, gone: false })
}

fn remove(call: &Call, key: &str, live: &Arc<Object>, options: &DeleteOptions) -> Result<Deleted, StoreError> {
    if options.dry_run {
        return Ok(Deleted { object: live.clone(), gone: true });
    }
    call.core.store.delete(key, live.revision()).map(|object| Deleted { object, gone: true })
}
