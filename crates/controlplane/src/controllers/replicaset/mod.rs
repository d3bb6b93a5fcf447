//! replicaset-controller.

mod controller;
mod ranking;
mod status;

pub use controller::run;
