//! Where clusters come from, and the border behind which they hide: everything else meets a cluster as an [`Environment`].

pub mod choice;
pub mod embedded;
pub mod environment;
pub mod existing;
pub mod host_command;
pub mod host_dialer;
pub mod interactive;
pub mod kind;
pub mod running;

pub use crate::model::{Capability, Inventory, InventoryNode, NodePaths, Role};
pub use choice::Backend;
pub use environment::{
    AccessError, Environment, ForkError, ForkJob, Forks, NodeAccess, NodeFile, Now, Output, Progress, ScriptShell, on_fork,
};
pub use running::Running;
