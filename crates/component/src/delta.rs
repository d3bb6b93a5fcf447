//! What differs between two persistent maps: the records of a journal are made of these.

use imbl::OrdMap;
use imbl::ordmap::DiffItem;
use serde::{Deserialize, Serialize};

/// Entries that came or changed, and keys that went. Found in time proportional to the difference, because maps that stem
/// from each other share structure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound(deserialize = "K: Deserialize<'de>, V: Deserialize<'de>"))]
pub struct MapDelta<K, V> {
    /// New values by key.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub put: Vec<(K, V)>,
    /// Keys that are gone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gone: Vec<K>,
}

impl<K: Ord + Clone, V: Clone + PartialEq> MapDelta<K, V> {
    /// What turns `old` into `new`; `None` when they are equal.
    pub fn between(old: &OrdMap<K, V>, new: &OrdMap<K, V>) -> Option<Self> {
        if old.ptr_eq(new) {
            return None;
        }
        let mut delta = Self { put: Vec::new(), gone: Vec::new() };
        for item in old.diff(new) {
            match item {
                DiffItem::Add(key, value) | DiffItem::Update { new: (key, value), .. } => delta.put.push((key.clone(), value.clone())),
                DiffItem::Remove(key, _) => delta.gone.push(key.clone()),
            }
        }
        (!delta.put.is_empty() || !delta.gone.is_empty()).then_some(delta)
    }

    /// Applies the difference.
    pub fn apply(self, map: &mut OrdMap<K, V>) {
        for key in &self.gone {
            map.remove(key);
        }
        for (key, value) in self.put {
            map.insert(key, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::MapDelta;
    use imbl::OrdMap;
    use std::sync::Arc;

    #[test]
    fn a_delta_turns_the_old_map_into_the_new_one() {
        let mut old: OrdMap<u64, Arc<String>> = (0..1000u64).map(|n| (n, Arc::new(n.to_string()))).collect();
        let mut new = old.clone();
        assert_eq!(MapDelta::between(&old, &new), None);
        new.insert(5, Arc::new("changed".into()));
        new.remove(&7);
        new.insert(2000, Arc::new("added".into()));
        let delta = MapDelta::between(&old, &new).expect("they differ");
        assert_eq!((delta.put.len(), delta.gone.len()), (2, 1));
        delta.apply(&mut old);
        assert_eq!(old, new);
        assert_eq!(MapDelta::between(&old, &new), None);
    }
}
