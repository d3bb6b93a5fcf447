//! Certificate signing requests (`pkg/registry/certificates/certificates`).

use serde_json::{Value, json};

use crate::registry::StrategyCall;
use crate::status::ApiError;

/// A new request carries the identity of whoever made it; its spec never changes.
pub(super) fn prepare(call: &StrategyCall<'_>, object: &mut Value) -> Result<(), ApiError> {
    match call.old {
        None => {
            let user = &call.context.user;
            let spec = &mut object["spec"];
            spec["username"] = user.name.clone().into();
            let parts = [
                ("uid", json!(user.uid), user.uid.is_empty()),
                ("groups", json!(user.groups), user.groups.is_empty()),
                ("extra", json!(user.extra), user.extra.is_empty()),
            ];
            for (key, value, empty) in parts {
                match spec.as_object_mut() {
                    Some(spec) if empty => drop(spec.shift_remove(key)),
                    Some(spec) => drop(spec.insert(key.into(), value)),
                    None => {}
                }
            }
        }
        Some(old) if call.subresource.is_empty() => object["spec"] = old["spec"].clone(),
        Some(_) => {}
    }
    Ok(())
}
