//! Stored objects and changes.

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use serde::ser::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;

/// One version of one object in storage form: its JSON value and its JSON text. Each is made from the other when it is first asked for,
/// once for every reader. What comes from a file stays text until somebody looks into it.
#[derive(Debug)]
pub struct Object {
    revision: u64,
    value: OnceLock<Value>,
    encoded: OnceLock<Bytes>,
}

impl Object {
    /// An object as of `revision`, which is written into `metadata.resourceVersion`.
    pub fn new(mut value: Value, revision: u64) -> Self {
        if let Some(metadata) = value.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.insert("resourceVersion".into(), revision.to_string().into());
        }
        Self { revision, value: value.into(), encoded: OnceLock::new() }
    }

    /// Takes the version out again: what a dry run of a creation answers has none.
    pub(crate) fn clear_version(&mut self) {
        self.value();
        self.encoded = OnceLock::new();
        if let Some(metadata) = self.value.get_mut().and_then(|value| value.get_mut("metadata")).and_then(Value::as_object_mut) {
            metadata.shift_remove("resourceVersion");
        }
    }

    /// The object's JSON.
    pub fn value(&self) -> &Value {
        // The text is JSON: it was checked when it was read.
        self.value.get_or_init(|| self.encoded.get().and_then(|text| serde_json::from_slice(text).ok()).unwrap_or_default())
    }

    /// Revision at which this version was written (`metadata.resourceVersion`).
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// The JSON text.
    pub fn bytes(&self) -> Bytes {
        self.encoded.get_or_init(|| self.value.get().and_then(|value| serde_json::to_vec(value).ok()).unwrap_or_default().into()).clone()
    }
}

impl PartialEq for Object {
    fn eq(&self, other: &Self) -> bool {
        self.revision == other.revision && self.value() == other.value()
    }
}

#[derive(Serialize, Deserialize)]
struct Written<'a> {
    revision: u64,
    #[serde(borrow)]
    value: Cow<'a, RawValue>,
}

impl Serialize for Object {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = self.bytes();
        let value: &RawValue = serde_json::from_slice(&text).map_err(S::Error::custom)?;
        Written { revision: self.revision, value: Cow::Borrowed(value) }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Written { revision, value } = Written::deserialize(deserializer)?;
        let text = Box::<str>::from(value.into_owned()).into_string();
        Ok(Self { revision, value: OnceLock::new(), encoded: Bytes::from(text).into() })
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_was_written_is_read_as_text_and_looked_into_when_asked() {
        let object = Object::new(json!({"kind": "Pod", "metadata": {"name": "a"}, "n": 1.0}), 7);
        let written = serde_json::to_string(&object).expect("it serializes");
        assert_eq!(written, r#"{"revision":7,"value":{"kind":"Pod","metadata":{"name":"a","resourceVersion":"7"},"n":1.0}}"#);
        let mut read: Object = serde_json::from_str(&written).expect("it is read");
        assert!(read.value.get().is_none(), "nobody has looked yet");
        assert_eq!((read.bytes(), read.value()), (object.bytes(), object.value()));
        assert_eq!(read, object);
        read.clear_version();
        assert_eq!(read.bytes(), r#"{"kind":"Pod","metadata":{"name":"a"},"n":1.0}"#);
        assert!(serde_json::from_str::<Object>(r#"{"revision":7,"value":{"a":}}"#).is_err());
    }
}
