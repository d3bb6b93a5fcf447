//! Writing events as client-go's `tools/record` does: repeated ones are counted, similar ones combined, floods dropped.

use std::time::Duration;

use component::{Clock, Klog};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Event, EventSource, ObjectReference};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::sync::mpsc;

use super::errors;
use super::object::{Object, reference, time};
use super::rest::Rest;
use super::series;
use crate::state::Memory;

/// Severity of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventType {
    /// `Normal`.
    Normal,
    /// `Warning`.
    Warning,
}

impl EventType {
    /// As the API spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Normal => "Normal",
            Self::Warning => "Warning",
        }
    }
}

/// Something to be written down.
#[derive(Clone, Debug)]
pub struct Note {
    pub(crate) regarding: ObjectReference,
    pub(crate) related: Option<ObjectReference>,
    pub(crate) event_type: EventType,
    pub(crate) reason: String,
    pub(crate) message: String,
    pub(crate) component: String,
    pub(crate) host: String,
    /// Set for the events.k8s.io style that the scheduler uses.
    pub(crate) action: Option<String>,
    pub(crate) at: Timestamp,
}

/// Where notes go: a task that correlates and writes them in order.
#[derive(Clone)]
pub struct Sink {
    clock: Clock,
    sender: mpsc::UnboundedSender<Note>,
}

/// Records events in the name of one component.
#[derive(Clone)]
pub struct Recorder {
    sink: Sink,
    component: String,
    host: String,
}

impl Recorder {
    pub(crate) fn new(sink: Sink, component: &str, host: &str) -> Self {
        Self { sink, component: component.to_owned(), host: host.to_owned() }
    }

    /// A `Normal` event about an object.
    pub fn normal<K: Object>(&self, object: &K, reason: &str, message: impl Into<String>) {
        self.record(reference(object), EventType::Normal, reason, message.into(), None);
    }

    /// A `Warning` about an object.
    pub fn warning<K: Object>(&self, object: &K, reason: &str, message: impl Into<String>) {
        self.record(reference(object), EventType::Warning, reason, message.into(), None);
    }

    /// An event about whatever the reference names.
    pub fn about(&self, regarding: ObjectReference, event_type: EventType, reason: &str, message: impl Into<String>) {
        self.record(regarding, event_type, reason, message.into(), None);
    }

    /// An event in the style of events.k8s.io, with the action that was tried.
    pub fn action<K: Object>(
        &self,
        object: &K,
        related: Option<ObjectReference>,
        kind: EventType,
        reason: &str,
        action: &str,
        note: String,
    ) {
        self.send(reference(object), related, kind, reason, note, Some(action.to_owned()));
    }

    fn record(&self, regarding: ObjectReference, event_type: EventType, reason: &str, message: String, action: Option<String>) {
        self.send(regarding, None, event_type, reason, message, action);
    }

    fn send(
        &self,
        regarding: ObjectReference,
        related: Option<ObjectReference>,
        event_type: EventType,
        reason: &str,
        message: String,
        action: Option<String>,
    ) {
        let note = Note {
            regarding,
            related,
            event_type,
            reason: reason.to_owned(),
            message,
            component: self.component.clone(),
            host: self.host.clone(),
            action,
            at: self.sink.clock.now(),
        };
        // The writer ends only with the component itself.
        let _ = self.sink.sender.send(note);
    }
}

/// What is remembered of an event that was written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EventMemory {
    /// Namespace of the Event object.
    pub namespace: String,
    /// Name of the Event object; empty for the counters of similar events and of floods.
    pub name: String,
    /// How often it happened.
    pub count: i32,
    /// When it happened first.
    pub first: Timestamp,
    /// When it happened last.
    pub last: Timestamp,
    /// Distinct messages (similar events), or tokens left times 1000 (floods).
    pub detail: Vec<String>,
}

/// client-go `events_cache.go`: similar events within ten minutes are combined from the tenth on.
const MAX_SIMILAR: usize = 10;
const SIMILAR_WINDOW: Duration = Duration::from_secs(600);
/// A source may say 25 things about one object at once, and one more every five minutes.
const BURST: f64 = 25.0;
const REFILL_PER_SECOND: f64 = 1.0 / 300.0;
/// The LRU of client-go holds 4096 entries.
const CACHE_SIZE: usize = 4096;
/// `tools/record`: 12 tries, 10 seconds apart.
const MAX_TRIES: u32 = 12;
const RETRY_DELAY: Duration = Duration::from_secs(10);

/// A sink and the future that writes what it is given; run the future as a task.
pub fn sink(clock: Clock, rest: Rest, memory: Memory, log: Klog) -> (Sink, impl Future<Output = ()> + Send) {
    let (sender, receiver) = mpsc::unbounded_channel();
    (Sink { clock, sender }, write_all(clock, receiver, rest, memory, log))
}

async fn write_all(clock: Clock, mut notes: mpsc::UnboundedReceiver<Note>, rest: Rest, memory: Memory, log: Klog) {
    let mut finish = tokio::time::interval(series::FINISH_TIME);
    loop {
        let note = tokio::select! {
            biased;
            note = notes.recv() => match note { Some(note) => note, None => return },
            _ = finish.tick() => { series::finish(&rest, &memory, clock.now()).await; continue; }
        };
        let writes = match &note.action {
            Some(_) => series::correlate(&memory, &note),
            None => correlate(&memory, note.clone()),
        };
        let Some(write) = writes else { continue };
        for attempt in 1.. {
            match attempt_write(&rest, &write).await {
                Ok(()) => break,
                Err(error) if errors::code(&error) != 0 => {
                    if !errors::already_exists(&error) {
                        log.error("event.go:359", &errors::text(&error), "Server rejected event (will not retry!)", &[]);
                    }
                    break;
                }
                Err(error) if attempt >= MAX_TRIES => {
                    log.error("event.go:307", &errors::text(&error), "Unable to write event (retry limit exceeded!)", &[]);
                    break;
                }
                Err(error) => {
                    log.error("event.go:368", &errors::text(&error), "Unable to write event (may retry after sleeping)", &[]);
                    tokio::time::sleep(RETRY_DELAY).await;
                }
            }
        }
    }
}

/// One request that the correlation decided on.
#[derive(Clone, Debug)]
pub(crate) enum Write {
    Create(Box<Event>),
    /// Patch, or create when the event is gone (it expired).
    Patch(Box<Event>, serde_json::Value),
}

async fn attempt_write(rest: &Rest, write: &Write) -> Result<(), kube::Error> {
    let create = match write {
        Write::Create(event) => event,
        Write::Patch(event, patch) => {
            let (namespace, name) =
                (event.metadata.namespace.as_deref().unwrap_or_default(), event.metadata.name.as_deref().unwrap_or_default());
            match rest.strategic::<Event>(namespace, name, "", patch).await {
                Ok(_) => return Ok(()),
                Err(error) if errors::not_found(&error) => event,
                Err(error) => return Err(error),
            }
        }
    };
    rest.create::<Event>(create).await.map(|_| ())
}

/// Namespace in which an event about this object is kept.
pub(crate) fn namespace_of(regarding: &ObjectReference) -> String {
    regarding.namespace.clone().filter(|n| !n.is_empty()).unwrap_or_else(|| "default".to_owned())
}

/// Names of events end in nanoseconds; two of one instant must differ.
pub(crate) fn event_name(memory: &Memory, regarding: &ObjectReference, at: Timestamp) -> String {
    let now = i64::try_from(at.as_nanosecond()).unwrap_or(i64::MAX);
    let stamp = memory.write(|m| {
        m.last_event = now.max(m.last_event + 1);
        m.last_event
    });
    format!("{}.{stamp:x}", regarding.name.as_deref().unwrap_or_default())
}

fn reference_key(r: &ObjectReference) -> String {
    [&r.kind, &r.namespace, &r.name, &r.uid, &r.api_version, &r.field_path].map(|p| p.as_deref().unwrap_or_default()).join("\u{1f}")
}

/// Decides what becomes of one occurrence (client-go, `EventCorrelator.EventCorrelate`).
fn correlate(memory: &Memory, mut note: Note) -> Option<Write> {
    let about = reference_key(&note.regarding);
    let now = note.at;
    // Similar: all but the message is equal.
    let similar_key = format!("similar\u{1f}{}\u{1f}{about}\u{1f}{}\u{1f}{}", note.component, note.event_type.as_str(), note.reason);
    let combined = memory.write(|m| {
        let mut seen =
            m.events.get(&similar_key).cloned().filter(|s| now.duration_since(s.last).unsigned_abs() <= SIMILAR_WINDOW).unwrap_or_else(
                || EventMemory { namespace: String::new(), name: String::new(), count: 0, first: now, last: now, detail: Vec::new() },
            );
        seen.last = now;
        if !seen.detail.contains(&note.message) {
            seen.detail.push(note.message.clone());
        }
        let combined = seen.detail.len() >= MAX_SIMILAR;
        if combined {
            seen.detail.remove(0);
        }
        m.events.insert(similar_key.clone(), seen);
        while m.events.len() > CACHE_SIZE {
            let Some(oldest) = m.events.iter().min_by_key(|(_, e)| e.last).map(|(k, _)| k.clone()) else { break };
            m.events.remove(&oldest);
        }
        combined
    });
    let exact_key = if combined {
        note.message = format!("(combined from similar events): {}", note.message);
        format!("{similar_key}\u{1f}combined")
    } else {
        format!("exact\u{1f}{similar_key}\u{1f}{}", note.message)
    };
    let earlier = memory.read(|m| m.events.get(&exact_key).cloned());
    // Flood: a bucket of tokens per source and object.
    let flood_key = format!("flood\u{1f}{}\u{1f}{about}", note.component);
    let allowed = memory.write(|m| {
        let bucket = m.events.get(&flood_key).cloned();
        let tokens = bucket.as_ref().map_or(BURST, |b| {
            let tokens: f64 = b.detail.first().and_then(|t| t.parse().ok()).unwrap_or(BURST);
            (tokens + now.duration_since(b.last).as_secs_f64().max(0.0) * REFILL_PER_SECOND).min(BURST)
        });
        let allowed = tokens >= 1.0;
        let left = if allowed { tokens - 1.0 } else { tokens };
        let bucket =
            EventMemory { namespace: String::new(), name: String::new(), count: 0, first: now, last: now, detail: vec![left.to_string()] };
        m.events.insert(flood_key, bucket);
        allowed
    });
    let kept = match earlier {
        Some(mut e) => {
            e.count += 1;
            e.last = now;
            e
        }
        None => EventMemory {
            namespace: namespace_of(&note.regarding),
            name: event_name(memory, &note.regarding, now),
            count: 1,
            first: now,
            last: now,
            detail: Vec::new(),
        },
    };
    memory.write(|m| m.events.insert(exact_key, kept.clone()));
    if !allowed {
        return None;
    }
    let event = build(&note, &kept);
    Some(if kept.count > 1 {
        let patch = json!({"count": kept.count, "lastTimestamp": time(now), "message": note.message});
        Write::Patch(Box::new(event), patch)
    } else {
        Write::Create(Box::new(event))
    })
}

fn build(note: &Note, kept: &EventMemory) -> Event {
    Event {
        metadata: ObjectMeta { name: Some(kept.name.clone()), namespace: Some(kept.namespace.clone()), ..ObjectMeta::default() },
        involved_object: note.regarding.clone(),
        reason: Some(note.reason.clone()),
        message: Some(note.message.clone()),
        source: Some(EventSource { component: Some(note.component.clone()), host: Some(note.host.clone()).filter(|h| !h.is_empty()) }),
        first_timestamp: Some(time(kept.first)),
        last_timestamp: Some(time(kept.last)),
        count: Some(kept.count),
        type_: Some(note.event_type.as_str().to_owned()),
        event_time: None::<MicroTime>,
        reporting_component: Some(note.component.clone()),
        reporting_instance: Some(note.host.clone()),
        ..Event::default()
    }
}
