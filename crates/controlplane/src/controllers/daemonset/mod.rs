//! daemonset-controller.

mod controller;
mod placement;
mod plan;
mod status;

pub use controller::run;
