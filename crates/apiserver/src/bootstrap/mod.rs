//! Objects that the server itself sees to: post-start hooks.

mod authentication;
mod hooks;
mod kubernetes_service;
mod namespaces;
mod priority_classes;
mod rbac;
#[cfg(test)]
mod tests;
mod write;

pub use hooks::post_start_hooks;
pub use rbac::cluster_role_rules;
