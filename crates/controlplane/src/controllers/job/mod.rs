//! job-controller.

mod controller;
mod indexes;
mod plan;
mod policy;

pub use controller::run;
pub use plan::finished;
