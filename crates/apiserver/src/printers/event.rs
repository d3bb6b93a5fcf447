//! Events of both groups.

use jiff::Timestamp;
use serde_json::Value;

use super::cell::{name, since, text_or};
use super::table::Printer;
use crate::json::Json;

pub const EVENT: Printer =
    Printer { columns: "Last Seen,Type,Reason,Object,Subobject+,Source+,Message,First Seen+,Count+,Name+*", cells: event };

fn event(object: &Value, now: Timestamp) -> Vec<Value> {
    // events.k8s.io/v1 names the same fields differently.
    let either = |core: &str, new: &str| if object.has(core) { core.to_owned() } else { new.to_owned() };
    let get = |core: &str, new: &str| object.text(&either(core, new)).to_owned();
    let regarding = object.at(&either("involvedObject", "regarding"));
    let first = match get("firstTimestamp", "deprecatedFirstTimestamp") {
        time if time.is_empty() => since(object.text("eventTime"), now),
        time => since(&time, now),
    };
    let last = match get("lastTimestamp", "deprecatedLastTimestamp") {
        time if time.is_empty() => first.clone(),
        time => since(&time, now),
    };
    let count = object.int(&either("count", "deprecatedCount")).unwrap_or(0).max(1);
    let (last, count) = match object.at("series") {
        Value::Null => (last, count),
        series => (since(series.text("lastObservedTime"), now), series.int("count").unwrap_or(0)),
    };
    let kind = regarding.text("kind").to_ascii_lowercase();
    let target = match regarding.text("name") {
        "" => kind,
        name => format!("{kind}/{name}"),
    };
    vec![
        last.into(),
        object.text("type").into(),
        object.text("reason").into(),
        target.into(),
        regarding.text("fieldPath").into(),
        source(object).into(),
        get("message", "note").trim().into(),
        first.into(),
        count.into(),
        name(object),
    ]
}

fn source(object: &Value) -> String {
    let source = if object.has("source") { object.at("source") } else { object.at("deprecatedSource") };
    let controller = text_or(object, "reportingComponent", object.text("reportingController"));
    let component = text_or(source, "component", controller);
    match text_or(source, "host", object.text("reportingInstance")) {
        "" => component.to_owned(),
        host => format!("{component}, {host}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn both_groups_print_alike() {
        let now = "2026-01-01T00:10:00Z".parse().expect("a time");
        let core = json!({"metadata": {"name": "e"}, "type": "Warning", "reason": "BackOff", "message": "Back-off \n", "count": 4,
            "involvedObject": {"kind": "Pod", "name": "p", "fieldPath": "spec.containers{c}"}, "source": {"component": "kubelet", "host": "n1"},
            "firstTimestamp": "2026-01-01T00:00:00Z", "lastTimestamp": "2026-01-01T00:09:00Z"});
        let want = json!(["60s", "Warning", "BackOff", "pod/p", "spec.containers{c}", "kubelet, n1", "Back-off", "10m", 4, "e"]);
        assert_eq!(Value::Array(event(&core, now)), want);
        let new = json!({"metadata": {"name": "e"}, "type": "Normal", "reason": "Scheduled", "note": "ok", "eventTime": "2026-01-01T00:09:30.000000Z",
            "regarding": {"kind": "Pod", "name": "p"}, "reportingController": "default-scheduler", "reportingInstance": "x"});
        let cells = event(&new, now);
        assert_eq!(
            (&cells[0], &cells[3], &cells[5], &cells[8]),
            (&json!("30s"), &json!("pod/p"), &json!("default-scheduler, x"), &json!(1))
        );
    }
}
