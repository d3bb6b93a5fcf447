//! The scale subresource: `autoscaling/v1.Scale` over a parent.

use http::{HeaderMap, Response, StatusCode};
use serde_json::{Map, Value, json};
use values::Selector;

use super::body::{Strictness, decode_object, read_value};
use super::call::Call;
use super::convert::served;
use super::options::write_options;
use super::patch;
use super::read::get;
use super::respond::value_response;
use super::update::{Target, name_mismatch, update_with};
use crate::registry::{Gvk, ScalePaths};
use crate::schema::{Table, TypeId};
use crate::server::Body;
use crate::status::{ApiError, FieldError};

fn scale_type() -> Result<(Gvk, TypeId), ApiError> {
    let gvk = Gvk::new("autoscaling", "v1", "Scale");
    let id = Table::builtin().find(&Table::type_name("autoscaling", "v1", "Scale"));
    id.map(|id| (gvk, id)).ok_or_else(|| ApiError::internal("no type for Scale"))
}

/// The scale of a parent.
fn scale(parent: &Value, paths: ScalePaths) -> Value {
    let metadata = &parent["metadata"];
    let kept = ["name", "namespace", "uid", "resourceVersion", "creationTimestamp"].into_iter();
    let metadata: Map<String, Value> = kept.filter_map(|key| Some((key.to_owned(), metadata.get(key)?.clone()))).collect();
    let number = |pointer: &str| parent.pointer(pointer).and_then(Value::as_i64).unwrap_or(0);
    let mut spec = Map::new();
    if number(paths.spec) != 0 {
        spec.insert("replicas".into(), number(paths.spec).into());
    }
    let mut status = json!({"replicas": number(paths.status)});
    let selector = parent.pointer(paths.selector).filter(|selector| !selector.is_null());
    let text = selector.and_then(|selector| {
        // A replication controller's selector is a plain map of labels.
        let plain = selector.get("matchLabels").is_none() && selector.get("matchExpressions").is_none();
        let selector = if plain { json!({"matchLabels": selector}) } else { selector.clone() };
        Selector::from_json(&selector).ok()
    });
    if let Some(text) = text.map(|selector| selector.to_string()).filter(|text| !text.is_empty()) {
        status["selector"] = text.into();
    }
    json!({"kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": metadata, "spec": spec, "status": status})
}

/// Answers a request on `…/scale`.
pub async fn handle(call: &Call, paths: ScalePaths, headers: &HeaderMap, bytes: &[u8]) -> Result<Response<Body>, ApiError> {
    let info = &call.context.info;
    let (gvk, id) = scale_type()?;
    let table = Table::builtin();
    match info.verb {
        "get" => {
            let object = get(call, &info.namespace, &info.name)?;
            let value = scale(&served(&call.resource, object.value()), paths);
            answer(call, headers, &value)
        }
        "update" => {
            let dry_run = write_options(&call.context, "UpdateOptions")?;
            let strictness = Strictness::of(call, "UpdateOptions")?;
            let wanted = decode_object(call, &gvk, id, read_value(headers, bytes, "Scale")?, strictness)?;
            write(call, headers, paths, dry_run, |_| Ok(wanted.clone())).await
        }
        _ => {
            let (patch, dry_run) = patch::read(call, headers, bytes)?;
            if patch.is_apply() {
                return Err(ApiError::unsupported_patch());
            }
            write(call, headers, paths, dry_run, |live| patch.result(call, &gvk, &table, id, live)).await
        }
    }
}

async fn write(
    call: &Call,
    headers: &HeaderMap,
    paths: ScalePaths,
    dry_run: bool,
    change: impl Fn(&Value) -> Result<Value, ApiError>,
) -> Result<Response<Body>, ApiError> {
    let info = &call.context.info;
    let manager = call.context.field_manager();
    let target = Target { namespace: &info.namespace, name: &info.name, subresource: "scale", manager: Some(&manager), dry_run };
    let changed = update_with(call, &target, |parent, _| {
        let current = scale(parent, paths);
        let wanted = change(&current)?;
        match wanted["metadata"]["name"].as_str().unwrap_or("") {
            name if name != info.name => return Err(name_mismatch(name, &info.name)),
            _ => {}
        }
        let replicas = wanted.pointer("/spec/replicas").and_then(Value::as_i64).unwrap_or(0);
        if replicas < 0 {
            let error = FieldError::invalid("spec.replicas", replicas, "must be greater than or equal to 0");
            return Err(ApiError::invalid("autoscaling", "Scale", &info.name, &[error]));
        }
        let mut parent = parent.clone();
        if let Some(place) = parent.pointer_mut(paths.spec) {
            *place = replicas.into();
        } else {
            parent["spec"]["replicas"] = replicas.into();
        }
        let metadata = parent["metadata"].as_object_mut();
        match (wanted["metadata"]["resourceVersion"].as_str(), metadata) {
            (Some(version), Some(metadata)) if wanted["metadata"]["resourceVersion"] != current["metadata"]["resourceVersion"] => {
                metadata.insert("resourceVersion".into(), version.into());
            }
            (_, Some(metadata)) => drop(metadata.shift_remove("resourceVersion")),
            _ => {}
        }
        Ok(parent)
    })
    .await?;
    answer(call, headers, &scale(&served(&call.resource, changed.value()), paths))
}

fn answer(call: &Call, headers: &HeaderMap, value: &Value) -> Result<Response<Body>, ApiError> {
    value_response(&call.context, headers, StatusCode::OK, value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scale_shows_its_parent() {
        let paths = ScalePaths { spec: "/spec/replicas", status: "/status/replicas", selector: "/spec/selector" };
        let parent = json!({"metadata": {"name": "d", "namespace": "n", "uid": "u", "resourceVersion": "5", "labels": {"x": "y"}},
            "spec": {"replicas": 3, "selector": {"matchLabels": {"a": "b"}}}, "status": {"replicas": 2}});
        assert_eq!(
            scale(&parent, paths),
            json!({"kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": {"name": "d", "namespace": "n", "uid": "u", "resourceVersion": "5"},
                "spec": {"replicas": 3}, "status": {"replicas": 2, "selector": "a=b"}})
        );
        let controller = json!({"metadata": {"name": "d"}, "spec": {"replicas": 0, "selector": {"a": "b"}}, "status": {"replicas": 0}});
        assert_eq!(scale(&controller, paths)["status"]["selector"], "a=b");
        assert_eq!(scale(&controller, paths)["spec"], json!({}));
    }
}
