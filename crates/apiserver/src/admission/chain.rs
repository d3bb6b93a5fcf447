//! The order of plugins, and which of them are on.

use std::time::Duration;

use futures::future::BoxFuture;
use serde_json::Value;

use super::plugin::{Plugin, creates, is};
use super::{
    always_pull, certificates, default_classes, escalation, lifecycle, limit_ranger, node_restriction, pod_security, priority, quota,
    runtime_class, service_account, storage, tolerations,
};
use crate::server::{Admission, AdmissionCall};
use crate::status::ApiError;

/// Plugins in upstream's order (`AllOrderedPlugins`).
static PLUGINS: [Plugin; 18] = [
    Plugin { name: "NamespaceLifecycle", default: true, mutate: Some(lifecycle::admit), judge: None },
    Plugin { name: "LimitRanger", default: true, mutate: Some(limit_ranger::mutate), judge: Some(limit_ranger::judge) },
    Plugin { name: "ServiceAccount", default: true, mutate: Some(service_account::mutate), judge: Some(service_account::judge) },
    Plugin { name: "NodeRestriction", default: false, mutate: Some(node_restriction::admit), judge: None },
    Plugin { name: "TaintNodesByCondition", default: true, mutate: Some(tolerations::taint_new_node), judge: None },
    Plugin { name: "AlwaysPullImages", default: false, mutate: Some(always_pull::mutate), judge: None },
    Plugin { name: "PodSecurity", default: true, mutate: None, judge: Some(pod_security::judge) },
    Plugin { name: "Priority", default: true, mutate: Some(priority::mutate), judge: Some(priority::judge) },
    Plugin { name: "DefaultTolerationSeconds", default: true, mutate: Some(tolerations::default_seconds), judge: None },
    Plugin { name: "DefaultStorageClass", default: true, mutate: Some(default_classes::storage_class), judge: None },
    Plugin { name: "StorageObjectInUseProtection", default: true, mutate: Some(storage::protect), judge: None },
    Plugin { name: "PersistentVolumeClaimResize", default: true, mutate: None, judge: Some(storage::resize) },
    Plugin { name: "RuntimeClass", default: true, mutate: Some(runtime_class::mutate), judge: None },
    Plugin { name: "CertificateApproval", default: true, mutate: None, judge: Some(certificates::approval) },
    Plugin { name: "CertificateSigning", default: true, mutate: None, judge: Some(certificates::signing) },
    Plugin { name: "CertificateSubjectRestriction", default: true, mutate: None, judge: Some(certificates::subject) },
    Plugin { name: "DefaultIngressClass", default: true, mutate: Some(default_classes::ingress_class), judge: None },
    Plugin { name: "ResourceQuota", default: true, mutate: None, judge: Some(quota::judge) },
];

/// Tries to find the default service account of a new namespace (`ServiceAccount.getServiceAccount`).
const ACCOUNT_ATTEMPTS: u32 = 10;

/// The plugins that the configuration turns on.
#[derive(Clone, Copy, Debug, Default)]
pub struct Chain;

fn enabled<'a>(call: &'a AdmissionCall<'_>) -> impl Iterator<Item = &'static Plugin> + 'a {
    let config = &call.core.config;
    let named = |list: &[String], name: &str| list.iter().any(|n| n == name);
    PLUGINS.iter().filter(move |plugin| {
        !named(&config.disable_admission_plugins, plugin.name) && (plugin.default || named(&config.enable_admission_plugins, plugin.name))
    })
}

impl Admission for Chain {
    fn mutate<'a>(&'a self, call: &'a AdmissionCall<'a>, object: &'a mut Value) -> BoxFuture<'a, Result<(), ApiError>> {
        Box::pin(async move {
            if is(call, "", "pods") && creates(call) {
                // A namespace's default account appears a moment after the namespace.
                for _ in 1..ACCOUNT_ATTEMPTS {
                    if !service_account::awaits_default(call, object) {
                        break;
                    }
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
            enabled(call).filter_map(|plugin| plugin.mutate).try_for_each(|mutate| mutate(call, object))
        })
    }

    fn validate<'a>(&'a self, call: &'a AdmissionCall<'a>, object: Option<&'a Value>) -> BoxFuture<'a, Result<(), ApiError>> {
        Box::pin(async move {
            let object = object.unwrap_or(&Value::Null);
            // Not a plugin upstream, but part of RBAC's storage: it cannot be turned off.
            escalation::judge(call, object)?;
            enabled(call).filter_map(|plugin| plugin.judge).try_for_each(|judge| judge(call, object))
        })
    }
}
