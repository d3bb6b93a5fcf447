//! A cluster that the user names and that others may use too: nothing on its nodes, nothing outside namespaces of our own.
//!
//! ```text
//! kubeconfig file + context ──> guard (not production) ──> detect (what it can do) ──> plan (what would be made; taken?)
//!   ──> the user agrees ──> setup, labelled with the session ──> … ──> remove (exactly those namespaces)
//! ```

mod cluster;
mod credentials;
mod detect;
mod error;
mod guard;
mod kubeconfig;
mod nodes;
mod permissions;
mod plan;

pub use cluster::{Existing, Options};
pub use credentials::CarryError;
pub use detect::{Detected, detect};
pub use error::ExistingError;
pub use guard::{LooksLikeProduction, Names, PRODUCTION, refuse_production};
pub use kubeconfig::{Chosen, ContextError};
pub use permissions::{Subject, manifest, missing};
pub use plan::{PREFIX, Plan, PlanError, Planned, Removed, SESSION_LABEL};
