//! The checks, one file each.

pub mod absent;
pub mod access;
pub mod cel;
pub mod certificate;
pub mod claim;
pub mod component;
pub mod condition;
pub mod daemon_set_pod;
pub mod dns;
pub mod endpoint_share;
pub mod exec;
pub mod file;
pub mod file_answer;
pub mod http;
pub mod kubeconfig;
pub mod logs;
pub mod node;
pub mod pod_placement;
pub mod pods_ready;
pub mod rbac;
pub mod resource;
pub mod service_endpoints;
pub mod static_pod;
pub mod traffic;
pub mod units;
pub mod workload;
