//! Reports as people read them and as programs do. Everything here is a pure function from a document to text.
//!
//! A [`document`] is what `--format json` prints; its schema stands in `docs/schema`. The text of a document is for
//! people, fits the terminal's width, and may change.

pub mod document;
pub mod learning;
pub mod markdown;
pub mod schema;
pub mod style;
pub mod table;
pub mod text;
pub mod wrap;

pub use style::Style;
