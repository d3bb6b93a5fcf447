//! Binding pods to nodes (`pkg/registry/core/pod/storage.BindingREST`).

use futures::future::BoxFuture;
use http::Response;
use serde_json::{Value, json};

use super::{body, write};
use crate::handlers::Call;
use crate::json::Json;
use crate::lookup::Lookup;
use crate::registry::{CreateCall, SubresourceCall};
use crate::server::Body;
use crate::status::{ApiError, FieldError};

/// Labels of a node that its pods get (`PodTopologyLabels`).
const TOPOLOGY: [&str; 2] = ["topology.kubernetes.io/zone", "topology.kubernetes.io/region"];

/// `pods/binding`.
pub(super) fn of_pod(call: SubresourceCall) -> BoxFuture<'static, Result<Response<Body>, ApiError>> {
    Box::pin(async move {
        let binding = body::read(&call.request, "v1", "Binding")?;
        let verbs = body::call(&call);
        bind(&verbs, &call.context.info.name, &binding)?;
        Ok(body::success())
    })
}

/// The old way: a create on `bindings`.
pub(super) fn create(call: CreateCall) -> BoxFuture<'static, Result<Value, ApiError>> {
    Box::pin(async move {
        let name = call.object.text("metadata.name").to_owned();
        let registry = call.core.registry();
        let pods = registry.find("", "v1", "pods").cloned().ok_or_else(ApiError::no_such_resource)?;
        let verbs = Call { core: call.core.clone(), resource: pods, context: call.context.clone() };
        bind(&verbs, &name, &call.object)?;
        Ok(crate::status::success(None))
    })
}

fn bind(call: &Call, name: &str, binding: &Value) -> Result<(), ApiError> {
    let named = binding.text("metadata.name");
    if !named.is_empty() && named != name {
        return Err(ApiError::bad_request("name in URL does not match name in Binding object"));
    }
    let (kind, node) = (binding.text("target.kind"), binding.text("target.name").to_owned());
    let mut errors = Vec::new();
    if !matches!(kind, "" | "Node") {
        errors.push(FieldError::not_supported("target.kind", kind, &["Node", "<empty>"]));
    }
    if node.is_empty() {
        errors.push(FieldError::required("target.name", ""));
    }
    if !errors.is_empty() {
        return Err(ApiError::invalid("", "Binding", name, &errors));
    }
    let dry_run = call.context.dry_run()?;
    let namespace = &call.context.info.namespace;
    let conflict = |why: String| ApiError::conflict("", "pods/binding", name, &why);
    let labels = topology(call, &node);
    let now = call.core.now_text();
    let uid = binding.text("metadata.uid");
    let version = binding.text("metadata.resourceVersion");
    write::change(call, namespace, name, dry_run, |pod| {
        if !uid.is_empty() && pod.text("metadata.uid") != uid {
            let why = format!("Precondition failed: UID in precondition: {uid}, UID in object meta: {}", pod.text("metadata.uid"));
            return Err(conflict(why));
        }
        if !version.is_empty() && pod.text("metadata.resourceVersion") != version {
            let why = format!(
                "Precondition failed: ResourceVersion in precondition: {version}, ResourceVersion in object meta: {}",
                pod.text("metadata.resourceVersion")
            );
            return Err(conflict(why));
        }
        if pod.has("metadata.deletionTimestamp") {
            return Err(conflict(format!("pod {name} is being deleted, cannot be assigned to a host")));
        }
        if !pod.text("spec.nodeName").is_empty() {
            return Err(conflict(format!("pod {name} is already assigned to node {:?}", pod.text("spec.nodeName"))));
        }
        if !pod.list("spec.schedulingGates").is_empty() {
            return Err(conflict(format!("pod {name} has non-empty .spec.schedulingGates")));
        }
        pod.put("spec.nodeName", node.as_str());
        for (field, extra) in [("metadata.annotations", binding.at("metadata.annotations")), ("metadata.labels", &labels)] {
            for (key, value) in extra.entries("") {
                let map = pod.slot(field);
                if !map.is_object() {
                    *map = json!({});
                }
                map[key] = value.clone();
            }
        }
        scheduled(pod, &now);
        Ok(())
    })?;
    Ok(())
}

fn topology(call: &Call, node: &str) -> Value {
    let found = Lookup::new(&call.core).get("", "nodes", "", node);
    let labels = found.as_ref().and_then(|n| n.value().object("metadata.labels"));
    let entries = TOPOLOGY.iter().filter_map(|key| Some(((*key).to_owned(), labels?.get(*key)?.clone())));
    Value::Object(entries.collect())
}

/// Condition `PodScheduled` becomes true.
fn scheduled(pod: &mut Value, now: &str) {
    let mut conditions = pod.list("status.conditions").to_vec();
    let observed = pod.at("metadata.generation").clone();
    let mut condition = json!({"type": "PodScheduled", "status": "True", "lastProbeTime": null, "lastTransitionTime": now});
    if !observed.is_null() {
        condition.put("observedGeneration", observed);
    }
    match conditions.iter_mut().find(|c| c.text("type") == "PodScheduled") {
        Some(present) if present.text("status") == "True" => {}
        Some(present) => *present = condition,
        None => conditions.push(condition),
    }
    pod.put("status.conditions", conditions);
}
