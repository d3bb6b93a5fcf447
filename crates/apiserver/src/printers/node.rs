//! Nodes and what belongs to them.

use jiff::Timestamp;
use serde_json::Value;

use super::cell::{age, name, text_or};
use super::table::Printer;
use crate::json::Json;

pub const NODE: Printer = Printer {
    columns: "Name,Status,Roles,Age,Version,Internal-IP+,External-IP+,OS-Image+,Kernel-Version+,Container-Runtime+",
    cells: node,
};
pub const RUNTIME_CLASS: Printer = Printer { columns: "Name,Handler,Age", cells: runtime_class };
pub const LEASE: Printer = Printer { columns: "Name,Holder,Age", cells: lease };

fn node(object: &Value, now: Timestamp) -> Vec<Value> {
    let mut status = vec![match object.list("status.conditions").iter().find(|c| c.text("type") == "Ready") {
        Some(ready) if ready.text("status") == "True" => "Ready",
        Some(_) => "NotReady",
        None => "Unknown",
    }];
    if object.flag("spec.unschedulable") == Some(true) {
        status.push("SchedulingDisabled");
    }
    let address =
        |kind: &str| object.list("status.addresses").iter().find(|a| a.text("type") == kind).map_or("<none>", |a| a.text("address"));
    vec![
        name(object),
        status.join(",").into(),
        roles(object).into(),
        age(object, now),
        object.text("status.nodeInfo.kubeletVersion").into(),
        address("InternalIP").into(),
        address("ExternalIP").into(),
        text_or(object, "status.nodeInfo.osImage", "<unknown>").into(),
        text_or(object, "status.nodeInfo.kernelVersion", "<unknown>").into(),
        text_or(object, "status.nodeInfo.containerRuntimeVersion", "<unknown>").into(),
    ]
}

fn roles(object: &Value) -> String {
    let mut roles: Vec<&str> = object
        .entries("metadata.labels")
        .into_iter()
        .filter_map(|(key, value)| match key.strip_prefix("node-role.kubernetes.io/") {
            Some(role) => Some(role),
            None if key == "kubernetes.io/role" => value.as_str(),
            None => None,
        })
        .filter(|role| !role.is_empty())
        .collect();
    roles.sort_unstable();
    roles.dedup();
    if roles.is_empty() { "<none>".to_owned() } else { roles.join(",") }
}

fn runtime_class(object: &Value, now: Timestamp) -> Vec<Value> {
    vec![name(object), object.text("handler").into(), age(object, now)]
}

fn lease(object: &Value, now: Timestamp) -> Vec<Value> {
    vec![name(object), object.text("spec.holderIdentity").into(), age(object, now)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn status_and_roles_follow_conditions_and_labels() {
        let cases = [
            (json!([{"type": "Ready", "status": "True"}]), false, "Ready"),
            (json!([{"type": "Ready", "status": "Unknown"}]), true, "NotReady,SchedulingDisabled"),
            (json!([]), false, "Unknown"),
        ];
        for (conditions, cordoned, want) in cases {
            let object = json!({"metadata": {"labels": {"node-role.kubernetes.io/control-plane": ""}},
                "spec": {"unschedulable": cordoned}, "status": {"conditions": conditions}});
            let cells = node(&object, Timestamp::UNIX_EPOCH);
            assert_eq!((&cells[1], &cells[2]), (&json!(want), &json!("control-plane")));
        }
    }
}
