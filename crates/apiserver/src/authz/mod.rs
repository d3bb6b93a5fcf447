//! Authorization: `system:masters`, the node authorizer and RBAC.

mod chain;
mod escalation;
mod grants;
mod node;
mod node_graph;
mod rbac;
mod rules;

pub use chain::{Decision, Modes, decide, forbidden};
pub use escalation::{confirm_binding, confirm_role};
pub(crate) use grants::Remembered;
pub use node::node_identity;
pub use rbac::{Resolved, rules_for};
pub use rules::{Wanted, allows};
