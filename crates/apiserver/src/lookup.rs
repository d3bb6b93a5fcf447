//! Reading stored objects the way upstream's informers let authorizers and admission plugins read them: from a
//! consistent picture, even while etcd is down.

use std::ops::Bound;
use std::sync::Arc;

use imbl::OrdMap;

use crate::registry::{Registry, Resource, Storage};
use crate::server::Core;
use crate::store::Object;

/// A picture of the store, asked by group and plural name.
#[derive(Clone)]
pub(crate) struct Lookup {
    registry: Arc<Registry>,
    objects: OrdMap<Arc<str>, Arc<Object>>,
}

impl Lookup {
    /// The present picture.
    pub fn new(core: &Core) -> Self {
        Self { registry: core.registry(), objects: core.store.snapshot().objects }
    }

    /// Row of a stored resource in any of its versions.
    pub fn row(&self, group: &str, plural: &str) -> Option<Arc<Resource>> {
        row(&self.registry, group, plural)
    }

    /// One object; `namespace` is empty for cluster-wide ones.
    pub fn get(&self, group: &str, plural: &str, namespace: &str, name: &str) -> Option<Arc<Object>> {
        let key = self.row(group, plural)?.key(namespace, name)?;
        self.objects.get(key.as_str()).cloned()
    }

    /// All objects of a namespace, or of all when it is empty, in key order.
    pub fn list(&self, group: &str, plural: &str, namespace: &str) -> Vec<Arc<Object>> {
        let Some(prefix) = self.row(group, plural).and_then(|row| row.prefix(namespace)) else { return Vec::new() };
        self.objects
            .range::<_, str>((Bound::Included(prefix.as_str()), Bound::Unbounded))
            .take_while(|(key, _)| key.starts_with(&prefix))
            .map(|(_, object)| object.clone())
            .collect()
    }
}

/// Row of a stored resource in any of its versions; `v1` is tried first, being the usual one.
pub(crate) fn row(registry: &Registry, group: &str, plural: &str) -> Option<Arc<Resource>> {
    let stored = |row: &&Arc<Resource>| matches!(row.storage, Storage::Stored { .. });
    registry
        .find(group, "v1", plural)
        .or_else(|| registry.iter().find(|row| row.gvk.group == group && row.plural == plural))
        .filter(stored)
        .cloned()
}
