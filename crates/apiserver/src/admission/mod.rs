//! Admission: upstream's default plugins in upstream's order.

mod always_pull;
mod certificates;
mod chain;
mod default_classes;
mod escalation;
mod lifecycle;
mod limit_ranger;
mod node_restriction;
mod node_restriction_pods;
mod plugin;
mod pod_security;
mod pod_security_checks;
mod priority;
mod quota;
mod quota_usage;
mod runtime_class;
mod service_account;
mod storage;
mod tolerations;

pub use chain::Chain;
