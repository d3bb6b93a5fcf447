//! Paths of fields in errors, and the list that errors are collected in.

use serde_json::Value;

use super::names::Messages;
use crate::status::FieldError;

/// A field's path (`field.Path`): `spec.containers[0].name`, `metadata.labels[app]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Path(String);

impl Path {
    /// A path from its text.
    pub fn new(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// A field below.
    pub fn child(&self, name: &str) -> Self {
        if self.0.is_empty() { Self(name.to_owned()) } else { Self(format!("{}.{name}", self.0)) }
    }

    /// An item of a list.
    pub fn index(&self, index: usize) -> Self {
        Self(format!("{}[{index}]", self.0))
    }

    /// An entry of a map.
    pub fn key(&self, key: &str) -> Self {
        Self(format!("{}[{key}]", self.0))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<Path> for String {
    fn from(path: Path) -> Self {
        path.0
    }
}

impl From<&Path> for String {
    fn from(path: &Path) -> Self {
        path.0.clone()
    }
}

/// Errors of one object, in upstream's order.
#[derive(Clone, Debug, Default)]
pub struct Errors(pub Vec<FieldError>);

impl Errors {
    /// Adds an error.
    pub fn push(&mut self, error: FieldError) {
        self.0.push(error);
    }

    /// A value that breaks a rule.
    pub fn invalid(&mut self, path: &Path, value: impl Into<Value>, detail: impl Into<String>) {
        self.push(FieldError::invalid(path, value, detail));
    }

    /// A missing value.
    pub fn required(&mut self, path: &Path, detail: &str) {
        self.push(FieldError::required(path, detail));
    }

    /// A field that may not be set.
    pub fn forbidden(&mut self, path: &Path, detail: impl Into<String>) {
        self.push(FieldError::forbidden(path, detail));
    }

    /// A value seen before.
    pub fn duplicate(&mut self, path: &Path, value: impl Into<Value>) {
        self.push(FieldError::duplicate(path, value));
    }

    /// A value outside an enumeration.
    pub fn not_supported(&mut self, path: &Path, value: impl Into<Value>, supported: &[&str]) {
        self.push(FieldError::not_supported(path, value, supported));
    }

    /// One `Invalid value` per message of a rule.
    pub fn all_invalid(&mut self, path: &Path, value: &str, messages: Messages) {
        for message in messages {
            self.invalid(path, value, message);
        }
    }

    /// Checks an enumeration; an empty value is `Required` (defaulting has run before).
    pub fn one_of(&mut self, path: &Path, value: &str, supported: &[&str]) {
        if value.is_empty() {
            self.required(path, "");
        } else if !supported.contains(&value) {
            self.not_supported(path, value, supported);
        }
    }

    /// Checks that a number is not negative.
    pub fn non_negative(&mut self, path: &Path, value: i64) {
        if value < 0 {
            self.invalid(path, value, "must be greater than or equal to 0");
        }
    }

    /// Checks that a value did not change.
    pub fn immutable(&mut self, path: &Path, new: &Value, old: &Value) {
        if new != old {
            self.invalid(path, new.clone(), "field is immutable");
        }
    }

    /// Whether there is no error.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
