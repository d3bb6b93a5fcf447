//! Events of the events.k8s.io style, which the scheduler writes: an event that goes on becomes a series
//! (client-go, `tools/events/event_broadcaster.go`).

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Event, EventSeries, EventSource, ObjectReference};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::events::{Note, Write, event_name, namespace_of};
use super::rest::Rest;
use crate::state::Memory;

/// After this long without repetition a series is over.
pub(crate) const FINISH_TIME: Duration = Duration::from_secs(360);

/// A series going on, or an event that may become one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SeriesMemory {
    /// Namespace of the Event object.
    pub namespace: String,
    /// Name of the Event object.
    pub name: String,
    /// How often it was observed.
    pub count: i32,
    /// When it was observed last.
    pub last: Timestamp,
}

fn key(note: &Note) -> String {
    let reference = |r: &ObjectReference| {
        [&r.kind, &r.namespace, &r.name, &r.uid, &r.api_version, &r.resource_version, &r.field_path]
            .map(|p| p.as_deref().unwrap_or_default())
            .join("/")
    };
    let related = note.related.as_ref().map(reference).unwrap_or_default();
    [
        note.event_type.as_str(),
        note.action.as_deref().unwrap_or_default(),
        &note.reason,
        &note.component,
        &note.host,
        &reference(&note.regarding),
        &related,
    ]
    .join("\u{1f}")
}

/// Decides what becomes of one occurrence: the first is written, the second makes it a series, later ones are counted and
/// written when the series ends.
pub(crate) fn correlate(memory: &Memory, note: &Note) -> Option<Write> {
    let key = key(note);
    let earlier = memory.read(|m| m.series.get(&key).cloned());
    let Some(mut known) = earlier else {
        let known = SeriesMemory {
            namespace: namespace_of(&note.regarding),
            name: event_name(memory, &note.regarding, note.at),
            count: 1,
            last: note.at,
        };
        memory.write(|m| m.series.insert(key, known.clone()));
        return Some(Write::Create(Box::new(build(note, &known))));
    };
    known.count += 1;
    known.last = note.at;
    memory.write(|m| m.series.insert(key, known.clone()));
    (known.count == 2).then(|| Write::Patch(Box::new(build(note, &known)), patch(&known)))
}

fn patch(known: &SeriesMemory) -> serde_json::Value {
    json!({"series": {"count": known.count, "lastObservedTime": MicroTime(known.last)}})
}

/// Writes the final counts of series that are over and forgets them.
pub(crate) async fn finish(rest: &Rest, memory: &Memory, now: Timestamp) {
    let over: Vec<(String, SeriesMemory)> = memory.read(|m| {
        let old = |s: &SeriesMemory| now.duration_since(s.last).unsigned_abs() > FINISH_TIME;
        m.series.iter().filter(|(_, s)| old(s)).map(|(k, s)| (k.clone(), s.clone())).collect()
    });
    for (key, known) in over {
        if known.count > 1 {
            // An event that has expired in the meantime needs no final count.
            let _ = rest.strategic::<Event>(&known.namespace, &known.name, "", &patch(&known)).await;
        }
        memory.write(|m| m.series.remove(&key));
    }
}

fn build(note: &Note, known: &SeriesMemory) -> Event {
    Event {
        metadata: ObjectMeta { name: Some(known.name.clone()), namespace: Some(known.namespace.clone()), ..ObjectMeta::default() },
        involved_object: note.regarding.clone(),
        related: note.related.clone(),
        reason: Some(note.reason.clone()),
        message: Some(note.message.clone()),
        source: Some(EventSource::default()),
        type_: Some(note.event_type.as_str().to_owned()),
        event_time: Some(MicroTime(note.at)),
        action: note.action.clone(),
        reporting_component: Some(note.component.clone()),
        reporting_instance: Some(format!("{}-{}", note.component, note.host)),
        series: (known.count > 1).then_some(EventSeries { count: Some(known.count), last_observed_time: Some(MicroTime(known.last)) }),
        ..Event::default()
    }
}
