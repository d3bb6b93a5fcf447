//! `AlwaysPullImages`: nobody uses an image that they could not pull. Off by default.

use serde_json::Value;

use super::plugin::is;
use crate::json::Json;
use crate::server::{AdmissionCall, Operation};
use crate::status::ApiError;

pub(super) fn mutate(call: &AdmissionCall<'_>, pod: &mut Value) -> Result<(), ApiError> {
    if is(call, "", "pods") && matches!(call.operation, Operation::Create | Operation::Update) {
        for list in ["spec.initContainers", "spec.containers", "spec.ephemeralContainers"] {
            for container in pod.list_mut(list) {
                container.put("imagePullPolicy", "Always");
            }
        }
    }
    Ok(())
}
