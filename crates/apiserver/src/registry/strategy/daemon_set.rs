//! Daemon sets (`pkg/registry/apps/daemonset`).

use serde_json::{Value, json};

use crate::registry::StrategyCall;
use crate::status::ApiError;

/// Shows the internal `templateGeneration`, which counts changes of the template and of the update strategy.
const GENERATION: &str = "deprecated.daemonset.template.generation";

/// Keeps the template's generation, whatever the client says.
pub(super) fn prepare(call: &StrategyCall<'_>, object: &mut Value) -> Result<(), ApiError> {
    let generation = match call.old {
        None => 1,
        Some(old) => {
            let before = old["metadata"]["annotations"][GENERATION].as_str().and_then(|text| text.parse().ok()).unwrap_or(1);
            let changed = ["template", "updateStrategy"].iter().any(|key| old["spec"][key] != object["spec"][key]);
            before + i64::from(changed)
        }
    };
    let annotations = &mut object["metadata"]["annotations"];
    if !annotations.is_object() {
        *annotations = json!({});
    }
    annotations[GENERATION] = generation.to_string().into();
    Ok(())
}
