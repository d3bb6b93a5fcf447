//! One practice run: its folder, its own process, and how the two talk.
//!
//! ```text
//!  ckaprep scenario ──spawns──> ckaprep session-serve ── owns the cluster ──> journal
//!        │ readiness: JSON lines on a pipe │
//!        └── control socket (frames of protocol.rs) ──┘ <── ckaprep check, ssh, attach, …
//! ```
//!
//! A session is *live* while its process holds the lock on `session.lock`; the system releases the lock however the
//! process ends, so a stale session is never taken for a live one. [`client`] talks to a live session, [`launch`]
//! starts (or wakes) one, [`server`] is the accepting side and leaves the meaning of requests to a [`server::Service`].

pub mod client;
pub mod directories;
pub mod entropy;
pub mod error;
pub mod folder;
pub mod launch;
pub mod private;
pub mod protocol;
pub mod registry;
pub mod server;
pub mod shell;

pub use client::Client;
pub use directories::Directories;
pub use error::SessionError;
pub use folder::{Folder, Record};
