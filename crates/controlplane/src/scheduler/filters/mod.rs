//! Filters, one file per plugin. Each says why a node cannot take the pod.

pub mod affinity;
pub mod basic;
pub mod fit;
pub mod ports;
pub mod spread;
