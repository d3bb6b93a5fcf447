//! The revisioned store: etcd's semantics over values that clone in constant time.

mod delta;
mod handle;
mod object;
mod state;
mod watch;

pub use delta::StoreDelta;
pub use handle::{CommitHook, Page, Store, StoreError};
pub use object::{Change, ChangeKind, Object};
pub use state::StoreState;
pub use watch::Watcher;
