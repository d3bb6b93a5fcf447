//! Small kinds: configuration, quota, priority, webhooks.

use jiff::Timestamp;
use serde_json::Value;

use super::cell::{age, count, name, quantity, selector};
use super::table::Printer;
use crate::json::Json;

/// Name and age: what a kind without columns of its own shows.
pub const NAME_AND_AGE: Printer = Printer { columns: "Name,Age", cells: |object, now| vec![name(object), age(object, now)] };
/// Name and creation time: upstream's default converter.
pub const DEFAULT: Printer =
    Printer { columns: "Name,Created At", cells: |object, _| vec![name(object), object.text("metadata.creationTimestamp").into()] };
pub const NAMESPACE: Printer = Printer { columns: "Name,Status,Age", cells: namespace };
pub const CONFIG_MAP: Printer = Printer { columns: "Name,Data,Age", cells: config_map };
pub const SECRET: Printer = Printer { columns: "Name,Type,Data,Age", cells: secret };
pub const RESOURCE_QUOTA: Printer = Printer { columns: "Name,Request,Limit,Age", cells: resource_quota };
pub const PRIORITY_CLASS: Printer = Printer { columns: "Name,Value#,Global-Default?,Age,PreemptionPolicy", cells: priority_class };
pub const COMPONENT_STATUS: Printer = Printer { columns: "Name,Status,Message,Error", cells: component_status };
pub const WEBHOOKS: Printer = Printer { columns: "Name,Webhooks#,Age", cells: webhooks };
pub const ADMISSION_POLICY: Printer = Printer { columns: "Name,Validations#,ParamKind,Age", cells: admission_policy };
pub const ADMISSION_POLICY_BINDING: Printer = Printer { columns: "Name,PolicyName,ParamRef,Age", cells: admission_policy_binding };
pub const FLOW_SCHEMA: Printer =
    Printer { columns: "Name,PriorityLevel,MatchingPrecedence,DistinguisherMethod,Age,MissingPL", cells: flow_schema };
pub const PRIORITY_LEVEL: Printer =
    Printer { columns: "Name,Type,NominalConcurrencyShares,Queues,HandSize,QueueLengthLimit,Age", cells: priority_level };
pub const RESOURCE_CLAIM: Printer = Printer { columns: "Name,State,Age", cells: resource_claim };
pub const RESOURCE_SLICE: Printer = Printer { columns: "Name,Node,Driver,Pool,Age", cells: resource_slice };
/// Custom resource definitions: the default converter of the extension server.
pub const CUSTOM_RESOURCE_DEFINITION: Printer = DEFAULT;
/// API services (`kube-aggregator`'s table).
pub const API_SERVICE: Printer = Printer { columns: "Name,Service,Available,Age", cells: api_service };

fn namespace(object: &Value, now: Timestamp) -> Vec<Value> {
    vec![name(object), object.text("status.phase").into(), age(object, now)]
}

fn config_map(object: &Value, now: Timestamp) -> Vec<Value> {
    let keys = |path| object.object(path).map_or(0, serde_json::Map::len);
    vec![name(object), (keys("data") + keys("binaryData")).into(), age(object, now)]
}

fn secret(object: &Value, now: Timestamp) -> Vec<Value> {
    vec![name(object), object.text("type").into(), object.object("data").map_or(0, serde_json::Map::len).into(), age(object, now)]
}

fn resource_quota(object: &Value, now: Timestamp) -> Vec<Value> {
    let (mut requests, mut limits) = (Vec::new(), Vec::new());
    for (resource, hard) in object.entries("status.hard") {
        let used = object.object("status.used").and_then(|u| u.get(resource)).unwrap_or(&Value::Null);
        let text = format!("{resource}: {}/{}", quantity(used), quantity(hard));
        if resource.starts_with("limits.") { &mut limits } else { &mut requests }.push(text);
    }
    vec![name(object), requests.join(", ").into(), limits.join(", ").into(), age(object, now)]
}

fn priority_class(object: &Value, now: Timestamp) -> Vec<Value> {
    vec![
        name(object),
        count(object, "value"),
        object.flag("globalDefault").unwrap_or(false).into(),
        age(object, now),
        object.text("preemptionPolicy").into(),
    ]
}

fn component_status(object: &Value, _: Timestamp) -> Vec<Value> {
    let healthy = object.list("conditions").iter().find(|c| c.text("type") == "Healthy");
    let status = match healthy.map(|c| c.text("status")) {
        Some("True") => "Healthy",
        Some(_) => "Unhealthy",
        None => "Unknown",
    };
    let of = |key| healthy.map_or("", |c| c.text(key)).into();
    vec![name(object), status.into(), of("message"), of("error")]
}

fn webhooks(object: &Value, now: Timestamp) -> Vec<Value> {
    vec![name(object), object.list("webhooks").len().into(), age(object, now)]
}

fn admission_policy(object: &Value, now: Timestamp) -> Vec<Value> {
    let kind = object.at("spec.paramKind");
    let kind = if kind.is_null() { "<unset>".to_owned() } else { format!("{}/{}", kind.text("apiVersion"), kind.text("kind")) };
    vec![name(object), object.list("spec.validations").len().into(), kind.into(), age(object, now)]
}

fn admission_policy_binding(object: &Value, now: Timestamp) -> Vec<Value> {
    let parameter = object.at("spec.paramRef");
    let text = match (parameter.text("name"), parameter.text("namespace")) {
        ("", _) if parameter.has("selector") => selector(parameter, "selector"),
        ("", _) => "<unset>".to_owned(),
        (name, "") => format!("*/{name}"),
        (name, namespace) => format!("{namespace}/{name}"),
    };
    vec![name(object), object.text("spec.policyName").into(), text.into(), age(object, now)]
}

fn flow_schema(object: &Value, now: Timestamp) -> Vec<Value> {
    let dangling = super::cell::condition(object, "Dangling");
    vec![
        name(object),
        object.text("spec.priorityLevelConfiguration.name").into(),
        count(object, "spec.matchingPrecedence"),
        super::cell::text_or(object, "spec.distinguisherMethod.type", "<none>").into(),
        age(object, now),
        if dangling.is_empty() { "?" } else { dangling }.into(),
    ]
}

fn priority_level(object: &Value, now: Timestamp) -> Vec<Value> {
    let number = |path: &str| object.int(path).map_or_else(|| Value::from("<none>"), Value::from);
    let queuing = "spec.limited.limitResponse.queuing";
    vec![
        name(object),
        object.text("spec.type").into(),
        number("spec.limited.nominalConcurrencyShares"),
        number(&format!("{queuing}.queues")),
        number(&format!("{queuing}.handSize")),
        number(&format!("{queuing}.queueLengthLimit")),
        age(object, now),
    ]
}

fn resource_claim(object: &Value, now: Timestamp) -> Vec<Value> {
    let deleted = object.has("metadata.deletionTimestamp");
    let allocated = object.has("status.allocation");
    let states = [
        ("deleted", deleted),
        ("pending", !allocated && !deleted),
        ("allocated", allocated),
        ("reserved", allocated && !object.list("status.reservedFor").is_empty()),
    ];
    let states: Vec<_> = states.into_iter().filter(|(_, holds)| *holds).map(|(name, _)| name).collect();
    vec![name(object), states.join(",").into(), age(object, now)]
}

fn resource_slice(object: &Value, now: Timestamp) -> Vec<Value> {
    let of = |path| object.text(path).into();
    vec![name(object), of("spec.nodeName"), of("spec.driver"), of("spec.pool.name"), age(object, now)]
}

fn api_service(object: &Value, now: Timestamp) -> Vec<Value> {
    let service = object.at("spec.service");
    let service = if service.is_null() { "Local".to_owned() } else { format!("{}/{}", service.text("namespace"), service.text("name")) };
    let available = object.list("status.conditions").iter().find(|c| c.text("type") == "Available");
    let available = match available.map(|c| (c.text("status"), c.text("reason"))) {
        Some(("True", _)) => "True".to_owned(),
        Some((status, reason)) => format!("{status} ({reason})"),
        None => "Unknown".to_owned(),
    };
    vec![name(object), service.into(), available.into(), age(object, now)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn quota_splits_requests_and_limits() {
        let object = json!({"status": {"hard": {"pods": "10", "limits.cpu": "2", "requests.cpu": "1000m"}, "used": {"pods": "3"}}});
        let cells = resource_quota(&object, Timestamp::UNIX_EPOCH);
        assert_eq!(cells[1..3], ["pods: 3/10, requests.cpu: 0/1", "limits.cpu: 0/2"].map(Value::from));
    }
}
