//! Workload controllers of `apps` and replication controllers.

use jiff::Timestamp;
use serde_json::Value;

use super::cell::{age, containers, count, labels, name, selector};
use super::table::Printer;
use crate::json::Json;

pub const DEPLOYMENT: Printer = Printer { columns: "Name,Ready,Up-to-date,Available,Age,Containers+,Images+,Selector+", cells: deployment };
pub const REPLICA_SET: Printer = Printer { columns: "Name,Desired#,Current#,Ready#,Age,Containers+,Images+,Selector+", cells: replica_set };
pub const REPLICATION_CONTROLLER: Printer =
    Printer { columns: "Name,Desired#,Current#,Ready#,Age,Containers+,Images+,Selector+", cells: replication_controller };
pub const STATEFUL_SET: Printer = Printer { columns: "Name,Ready,Age,Containers+,Images+", cells: stateful_set };
pub const DAEMON_SET: Printer = Printer {
    columns: "Name,Desired#,Current#,Ready#,Up-to-date#,Available#,Node Selector,Age,Containers+,Images+,Selector+",
    cells: daemon_set,
};
pub const CONTROLLER_REVISION: Printer = Printer { columns: "Name,Controller,Revision,Age", cells: controller_revision };
pub const SCALE: Printer = Printer { columns: "Name,Desired#,Available#,Age", cells: scale };

fn ready(object: &Value) -> Value {
    format!("{}/{}", object.int("status.readyReplicas").unwrap_or(0), object.int("spec.replicas").unwrap_or(0)).into()
}

fn deployment(object: &Value, now: Timestamp) -> Vec<Value> {
    let (names, images) = containers(object.at("spec.template.spec"));
    // Deployments print the bare selector: an empty one is an empty cell, not `<none>`.
    let selector = Some(selector(object, "spec.selector")).filter(|s| s != "<none>").unwrap_or_default();
    vec![
        name(object),
        ready(object),
        count(object, "status.updatedReplicas"),
        count(object, "status.availableReplicas"),
        age(object, now),
        names,
        images,
        selector.into(),
    ]
}

fn replicas(object: &Value, now: Timestamp, selector: String) -> Vec<Value> {
    let (names, images) = containers(object.at("spec.template.spec"));
    vec![
        name(object),
        count(object, "spec.replicas"),
        count(object, "status.replicas"),
        count(object, "status.readyReplicas"),
        age(object, now),
        names,
        images,
        selector.into(),
    ]
}

fn replica_set(object: &Value, now: Timestamp) -> Vec<Value> {
    replicas(object, now, selector(object, "spec.selector"))
}

fn replication_controller(object: &Value, now: Timestamp) -> Vec<Value> {
    replicas(object, now, labels(object, "spec.selector"))
}

fn stateful_set(object: &Value, now: Timestamp) -> Vec<Value> {
    let (names, images) = containers(object.at("spec.template.spec"));
    vec![name(object), ready(object), age(object, now), names, images]
}

fn daemon_set(object: &Value, now: Timestamp) -> Vec<Value> {
    let (names, images) = containers(object.at("spec.template.spec"));
    vec![
        name(object),
        count(object, "status.desiredNumberScheduled"),
        count(object, "status.currentNumberScheduled"),
        count(object, "status.numberReady"),
        count(object, "status.updatedNumberScheduled"),
        count(object, "status.numberAvailable"),
        labels(object, "spec.template.spec.nodeSelector").into(),
        age(object, now),
        names,
        images,
        selector(object, "spec.selector").into(),
    ]
}

fn controller_revision(object: &Value, now: Timestamp) -> Vec<Value> {
    let owner = object.list("metadata.ownerReferences").iter().find(|o| o.flag("controller") == Some(true));
    let owner = owner.map_or_else(
        || "<none>".to_owned(),
        |o| {
            let kind = o.text("kind").to_ascii_lowercase();
            match o.text("apiVersion").split_once('/') {
                Some((group, _)) => format!("{kind}.{group}/{}", o.text("name")),
                None => format!("{kind}/{}", o.text("name")),
            }
        },
    );
    vec![name(object), owner.into(), count(object, "revision"), age(object, now)]
}

fn scale(object: &Value, now: Timestamp) -> Vec<Value> {
    vec![name(object), count(object, "spec.replicas"), count(object, "status.replicas"), age(object, now)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn workloads_print_as_upstream() {
        let now = "2026-01-01T01:00:00Z".parse().expect("a time");
        let object = json!({
            "metadata": {"name": "web", "creationTimestamp": "2026-01-01T00:00:00Z"},
            "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "web"}},
                "template": {"spec": {"containers": [{"name": "a", "image": "nginx"}, {"name": "b", "image": "redis"}]}}},
            "status": {"replicas": 3, "readyReplicas": 2, "updatedReplicas": 3, "availableReplicas": 2, "desiredNumberScheduled": 4},
        });
        let cases: [(&Printer, Value); 4] = [
            (&DEPLOYMENT, json!(["web", "2/3", 3, 2, "60m", "a,b", "nginx,redis", "app=web"])),
            (&REPLICA_SET, json!(["web", 3, 3, 2, "60m", "a,b", "nginx,redis", "app=web"])),
            (&STATEFUL_SET, json!(["web", "2/3", "60m", "a,b", "nginx,redis"])),
            (&DAEMON_SET, json!(["web", 4, 0, 0, 0, 0, "<none>", "60m", "a,b", "nginx,redis", "app=web"])),
        ];
        for (printer, want) in cases {
            let cells = (printer.cells)(&object, now);
            assert_eq!(cells.len(), printer.definitions().len());
            assert_eq!(Value::Array(cells), want);
        }
    }
}
