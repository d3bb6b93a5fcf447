//! Jobs (`pkg/registry/batch/job.generateSelectorIfNeeded`).

use serde_json::{Value, json};

use crate::registry::StrategyCall;
use crate::status::ApiError;

const LABELS: [&str; 4] = ["batch.kubernetes.io/controller-uid", "controller-uid", "batch.kubernetes.io/job-name", "job-name"];

/// A new job without a selector of its own selects its pods by its uid.
pub(super) fn prepare(call: &StrategyCall<'_>, object: &mut Value) -> Result<(), ApiError> {
    if call.old.is_some() || object["spec"]["manualSelector"] == true {
        return Ok(());
    }
    let (uid, name) = (object["metadata"]["uid"].clone(), object["metadata"]["name"].clone());
    let labels = &mut object["spec"]["template"]["metadata"]["labels"];
    if !labels.is_object() {
        *labels = json!({});
    }
    for (label, value) in LABELS.into_iter().zip([&uid, &uid, &name, &name]) {
        if labels[label].is_null() {
            labels[label] = value.clone();
        }
    }
    // Reading the stored job defaults its labels once more, now that its template has some (`SetDefaults_Job`).
    if object["metadata"]["labels"].as_object().is_none_or(serde_json::Map::is_empty) {
        object["metadata"]["labels"] = object["spec"]["template"]["metadata"]["labels"].clone();
    }
    let selector = &mut object["spec"]["selector"];
    if !selector.is_object() {
        *selector = json!({});
    }
    if !selector["matchLabels"].is_object() {
        selector["matchLabels"] = json!({});
    }
    if selector["matchLabels"][LABELS[0]].is_null() {
        selector["matchLabels"][LABELS[0]] = uid;
    }
    Ok(())
}
