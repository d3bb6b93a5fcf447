//! Files: an inode tree that is plain data, and views of it as a process sees them (bind mounts, `/proc`).

mod credentials;
mod errno;
mod inode;
mod resolve;
#[cfg(test)]
mod tests;
mod tree;
mod view;
mod view_ops;

pub use credentials::Credentials;
pub use errno::Errno;
pub use inode::{Device, FileData, Ino, Inode, Kind, Stat};
pub use resolve::{Forest, Mount, MountSource, Namespace, TreeId};
pub use tree::{Tree, TreeDelta};
pub use view::{Executable, View};
