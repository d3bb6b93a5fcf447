//! Events: recorded at once, sent one after the other, repetitions counted (client-go `tools/record`).

use std::sync::Arc;
use std::time::Duration;

use component::Klog;
use component::klog::{Severity, Value as Field};
use serde_json::{Value, json};

use super::api::{ApiClient, PatchKind};
use crate::machine::Machine;

/// client-go: `defaultSleepDuration` and `maxTriesPerEvent`.
const RETRY: Duration = Duration::from_secs(10);
const TRIES: u32 = 12;

/// What an event is about.
#[derive(Clone, Debug)]
pub struct Subject {
    /// `involvedObject`
    pub reference: Value,
    /// Namespace that the event is made in.
    pub namespace: String,
}

/// Records events of one component into the machine's state.
#[derive(Clone)]
pub struct Recorder {
    machine: Arc<Machine>,
    component: &'static str,
    host: String,
}

impl Recorder {
    /// For a component on a machine.
    pub fn new(machine: Arc<Machine>, component: &'static str, host: &str) -> Self {
        Self { machine, component, host: host.to_owned() }
    }

    /// Records an event; it is sent when the API server takes it.
    pub fn record(&self, subject: &Subject, kind: &str, reason: &str, message: &str) {
        let now = self.machine.clock().now();
        let name = subject.reference["name"].as_str().unwrap_or_default();
        let time = now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let event = json!({
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": format!("{name}.{:x}", now.as_nanosecond()), "namespace": subject.namespace},
            "involvedObject": subject.reference,
            "reason": reason,
            "message": message.chars().take(1024).collect::<String>(),
            "source": {"component": self.component, "host": self.host},
            "firstTimestamp": time,
            "lastTimestamp": time,
            "count": 1,
            "type": kind,
            "eventTime": null,
            "reportingComponent": self.component,
            "reportingInstance": self.host,
        });
        self.machine.write(|state| {
            let queue = &mut state.kubelet.events.queue;
            // Names are made from the time; two at the same moment must differ.
            let mut event = event;
            let clash = |event: &Value, queue: &imbl::Vector<Arc<Value>>| {
                queue.iter().any(|other| other["metadata"]["name"] == event["metadata"]["name"])
            };
            let mut nanos = now.as_nanosecond();
            while clash(&event, queue) {
                nanos += 1;
                event["metadata"]["name"] = Value::from(format!("{name}.{nanos:x}"));
            }
            queue.push_back(Arc::new(event));
        });
    }
}

/// What makes two events equal (`EventCorrelator`, `getEventKey`).
fn key(event: &Value) -> String {
    let object = &event["involvedObject"];
    [
        &event["source"]["component"],
        &event["source"]["host"],
        &object["kind"],
        &object["namespace"],
        &object["name"],
        &object["fieldPath"],
        &object["uid"],
        &object["apiVersion"],
        &event["type"],
        &event["reason"],
        &event["message"],
    ]
    .map(|part| part.as_str().unwrap_or_default())
    .join("\u{1f}")
}

/// Sends what is queued, for ever.
pub async fn send(machine: Arc<Machine>, client: ApiClient, log: Klog) {
    loop {
        let event = machine.wait_for(|state| state.kubelet.events.queue.front().cloned()).await;
        let key = key(&event);
        let namespace = event["metadata"]["namespace"].as_str().unwrap_or("default").to_owned();
        let known = machine.read(|state| state.kubelet.events.known.get(&key).cloned());
        let path = format!("/api/v1/namespaces/{namespace}/events");
        let mut result = match &known {
            Some((_, name, count)) => {
                let patch = json!({"count": count + 1, "lastTimestamp": event["lastTimestamp"]});
                client.patch(&format!("{path}/{name}"), PatchKind::Strategic, &patch).await.map(|_| (name.clone(), count + 1))
            }
            None => client.post(&path, &event).await.map(|_| (event["metadata"]["name"].as_str().unwrap_or_default().to_owned(), 1)),
        };
        // An event that has expired on the server is made anew.
        if known.is_some() && result.as_ref().is_err_and(super::api::ApiError::is_not_found) {
            result = client.post(&path, &event).await.map(|_| (event["metadata"]["name"].as_str().unwrap_or_default().to_owned(), 1));
        }
        match result {
            Ok((name, count)) => machine.write(|state| {
                let events = &mut state.kubelet.events;
                events.queue.pop_front();
                events.attempts = 0;
                events.known.insert(key, (namespace, name, count));
            }),
            // Refused events (a namespace that is being ended, say) are not tried again.
            Err(error) if !error.is_transport() => {
                if !(error.code == Some(403) || error.is_already_exists() || error.is_not_found()) {
                    log.error(
                        "event.go:359",
                        &error.message,
                        "Server rejected event (will not retry!)",
                        &[("event", Field::Text(&go(&event)))],
                    );
                }
                machine.write(|state| {
                    state.kubelet.events.queue.pop_front();
                    state.kubelet.events.attempts = 0;
                });
            }
            Err(error) => {
                let text = go(&event);
                let attempts = machine.write(|state| {
                    state.kubelet.events.attempts += 1;
                    if state.kubelet.events.attempts >= TRIES {
                        state.kubelet.events.queue.pop_front();
                        state.kubelet.events.attempts = 0;
                        return TRIES;
                    }
                    state.kubelet.events.attempts
                });
                log.error(
                    "event.go:368",
                    &error.message,
                    "Unable to write event (may retry after sleeping)",
                    &[("event", Field::Text(&text))],
                );
                if attempts >= TRIES {
                    log.line(
                        Severity::Error,
                        "event.go:307",
                        "Unable to write event (retry limit exceeded!)",
                        &[("event", Field::Text(&text))],
                    );
                }
                tokio::time::sleep(RETRY).await;
            }
        }
    }
}

/// An event as Go's `%v` prints it.
fn go(event: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let object = &event["involvedObject"];
    let time = |value: &Value| value.as_str().map(|text| text.replace('T', " ").replace('Z', " +0000 UTC")).unwrap_or_default();
    format!(
        "&Event{{ObjectMeta:{{{}  {}    0 0001-01-01 00:00:00 +0000 UTC <nil> <nil> map[] map[] [] [] []}},InvolvedObject:ObjectReference{{Kind:{},Namespace:{},Name:{},UID:{},APIVersion:{},ResourceVersion:,FieldPath:{},}},Reason:{},Message:{},Source:EventSource{{Component:{},Host:{},}},FirstTimestamp:{},LastTimestamp:{},Count:{},Type:{},EventTime:0001-01-01 00:00:00 +0000 UTC,Series:nil,Action:,Related:nil,ReportingController:{},ReportingInstance:{},}}",
        text(&event["metadata"]["name"]),
        text(&event["metadata"]["namespace"]),
        text(&object["kind"]),
        text(&object["namespace"]),
        text(&object["name"]),
        text(&object["uid"]),
        text(&object["apiVersion"]),
        text(&object["fieldPath"]),
        text(&event["reason"]),
        text(&event["message"]),
        text(&event["source"]["component"]),
        text(&event["source"]["host"]),
        time(&event["firstTimestamp"]),
        time(&event["lastTimestamp"]),
        event["count"],
        text(&event["type"]),
        text(&event["reportingComponent"]),
        text(&event["reportingInstance"]),
    )
}
