//! Validation of built-in kinds, with upstream's rules, paths and texts. Objects come here decoded and defaulted.

mod batch;
mod certificates;
mod cluster;
mod config;
mod cron;
mod diff;
mod lookup;
mod meta;
mod names;
mod networking;
mod path;
mod pod;
mod policy;
mod rbac;
mod service;
mod storage;
#[cfg(test)]
mod testing;
mod workloads;

pub use certificates::request_der;
pub use lookup::{name_rule, validator, warner};
pub use meta::{NameRule, object_meta, object_meta_update};
pub use names::{dns_label, dns_subdomain, label_value, qualified_name};
pub use path::{Errors, Path};

use pod::port as pod_port;
