//! RBAC's own guard: nobody writes a role or binding that grants more than they hold.

use serde_json::Value;

use crate::authz;
use crate::json::Json;
use crate::server::{AdmissionCall, Operation};
use crate::status::ApiError;

pub(super) fn judge(call: &AdmissionCall<'_>, object: &Value) -> Result<(), ApiError> {
    if call.resource.gvk.group != "rbac.authorization.k8s.io" || !matches!(call.operation, Operation::Create | Operation::Update) {
        return Ok(());
    }
    let (user, plural) = (&call.context.user, call.resource.plural.as_str());
    match plural {
        "roles" | "clusterroles" => {
            let unchanged = call
                .old
                .is_some_and(|old| old.at("rules") == object.at("rules") && old.at("aggregationRule") == object.at("aggregationRule"));
            if unchanged {
                return Ok(());
            }
            let name = object.text("metadata.name");
            authz::confirm_role(call.core, user, plural, call.namespace, name, object.list("rules"))
        }
        _ => {
            let unchanged =
                call.old.is_some_and(|old| old.at("roleRef") == object.at("roleRef") && old.at("subjects") == object.at("subjects"));
            if unchanged { Ok(()) } else { authz::confirm_binding(call.core, user, plural, call.namespace, object) }
        }
    }
}
