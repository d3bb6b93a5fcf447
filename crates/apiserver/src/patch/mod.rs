//! The patch formats.

mod json;
mod strategic;
mod strategic_list;

pub use json::{json_patch, merge_patch};
pub use strategic::strategic_merge;
pub use strategic_list::go_text;

/// All media types, in upstream's order.
pub const MEDIA_TYPES: [&str; 4] = [JSON, MERGE, STRATEGIC, APPLY];
/// RFC 6902.
pub const JSON: &str = "application/json-patch+json";
/// RFC 7386.
pub const MERGE: &str = "application/merge-patch+json";
/// Strategic merge patch.
pub const STRATEGIC: &str = "application/strategic-merge-patch+json";
/// Server-side apply.
pub const APPLY: &str = "application/apply-patch+yaml";
