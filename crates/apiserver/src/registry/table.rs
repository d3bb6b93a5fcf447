//! The set of rows.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::resource::Resource;

/// All resources that are served, by group, version and plural name.
#[derive(Clone, Default)]
pub struct Registry {
    rows: BTreeMap<String, BTreeMap<String, BTreeMap<String, Arc<Resource>>>>,
}

impl Registry {
    /// The built-in resources.
    pub fn builtin() -> Self {
        super::builtin::registry()
    }

    /// Adds or replaces a row.
    pub fn insert(&mut self, row: Resource) {
        let gvk = row.gvk.clone();
        self.rows.entry(gvk.group).or_default().entry(gvk.version).or_default().insert(row.plural.clone(), Arc::new(row));
    }

    /// Removes a row.
    pub fn remove(&mut self, group: &str, version: &str, plural: &str) {
        let Some(versions) = self.rows.get_mut(group) else { return };
        if let Some(rows) = versions.get_mut(version) {
            rows.remove(plural);
        }
        versions.retain(|_, rows| !rows.is_empty());
        self.rows.retain(|_, versions| !versions.is_empty());
    }

    /// Row by group, version and plural name.
    pub fn find(&self, group: &str, version: &str, plural: &str) -> Option<&Arc<Resource>> {
        self.rows.get(group)?.get(version)?.get(plural)
    }

    /// Row by group, version and kind.
    pub fn by_kind(&self, group: &str, version: &str, kind: &str) -> Option<&Arc<Resource>> {
        self.rows.get(group)?.get(version)?.values().find(|row| row.gvk.kind == kind)
    }

    /// Whether the group has this version.
    pub fn has_version(&self, group: &str, version: &str) -> bool {
        self.rows.get(group).is_some_and(|versions| versions.contains_key(version))
    }

    /// All rows, ordered by group, version and plural name.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Resource>> {
        self.rows.values().flat_map(|versions| versions.values().flat_map(BTreeMap::values))
    }

    /// Groups with their versions.
    pub fn groups(&self) -> impl Iterator<Item = (&str, Vec<&str>)> {
        self.rows.iter().map(|(group, versions)| (group.as_str(), versions.keys().map(String::as_str).collect()))
    }
}
