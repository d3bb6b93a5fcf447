//! The events of an object, at the end of its description.

use jiff::Timestamp;
use serde_json::Value;

use crate::context::Context;
use crate::describe::document::Document;
use crate::describe::metadata::text;
use crate::describe::time;
use crate::resources::args::Info;
use crate::resources::discovery::escape;

/// Looks the events up and adds them; who may not see events gets none.
pub async fn add(cx: &Context, doc: &mut Document, info: &Info) {
    let uid = text(&info.object["metadata"]["uid"]);
    let mirror = info.object["metadata"]["annotations"]["kubernetes.io/config.mirror"].as_str();
    let kind = info.resource.kind.as_str();
    let mut uids = vec![mirror.unwrap_or(uid).to_owned()];
    if kind == "Node" {
        // The kubelet's events carry the node's name in place of its uid.
        uids.push(info.name.clone());
    }
    let mut found: Vec<Value> = Vec::new();
    for uid in uids {
        let mut fields = vec![format!("involvedObject.name={}", info.name)];
        if let Some(namespace) = &info.namespace {
            fields.push(format!("involvedObject.namespace={namespace}"));
        }
        if kind != "Pod" {
            fields.push(format!("involvedObject.kind={kind}"));
        }
        fields.push(format!("involvedObject.uid={uid}"));
        let root = match &info.namespace {
            Some(namespace) => format!("/api/v1/namespaces/{namespace}/events"),
            None => "/api/v1/events".to_owned(),
        };
        if let Ok(list) = cx.get(&format!("{root}?fieldSelector={}", escape(&fields.join(",")))).await {
            found.extend(list["items"].as_array().cloned().unwrap_or_default());
        }
    }
    write(doc, &mut found, cx.now());
}

/// Adds events, oldest first.
pub fn write(doc: &mut Document, events: &mut [Value], now: Timestamp) {
    if events.is_empty() {
        doc.field(0, "Events", "<none>");
        return;
    }
    events.sort_by_key(|e| time::parse(&e["lastTimestamp"]));
    doc.line(0, "Events:");
    doc.line(1, "Type\tReason\tAge\tFrom\tMessage");
    doc.line(1, "----\t------\t----\t----\t-------");
    for e in events {
        let source = match text(&e["source"]["component"]) {
            "" => text(&e["reportingComponent"]),
            component => component,
        };
        let mut message = text(&e["message"]).trim().to_owned();
        let path = text(&e["involvedObject"]["fieldPath"]);
        if !path.is_empty() {
            message = format!("{path}: {message}");
        }
        // A message of several lines breaks the table in kubectl too.
        doc.line(1, format!("{}\t{}\t{}\t{source}\t{message}", text(&e["type"]), text(&e["reason"]), interval(e, now)));
    }
}

/// `3m (x5 over 10m)`.
pub fn interval(event: &Value, now: Timestamp) -> String {
    let first = if event["eventTime"].is_string() { &event["eventTime"] } else { &event["firstTimestamp"] };
    let first = time::since(first, now);
    let series = &event["series"];
    if series.is_object() {
        return format!("{} (x{} over {first})", time::since(&series["lastObservedTime"], now), series["count"].as_i64().unwrap_or(0));
    }
    match event["count"].as_i64() {
        Some(count) if count > 1 => format!("{} (x{count} over {first})", time::since(&event["lastTimestamp"], now)),
        _ => first,
    }
}
