//! Claims and volumes: binding, provisioning, protection.

mod binder;
mod local_path;
mod protection;

pub use binder::run as run_binder;
pub use local_path::run as run_local_path;
pub use protection::{run_claims as run_claim_protection, run_volumes as run_volume_protection};
