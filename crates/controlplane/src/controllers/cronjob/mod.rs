//! cronjob-controller.

mod controller;
mod schedule;

pub use controller::run;
