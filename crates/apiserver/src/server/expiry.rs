//! Events that have had their time. Upstream stores each with an etcd lease of `--event-ttl`, which every write renews.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::Core;
use crate::json::Json;

/// `--event-ttl`, whose default nobody changes.
const EVENT_TTL: SignedDuration = SignedDuration::from_hours(1);

/// Where events are stored.
pub const EVENTS: &str = "/registry/events/";

/// Removes what has expired by now.
pub(super) fn expire(core: &Core) {
    let now = core.config.clock.now();
    let Ok(page) = core.store.list(EVENTS) else { return };
    for (key, object) in page.items {
        let expired = written(object.value()).is_some_and(|time| now.duration_since(time) >= EVENT_TTL);
        if expired {
            // One that was written meanwhile lives on.
            let _ = core.store.delete(&key, object.revision());
        }
    }
}

/// When an event was last written: the latest time in it.
fn written(event: &Value) -> Option<Timestamp> {
    let times = ["lastTimestamp", "firstTimestamp", "eventTime", "series.lastObservedTime", "metadata.creationTimestamp"];
    times.iter().filter_map(|field| event.text(field).parse().ok()).max()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::written;

    #[test]
    fn an_events_last_time_counts() {
        let event =
            json!({"metadata": {"creationTimestamp": "2026-11-24T10:00:00Z"}, "lastTimestamp": "2026-11-24T10:30:00Z", "eventTime": null});
        assert_eq!(written(&event), "2026-11-24T10:30:00Z".parse().ok());
        assert_eq!(written(&json!({})), None);
    }
}
