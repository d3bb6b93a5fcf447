//! deployment-controller.

mod conditions;
mod controller;
mod replica_sets;
mod rolling;
mod scaling;
mod status;

pub use controller::run;
