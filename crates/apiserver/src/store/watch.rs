//! Watching: catch up from the change log, then wait for the resource's signal.

use std::sync::Arc;

use component::watch;

use super::handle::{Store, StoreError};
use super::object::Change;

/// A position in the change log of one prefix. Holds no queue: a slow reader costs nothing, and falls off the log only
/// when it is compacted.
pub struct Watcher {
    store: Store,
    prefix: String,
    /// Everything up to here was returned.
    position: u64,
    signal: watch::Receiver<u64>,
}

impl Watcher {
    pub(super) fn new(store: Store, prefix: String, position: u64, signal: watch::Receiver<u64>) -> Self {
        Self { store, prefix, position, signal }
    }

    /// Revision up to which all changes were returned.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// The changes that are there now, maybe none. Moves the position.
    pub fn ready(&mut self) -> Result<Vec<Arc<Change>>, StoreError> {
        self.signal.borrow_and_update();
        let (changes, position) = self.store.changes(&self.prefix, self.position)?;
        self.position = self.position.max(position);
        Ok(changes)
    }

    /// Waits for at least one change. Cancel-safe.
    pub async fn next(&mut self) -> Result<Vec<Arc<Change>>, StoreError> {
        loop {
            let changes = self.ready()?;
            if !changes.is_empty() {
                return Ok(changes);
            }
            if self.signal.changed().await.is_err() {
                // The sender lives in the store, which this watcher keeps alive.
                return std::future::pending().await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use component::Generator;
    use serde_json::json;

    use super::super::{ChangeKind, Store, StoreError, StoreState};

    fn store() -> Store {
        Store::new(StoreState::new(Generator::for_part(1, "store")))
    }

    #[test]
    fn writes_are_guarded_by_revisions() {
        let store = store();
        let a = store.create("/registry/pods/d/a", json!({"metadata": {"name": "a"}})).unwrap();
        assert_eq!(a.value()["metadata"]["resourceVersion"], "2");
        assert_eq!(store.create("/registry/pods/d/a", json!({})), Err(StoreError::Exists));
        let b = store.update("/registry/pods/d/a", 2, json!({"metadata": {"name": "a", "x": 1}})).unwrap();
        assert_eq!(b.revision(), 3);
        assert_eq!(store.update("/registry/pods/d/a", 2, json!({})), Err(StoreError::Conflict(b)));
        assert_eq!(store.delete("/registry/pods/d/b", 3).unwrap_err(), StoreError::NotFound);
        let last = store.delete("/registry/pods/d/a", 3).unwrap();
        assert_eq!(last.value()["metadata"]["resourceVersion"], "4");
        assert!(store.get("/registry/pods/d/a").unwrap().is_none());
    }

    #[test]
    fn listings_can_be_read_at_an_older_revision() {
        let store = store();
        store.create("/registry/pods/d/a", json!({"metadata": {}})).unwrap();
        store.create("/registry/pods/d/b", json!({"metadata": {}})).unwrap();
        store.delete("/registry/pods/d/a", 2).unwrap();
        store.update("/registry/pods/d/b", 3, json!({"metadata": {}, "new": true})).unwrap();
        let names = |revision| {
            let page = store.page("/registry/pods/", None, Some(revision), 10).unwrap();
            page.items.iter().map(|(k, o)| format!("{k}@{}", o.revision())).collect::<Vec<_>>()
        };
        assert_eq!(names(3), ["/registry/pods/d/a@2", "/registry/pods/d/b@3"]);
        assert_eq!(names(4), ["/registry/pods/d/b@3"]);
        assert_eq!(names(5), ["/registry/pods/d/b@5"]);
        assert_eq!(store.page("/registry/pods/", None, Some(9), 10).unwrap_err(), StoreError::Future { current: 5 });
        store.compact(4);
        assert_eq!(store.page("/registry/pods/", None, Some(3), 10).unwrap_err(), StoreError::Compacted { oldest: 4 });
        assert_eq!(store.watch("/registry/pods/", 3).err(), Some(StoreError::Compacted { oldest: 4 }));
        assert!(store.watch("/registry/pods/", 4).is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn watchers_catch_up_then_follow() {
        let store = store();
        store.create("/registry/pods/d/a", json!({"metadata": {}})).unwrap();
        let mut watcher = store.watch("/registry/pods/", 1).unwrap();
        assert_eq!(watcher.next().await.unwrap()[0].kind, ChangeKind::Created);
        let writer = store.clone();
        let task = tokio::spawn(async move { watcher.next().await.unwrap().iter().map(|c| c.kind).collect::<Vec<_>>() });
        tokio::task::yield_now().await;
        writer.create("/registry/nodes/n", json!({"metadata": {}})).unwrap();
        tokio::task::yield_now().await;
        assert!(!task.is_finished());
        writer.delete("/registry/pods/d/a", 2).unwrap();
        assert_eq!(task.await.unwrap(), [ChangeKind::Deleted]);
    }

    #[tokio::test(start_paused = true)]
    async fn compaction_ends_only_watchers_that_lost_something() {
        let store = store();
        store.create("/registry/pods/d/a", json!({"metadata": {}})).unwrap();
        let mut quiet = store.watch("/registry/nodes/", 2).unwrap();
        let mut slow = store.watch("/registry/pods/", 2).unwrap();
        store.create("/registry/pods/d/b", json!({"metadata": {}})).unwrap();
        store.create("/registry/pods/d/c", json!({"metadata": {}})).unwrap();
        store.compact(4);
        store.create("/registry/nodes/n", json!({"metadata": {}})).unwrap();
        assert_eq!(quiet.next().await.unwrap().len(), 1);
        assert_eq!(slow.next().await, Err(StoreError::Compacted { oldest: 4 }));
    }

    #[test]
    fn state_survives_serialisation() {
        let store = store();
        store.create("/registry/pods/d/a", json!({"metadata": {"name": "a"}})).unwrap();
        let state = store.snapshot();
        let text = serde_json::to_string(&state).unwrap();
        let back: StoreState = serde_json::from_str(&text).unwrap();
        assert_eq!((back.revision, back.objects.clone(), back.log.clone()), (state.revision, state.objects, state.log));
    }

    #[test]
    fn an_unavailable_store_refuses_and_comes_back() {
        let store = store();
        store.set_available(false);
        assert_eq!(store.get("/x"), Err(StoreError::Unavailable));
        store.set_available(true);
        assert_eq!(store.get("/x"), Ok(None));
    }
}
