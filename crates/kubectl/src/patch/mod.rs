//! Making patches: strategic merge patches for Kubernetes' own types, JSON merge patches for custom ones.

pub mod apply;
pub mod facts;
pub mod three_way;

pub use apply::apply_strategic;
pub use three_way::{Style, three_way, two_way};

/// Content type of a strategic merge patch.
pub const STRATEGIC: &str = "application/strategic-merge-patch+json";
/// Content type of a JSON merge patch.
pub const MERGE: &str = "application/merge-patch+json";
/// Content type of a JSON patch.
pub const JSON: &str = "application/json-patch+json";
/// Content type of a server-side apply.
pub const APPLY: &str = "application/apply-patch+yaml";
