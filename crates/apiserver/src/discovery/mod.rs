//! Discovery: which groups, versions and resources there are, in the classic and the aggregated form.

mod aggregated;
mod handler;
mod lists;
mod order;

pub use handler::Discovery;
pub use order::{compare_versions, groups};
