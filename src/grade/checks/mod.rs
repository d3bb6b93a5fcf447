//! The checks, one file each.

pub mod absent;
pub mod access;
pub mod cel;
pub mod condition;
pub mod daemon_set_pod;
pub mod exec;
pub mod file;
pub mod file_answer;
pub mod http;
pub mod logs;
pub mod node;
pub mod pod_placement;
pub mod resource;
pub mod service_endpoints;
pub mod units;
pub mod workload;
