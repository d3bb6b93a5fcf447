//! Which strategy a kind has.

use futures::future::BoxFuture;
use serde_json::Value;

use super::{certificate, daemon_set, job, namespace, persistent_volume, pod, service};
use crate::registry::{CreateCall, Deletion, Strategy};
use crate::status::ApiError;

/// Strategy of a kind, besides what holds for all.
pub fn of(group: &str, kind: &str) -> Option<Strategy> {
    Some(match (group, kind) {
        ("", "Pod") => pod::prepare,
        ("", "Namespace") => namespace::prepare,
        ("", "Service") => service::prepare,
        ("", "PersistentVolume") => persistent_volume::prepare,
        ("apps", "DaemonSet") => daemon_set::prepare,
        ("batch", "Job") => job::prepare,
        ("certificates.k8s.io", "CertificateSigningRequest") => certificate::prepare,
        _ => return None,
    })
}

/// Grace periods: pods only.
pub fn grace(group: &str, kind: &str) -> Option<fn(&Value, Option<i64>) -> i64> {
    ((group, kind) == ("", "Pod")).then_some(pod::grace as fn(&Value, Option<i64>) -> i64)
}

/// Deletion of namespaces waits for their content.
pub fn deletion(group: &str, kind: &str) -> Option<Deletion> {
    ((group, kind) == ("", "Namespace")).then_some(Deletion { begin: namespace::terminate, pending: namespace::pending })
}

/// The answer of a create-only kind that nobody answers.
pub fn unanswered(call: CreateCall) -> BoxFuture<'static, Result<Value, ApiError>> {
    let resource = call.resource.clone();
    Box::pin(std::future::ready(Err(ApiError::method_not_supported(&resource.gvk.group, &resource.plural, "create"))))
}
