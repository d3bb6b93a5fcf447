//! Which rules a kind has.

use super::meta::{NameRule, object_meta, object_meta_update};
use super::path::Errors;
use super::{batch, certificates, cluster, config, networking, pod, policy, rbac, service, storage, workloads};
use crate::json::Json;
use crate::registry::{Validate, Validation};
use crate::status::FieldError;

const RBAC: &str = "rbac.authorization.k8s.io";

/// The validation function of a kind: metadata first, then what the kind itself demands.
pub fn validator(_: &str, _: &str) -> Option<Validate> {
    Some(judge)
}

fn judge(input: &Validation<'_>) -> Vec<FieldError> {
    let gvk = &input.resource.gvk;
    let mut errors = Errors::default();
    match input.old {
        Some(old) => object_meta_update(input.object, old, &mut errors),
        None => object_meta(input.object, input.resource.namespaced, name_rule(&gvk.group, &gvk.kind), &mut errors),
    }
    if let Some(rules) = rules(&gvk.group, &gvk.kind) {
        errors.0.extend(rules(input));
    }
    errors.0
}

/// Rules of a kind. Kinds without any are checked by their schema and metadata only.
fn rules(group: &str, kind: &str) -> Option<Validate> {
    Some(match (group, kind) {
        ("", "Pod") => pod::validate,
        ("", "PodTemplate") => pod_template,
        ("", "ReplicationController") => workloads::replication_controller,
        ("apps", "Deployment") => workloads::deployment,
        ("apps", "ReplicaSet") => workloads::replica_set,
        ("apps", "DaemonSet") => workloads::daemon_set,
        ("apps", "StatefulSet") => workloads::stateful_set,
        ("batch", "Job") => batch::job,
        ("batch", "CronJob") => batch::cron_job,
        ("", "Service") => service::service,
        ("", "Endpoints") => service::endpoints,
        ("discovery.k8s.io", "EndpointSlice") => service::endpoint_slice,
        ("networking.k8s.io", "Ingress") => networking::ingress,
        ("networking.k8s.io", "IngressClass") => networking::ingress_class,
        ("networking.k8s.io", "NetworkPolicy") => networking::network_policy,
        ("", "ConfigMap") => config::config_map,
        ("", "Secret") => config::secret,
        ("", "PersistentVolume") => storage::volume,
        ("", "PersistentVolumeClaim") => storage::claim,
        ("storage.k8s.io", "StorageClass") => storage::storage_class,
        (RBAC, "Role") => rbac::role,
        (RBAC, "ClusterRole") => rbac::cluster_role,
        (RBAC, "RoleBinding") => rbac::role_binding,
        (RBAC, "ClusterRoleBinding") => rbac::cluster_role_binding,
        ("", "Namespace") => cluster::namespace,
        ("", "Node") => cluster::node,
        ("scheduling.k8s.io", "PriorityClass") => cluster::priority_class,
        ("coordination.k8s.io", "Lease") => cluster::lease,
        ("", "ResourceQuota") => policy::resource_quota,
        ("", "LimitRange") => policy::limit_range,
        ("policy", "PodDisruptionBudget") => policy::disruption_budget,
        ("autoscaling", "HorizontalPodAutoscaler") => policy::autoscaler,
        ("certificates.k8s.io", "CertificateSigningRequest") => certificates::signing_request,
        _ => return None,
    })
}

fn pod_template(input: &Validation<'_>) -> Vec<FieldError> {
    let mut errors = Errors::default();
    pod::template(input.object.at("template"), &super::Path::new("template"), &mut errors);
    errors.0
}

/// Warnings that a kind gives for what is legal and unwise.
pub fn warner(group: &str, kind: &str) -> Option<fn(&Validation<'_>) -> Vec<String>> {
    match (group, kind) {
        ("", "Pod") => Some(pod::warnings),
        ("apps", "Deployment" | "ReplicaSet" | "DaemonSet" | "StatefulSet") | ("batch", "Job") | ("", "ReplicationController") => {
            Some(|input| template_warnings(input, "spec.template"))
        }
        ("batch", "CronJob") => Some(|input| template_warnings(input, "spec.jobTemplate.spec.template")),
        _ => None,
    }
}

fn template_warnings(input: &Validation<'_>, path: &str) -> Vec<String> {
    if !input.subresource.is_empty() {
        return Vec::new();
    }
    pod::spec_warnings(input.object.at(path).at("spec"), &format!("{path}.spec"))
}

/// How names of a kind must look.
pub fn name_rule(group: &str, kind: &str) -> NameRule {
    match (group, kind) {
        (RBAC, _) | ("", "ComponentStatus") => NameRule::PathSegment,
        ("", "Service") => NameRule::Label1035,
        ("", "Namespace") => NameRule::Label,
        _ => NameRule::Subdomain,
    }
}
