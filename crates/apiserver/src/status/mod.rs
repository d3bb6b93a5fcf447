//! Errors as `metav1.Status`, with the reasons, codes and texts of apimachinery's `pkg/api/errors`.

mod details;
mod error;
mod field;
mod reason;

pub use details::{Cause, Details, success};
pub use error::{ApiError, group_resource};
pub use field::{FieldError, FieldErrorKind};
pub use reason::Reason;
