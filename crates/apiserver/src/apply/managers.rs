//! `metadata.managedFields`: who owns what.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::codec;
use super::set::Set;
use crate::json::Json;

/// Who manages fields (`BuildManagerIdentifier`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Manager {
    /// Whether by apply.
    pub applies: bool,
    /// Name.
    pub name: String,
    /// Version of updates; empty for apply, whose manager is the same in every version.
    pub api_version: String,
    /// Subresource, or empty.
    pub subresource: String,
}

impl Manager {
    /// As conflicts name it: `"kubectl-edit" using apps/v1`.
    pub fn describe(&self) -> String {
        let mut text = format!("{:?}", self.name);
        if !self.subresource.is_empty() {
            text = format!("{text} with subresource {:?}", self.subresource);
        }
        if !self.applies {
            text = format!("{text} using {}", self.api_version);
        }
        text
    }
}

/// What a manager owns.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Owned {
    /// Paths.
    pub set: Set,
    /// Version that the paths are of.
    pub api_version: String,
    /// Time of the last change.
    pub time: String,
}

/// All managers of an object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Managers(pub BTreeMap<Manager, Owned>);

impl Managers {
    /// Reads the list of an object; entries that cannot be read are left out.
    pub fn of(object: &Value) -> Self {
        let entries = object.list("metadata.managedFields").iter().filter_map(|entry| {
            let applies = entry.text("operation") == "Apply";
            let version = entry.text("apiVersion").to_owned();
            let manager = Manager {
                applies,
                name: entry.text("manager").to_owned(),
                api_version: if applies { String::new() } else { version.clone() },
                subresource: entry.text("subresource").to_owned(),
            };
            let set = codec::decode(entry.at("fieldsV1"))?;
            Some((manager, Owned { set, api_version: version, time: entry.text("time").to_owned() }))
        });
        Self(entries.collect())
    }

    /// The list, in upstream's order: applies first, then by time, name and version.
    pub fn encode(&self) -> Value {
        let mut entries: Vec<(&Manager, &Owned)> = self.0.iter().collect();
        entries.sort_by_key(|(manager, owned)| {
            (!manager.applies, owned.time.clone(), manager.name.clone(), owned.api_version.clone(), manager.subresource.clone())
        });
        let list = entries.into_iter().map(|(manager, owned)| {
            let mut entry = Map::new();
            entry.insert("manager".into(), manager.name.clone().into());
            entry.insert("operation".into(), if manager.applies { "Apply" } else { "Update" }.into());
            entry.insert("apiVersion".into(), owned.api_version.clone().into());
            if !owned.time.is_empty() {
                entry.insert("time".into(), owned.time.clone().into());
            }
            entry.insert("fieldsType".into(), json!("FieldsV1"));
            entry.insert("fieldsV1".into(), codec::encode(&owned.set));
            if !manager.subresource.is_empty() {
                entry.insert("subresource".into(), manager.subresource.clone().into());
            }
            Value::Object(entry)
        });
        list.collect()
    }

    /// Forgets managers of nothing.
    pub fn tidy(&mut self) {
        self.0.retain(|_, owned| !owned.set.is_empty());
    }

    /// Joins the oldest updates when there are more than upstream keeps (`capManagersManager`).
    pub fn cap(&mut self) {
        const MOST: usize = 10;
        let mut updates: Vec<Manager> = self.0.keys().filter(|m| !m.applies).cloned().collect();
        updates.sort_by_key(|m| (self.0.get(m).map(|o| o.time.clone()), m.clone()));
        let mut excess = updates.len().saturating_sub(MOST);
        if excess == 0 {
            return;
        }
        excess += 1;
        let mut joined = Owned::default();
        for manager in updates.into_iter().take(excess) {
            if let Some(owned) = self.0.remove(&manager) {
                joined = Owned { set: joined.set.union(&owned.set), api_version: owned.api_version, time: owned.time };
            }
        }
        let bucket =
            Manager { applies: false, name: "ancient-changes".into(), api_version: joined.api_version.clone(), subresource: String::new() };
        self.0.insert(bucket, joined);
    }
}
