//! The scheduling queue: the most important and oldest first; pods that failed back off, or wait for a change.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use component::Clock;
use k8s_openapi::api::core::v1::Pod;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::events::{ClusterEvent, worth_retrying};
use super::parked::Parked;
use super::snapshot::priority;
use crate::machinery::Meta;
use crate::state::Memory;

/// `podInitialBackoffSeconds` and `podMaxBackoffSeconds`.
const INITIAL_BACKOFF: Duration = Duration::from_secs(1);
const MAX_BACKOFF: Duration = Duration::from_secs(10);
/// Parked pods are tried again after five minutes whatever happened (`flushUnschedulablePodsLeftover`, every 30 s).
const MAX_PARKED: Duration = Duration::from_secs(300);
const FLUSH_PERIOD: Duration = Duration::from_secs(30);

/// Pods to place.
pub struct SchedulingQueue {
    clock: Clock,
    memory: Memory,
    inner: Mutex<Inner>,
    wake: Notify,
}

type Place = (Reverse<i32>, u64);

struct Inner {
    sequence: u64,
    active: BTreeMap<Place, String>,
    places: BTreeMap<String, Place>,
    backing_off: BTreeMap<(Instant, u64), String>,
    /// Number of cluster events so far: a pod whose cycle was overtaken by one is not parked.
    events: u64,
    next_flush: Instant,
}

impl SchedulingQueue {
    /// An empty queue.
    pub fn new(clock: Clock, memory: Memory) -> Self {
        let inner = Inner {
            sequence: 0,
            active: BTreeMap::new(),
            places: BTreeMap::new(),
            backing_off: BTreeMap::new(),
            events: 0,
            next_flush: Instant::now() + FLUSH_PERIOD,
        };
        Self { clock, memory, inner: Mutex::new(inner), wake: Notify::new() }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a pod that waits for a node, unless it is parked (a fork goes on with what its original knew).
    pub fn add(&self, pod: &Pod) {
        match self.memory.read(|m| m.parked.get(&pod.key()).filter(|p| p.uid == pod.uid()).cloned()) {
            Some(parked) if parked.moved => self.unpark(&pod.key(), priority(pod), &parked),
            Some(_) => {}
            None => self.activate(&pod.key(), priority(pod)),
        }
    }

    /// A pod changed in a way that may let it fit: it is tried again.
    pub fn changed(&self, pod: &Pod) {
        let parked = self.memory.read(|m| m.parked.get(&pod.key()).cloned());
        match parked {
            Some(parked) => self.unpark(&pod.key(), priority(pod), &parked),
            None => self.activate(&pod.key(), priority(pod)),
        }
    }

    /// Forgets a pod.
    pub fn remove(&self, key: &str) {
        let mut inner = self.lock();
        if let Some(place) = inner.places.remove(key) {
            inner.active.remove(&place);
        }
        inner.backing_off.retain(|_, k| k != key);
        drop(inner);
        self.memory.write(|m| m.parked.remove(key));
    }

    fn activate(&self, key: &str, priority: i32) {
        let mut inner = self.lock();
        if inner.places.contains_key(key) {
            return;
        }
        inner.backing_off.retain(|_, k| k != key);
        inner.sequence += 1;
        let place = (Reverse(priority), inner.sequence);
        inner.active.insert(place, key.to_owned());
        inner.places.insert(key.to_owned(), place);
        drop(inner);
        self.wake.notify_one();
    }

    /// Failed attempts of a pod so far.
    pub fn attempts(&self, pod: &Pod) -> u32 {
        self.memory.read(|m| m.parked.get(&pod.key()).filter(|p| p.uid == pod.uid()).map_or(0, |p| p.attempts))
    }

    /// Number of cluster events so far.
    pub fn events(&self) -> u64 {
        self.lock().events
    }

    /// Parks a pod that fits nowhere. If something happened since its cycle began, or an error was the reason, it only backs off.
    pub fn park(&self, pod: &Pod, plugins: Vec<String>, events_before: u64) {
        let parked = Parked { uid: pod.uid().to_owned(), attempts: self.attempts(pod) + 1, since: self.clock.now(), plugins, moved: false };
        let overtaken = self.events() != events_before || parked.plugins.is_empty();
        self.memory.write(|m| m.parked.insert(pod.key(), parked.clone()));
        if overtaken {
            self.unpark(&pod.key(), priority(pod), &parked);
        }
    }

    /// A pod was placed.
    pub fn done(&self, key: &str) {
        if self.memory.read(|m| m.parked.contains_key(key)) {
            self.memory.write(|m| m.parked.remove(key));
        }
    }

    /// Moves a parked pod to where it is tried again: now, or when its back-off is over. What is known of it stays, for
    /// the next back-off.
    fn unpark(&self, key: &str, priority: i32, parked: &Parked) {
        // The queue itself is not part of what a fork takes along; that the pod left its parking place is.
        if !parked.moved {
            self.memory.write(|m| m.parked.insert(key.to_owned(), Parked { moved: true, ..parked.clone() }));
        }
        let wait = INITIAL_BACKOFF.saturating_mul(1 << parked.attempts.saturating_sub(1).min(10)).min(MAX_BACKOFF);
        let ready = parked.since.checked_add(wait).unwrap_or(parked.since);
        if ready <= self.clock.now() {
            self.activate(key, priority);
            return;
        }
        let mut inner = self.lock();
        if inner.places.contains_key(key) || inner.backing_off.values().any(|k| k == key) {
            return;
        }
        inner.sequence += 1;
        let slot = (self.clock.instant_at(ready), inner.sequence);
        inner.backing_off.insert(slot, key.to_owned());
        drop(inner);
        self.wake.notify_one();
    }

    /// Something happened: tries again whom it may help.
    pub fn notice(&self, event: &ClusterEvent, pod_of: impl Fn(&str) -> Option<std::sync::Arc<Pod>>) {
        self.lock().events += 1;
        let parked = self.memory.read(|m| m.parked.clone());
        for (key, parked) in &parked {
            if let Some(pod) = pod_of(key).filter(|p| p.uid() == parked.uid)
                && worth_retrying(event, &pod, &parked.plugins)
            {
                self.unpark(key, priority(&pod), parked);
            }
        }
    }

    /// The next pod's key; waits for one.
    pub async fn next(&self, pod_of: impl Fn(&str) -> Option<std::sync::Arc<Pod>>) -> String {
        loop {
            let now = Instant::now();
            loop {
                let due = {
                    let mut inner = self.lock();
                    inner.backing_off.first_entry().filter(|e| e.key().0 <= now).map(|e| e.remove())
                };
                let Some(key) = due else { break };
                if let Some(pod) = pod_of(&key) {
                    self.activate(&key, priority(&pod));
                }
            }
            self.flush(now, &pod_of);
            let wait = {
                let mut inner = self.lock();
                if let Some((_, key)) = inner.active.pop_first() {
                    inner.places.remove(&key);
                    return key;
                }
                let backoff = inner.backing_off.keys().next().map(|s| s.0);
                let parked = self.memory.read(|m| !m.parked.is_empty()).then_some(inner.next_flush);
                backoff.into_iter().chain(parked).min()
            };
            match wait {
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

    fn flush(&self, now: Instant, pod_of: impl Fn(&str) -> Option<std::sync::Arc<Pod>>) {
        {
            let mut inner = self.lock();
            if inner.next_flush > now {
                return;
            }
            inner.next_flush = now + FLUSH_PERIOD;
        }
        let parked = self.memory.read(|m| m.parked.clone());
        for (key, parked) in &parked {
            match pod_of(key).filter(|p| p.uid() == parked.uid) {
                Some(pod) if self.clock.since(parked.since) > MAX_PARKED => self.unpark(key, priority(&pod), parked),
                Some(_) => {}
                None => self.remove(key),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use component::Clock;
    use serde_json::json;

    use super::SchedulingQueue;
    use crate::machinery::Meta;
    use crate::scheduler::snapshot::fixtures::pod;
    use crate::state::{Memory, Process, Shared};

    /// Whether a scheduler that begins with this memory tries the pod within a minute.
    async fn is_tried(clock: Clock, memory: &Memory, pod: &Arc<k8s_openapi::api::core::v1::Pod>) -> bool {
        let queue = SchedulingQueue::new(clock, memory.clone());
        queue.add(pod);
        tokio::time::timeout(Duration::from_secs(60), queue.next(|_| Some(pod.clone()))).await.is_ok_and(|key| key == pod.key())
    }

    #[tokio::test(start_paused = true)]
    async fn a_fork_tries_again_what_had_left_its_parking_place() {
        let clock = Clock::starting_at("2026-03-01T12:00:00Z".parse().expect("a moment"));
        let memory = Memory::new(Shared::default(), Process::Scheduler);
        let pod = pod("web", json!({}));
        let queue = SchedulingQueue::new(clock, memory.clone());
        let refused = || vec!["TaintToleration".to_owned()];
        queue.park(&pod, refused(), queue.events());
        assert!(!is_tried(clock, &memory, &pod).await, "nothing has happened");
        // A node lost its taint while the pod was being looked at.
        queue.park(&pod, refused(), queue.events() + 1);
        assert!(is_tried(clock, &memory, &pod).await);
        queue.park(&pod, refused(), queue.events());
        assert!(!is_tried(clock, &memory, &pod).await, "it failed once more");
    }
}
