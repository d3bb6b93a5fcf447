//! PATCH.

use http::{HeaderMap, Response, StatusCode};
use serde_json::Value;

use super::body::{Strictness, complaints, json_error, media_type};
use super::call::Call;
use super::create::create;
use super::metadata;
use super::options::write_options;
use super::respond::object_response;
use super::update::{Target, name_mismatch, update_with};
use crate::patch::{APPLY, JSON, MEDIA_TYPES, MERGE, STRATEGIC, go_text, json_patch, merge_patch, strategic_merge};
use crate::registry::Gvk;
use crate::schema::{Parsed, Table, TypeId, apply_defaults, decode, parse_json, parse_yaml};
use crate::server::{Body, FieldWrite};
use crate::status::{ApiError, FieldError};

/// A patch that was read.
pub struct Patch {
    media: String,
    parsed: Parsed,
    strictness: Strictness,
}

/// Reads a patch and its options.
pub fn read(call: &Call, headers: &HeaderMap, bytes: &[u8]) -> Result<(Patch, bool), ApiError> {
    let media = media_type(headers);
    if !MEDIA_TYPES.contains(&media.as_str()) {
        return Err(ApiError::unsupported_patch());
    }
    let query = &call.context.info.query;
    let mut errors = Vec::new();
    if media != APPLY && query.has("force") {
        errors.push(FieldError::forbidden("force", "may not be specified for non-apply patch"));
    }
    if media == APPLY && query.get("fieldManager").is_none() {
        errors.push(FieldError::required("fieldManager", "is required for apply patch"));
    }
    if !errors.is_empty() {
        return Err(ApiError::invalid("meta.k8s.io", "PatchOptions", "", &errors));
    }
    let dry_run = write_options(&call.context, "PatchOptions")?;
    let strictness = Strictness::of(call, "PatchOptions")?;
    let parsed = if media == APPLY {
        parse_yaml(bytes).map_err(|error| ApiError::bad_request(format!("error decoding YAML: {error}")))?
    } else {
        let prefix = if media == STRATEGIC { "" } else { "error decoding patch: " };
        parse_json(bytes).map_err(|error| ApiError::bad_request(format!("{prefix}{}", json_error(bytes, &error))))?
    };
    Ok((Patch { media, parsed, strictness }, dry_run))
}

impl Patch {
    /// Whether this is server-side apply.
    pub fn is_apply(&self) -> bool {
        self.media == APPLY
    }

    /// Applies the patch to an object of a type, and decodes the result.
    pub fn result(&self, call: &Call, gvk: &Gvk, table: &Table, id: TypeId, live: &Value) -> Result<Value, ApiError> {
        let patch = &self.parsed.value;
        let patched = match self.media.as_str() {
            JSON => json_patch(live, patch)?,
            MERGE => merge_patch(live, patch)?,
            _ => strategic_merge(table, id, live, patch)?,
        };
        let strategic = self.media == STRATEGIC;
        let refuse = |patched: &Value, why: String| {
            // Upstream shows the patch for strategic patches, and the whole patched document for the others.
            let shown = if strategic { go_text(patch) } else { patched.to_string() };
            ApiError::invalid("", "", "", &[FieldError::invalid("patch", shown, why)])
        };
        let text = |key: &str| patched.get(key).and_then(Value::as_str).unwrap_or("");
        if text("apiVersion") != gvk.api_version() || text("kind") != gvk.kind {
            let why = format!(
                "no kind {:?} is registered for version {:?} in scheme \"pkg/runtime/scheme.go:111\"",
                text("kind"),
                text("apiVersion")
            );
            return Err(refuse(&patched, why));
        }
        let decoded = match decode(table, id, patched.clone()) {
            Ok(decoded) => decoded,
            Err(error) => {
                let why = if strategic { error.converting().to_owned() } else { error.to_string() };
                return Err(refuse(&patched, why));
            }
        };
        let complaints = complaints(&decoded.unknown, &self.parsed.duplicates);
        match self.strictness {
            Strictness::Strict if !complaints.is_empty() => {
                return Err(refuse(&patched, format!("strict decoding error: {}", complaints.join(", "))));
            }
            Strictness::Warn => complaints.into_iter().for_each(|text| call.context.warn(text)),
            _ => {}
        }
        let mut value = decoded.value;
        apply_defaults(table, id, &mut value);
        Ok(value)
    }
}

/// Answers a PATCH on an object or on a subresource that writes it.
pub async fn handle(call: &Call, headers: &HeaderMap, bytes: &[u8]) -> Result<Response<Body>, ApiError> {
    let info = &call.context.info;
    let (patch, dry_run) = read(call, headers, bytes)?;
    if patch.is_apply() {
        return apply(call, headers, &patch, dry_run).await;
    }
    let resource = &call.resource;
    let manager = call.context.field_manager();
    let target = Target { namespace: &info.namespace, name: &info.name, subresource: &info.subresource, manager: Some(&manager), dry_run };
    let changed = update_with(call, &target, |live, _| {
        let mut object = patch.result(call, &resource.gvk, &resource.schema, resource.type_id, live)?;
        checked(call, &mut object)?;
        // The live version came along in the document; only one that the patch changed is a condition.
        if object["metadata"]["resourceVersion"] == live["metadata"]["resourceVersion"]
            && !resource.hooks.require_resource_version
            && let Some(metadata) = object["metadata"].as_object_mut()
        {
            metadata.shift_remove("resourceVersion");
        }
        Ok(object)
    })
    .await?;
    object_response(call, headers, StatusCode::OK, &changed)
}

fn checked(call: &Call, object: &mut Value) -> Result<(), ApiError> {
    let info = &call.context.info;
    match metadata::text(object, "name") {
        name if name != info.name => return Err(name_mismatch(name, &info.name)),
        _ => {}
    }
    metadata::match_namespace(call, &info.namespace, object)
}

/// Server-side apply: a missing object is created.
async fn apply(call: &Call, headers: &HeaderMap, patch: &Patch, dry_run: bool) -> Result<Response<Body>, ApiError> {
    let info = &call.context.info;
    let resource = &call.resource;
    let manager = info.query.get("fieldManager").unwrap_or("").to_owned();
    let force = info.query.flag("force");
    let mut wanted = patch.parsed.value.clone();
    let text = |key: &str| wanted.get(key).and_then(Value::as_str).unwrap_or("").to_owned();
    let (api_version, kind) = (text("apiVersion"), text("kind"));
    if api_version != resource.gvk.api_version() || kind != resource.gvk.kind {
        let type_text = if api_version.contains('/') { api_version } else { format!("/{api_version}") };
        return Err(ApiError::bad_request(format!("invalid object type: {type_text}, Kind={kind}")));
    }
    if !wanted["metadata"].is_object() {
        wanted["metadata"] = serde_json::json!({});
    }
    if wanted["metadata"]["name"].is_null() {
        wanted["metadata"]["name"] = info.name.clone().into();
    }
    checked(call, &mut wanted)?;
    let key = call.key(&info.namespace, &info.name)?;
    let fields = &call.core.plugins.fields;
    let finish = |object: Value| -> Result<Value, ApiError> {
        let decoded = decode(&resource.schema, resource.type_id, object).map_err(|error| ApiError::bad_request(error.to_string()))?;
        let mut value = decoded.value;
        apply_defaults(&resource.schema, resource.type_id, &mut value);
        Ok(value)
    };
    let now = call.core.now_text();
    let write = FieldWrite { resource, manager: &manager, subresource: &info.subresource, now: &now };
    let live = call.core.store.get(&key)?;
    if live.is_none() && info.subresource.is_empty() {
        if !metadata::text(&wanted, "uid").is_empty() {
            return Err(call.modified(&info.name));
        }
        let object = finish(fields.apply(&write, None, &wanted, force)?)?;
        let created = create(call, &info.namespace, object, None, dry_run).await?;
        return object_response(call, headers, StatusCode::CREATED, &created.object);
    }
    let target = Target { namespace: &info.namespace, name: &info.name, subresource: &info.subresource, manager: None, dry_run };
    let changed = update_with(call, &target, |live, _| {
        let mut object = finish(fields.apply(&write, Some(live), &wanted, force)?)?;
        match wanted["metadata"].get("resourceVersion") {
            Some(version) => object["metadata"]["resourceVersion"] = version.clone(),
            None if resource.hooks.require_resource_version => {
                object["metadata"]["resourceVersion"] = live["metadata"]["resourceVersion"].clone();
            }
            None => drop(object["metadata"].as_object_mut().map(|metadata| metadata.shift_remove("resourceVersion"))),
        }
        Ok(object)
    })
    .await?;
    object_response(call, headers, StatusCode::OK, &changed)
}
