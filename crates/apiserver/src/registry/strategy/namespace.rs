//! Namespaces (`pkg/registry/core/namespace`).

use serde_json::{Value, json};

use crate::registry::StrategyCall;
use crate::status::ApiError;

/// A new namespace has the finalizer `kubernetes` and is active; the label with its name is always there.
pub(super) fn prepare(call: &StrategyCall<'_>, object: &mut Value) -> Result<(), ApiError> {
    if call.old.is_none() {
        object["status"] = json!({"phase": "Active"});
        let finalizers = &mut object["spec"]["finalizers"];
        let present = finalizers.as_array().is_some_and(|list| list.iter().any(|f| f == "kubernetes"));
        match finalizers.as_array_mut() {
            Some(_) if present => {}
            Some(list) => list.push("kubernetes".into()),
            None => *finalizers = json!(["kubernetes"]),
        }
    } else if call.subresource.is_empty() {
        // Finalizers change through `finalize` only.
        if let Some(old) = call.old {
            object["spec"]["finalizers"] = old["spec"]["finalizers"].clone();
        }
    }
    let name = object["metadata"]["name"].clone();
    if name.is_string() {
        let labels = &mut object["metadata"]["labels"];
        if !labels.is_object() {
            *labels = json!({});
        }
        labels["kubernetes.io/metadata.name"] = name;
    }
    Ok(())
}

/// A namespace whose deletion was asked for is terminating.
pub(super) fn terminate(object: &mut Value) {
    object["status"]["phase"] = "Terminating".into();
}

/// Whether `spec.finalizers` still keep it.
pub(super) fn pending(object: &Value) -> bool {
    object["spec"]["finalizers"].as_array().is_some_and(|list| !list.is_empty())
}
