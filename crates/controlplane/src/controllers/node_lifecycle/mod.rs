//! node-lifecycle-controller: notices nodes that stopped reporting, taints them, marks their pods not ready.

mod health;
mod labels;
mod monitor;
mod pods;
mod taints;
mod zones;

pub use health::{NodeHealth, ReadySeen};
pub use monitor::{NodeMemory, run};
pub use zones::{Zone, ZoneState};
