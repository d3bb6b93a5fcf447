//! Stored objects and changes.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

/// One version of one object: its JSON value in storage form, and the bytes, encoded once and shared by every reader.
#[derive(Debug)]
pub struct Object {
    value: Value,
    revision: u64,
    encoded: OnceLock<Bytes>,
}

impl Object {
    /// An object as of `revision`, which is written into `metadata.resourceVersion`.
    pub fn new(mut value: Value, revision: u64) -> Self {
        if let Some(metadata) = value.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.insert("resourceVersion".into(), revision.to_string().into());
        }
        Self { value, revision, encoded: OnceLock::new() }
    }

    /// Takes the version out again: what a dry run of a creation answers has none.
    pub(crate) fn clear_version(&mut self) {
        if let Some(metadata) = self.value.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.shift_remove("resourceVersion");
        }
    }

    /// The object's JSON.
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// Revision at which this version was written (`metadata.resourceVersion`).
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// The JSON text, encoded at the first call.
    pub fn bytes(&self) -> Bytes {
        self.encoded.get_or_init(|| serde_json::to_vec(&self.value).unwrap_or_default().into()).clone()
    }
}

impl PartialEq for Object {
    fn eq(&self, other: &Self) -> bool {
        self.revision == other.revision && self.value == other.value
    }
}

#[derive(Serialize)]
struct Written<'a> {
    revision: u64,
    value: &'a Value,
}

#[derive(Deserialize)]
struct Read {
    revision: u64,
    value: Value,
}

impl Serialize for Object {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Written { revision: self.revision, value: &self.value }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Read { revision, value } = Read::deserialize(deserializer)?;
        Ok(Self { value, revision, encoded: OnceLock::new() })
    }
}

/// What a change did to its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ChangeKind {
    /// The key did not exist before.
    Created,
    /// The key got a new value.
    Updated,
    /// The key was removed.
    Deleted,
}

/// One entry of the change log. There is one change per revision.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// Revision of the change.
    pub revision: u64,
    /// Key that changed.
    pub key: Arc<str>,
    /// What happened.
    pub kind: ChangeKind,
    /// The new object; of a deletion the last object, with the deletion's revision as resource version (as watchers see it).
    pub object: Arc<Object>,
    /// The object before, unless created.
    pub previous: Option<Arc<Object>>,
}
