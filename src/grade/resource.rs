//! Kinds of resources by the names that people use.

use serde::{Deserialize, Serialize};

/// A kind with its API version.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResourceRef {
    /// `v1`, `apps/v1`; empty when unknown: then it is looked up by discovery.
    pub api_version: String,
    /// `Deployment`.
    pub kind: String,
}

/// One built-in kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BuiltIn {
    /// `Deployment`.
    pub kind: &'static str,
    /// `apps/v1`.
    pub api_version: &'static str,
    /// `deployments`.
    pub plural: &'static str,
    /// Whether objects live in namespaces.
    pub namespaced: bool,
}

const fn row(kind: &'static str, api_version: &'static str, plural: &'static str, namespaced: bool) -> BuiltIn {
    BuiltIn { kind, api_version, plural, namespaced }
}

/// The kinds that content may name without an API version: all of Kubernetes' own that candidates meet.
pub const BUILT_IN: &[BuiltIn] = &[
    row("APIService", "apiregistration.k8s.io/v1", "apiservices", false),
    row("CertificateSigningRequest", "certificates.k8s.io/v1", "certificatesigningrequests", false),
    row("ClusterRole", "rbac.authorization.k8s.io/v1", "clusterroles", false),
    row("ClusterRoleBinding", "rbac.authorization.k8s.io/v1", "clusterrolebindings", false),
    row("ConfigMap", "v1", "configmaps", true),
    row("ControllerRevision", "apps/v1", "controllerrevisions", true),
    row("CronJob", "batch/v1", "cronjobs", true),
    row("CSIDriver", "storage.k8s.io/v1", "csidrivers", false),
    row("CustomResourceDefinition", "apiextensions.k8s.io/v1", "customresourcedefinitions", false),
    row("DaemonSet", "apps/v1", "daemonsets", true),
    row("Deployment", "apps/v1", "deployments", true),
    row("EndpointSlice", "discovery.k8s.io/v1", "endpointslices", true),
    row("Endpoints", "v1", "endpoints", true),
    row("Event", "v1", "events", true),
    row("Gateway", "gateway.networking.k8s.io/v1", "gateways", true),
    row("GatewayClass", "gateway.networking.k8s.io/v1", "gatewayclasses", false),
    row("HTTPRoute", "gateway.networking.k8s.io/v1", "httproutes", true),
    row("HorizontalPodAutoscaler", "autoscaling/v2", "horizontalpodautoscalers", true),
    row("Ingress", "networking.k8s.io/v1", "ingresses", true),
    row("IngressClass", "networking.k8s.io/v1", "ingressclasses", false),
    row("Job", "batch/v1", "jobs", true),
    row("Lease", "coordination.k8s.io/v1", "leases", true),
    row("LimitRange", "v1", "limitranges", true),
    row("MutatingWebhookConfiguration", "admissionregistration.k8s.io/v1", "mutatingwebhookconfigurations", false),
    row("Namespace", "v1", "namespaces", false),
    row("NetworkPolicy", "networking.k8s.io/v1", "networkpolicies", true),
    row("Node", "v1", "nodes", false),
    row("PersistentVolume", "v1", "persistentvolumes", false),
    row("PersistentVolumeClaim", "v1", "persistentvolumeclaims", true),
    row("Pod", "v1", "pods", true),
    row("PodDisruptionBudget", "policy/v1", "poddisruptionbudgets", true),
    row("PodTemplate", "v1", "podtemplates", true),
    row("PriorityClass", "scheduling.k8s.io/v1", "priorityclasses", false),
    row("ReplicaSet", "apps/v1", "replicasets", true),
    row("ReplicationController", "v1", "replicationcontrollers", true),
    row("ResourceQuota", "v1", "resourcequotas", true),
    row("Role", "rbac.authorization.k8s.io/v1", "roles", true),
    row("RoleBinding", "rbac.authorization.k8s.io/v1", "rolebindings", true),
    row("RuntimeClass", "node.k8s.io/v1", "runtimeclasses", false),
    row("Secret", "v1", "secrets", true),
    row("Service", "v1", "services", true),
    row("ServiceAccount", "v1", "serviceaccounts", true),
    row("StatefulSet", "apps/v1", "statefulsets", true),
    row("StorageClass", "storage.k8s.io/v1", "storageclasses", false),
    row("ValidatingAdmissionPolicy", "admissionregistration.k8s.io/v1", "validatingadmissionpolicies", false),
    row("ValidatingAdmissionPolicyBinding", "admissionregistration.k8s.io/v1", "validatingadmissionpolicybindings", false),
    row("ValidatingWebhookConfiguration", "admissionregistration.k8s.io/v1", "validatingwebhookconfigurations", false),
    row("VolumeAttachment", "storage.k8s.io/v1", "volumeattachments", false),
];

impl ResourceRef {
    /// A kind as an author names it: without a version, that of the built-in kind of this name.
    pub fn new(kind: &str, api_version: Option<&str>) -> Self {
        let known = || BUILT_IN.iter().find(|b| b.kind == kind).map_or("", |b| b.api_version);
        Self { api_version: api_version.unwrap_or_else(known).to_owned(), kind: kind.to_owned() }
    }

    /// The table's row, for built-in kinds in the version that the table has.
    pub fn built_in(&self) -> Option<&'static BuiltIn> {
        BUILT_IN.iter().find(|b| b.kind == self.kind && b.api_version == self.api_version)
    }

    /// Group, empty for the core group.
    pub fn group(&self) -> &str {
        self.api_version.split_once('/').map_or("", |(group, _)| group)
    }

    /// Version within the group.
    pub fn version(&self) -> &str {
        self.api_version.rsplit('/').next().unwrap_or_default()
    }

    /// The namespace that a query means: none for cluster-scoped kinds, `default` unless given elsewhere.
    pub fn namespace(&self, given: Option<&str>) -> Option<String> {
        match self.built_in() {
            Some(row) if !row.namespaced => None,
            _ => Some(given.unwrap_or("default").to_owned()),
        }
    }
}

impl std::fmt::Display for ResourceRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_know_their_version_and_scope() {
        let deployment = ResourceRef::new("Deployment", None);
        assert_eq!((deployment.group(), deployment.version()), ("apps", "v1"));
        assert_eq!(deployment.namespace(None).as_deref(), Some("default"));
        let node = ResourceRef::new("Node", None);
        assert_eq!((node.group(), node.namespace(Some("x"))), ("", None));
        let own = ResourceRef::new("Backup", Some("ops.example/v1alpha1"));
        assert_eq!((own.group(), own.version(), own.built_in()), ("ops.example", "v1alpha1", None));
    }

    #[test]
    fn the_table_names_each_kind_once() {
        let mut kinds: Vec<_> = BUILT_IN.iter().map(|b| b.kind).collect();
        let before = kinds.len();
        kinds.sort_unstable();
        kinds.dedup();
        assert_eq!(kinds.len(), before);
    }
}
