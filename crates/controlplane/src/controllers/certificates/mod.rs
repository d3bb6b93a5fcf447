//! Certificate signing requests: approving those of kubelets, signing what is approved, cleaning up.

mod approver;
mod cleaner;
mod request;
mod signer;

pub use approver::run as run_approver;
pub use cleaner::run as run_cleaner;
pub use signer::run as run_signer;
