//! Strategies: what a kind does to an object before it is validated and stored (`pkg/registry/*/strategy.go`).

mod certificate;
mod daemon_set;
mod job;
mod lookup;
mod namespace;
mod parts;
mod persistent_volume;
mod pod;
mod qos;
mod service;
mod service_ports;

pub(super) use lookup::{deletion, grace, of, unanswered};
pub(super) use parts::parts;
