//! Fields that field selectors may name (`ToSelectableFields`, `AddFieldLabelConversionFunc`).

use serde_json::Value;

use super::hooks::Selectable;

macro_rules! fields {
    ($($label:literal => $pointer:literal),* $(,)?) => {
        &[$(Selectable { label: $label, value: |object| text(object, $pointer) }),*]
    };
}

/// A scalar as a selector compares it; what is not set is the empty text.
fn text(object: &Value, pointer: &str) -> String {
    match object.pointer(pointer) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Bool(value)) => value.to_string(),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    }
}

/// A boolean that counts as false while unset.
fn flag(object: &Value, pointer: &str) -> String {
    object.pointer(pointer).and_then(Value::as_bool).unwrap_or(false).to_string()
}

/// A number that counts as zero while unset.
fn number(object: &Value, pointer: &str) -> String {
    object.pointer(pointer).and_then(Value::as_i64).unwrap_or(0).to_string()
}

/// Component of an event, in either of its fields.
fn source(object: &Value) -> String {
    match text(object, "/source/component") {
        component if component.is_empty() => text(object, "/reportingComponent"),
        component => component,
    }
}

fn first_pod_ip(object: &Value) -> String {
    let ips = object.pointer("/status/podIPs").and_then(Value::as_array);
    ips.into_iter().flatten().filter_map(|ip| ip.get("ip")?.as_str()).next().unwrap_or("").to_owned()
}

const POD: &[Selectable] = &[
    Selectable { label: "spec.nodeName", value: |o| text(o, "/spec/nodeName") },
    Selectable { label: "spec.restartPolicy", value: |o| text(o, "/spec/restartPolicy") },
    Selectable { label: "spec.schedulerName", value: |o| text(o, "/spec/schedulerName") },
    Selectable { label: "spec.serviceAccountName", value: |o| text(o, "/spec/serviceAccountName") },
    Selectable { label: "spec.hostNetwork", value: |o| flag(o, "/spec/hostNetwork") },
    Selectable { label: "spec.host", value: |o| text(o, "/spec/nodeName") },
    Selectable { label: "status.phase", value: |o| text(o, "/status/phase") },
    Selectable { label: "status.podIP", value: first_pod_ip },
    Selectable { label: "status.podIPs", value: first_pod_ip },
    Selectable { label: "status.nominatedNodeName", value: |o| text(o, "/status/nominatedNodeName") },
];

const EVENT: &[Selectable] = &[
    Selectable { label: "involvedObject.kind", value: |o| text(o, "/involvedObject/kind") },
    Selectable { label: "involvedObject.namespace", value: |o| text(o, "/involvedObject/namespace") },
    Selectable { label: "involvedObject.name", value: |o| text(o, "/involvedObject/name") },
    Selectable { label: "involvedObject.uid", value: |o| text(o, "/involvedObject/uid") },
    Selectable { label: "involvedObject.apiVersion", value: |o| text(o, "/involvedObject/apiVersion") },
    Selectable { label: "involvedObject.resourceVersion", value: |o| text(o, "/involvedObject/resourceVersion") },
    Selectable { label: "involvedObject.fieldPath", value: |o| text(o, "/involvedObject/fieldPath") },
    Selectable { label: "reason", value: |o| text(o, "/reason") },
    Selectable { label: "reportingComponent", value: |o| text(o, "/reportingComponent") },
    Selectable { label: "source", value: source },
    Selectable { label: "type", value: |o| text(o, "/type") },
];

const NEW_EVENT: &[Selectable] = fields! {
    "reason" => "/reason", "regarding.kind" => "/regarding/kind", "regarding.namespace" => "/regarding/namespace",
    "regarding.name" => "/regarding/name", "regarding.uid" => "/regarding/uid", "regarding.apiVersion" => "/regarding/apiVersion",
    "regarding.resourceVersion" => "/regarding/resourceVersion", "regarding.fieldPath" => "/regarding/fieldPath",
    "reportingController" => "/reportingController", "type" => "/type",
};

const NODE: &[Selectable] = &[Selectable { label: "spec.unschedulable", value: |o| flag(o, "/spec/unschedulable") }];
const REPLICAS: &[Selectable] = &[Selectable { label: "status.replicas", value: |o| number(o, "/status/replicas") }];
const JOB: &[Selectable] = &[Selectable { label: "status.successful", value: |o| number(o, "/status/succeeded") }];

/// Fields of a kind besides `metadata.name` and `metadata.namespace`.
pub(super) fn of(group: &str, kind: &str) -> &'static [Selectable] {
    match (group, kind) {
        ("", "Pod") => POD,
        ("", "Event") => EVENT,
        ("events.k8s.io", "Event") => NEW_EVENT,
        ("", "Node") => NODE,
        ("", "ReplicationController") | ("apps", "ReplicaSet") => REPLICAS,
        ("batch", "Job") => JOB,
        ("", "Namespace") => fields! { "status.phase" => "/status/phase" },
        ("", "Secret") => fields! { "type" => "/type" },
        ("", "Service") => fields! { "spec.clusterIP" => "/spec/clusterIP", "spec.type" => "/spec/type" },
        ("certificates.k8s.io", "CertificateSigningRequest") => fields! { "spec.signerName" => "/spec/signerName" },
        _ => &[],
    }
}
