//! Who owns whom, over all kinds.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};

use crate::machinery::discovery::Resource;

/// Finalizer of a deletion that waits for dependents.
pub const FOREGROUND: &str = "foregroundDeletion";
/// Finalizer of a deletion that leaves dependents alone.
pub const ORPHAN: &str = "orphan";

/// An object of any kind.
#[derive(Clone, Debug)]
pub struct Item {
    /// Its collection.
    pub resource: Arc<Resource>,
    /// Its metadata.
    pub metadata: ObjectMeta,
}

impl Item {
    /// Whether a finalizer stands on it.
    pub fn has_finalizer(&self, name: &str) -> bool {
        self.metadata.finalizers.as_ref().is_some_and(|f| f.iter().any(|f| f == name))
    }

    /// Whether its deletion has begun.
    pub fn deleting(&self) -> bool {
        self.metadata.deletion_timestamp.is_some()
    }

    /// Whether its deletion waits for its dependents.
    pub fn is_deleting_dependents(&self) -> bool {
        self.deleting() && self.has_finalizer(FOREGROUND)
    }

    /// Its owners.
    pub fn owners(&self) -> &[OwnerReference] {
        self.metadata.owner_references.as_deref().unwrap_or_default()
    }
}

/// All objects by uid, and dependents by the uid of an owner.
#[derive(Default)]
pub struct Graph {
    items: BTreeMap<String, Item>,
    dependents: BTreeMap<String, BTreeSet<String>>,
}

impl Graph {
    /// One object.
    pub fn get(&self, uid: &str) -> Option<&Item> {
        self.items.get(uid)
    }

    /// Dependents of an object.
    pub fn dependents(&self, uid: &str) -> Vec<&Item> {
        self.dependents.get(uid).into_iter().flatten().filter_map(|d| self.items.get(d)).collect()
    }

    /// Notes a change and says whom it concerns: uids to look at.
    pub fn update(&mut self, resource: &Arc<Resource>, old: Option<&ObjectMeta>, new: Option<&ObjectMeta>) -> Vec<String> {
        let uid = |m: &ObjectMeta| m.uid.clone().unwrap_or_default();
        let mut concerned = Vec::new();
        let before = old.map(uid);
        for owner in old.iter().flat_map(|m| m.owner_references.iter().flatten()) {
            if let Some(set) = self.dependents.get_mut(&owner.uid) {
                set.remove(&uid(old.unwrap_or(&ObjectMeta::default())));
            }
        }
        let Some(new) = new else {
            let Some(gone) = before else { return concerned };
            let item = self.items.remove(&gone);
            concerned.extend(self.dependents.get(&gone).into_iter().flatten().cloned());
            // An owner that waits for its dependents may be done now.
            for owner in item.iter().flat_map(Item::owners) {
                if self.items.get(&owner.uid).is_some_and(Item::is_deleting_dependents) {
                    concerned.push(owner.uid.clone());
                }
            }
            return concerned;
        };
        let id = uid(new);
        for owner in new.owner_references.iter().flatten() {
            self.dependents.entry(owner.uid.clone()).or_default().insert(id.clone());
        }
        let item = Item { resource: resource.clone(), metadata: new.clone() };
        let owners = |m: Option<&ObjectMeta>| m.and_then(|m| m.owner_references.clone()).unwrap_or_default();
        if !owners(Some(new)).is_empty() && owners(old) != owners(Some(new))
            || item.is_deleting_dependents()
            || (item.deleting() && item.has_finalizer(ORPHAN))
        {
            concerned.push(id.clone());
        }
        if item.is_deleting_dependents() {
            concerned.extend(self.dependents.get(&id).into_iter().flatten().cloned());
        }
        // A dependent that no longer blocks lets its owner go.
        for owner in item.owners() {
            if self.items.get(&owner.uid).is_some_and(Item::is_deleting_dependents) {
                concerned.push(owner.uid.clone());
            }
        }
        self.items.insert(id, item);
        concerned
    }
}

#[cfg(test)]
mod tests {
    use super::Graph;
    use crate::machinery::discovery::Resource;
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
    use serde_json::{Value, json};
    use std::sync::Arc;

    fn meta(uid: &str, owners: &[&str], extra: Value) -> ObjectMeta {
        let owners: Vec<Value> = owners.iter().map(|o| json!({"apiVersion": "v1", "kind": "X", "name": o, "uid": o})).collect();
        let mut value = json!({"name": uid, "uid": uid, "ownerReferences": owners});
        value.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn dependents_are_looked_at_when_their_owner_goes() {
        let kind = Arc::new(Resource {
            group: String::new(),
            version: "v1".into(),
            plural: "xs".into(),
            kind: "X".into(),
            namespaced: true,
            verbs: vec![],
        });
        let mut graph = Graph::default();
        let (owner, child) = (meta("o", &[], json!({})), meta("c", &["o"], json!({})));
        assert!(graph.update(&kind, None, Some(&owner)).is_empty());
        assert_eq!(graph.update(&kind, None, Some(&child)), ["c"]);
        let waiting = meta("o", &[], json!({"deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": ["foregroundDeletion"]}));
        assert_eq!(graph.update(&kind, Some(&owner), Some(&waiting)), ["o", "c"]);
        assert_eq!(graph.update(&kind, Some(&child), None), ["o"]);
        assert!(graph.dependents("o").is_empty());
    }
}
