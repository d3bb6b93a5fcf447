//! UPDATE, and the part that all changes of stored objects share.

use std::sync::Arc;

use http::{HeaderMap, Response, StatusCode};
use serde_json::Value;

use super::body::{Strictness, decode_object, read_value};
use super::call::Call;
use super::convert::stored;
use super::create::{create, served_value};
use super::duplicates::same_but_for_times;
use super::metadata;
use super::options::{version, write_options};
use super::respond::object_response;
use crate::registry::{StrategyCall, SubresourceKind, Validation};
use crate::server::{AdmissionCall, Body, FieldWrite, Operation};
use crate::status::{ApiError, FieldError};
use crate::store::{Object, StoreError};

/// What a change is about.
#[derive(Clone, Copy)]
pub struct Target<'a> {
    /// Namespace, or empty.
    pub namespace: &'a str,
    /// Name.
    pub name: &'a str,
    /// Subresource, or empty.
    pub subresource: &'a str,
    /// Field manager; `None` when the change brings its managed fields (apply).
    pub manager: Option<&'a str>,
    /// Nothing is written.
    pub dry_run: bool,
}

/// How often a change without a version is tried again on a newer object.
const ATTEMPTS: usize = 5;

/// Answers a PUT on an object or on a subresource that writes it.
pub async fn handle(call: &Call, headers: &HeaderMap, bytes: &[u8]) -> Result<Response<Body>, ApiError> {
    let info = &call.context.info;
    let resource = &call.resource;
    let dry_run = write_options(&call.context, "UpdateOptions")?;
    let strictness = Strictness::of(call, "UpdateOptions")?;
    let parsed = read_value(headers, bytes, &resource.gvk.kind)?;
    let mut object = decode_object(call, &resource.gvk, resource.type_id, parsed, strictness)?;
    match metadata::text(&object, "name") {
        "" => {
            let why = format!("the name of the object ({} based on URL) was undeterminable: name must be provided", info.name);
            return Err(ApiError::bad_request(why));
        }
        name if name != info.name => return Err(name_mismatch(name, &info.name)),
        _ => {}
    }
    metadata::match_namespace(call, &info.namespace, &mut object)?;
    let manager = call.context.field_manager();
    let target = Target { namespace: &info.namespace, name: &info.name, subresource: &info.subresource, manager: Some(&manager), dry_run };
    let key = call.key(&info.namespace, &info.name)?;
    let absent = call.core.store.get(&key)?.is_none();
    if absent && resource.hooks.allow_create_on_update && info.subresource.is_empty() {
        if let Some(metadata) = object["metadata"].as_object_mut() {
            // An update that creates ignores the version (and a uid that it insists on cannot match).
            metadata.shift_remove("resourceVersion");
        }
        let created = create(call, &info.namespace, object, Some(&manager), dry_run).await?;
        return object_response(call, headers, StatusCode::CREATED, &created.object);
    }
    let wanted_uid = metadata::text(&object, "uid").to_owned();
    let changed = update_with(call, &target, |live, _| {
        let uid = metadata::text(live, "uid");
        if !wanted_uid.is_empty() && wanted_uid != uid {
            let why = format!("Precondition failed: UID in precondition: {wanted_uid}, UID in object meta: {uid}");
            let error = format!("StorageError: invalid object, Code: 4, Key: {key}, ResourceVersion: 0, AdditionalErrorMsg: {why}");
            return Err(ApiError::conflict(&resource.gvk.group, &resource.plural, &info.name, &error));
        }
        Ok(object.clone())
    })
    .await?;
    object_response(call, headers, StatusCode::OK, &changed)
}

/// The body names another object than the path.
pub fn name_mismatch(name: &str, url: &str) -> ApiError {
    ApiError::bad_request(format!("the name of the object ({name}) does not match the name on the URL ({url})"))
}

/// Changes a stored object: `change` gets the live object (served version) and the number of the attempt, and returns the wanted
/// one, decoded and defaulted. It is asked again when somebody else was quicker, unless the wanted object names a version.
pub async fn update_with(
    call: &Call,
    target: &Target<'_>,
    change: impl Fn(&Value, usize) -> Result<Value, ApiError>,
) -> Result<Arc<Object>, ApiError> {
    let key = call.key(target.namespace, target.name)?;
    for attempt in 1.. {
        let live = call.core.store.get(&key)?.ok_or_else(|| call.not_found(target.name))?;
        let live_value = served_value(call, &live);
        let wanted = change(&live_value, attempt)?;
        let asked = version(metadata::text(&wanted, "resourceVersion"))
            .map_err(|error| {
                ApiError::new(
                    crate::status::Reason::Unknown,
                    error.message.rsplit(": strconv").next().map_or(String::new(), |t| format!("strconv{t}")),
                )
            })?
            .filter(|version| *version > 0);
        match asked {
            Some(version) if version != live.revision() => return Err(call.modified(target.name)),
            None if call.resource.hooks.require_resource_version && target.subresource.is_empty() => {
                let error = FieldError::invalid("metadata.resourceVersion", 0, "must be specified for an update");
                return Err(ApiError::invalid(&call.resource.gvk.group, &call.resource.plural, target.name, &[error]));
            }
            _ => {}
        }
        let finished = finish(call, target, &key, &live, &live_value, wanted).await;
        match finished {
            Err(Refused::Outdated) if asked.is_none() && attempt < ATTEMPTS => {}
            Err(Refused::Outdated) => return Err(call.modified(target.name)),
            Err(Refused::Error(error)) => return Err(error),
            Ok(object) => return Ok(object),
        }
    }
    unreachable!("the loop above returns at the latest at its last attempt")
}

enum Refused {
    /// The object was changed meanwhile.
    Outdated,
    Error(ApiError),
}

impl From<ApiError> for Refused {
    fn from(error: ApiError) -> Self {
        Self::Error(error)
    }
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Conflict(_) | StoreError::NotFound => Self::Outdated,
            other => Self::Error(other.into()),
        }
    }
}

async fn finish(
    call: &Call,
    target: &Target<'_>,
    key: &str,
    live: &Object,
    live_value: &Value,
    mut object: Value,
) -> Result<Arc<Object>, Refused> {
    let resource = &call.resource;
    let immutable = metadata::immutable_errors(&object, live_value);
    if !immutable.is_empty() {
        return Err(call.invalid(target.name, &immutable).into());
    }
    restrict(call, target, live_value, &mut object);
    metadata::keep_system_fields(&mut object, live_value);
    if let Some(manager) = target.manager {
        let now = call.core.now_text();
        let write = FieldWrite { resource, manager, subresource: target.subresource, now: &now };
        call.core.plugins.fields.track(&write, Some(live_value), &mut object);
    }
    let admission = AdmissionCall {
        core: &call.core,
        context: &call.context,
        resource,
        operation: Operation::Update,
        namespace: if resource.namespaced { target.namespace } else { "" },
        name: target.name,
        subresource: target.subresource,
        old: Some(live_value),
        dry_run: target.dry_run,
    };
    call.core.plugins.admission.mutate(&admission, &mut object).await?;
    metadata::dedup_owners(call, &mut object);
    if let Some(prepare) = resource.hooks.prepare {
        let strategy = StrategyCall {
            core: &call.core,
            resource,
            context: &call.context,
            subresource: target.subresource,
            old: Some(live_value),
            dry_run: target.dry_run,
        };
        prepare(&strategy, &mut object)?;
    }
    count_generation(call, target, live_value, &mut object);
    let validation = Validation { resource, object: &object, old: Some(live_value), subresource: target.subresource };
    if let Some(validate) = resource.hooks.validate {
        let errors = validate(&validation);
        if !errors.is_empty() {
            return Err(call.invalid(target.name, &errors).into());
        }
    }
    if let Some(warn) = resource.hooks.warn {
        warn(&validation).into_iter().for_each(|text| call.context.warn(text));
    }
    call.core.plugins.admission.validate(&admission, Some(&object)).await?;
    object["metadata"]["resourceVersion"] = live.revision().to_string().into();
    if metadata::ready_to_go(call, &object) {
        if target.dry_run {
            return Ok(Arc::new(Object::new(stored(resource, object), live.revision())));
        }
        // The last write of an object that only waited for its finalizers removes it; the answer is the object as it was to be.
        call.core.store.delete(key, live.revision())?;
        return Ok(Arc::new(Object::new(stored(resource, object), live.revision())));
    }
    if same_but_for_times(&object, live_value) {
        // Nothing changed: no new version (`GuaranteedUpdate` compares the encoded objects).
        return Ok(Arc::new(Object::new(live.value().clone(), live.revision())));
    }
    if target.dry_run {
        return Ok(Arc::new(Object::new(stored(resource, object), live.revision())));
    }
    Ok(call.core.store.update(key, live.revision(), stored(resource, object))?)
}

/// A subresource changes its own part only; the resource itself does not change the status.
fn restrict(call: &Call, target: &Target<'_>, live: &Value, object: &mut Value) {
    let part = call.resource.subresource(target.subresource).map(|subresource| subresource.kind);
    match part {
        Some(SubresourceKind::Status) => {
            let mut combined = live.clone();
            for key in ["status", "metadata"] {
                match object.get_mut(key) {
                    Some(value) => combined[key] = value.take(),
                    None => drop(combined.as_object_mut().map(|map| map.shift_remove(key))),
                }
            }
            *object = combined;
        }
        Some(SubresourceKind::Part(take)) => *object = take(live, object),
        _ if call.resource.hooks.has_status && target.subresource.is_empty() => match (live.get("status"), object.as_object_mut()) {
            (Some(status), Some(map)) => drop(map.insert("status".into(), status.clone())),
            (None, Some(map)) => drop(map.shift_remove("status")),
            _ => {}
        },
        _ => {}
    }
}

/// A change outside of metadata and status counts; of deployments one of annotations, too, because their replica sets get them.
fn count_generation(call: &Call, target: &Target<'_>, live: &Value, object: &mut Value) {
    if !call.resource.hooks.has_generation || target.subresource == "status" {
        return;
    }
    let content = |value: &Value| -> Vec<(String, Value)> {
        let mut fields: Vec<_> = value
            .as_object()
            .into_iter()
            .flatten()
            .filter(|(key, _)| !matches!(key.as_str(), "metadata" | "status" | "apiVersion" | "kind"))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        fields.sort_by(|a, b| a.0.cmp(&b.0));
        fields
    };
    let deployment = call.resource.gvk.kind == "Deployment" && call.resource.gvk.group == "apps";
    let annotated = deployment && object["metadata"]["annotations"] != live["metadata"]["annotations"];
    if annotated || content(object) != content(live) {
        let generation = live["metadata"]["generation"].as_i64().unwrap_or(0);
        object["metadata"]["generation"] = (generation + 1).into();
    }
}
