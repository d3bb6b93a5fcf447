//! Persistent volumes (`pkg/registry/core/persistentvolume`).

use serde_json::Value;

use crate::registry::StrategyCall;
use crate::status::ApiError;

/// The time of the last change of phase.
pub(super) fn prepare(call: &StrategyCall<'_>, object: &mut Value) -> Result<(), ApiError> {
    let changed = match (call.old, call.subresource) {
        (None, _) => true,
        (Some(old), "status") => {
            let given = object["status"]["lastPhaseTransitionTime"] != old["status"]["lastPhaseTransitionTime"];
            object["status"]["phase"] != old["status"]["phase"] && !given
        }
        _ => false,
    };
    if changed {
        object["status"]["lastPhaseTransitionTime"] = call.core.now_text().into();
    }
    Ok(())
}
