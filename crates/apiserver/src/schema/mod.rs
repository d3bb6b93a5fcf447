//! The schema table: every type of the API, with what decoding, defaulting, merging and explaining need.

mod base64_text;
mod decode;
mod defaults;
mod go_syntax;
mod json;
mod table;
mod types;

pub use decode::{DecodeError, Decoded, decode, zero_object};
pub use defaults::apply_defaults;
pub use go_syntax::go_syntax_error;
pub use json::{Parsed, parse_json, parse_yaml};
pub use table::{Descriptions, Table};
pub use types::{Field, ListType, MergeStrategy, Shape, Type, TypeId};
