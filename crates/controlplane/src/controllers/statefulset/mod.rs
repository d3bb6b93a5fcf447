//! statefulset-controller.

mod controller;
mod plan;
mod pods;

pub use controller::run;
