//! The entries of a machine: bounded, in order.

use component::MapDelta;
use imbl::OrdMap;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

use super::entry::Entry;

/// Entries by their number. Old ones go when there are too many.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Journal {
    entries: OrdMap<u64, Arc<Entry>>,
    next: u64,
}

/// What differs between two journals of one machine.
#[derive(Debug, Serialize, Deserialize)]
pub struct JournalDelta {
    entries: MapDelta<u64, Arc<Entry>>,
    next: u64,
}

impl JournalDelta {
    /// What turns `old` into `new`; `None` when they are equal.
    pub fn between(old: &Journal, new: &Journal) -> Option<Self> {
        MapDelta::between(&old.entries, &new.entries).map(|entries| Self { entries, next: new.next })
    }

    /// Applies the difference.
    pub fn apply(self, journal: &mut Journal) {
        self.entries.apply(&mut journal.entries);
        journal.next = self.next;
    }
}

/// Enough for hours of a crash loop.
const CAPACITY: usize = 20_000;

impl Journal {
    /// Adds an entry.
    pub fn push(&mut self, entry: Entry) {
        self.entries.insert(self.next, Arc::new(entry));
        self.next += 1;
        while self.entries.len() > CAPACITY {
            let Some(&(oldest, _)) = self.entries.get_min() else { break };
            self.entries.remove(&oldest);
        }
    }

    /// All entries, oldest first.
    pub fn entries(&self) -> impl DoubleEndedIterator<Item = &Arc<Entry>> {
        self.entries.values()
    }

    /// Entries from the number `from` on, with the number of the next one to come.
    pub fn since(&self, from: u64) -> (Vec<Arc<Entry>>, u64) {
        (self.entries.range(from..).map(|(_, entry)| entry.clone()).collect(), self.next)
    }

    /// Number of the next entry.
    pub fn next(&self) -> u64 {
        self.next
    }
}
