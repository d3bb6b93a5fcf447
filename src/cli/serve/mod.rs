//! The session's own process: [`run`] brings the cluster up and serves, [`service`] answers requests, [`engine`] is the
//! cluster with the scenario on it, [`attempt`] is what is remembered of the learner.

pub mod attempt;
pub mod convert;
pub mod engine;
pub mod existing;
pub mod kind;
pub mod run;
pub mod service;
pub mod shells;

pub use run::{Plan, serve};
