//! The store's whole content as data.

use std::sync::Arc;

use component::Generator;
use imbl::OrdMap;
use serde::{Deserialize, Serialize};

use super::object::{Change, Object};

/// Everything a store holds; cloning is O(1), all fields may be read for diffing.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StoreState {
    /// Revision of the last change; the next one gets this plus one.
    pub revision: u64,
    /// Changes up to and including this revision are no longer in the log.
    pub compacted: u64,
    /// Objects by key: `/registry/<resource>/<namespace>/<name>` (resource with group where needed), as in etcd.
    pub objects: OrdMap<Arc<str>, Arc<Object>>,
    /// Changes after `compacted`, by revision.
    pub log: OrdMap<u64, Arc<Change>>,
    /// Source of uids and generated names.
    pub generator: Generator,
}

impl StoreState {
    /// An empty store.
    pub fn new(generator: Generator) -> Self {
        // etcd starts at revision 1.
        Self { revision: 1, compacted: 0, objects: OrdMap::new(), log: OrdMap::new(), generator }
    }

    /// Drops the whole change log, as a compaction up to the present revision does.
    pub fn forget_changes(&mut self) {
        self.log = OrdMap::new();
        self.compacted = self.revision;
    }

    /// Drops the objects below a prefix as if they had never been: for what is to be prepared, not for what is watched.
    pub fn forget_objects(&mut self, prefix: &str) {
        let kept = self.objects.iter().filter(|(key, _)| !key.starts_with(prefix));
        self.objects = kept.map(|(key, object)| (key.clone(), object.clone())).collect();
    }

    /// The objects as they were at `revision`: the present ones with later changes undone. `None` when compacted or still to come.
    pub fn objects_at(&self, revision: u64) -> Option<OrdMap<Arc<str>, Arc<Object>>> {
        if revision > self.revision || revision < self.compacted {
            return None;
        }
        let mut objects = self.objects.clone();
        for (_, change) in self.log.range(revision + 1..).rev() {
            match &change.previous {
                Some(previous) => objects.insert(change.key.clone(), previous.clone()),
                None => objects.remove(&change.key),
            };
        }
        Some(objects)
    }
}
