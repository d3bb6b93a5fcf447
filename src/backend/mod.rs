//! Where clusters come from, and the border behind which they hide: everything else meets a cluster as an [`Environment`].

pub mod embedded;
pub mod environment;
pub mod interactive;

pub use crate::model::{Capability, Inventory, InventoryNode, NodePaths, Role};
pub use environment::{AccessError, Environment, ForkError, ForkJob, Forks, NodeAccess, NodeFile, Output, ScriptShell, on_fork};
