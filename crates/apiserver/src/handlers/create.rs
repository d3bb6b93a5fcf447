//! CREATE.

use std::sync::Arc;

use http::{HeaderMap, Response, StatusCode};
use serde_json::{Value, json};

use super::body::{Strictness, decode_object, read_value};
use super::call::Call;
use super::convert::{served, stored};
use super::metadata;
use super::options::write_options;
use super::respond::{object_response, value_response};
use crate::registry::{CreateCall, Storage, StrategyCall, Validation};
use crate::server::{AdmissionCall, Body, FieldWrite, Operation};
use crate::status::ApiError;
use crate::store::{Object, StoreError};

/// A new object.
#[derive(Clone, Debug)]
pub struct Created {
    /// It, as stored (or as it would be, on a dry run).
    pub object: Arc<Object>,
}

/// How often a taken generated name is drawn again (`maxNameGenerationCreateAttempts`).
const ATTEMPTS: usize = 8;

/// Answers a POST on a collection.
pub async fn handle(call: &Call, headers: &HeaderMap, bytes: &[u8]) -> Result<Response<Body>, ApiError> {
    let info = &call.context.info;
    let resource = &call.resource;
    if resource.namespaced && info.namespace.is_empty() {
        return Err(ApiError::method_not_allowed());
    }
    let dry_run = write_options(&call.context, "CreateOptions")?;
    let strictness = Strictness::of(call, "CreateOptions")?;
    let parsed = read_value(headers, bytes, &resource.gvk.kind)?;
    let mut object = decode_object(call, &resource.gvk, resource.type_id, parsed, strictness)?;
    if let Storage::Virtual(handler) = &resource.storage {
        metadata::match_namespace(call, &info.namespace, &mut object)?;
        let input = CreateCall { core: call.core.clone(), resource: resource.clone(), context: call.context.clone(), object };
        return value_response(&call.context, headers, StatusCode::CREATED, &handler(input).await?);
    }
    let manager = call.context.field_manager();
    let created = create(call, &info.namespace, object, Some(&manager), dry_run).await?;
    object_response(call, headers, StatusCode::CREATED, &created.object)
}

/// Creates a decoded and defaulted object. `manager`: for `managedFields`; `None` when they are in the object already.
pub async fn create(call: &Call, namespace: &str, mut object: Value, manager: Option<&str>, dry_run: bool) -> Result<Created, ApiError> {
    metadata::match_namespace(call, namespace, &mut object)?;
    if !metadata::text(&object, "resourceVersion").is_empty() {
        // A plain error upstream: 500 without a reason.
        return Err(ApiError::new(crate::status::Reason::Unknown, "resourceVersion should not be set on objects to be created"));
    }
    if !object["metadata"].is_object() {
        object["metadata"] = json!({});
    }
    if let Some(manager) = manager {
        let now = call.core.now_text();
        call.core.plugins.fields.track(&FieldWrite { resource: &call.resource, manager, subresource: "", now: &now }, None, &mut object);
    }
    let name = metadata::text(&object, "name").to_owned();
    let admission = admission(call, namespace, &name, dry_run);
    call.core.plugins.admission.mutate(&admission, &mut object).await?;
    metadata::dedup_owners(call, &mut object);
    let prefix = metadata::text(&object, "generateName").to_owned();
    let generated = name.is_empty() && !prefix.is_empty();
    for attempt in 1.. {
        match attempt_create(call, namespace, object.clone(), generated.then_some(prefix.as_str()), dry_run).await {
            Err(error) if generated && error.reason == crate::status::Reason::AlreadyExists && attempt < ATTEMPTS => {}
            result => return result,
        }
    }
    unreachable!("the loop above returns at the latest at its last attempt")
}

fn admission<'a>(call: &'a Call, namespace: &'a str, name: &'a str, dry_run: bool) -> AdmissionCall<'a> {
    AdmissionCall {
        core: &call.core,
        context: &call.context,
        resource: &call.resource,
        operation: Operation::Create,
        namespace: if call.resource.namespaced { namespace } else { "" },
        name,
        subresource: "",
        old: None,
        dry_run,
    }
}

async fn attempt_create(call: &Call, namespace: &str, mut object: Value, prefix: Option<&str>, dry_run: bool) -> Result<Created, ApiError> {
    let resource = &call.resource;
    let generated = prefix.map(|prefix| metadata::generate_name(call, prefix));
    if let Some(name) = &generated {
        object["metadata"]["name"] = name.clone().into();
    }
    metadata::fill_system_fields(call, &mut object);
    if resource.hooks.has_status && !resource.hooks.keep_status_on_create {
        metadata::reset_status(call, &mut object);
    }
    if let Some(prepare) = resource.hooks.prepare {
        let strategy = StrategyCall { core: &call.core, resource, context: &call.context, subresource: "", old: None, dry_run };
        prepare(&strategy, &mut object)?;
    }
    let name = metadata::text(&object, "name").to_owned();
    let validation = Validation { resource, object: &object, old: None, subresource: "" };
    if let Some(validate) = resource.hooks.validate {
        let errors = validate(&validation);
        if !errors.is_empty() {
            return Err(call.invalid(&name, &errors));
        }
    } else if name.is_empty() {
        let error = crate::status::FieldError::required("metadata.name", "name or generateName is required");
        return Err(call.invalid("", &[error]));
    }
    if let Some(warn) = resource.hooks.warn {
        warn(&validation).into_iter().for_each(|text| call.context.warn(text));
    }
    let admission = admission(call, namespace, &name, dry_run);
    call.core.plugins.admission.validate(&admission, Some(&object)).await?;
    let key = call.key(namespace, &name)?;
    if dry_run {
        if call.core.store.get(&key)?.is_some() {
            return Err(taken(call, &name, generated.is_some()));
        }
        let mut object = Object::new(stored(resource, object), 0);
        object.clear_version();
        return Ok(Created { object: Arc::new(object) });
    }
    match call.core.store.create(&key, stored(resource, object)) {
        Ok(object) => Ok(Created { object }),
        Err(StoreError::Exists) => {
            let mut error = taken(call, &name, generated.is_some());
            // registry.Store.Create: the reason why a name that was just deleted is not free yet.
            if call.core.store.get(&key)?.is_some_and(|there| there.value()["metadata"]["deletionTimestamp"].is_string()) {
                error.message = format!("object is being deleted: {}", error.message);
            }
            Err(error)
        }
        Err(other) => Err(other.into()),
    }
}

/// The name is taken; a generated one asks the client to try again.
fn taken(call: &Call, name: &str, generated: bool) -> ApiError {
    let (group, plural) = (&call.resource.gvk.group, &call.resource.plural);
    let mut error = ApiError::already_exists(group, plural, name);
    if generated {
        let thing = crate::status::group_resource(group, plural);
        error.message = format!("{thing} {name:?} already exists, the server was not able to generate a unique name for the object");
        error = error.retry_after(1);
    }
    error
}

/// The stored object in the served version.
pub fn served_value(call: &Call, object: &Object) -> Value {
    served(&call.resource, object.value()).into_owned()
}
