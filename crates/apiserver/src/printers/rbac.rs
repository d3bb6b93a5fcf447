//! Roles, bindings and certificate signing requests.

use jiff::Timestamp;
use serde_json::Value;
use values::duration;

use super::cell::{age, name, text_or};
use super::table::Printer;
use crate::json::Json;

pub const BINDING: Printer = Printer { columns: "Name,Role,Age,Users+,Groups+,ServiceAccounts+", cells: binding };
pub const ROLE: Printer = Printer { columns: "Name,Created At", cells: role };
pub const CERTIFICATE_SIGNING_REQUEST: Printer =
    Printer { columns: "Name,Age,SignerName,Requestor,RequestedDuration,Condition", cells: signing_request };

fn binding(object: &Value, now: Timestamp) -> Vec<Value> {
    let of = |kind: &str| -> Value {
        let subjects = object.list("subjects").iter().filter(|s| s.text("kind") == kind);
        let text = |s: &Value| match (kind, s.text("namespace")) {
            ("ServiceAccount", namespace) if !namespace.is_empty() => format!("{namespace}/{}", s.text("name")),
            _ => s.text("name").to_owned(),
        };
        subjects.map(text).collect::<Vec<_>>().join(", ").into()
    };
    vec![
        name(object),
        format!("{}/{}", object.text("roleRef.kind"), object.text("roleRef.name")).into(),
        age(object, now),
        of("User"),
        of("Group"),
        of("ServiceAccount"),
    ]
}

/// Roles have no handler of their own upstream: they go through the default converter, whose second column is the
/// creation time as it stands (`rest.NewDefaultTableConvertor`).
fn role(object: &Value, _: Timestamp) -> Vec<Value> {
    vec![name(object), object.text("metadata.creationTimestamp").into()]
}

fn signing_request(object: &Value, now: Timestamp) -> Vec<Value> {
    let duration = object.int("spec.expirationSeconds").map_or_else(|| "<none>".to_owned(), duration::human);
    let has = |kind: &str| object.list("status.conditions").iter().any(|c| c.text("type") == kind);
    let mut status = if has("Denied") {
        "Denied"
    } else if has("Approved") {
        "Approved"
    } else {
        "Pending"
    }
    .to_owned();
    if has("Failed") {
        status.push_str(",Failed");
    }
    if !object.text("status.certificate").is_empty() {
        status.push_str(",Issued");
    }
    vec![
        name(object),
        age(object, now),
        text_or(object, "spec.signerName", "<none>").into(),
        object.text("spec.username").into(),
        duration.into(),
        status.into(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn requests_show_their_condition() {
        let cases = [
            (json!({}), "Pending"),
            (json!({"conditions": [{"type": "Approved"}], "certificate": "eA=="}), "Approved,Issued"),
            (json!({"conditions": [{"type": "Denied"}]}), "Denied"),
        ];
        for (status, want) in cases {
            let object = json!({"spec": {"expirationSeconds": 86400}, "status": status});
            let cells = signing_request(&object, Timestamp::UNIX_EPOCH);
            assert_eq!((&cells[4], &cells[5]), (&json!("24h"), &json!(want)));
        }
    }

    #[test]
    fn bindings_list_subjects_by_kind() {
        let object = json!({"roleRef": {"kind": "Role", "name": "r"}, "subjects": [
            {"kind": "User", "name": "jane"}, {"kind": "ServiceAccount", "name": "default", "namespace": "x"}, {"kind": "Group", "name": "g"}]});
        let cells = binding(&object, Timestamp::UNIX_EPOCH);
        assert_eq!((&cells[1], &cells[3], &cells[4], &cells[5]), (&json!("Role/r"), &json!("jane"), &json!("g"), &json!("x/default")));
    }
}
