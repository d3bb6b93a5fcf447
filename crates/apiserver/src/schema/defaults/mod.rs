//! Defaulting: the table's constants, and functions for what needs a decision (`pkg/apis/*/v1/defaults.go`).

mod types;
mod walk;

pub(super) use types::of_type;
pub use walk::apply_defaults;
