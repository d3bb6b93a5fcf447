//! A work queue of keys with rate-limited retries (client-go, `util/workqueue`).

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use component::Clock;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::state::Memory;

/// A key that failed and is tried again later.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retry {
    /// Failures in a row.
    pub failures: u32,
    /// Not before this moment.
    pub until: Timestamp,
}

/// Keys to work on, each at most once at a time, first come first served.
pub struct Queue {
    name: &'static str,
    clock: Clock,
    memory: Memory,
    inner: Mutex<Inner>,
    wake: Notify,
}

#[derive(Default)]
struct Inner {
    started: bool,
    ready: VecDeque<String>,
    queued: BTreeSet<String>,
    delayed: BTreeMap<(Instant, u64), String>,
    due: BTreeMap<String, (Instant, u64)>,
    sequence: u64,
}

/// client-go's `DefaultTypedControllerRateLimiter`: 5 ms doubling to 1000 s per key.
const BASE_DELAY: Duration = Duration::from_millis(5);
const MAX_DELAY: Duration = Duration::from_secs(1000);

impl Queue {
    /// An empty queue. Its back-offs live in `memory` under `name`, so that a fork goes on with them.
    pub fn new(name: &'static str, clock: Clock, memory: Memory) -> Arc<Self> {
        Arc::new(Self { name, clock, memory, inner: Mutex::default(), wake: Notify::new() })
    }

    /// Name of the controller.
    pub fn name(&self) -> &'static str {
        self.name
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn memory_key(&self, key: &str) -> String {
        format!("{} {key}", self.name)
    }

    /// Adds a key.
    pub fn add(&self, key: impl Into<String>) {
        let key = key.into();
        // After a fork the first list adds everything; what was backing off keeps doing so.
        if !self.lock().started {
            let waiting = self.memory.read(|m| m.retries.get(&self.memory_key(&key)).map(|r| r.until));
            if let Some(until) = waiting.filter(|u| *u > self.clock.now()) {
                self.add_at(key, self.clock.instant_at(until));
                return;
            }
        }
        let mut inner = self.lock();
        if inner.queued.insert(key.clone()) {
            inner.ready.push_back(key);
            drop(inner);
            self.wake.notify_one();
        }
    }

    /// Adds a key after a while; the earliest of several wishes counts.
    pub fn add_after(&self, key: impl Into<String>, delay: Duration) {
        if delay.is_zero() {
            self.add(key);
        } else {
            self.add_at(key.into(), Instant::now() + delay);
        }
    }

    /// Adds a key when the clock shows `moment`.
    pub fn add_when(&self, key: impl Into<String>, moment: Timestamp) {
        self.add_at(key.into(), self.clock.instant_at(moment));
    }

    fn add_at(&self, key: String, at: Instant) {
        let mut inner = self.lock();
        if let Some(slot) = inner.due.get(&key).copied() {
            if slot.0 <= at {
                return;
            }
            inner.delayed.remove(&slot);
        }
        inner.sequence += 1;
        let slot = (at, inner.sequence);
        inner.delayed.insert(slot, key.clone());
        inner.due.insert(key, slot);
        drop(inner);
        self.wake.notify_one();
    }

    /// Adds a key that failed, later each time; returns the number of failures in a row.
    pub fn retry(&self, key: &str) -> u32 {
        let id = self.memory_key(key);
        let failures = self.memory.read(|m| m.retries.get(&id).map_or(0, |r| r.failures));
        let delay = BASE_DELAY.saturating_mul(1u32.checked_shl(failures).unwrap_or(u32::MAX).max(1)).min(MAX_DELAY);
        let until = self.clock.now().checked_add(delay).unwrap_or(Timestamp::MAX);
        self.memory.write(|m| m.retries.insert(id, Retry { failures: failures.saturating_add(1), until }));
        self.add_after(key, delay);
        failures + 1
    }

    /// Forgets earlier failures of a key.
    pub fn forget(&self, key: &str) {
        let id = self.memory_key(key);
        if self.memory.read(|m| m.retries.contains_key(&id)) {
            self.memory.write(|m| m.retries.remove(&id));
        }
    }

    /// Failures of a key in a row.
    pub fn failures(&self, key: &str) -> u32 {
        self.memory.read(|m| m.retries.get(&self.memory_key(key)).map_or(0, |r| r.failures))
    }

    /// The next key; waits for one.
    pub async fn next(&self) -> String {
        loop {
            let deadline = {
                let mut inner = self.lock();
                inner.started = true;
                let now = Instant::now();
                while let Some(entry) = inner.delayed.first_entry().filter(|e| e.key().0 <= now) {
                    let key = entry.remove();
                    inner.due.remove(&key);
                    if inner.queued.insert(key.clone()) {
                        inner.ready.push_back(key);
                    }
                }
                if let Some(key) = inner.ready.pop_front() {
                    inner.queued.remove(&key);
                    return key;
                }
                inner.delayed.keys().next().map(|slot| slot.0)
            };
            match deadline {
                Some(at) => {
                    tokio::select! {
                        biased;
                        () = self.wake.notified() => {}
                        () = tokio::time::sleep_until(at) => {}
                    }
                }
                None => self.wake.notified().await,
            }
        }
    }
}
