//! `status.details`.

use serde_json::{Map, Value, json};

/// One entry of `status.details.causes`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// `FieldValueInvalid`, `FieldManagerConflict`, `DisruptionBudget`, …
    pub reason: String,
    /// What people read.
    pub message: String,
    /// Path of the field, or empty.
    pub field: String,
}

/// `status.details`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Details {
    /// Object name.
    pub name: String,
    /// Group of the kind.
    pub group: String,
    /// Resource (plural) or kind, as the constructor upstream has it.
    pub kind: String,
    /// Object's uid.
    pub uid: String,
    /// Single reasons.
    pub causes: Vec<Cause>,
    /// When to come again.
    pub retry_after_seconds: u32,
}

impl Details {
    pub(super) fn to_value(&self) -> Value {
        let mut map = Map::new();
        for (key, text) in [("name", &self.name), ("group", &self.group), ("kind", &self.kind), ("uid", &self.uid)] {
            if !text.is_empty() {
                map.insert(key.into(), text.clone().into());
            }
        }
        if !self.causes.is_empty() {
            map.insert("causes".into(), self.causes.iter().map(Cause::to_value).collect());
        }
        if self.retry_after_seconds > 0 {
            map.insert("retryAfterSeconds".into(), self.retry_after_seconds.into());
        }
        Value::Object(map)
    }
}

impl Cause {
    pub(super) fn to_value(&self) -> Value {
        let mut map = Map::new();
        for (key, text) in [("reason", &self.reason), ("message", &self.message), ("field", &self.field)] {
            if !text.is_empty() {
                map.insert(key.into(), text.clone().into());
            }
        }
        Value::Object(map)
    }
}

/// A `Status` that reports success, as deletions of whole objects return.
pub fn success(details: Option<&Details>) -> Value {
    let mut status = Map::new();
    status.insert("kind".into(), "Status".into());
    status.insert("apiVersion".into(), "v1".into());
    status.insert("metadata".into(), json!({}));
    status.insert("status".into(), "Success".into());
    if let Some(details) = details {
        status.insert("details".into(), details.to_value());
    }
    Value::Object(status)
}
