//! The journal: what units and the kernel said, and `journalctl`'s way to show it.

mod entry;
mod log;
mod query;

pub use entry::{Entry, Priority};
pub use log::{Journal, JournalDelta};
pub use query::{Format, Query};
