//! What a store's journal records: the changes between two states.

use std::sync::Arc;

use component::Generator;
use serde::{Deserialize, Serialize};

use super::object::{Change, ChangeKind, Object};
use super::state::StoreState;

/// One write.
#[derive(Debug, Serialize, Deserialize)]
struct Write {
    revision: u64,
    key: Arc<str>,
    kind: ChangeKind,
    object: Arc<Object>,
}

/// The writes that lead from one state to another, without what can be found in the older one.
#[derive(Debug, Serialize, Deserialize)]
pub struct StoreDelta {
    writes: Vec<Write>,
    compacted: u64,
    generator: Generator,
}

impl StoreDelta {
    /// What turns `old` into `new`, which stems from it; `None` if nothing was written.
    pub fn between(old: &StoreState, new: &StoreState) -> Option<Self> {
        if old.revision == new.revision && old.compacted == new.compacted {
            return None;
        }
        let writes = new
            .log
            .range(old.revision + 1..)
            .map(|(revision, change)| Write {
                revision: *revision,
                key: change.key.clone(),
                kind: change.kind,
                object: change.object.clone(),
            })
            .collect();
        Some(Self { writes, compacted: new.compacted, generator: new.generator.clone() })
    }

    /// Applies the writes in their order.
    pub fn apply(self, state: &mut StoreState) {
        for write in self.writes {
            let previous = match write.kind {
                ChangeKind::Deleted => state.objects.remove(&write.key),
                ChangeKind::Created | ChangeKind::Updated => state.objects.insert(write.key.clone(), write.object.clone()),
            };
            state.revision = write.revision;
            let change = Change { revision: write.revision, key: write.key, kind: write.kind, object: write.object, previous };
            state.log.insert(write.revision, Arc::new(change));
        }
        while let Some(oldest) = state.log.get_min().map(|(revision, _)| *revision).filter(|revision| *revision <= self.compacted) {
            state.log.remove(&oldest);
        }
        state.compacted = self.compacted;
        state.generator = self.generator;
    }
}
