//! The format as a JSON Schema, generated from the types, and documents held against it with all errors at once.

mod check;
mod generate;
pub mod reference;

pub use check::check;
pub use generate::{DocumentKind, schema};
