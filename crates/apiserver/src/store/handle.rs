//! The store's handle: reads, writes with expected revisions, compaction.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use component::Generator;
use component::watch;
use imbl::OrdMap;
use serde_json::Value;

use super::object::{Change, ChangeKind, Object};
use super::state::StoreState;
use super::watch::Watcher;

/// Called with the state that a write leads to, before anybody sees it, in revision order; an error refuses the write.
/// It runs inside the store's lock: it must be quick and must not call the store.
pub type CommitHook = Arc<dyn Fn(&StoreState) -> Result<(), StoreError> + Send + Sync>;

/// Why the store refused.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum StoreError {
    /// The key exists already.
    #[error("key exists")]
    Exists,
    /// The key does not exist.
    #[error("key not found")]
    NotFound,
    /// The key has another revision than expected; the present object is attached.
    #[error("revision does not match")]
    Conflict(Arc<Object>),
    /// The revision was compacted.
    #[error("etcdserver: mvcc: required revision has been compacted")]
    Compacted {
        /// Oldest revision that can still be read.
        oldest: u64,
    },
    /// The revision is still to come.
    #[error("etcdserver: mvcc: required revision is a future revision")]
    Future {
        /// Present revision.
        current: u64,
    },
    /// etcd is down.
    #[error("context deadline exceeded")]
    Unavailable,
    /// What is written could not be kept (etcd's alarm NOSPACE, `rpctypes.ErrNoSpace`).
    #[error("etcdserver: mvcc: database space exceeded")]
    NoSpace,
}

/// Objects by key.
type Objects = OrdMap<Arc<str>, Arc<Object>>;

/// A part of a listing.
#[derive(Clone, Debug)]
pub struct Page {
    /// Objects with their keys, in key order.
    pub items: Vec<(Arc<str>, Arc<Object>)>,
    /// Revision that the listing shows.
    pub revision: u64,
}

/// The handle; clones share one store.
#[derive(Clone)]
pub struct Store {
    shared: Arc<Shared>,
}

struct Shared {
    inner: Mutex<Inner>,
    available: watch::Sender<bool>,
}

struct Inner {
    state: StoreState,
    hook: Option<CommitHook>,
    /// Wakes the watchers of one resource (first segment of the key after `/registry/`).
    signals: BTreeMap<String, watch::Sender<u64>>,
    /// Revision of the last change of each resource that was compacted: a watcher that has seen it lost nothing, however old
    /// its position is. Not part of the state, because watchers are not.
    lost: BTreeMap<String, u64>,
}

/// The resource that a key or prefix belongs to: `/registry/pods/default/x` gives `pods`.
pub(super) fn topic(key: &str) -> &str {
    key.strip_prefix("/registry/").unwrap_or(key).split('/').next().unwrap_or("")
}

impl Store {
    /// A store with this content.
    pub fn new(state: StoreState) -> Self {
        let inner = Inner { state, hook: None, signals: BTreeMap::new(), lost: BTreeMap::new() };
        Self { shared: Arc::new(Shared { inner: Mutex::new(inner), available: watch::Sender::new(true) }) }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // A panic between two assignments of a commit cannot leave a torn state: all of them are infallible moves.
        self.shared.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open(&self) -> Result<MutexGuard<'_, Inner>, StoreError> {
        if *self.shared.available.borrow() { Ok(self.lock()) } else { Err(StoreError::Unavailable) }
    }

    /// The whole content, in O(1).
    pub fn snapshot(&self) -> StoreState {
        self.lock().state.clone()
    }

    /// Present revision.
    pub fn revision(&self) -> u64 {
        self.lock().state.revision
    }

    /// Sets the hook that sees each new state before its write is acknowledged, and may refuse it.
    pub fn set_commit_hook(&self, hook: CommitHook) {
        self.lock().hook = Some(hook);
    }

    /// Makes the store answer (or, like an etcd that is down, not answer).
    pub fn set_available(&self, available: bool) {
        self.shared.available.send_replace(available);
    }

    /// Whether the store answers.
    pub fn is_available(&self) -> bool {
        *self.shared.available.borrow()
    }

    /// Draws from the store's generator (uids, name suffixes, ports): part of the state, so equal seeds give equal clusters.
    pub fn generate<T>(&self, draw: impl FnOnce(&mut Generator) -> T) -> T {
        draw(&mut self.lock().state.generator)
    }

    /// One object.
    pub fn get(&self, key: &str) -> Result<Option<Arc<Object>>, StoreError> {
        Ok(self.open()?.state.objects.get(key).cloned())
    }

    /// All objects whose key starts with `prefix`, and the revision that they show.
    pub fn list(&self, prefix: &str) -> Result<Page, StoreError> {
        self.page(prefix, None, None, usize::MAX)
    }

    /// Objects under `prefix` after the key `after`, at `revision` (the present one unless given), at most `limit`.
    pub fn page(&self, prefix: &str, after: Option<&str>, revision: Option<u64>, limit: usize) -> Result<Page, StoreError> {
        let (objects, revision) = self.objects(revision)?;
        let start = match after {
            Some(key) => Bound::Excluded(key),
            None => Bound::Included(prefix),
        };
        let items = objects
            .range::<_, str>((start, Bound::Unbounded))
            .take_while(|(key, _)| key.starts_with(prefix))
            .take(limit)
            .map(|(key, object)| (key.clone(), object.clone()))
            .collect();
        Ok(Page { items, revision })
    }

    /// Number of keys under `prefix` after `after`, at `revision`.
    pub fn count(&self, prefix: &str, after: Option<&str>, revision: Option<u64>) -> Result<usize, StoreError> {
        let (objects, _) = self.objects(revision)?;
        let start = match after {
            Some(key) => Bound::Excluded(key),
            None => Bound::Included(prefix),
        };
        Ok(objects.range::<_, str>((start, Bound::Unbounded)).take_while(|(key, _)| key.starts_with(prefix)).count())
    }

    fn objects(&self, revision: Option<u64>) -> Result<(Objects, u64), StoreError> {
        let state = self.open()?.state.clone();
        let current = revision.unwrap_or(state.revision);
        if current == state.revision {
            return Ok((state.objects, current));
        }
        if current > state.revision {
            return Err(StoreError::Future { current: state.revision });
        }
        let objects = state.objects_at(current).ok_or(StoreError::Compacted { oldest: state.compacted })?;
        Ok((objects, current))
    }

    /// Writes a key that must not exist.
    pub fn create(&self, key: &str, value: Value) -> Result<Arc<Object>, StoreError> {
        let mut inner = self.open()?;
        if inner.state.objects.contains_key(key) {
            return Err(StoreError::Exists);
        }
        inner.commit(key.into(), Some(value), None)
    }

    /// Replaces a key's value if its revision is `expected`.
    pub fn update(&self, key: &str, expected: u64, value: Value) -> Result<Arc<Object>, StoreError> {
        let mut inner = self.open()?;
        let (key, previous) = inner.expect(key, expected)?;
        inner.commit(key, Some(value), Some(previous))
    }

    /// Removes a key if its revision is `expected`; returns the last object with the deletion's revision.
    pub fn delete(&self, key: &str, expected: u64) -> Result<Arc<Object>, StoreError> {
        let mut inner = self.open()?;
        let (key, previous) = inner.expect(key, expected)?;
        inner.commit(key, None, Some(previous))
    }

    /// Forgets the changes up to `revision` (no further than the present one).
    pub fn compact(&self, revision: u64) {
        let mut inner = self.lock();
        let revision = revision.min(inner.state.revision);
        if revision <= inner.state.compacted {
            return;
        }
        let pivot = inner.state.log.get(&revision).cloned();
        let (forgotten, rest) = inner.state.log.split(&revision);
        inner.state.log = rest;
        // `split` leaves the pivot out of both halves, so it is among the forgotten by hand.
        for change in forgotten.values().chain(&pivot) {
            inner.lost.insert(topic(&change.key).to_owned(), change.revision);
        }
        inner.state.compacted = revision;
    }

    /// Watches the keys under `prefix` for changes after `revision`.
    pub fn watch(&self, prefix: &str, revision: u64) -> Result<Watcher, StoreError> {
        let mut inner = self.open()?;
        if revision < inner.state.compacted {
            return Err(StoreError::Compacted { oldest: inner.state.compacted });
        }
        let current = inner.state.revision;
        let signal = inner.signals.entry(topic(prefix).to_owned()).or_insert_with(|| watch::Sender::new(current)).subscribe();
        Ok(Watcher::new(self.clone(), prefix.to_owned(), revision, signal))
    }

    /// Changes after `after` under `prefix`, oldest first, and the revision up to which they are complete.
    pub(super) fn changes(&self, prefix: &str, after: u64) -> Result<(Vec<Arc<Change>>, u64), StoreError> {
        let inner = self.lock();
        if inner.lost.get(topic(prefix)).is_some_and(|lost| after < *lost) {
            return Err(StoreError::Compacted { oldest: inner.state.compacted });
        }
        let changes = inner.state.log.range(after + 1..).filter(|(_, c)| c.key.starts_with(prefix)).map(|(_, c)| c.clone()).collect();
        Ok((changes, inner.state.revision))
    }
}

impl Inner {
    fn expect(&self, key: &str, expected: u64) -> Result<(Arc<str>, Arc<Object>), StoreError> {
        let (key, object) = self.state.objects.get_key_value(key).ok_or(StoreError::NotFound)?;
        if object.revision() == expected { Ok((key.clone(), object.clone())) } else { Err(StoreError::Conflict(object.clone())) }
    }

    fn commit(&mut self, key: Arc<str>, value: Option<Value>, previous: Option<Arc<Object>>) -> Result<Arc<Object>, StoreError> {
        let mut state = self.state.clone();
        let revision = state.revision + 1;
        let (object, kind) = match (value, &previous) {
            (Some(value), previous) => {
                let object = Arc::new(Object::new(value, revision));
                state.objects.insert(key.clone(), object.clone());
                (object, if previous.is_some() { ChangeKind::Updated } else { ChangeKind::Created })
            }
            (None, previous) => {
                state.objects.remove(&key);
                let last = previous.as_ref().map(|p| p.value().clone()).unwrap_or_default();
                (Arc::new(Object::new(last, revision)), ChangeKind::Deleted)
            }
        };
        state.revision = revision;
        let change = Change { revision, key: key.clone(), kind, object: object.clone(), previous };
        state.log.insert(revision, Arc::new(change));
        if let Some(hook) = &self.hook {
            hook(&state)?;
        }
        self.state = state;
        if let Some(signal) = self.signals.get(topic(&key)) {
            signal.send_replace(revision);
        }
        Ok(object)
    }
}
