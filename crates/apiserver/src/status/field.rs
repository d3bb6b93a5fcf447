//! Failures of single fields (`util/validation/field`).

use serde_json::Value;

use super::details::Cause;

/// A failure of one field (`field.Error`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// Which kind of failure.
    pub kind: FieldErrorKind,
    /// Path such as `spec.containers[0].name`.
    pub field: String,
    /// The offending value; `Value::Null` prints as `null` where upstream prints one.
    pub value: Value,
    /// What is wrong with it.
    pub detail: String,
}

/// Kinds of [`FieldError`] (`field.ErrorType`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum FieldErrorKind {
    NotFound,
    Required,
    Duplicate,
    Invalid,
    NotSupported,
    Forbidden,
    TooLong,
    TooMany,
    Internal,
    TypeInvalid,
}

impl FieldErrorKind {
    /// The word in `causes[].reason`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotFound => "FieldValueNotFound",
            Self::Required => "FieldValueRequired",
            Self::Duplicate => "FieldValueDuplicate",
            Self::Invalid => "FieldValueInvalid",
            Self::NotSupported => "FieldValueNotSupported",
            Self::Forbidden => "FieldValueForbidden",
            Self::TooLong => "FieldValueTooLong",
            Self::TooMany => "FieldValueTooMany",
            Self::Internal => "InternalError",
            Self::TypeInvalid => "FieldValueTypeInvalid",
        }
    }

    fn text(self) -> &'static str {
        match self {
            Self::NotFound => "Not found",
            Self::Required => "Required value",
            Self::Duplicate => "Duplicate value",
            Self::Invalid | Self::TypeInvalid => "Invalid value",
            Self::NotSupported => "Unsupported value",
            Self::Forbidden => "Forbidden",
            Self::TooLong => "Too long",
            Self::TooMany => "Too many",
            Self::Internal => "Internal error",
        }
    }
}

impl FieldError {
    /// A value that breaks a rule.
    pub fn invalid(field: impl Into<String>, value: impl Into<Value>, detail: impl Into<String>) -> Self {
        Self { kind: FieldErrorKind::Invalid, field: field.into(), value: value.into(), detail: detail.into() }
    }

    /// A missing value.
    pub fn required(field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { kind: FieldErrorKind::Required, field: field.into(), value: Value::String(String::new()), detail: detail.into() }
    }

    /// A field that may not be set here.
    pub fn forbidden(field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { kind: FieldErrorKind::Forbidden, field: field.into(), value: Value::String(String::new()), detail: detail.into() }
    }

    /// A value seen before.
    pub fn duplicate(field: impl Into<String>, value: impl Into<Value>) -> Self {
        Self { kind: FieldErrorKind::Duplicate, field: field.into(), value: value.into(), detail: String::new() }
    }

    /// A reference to something that is not there.
    pub fn not_found(field: impl Into<String>, value: impl Into<Value>) -> Self {
        Self { kind: FieldErrorKind::NotFound, field: field.into(), value: value.into(), detail: String::new() }
    }

    /// A value outside an enumeration; `supported` in the order to print.
    pub fn not_supported(field: impl Into<String>, value: impl Into<Value>, supported: &[&str]) -> Self {
        let list: Vec<String> = supported.iter().map(|s| format!("{s:?}")).collect();
        let detail = if list.is_empty() { String::new() } else { format!("supported values: {}", list.join(", ")) };
        Self { kind: FieldErrorKind::NotSupported, field: field.into(), value: value.into(), detail }
    }

    /// A text or object longer than `max` bytes (the value is not printed).
    pub fn too_long(field: impl Into<String>, max: usize) -> Self {
        let detail = format!("may not be more than {max} bytes");
        Self { kind: FieldErrorKind::TooLong, field: field.into(), value: Value::String(String::new()), detail }
    }

    /// More items than allowed.
    pub fn too_many(field: impl Into<String>, actual: usize, max: usize) -> Self {
        let detail = format!("must have at most {max} items");
        Self { kind: FieldErrorKind::TooMany, field: field.into(), value: Value::from(actual), detail }
    }

    /// A value of the wrong JSON type.
    pub fn type_invalid(field: impl Into<String>, value: impl Into<Value>, detail: impl Into<String>) -> Self {
        Self { kind: FieldErrorKind::TypeInvalid, field: field.into(), value: value.into(), detail: detail.into() }
    }

    /// `Invalid value: "x": detail`, without the path (`field.Error.ErrorBody`).
    pub fn body(&self) -> String {
        let text = self.kind.text();
        let head = match self.kind {
            FieldErrorKind::Required | FieldErrorKind::Forbidden | FieldErrorKind::TooLong | FieldErrorKind::Internal => text.to_owned(),
            _ => format!("{text}: {}", go_value(&self.value)),
        };
        if self.detail.is_empty() { head } else { format!("{head}: {}", self.detail) }
    }

    /// The cause in a `Status`.
    pub fn cause(&self) -> Cause {
        Cause { reason: self.kind.as_str().to_owned(), message: self.body(), field: self.field.clone() }
    }
}

impl std::fmt::Display for FieldError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.field, self.body())
    }
}

/// A value as `field.Error` prints it: strings quoted, numbers and booleans plain, the rest as JSON.
fn go_value(value: &Value) -> String {
    value.to_string()
}
