//! Kubernetes' value types: how quantities, selectors, durations and ages are written, read and compared.
//!
//! Pure: no I/O, no clock. Texts of errors are upstream's, because clients show them.

pub mod duration;
mod int_or_percent;
mod quantity;
mod selector;

pub use int_or_percent::IntOrPercent;
pub use quantity::{Format, Quantity, QuantityError};
pub use selector::{FieldSelector, Operator, Requirement, Selector, SelectorError};

/// The Kubernetes release that everything here imitates.
pub const KUBERNETES_VERSION: &str = "v1.35.4";

/// Major and minor of [`KUBERNETES_VERSION`], as `/version` gives them.
pub const KUBERNETES_MINOR: (&str, &str) = ("1", "35");
