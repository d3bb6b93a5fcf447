//! systemd: units from files, their run-time state as data, and the manager that acts on both.

mod exec;
mod install;
mod job;
mod load;
mod manager;
mod parse;
mod state;
mod supervise;
#[cfg(test)]
mod tests;
mod unit;

pub use exec::{expand, split};
pub use install::{Change, InstallError, UnitFileState};
pub use manager::{JobError, Systemd};
pub use state::{Active, ExecRecord, SystemdState, UnitState, describe};
pub use unit::{Exec, LoadState, Restart, ServiceType, Unit};
