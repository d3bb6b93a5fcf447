//! The built-in resources, as kube-apiserver 1.35 serves them by default.

use super::hooks::Hooks;
use super::resource::{Gvk, Resource, ScalePaths, Storage, Subresource, SubresourceKind};
use super::selectable;
use super::strategy;
use super::table::Registry;
use super::{component_status, convert};
use crate::schema::Table;
use crate::{printers, subresources, validation};

/// One row in short form.
struct Kind {
    group: &'static str,
    version: &'static str,
    kind: &'static str,
    plural: &'static str,
    /// Short names and categories, separated by commas.
    short: &'static str,
    categories: &'static str,
    /// Letters, see [`row`].
    marks: &'static str,
}

const fn kind(
    group: &'static str,
    version: &'static str,
    kind: &'static str,
    plural: &'static str,
    short: &'static str,
    categories: &'static str,
    marks: &'static str,
) -> Kind {
    Kind { group, version, kind, plural, short, categories, marks }
}

const RBAC: &str = "rbac.authorization.k8s.io";
const STORAGE: &str = "storage.k8s.io";
const NETWORKING: &str = "networking.k8s.io";
const ADMISSION: &str = "admissionregistration.k8s.io";
const AUTHORIZATION: &str = "authorization.k8s.io";
const AUTHENTICATION: &str = "authentication.k8s.io";
const RESOURCE: &str = "resource.k8s.io";
const FLOW: &str = "flowcontrol.apiserver.k8s.io";

/// Marks: `N` namespaced; `S` status subresource; `K` status kept on creation; `G` generation; `C` created by updates;
/// `R` updates need a resource version; `O` the deleted object is returned; `V` create only, never stored;
/// `L` read only; `D` no deletecollection; `s` scale subresource.
#[rustfmt::skip]
const KINDS: &[Kind] = &[
    kind("", "v1", "Binding", "bindings", "", "", "NV"),
    kind("", "v1", "ComponentStatus", "componentstatuses", "cs", "", "L"),
    kind("", "v1", "ConfigMap", "configmaps", "cm", "", "N"),
    kind("", "v1", "Endpoints", "endpoints", "ep", "", "NC"),
    kind("", "v1", "Event", "events", "ev", "", "NC"),
    kind("", "v1", "LimitRange", "limitranges", "limits", "", "NC"),
    kind("", "v1", "Namespace", "namespaces", "ns", "", "SOD"),
    kind("", "v1", "Node", "nodes", "no", "", "SK"),
    kind("", "v1", "PersistentVolume", "persistentvolumes", "pv", "", "SO"),
    kind("", "v1", "PersistentVolumeClaim", "persistentvolumeclaims", "pvc", "", "NSO"),
    kind("", "v1", "Pod", "pods", "po", "all", "NSGO"),
    kind("", "v1", "PodTemplate", "podtemplates", "", "", "NGO"),
    kind("", "v1", "ReplicationController", "replicationcontrollers", "rc", "all", "NSGs"),
    kind("", "v1", "ResourceQuota", "resourcequotas", "quota", "", "NSO"),
    kind("", "v1", "Secret", "secrets", "", "", "N"),
    kind("", "v1", "Service", "services", "svc", "all", "NSCO"),
    kind("", "v1", "ServiceAccount", "serviceaccounts", "sa", "", "NO"),
    kind("apiregistration.k8s.io", "v1", "APIService", "apiservices", "", "api-extensions", "S"),
    kind("apiextensions.k8s.io", "v1", "CustomResourceDefinition", "customresourcedefinitions", "crd,crds", "api-extensions", "SGR"),
    kind("apps", "v1", "ControllerRevision", "controllerrevisions", "", "", "N"),
    kind("apps", "v1", "DaemonSet", "daemonsets", "ds", "all", "NSG"),
    kind("apps", "v1", "Deployment", "deployments", "deploy", "all", "NSGs"),
    kind("apps", "v1", "ReplicaSet", "replicasets", "rs", "all", "NSGs"),
    kind("apps", "v1", "StatefulSet", "statefulsets", "sts", "all", "NSGs"),
    kind("events.k8s.io", "v1", "Event", "events", "ev", "", "NC"),
    kind(AUTHENTICATION, "v1", "SelfSubjectReview", "selfsubjectreviews", "", "", "V"),
    kind(AUTHENTICATION, "v1", "TokenReview", "tokenreviews", "", "", "V"),
    kind(AUTHORIZATION, "v1", "LocalSubjectAccessReview", "localsubjectaccessreviews", "", "", "NV"),
    kind(AUTHORIZATION, "v1", "SelfSubjectAccessReview", "selfsubjectaccessreviews", "", "", "V"),
    kind(AUTHORIZATION, "v1", "SelfSubjectRulesReview", "selfsubjectrulesreviews", "", "", "V"),
    kind(AUTHORIZATION, "v1", "SubjectAccessReview", "subjectaccessreviews", "", "", "V"),
    kind("autoscaling", "v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers", "hpa", "all", "NS"),
    kind("autoscaling", "v1", "HorizontalPodAutoscaler", "horizontalpodautoscalers", "hpa", "all", "NS"),
    kind("batch", "v1", "CronJob", "cronjobs", "cj", "all", "NSG"),
    kind("batch", "v1", "Job", "jobs", "", "all", "NSG"),
    kind("certificates.k8s.io", "v1", "CertificateSigningRequest", "certificatesigningrequests", "csr", "", "S"),
    kind(NETWORKING, "v1", "IngressClass", "ingressclasses", "", "", "G"),
    kind(NETWORKING, "v1", "Ingress", "ingresses", "ing", "", "NSG"),
    kind(NETWORKING, "v1", "IPAddress", "ipaddresses", "ip", "", ""),
    kind(NETWORKING, "v1", "NetworkPolicy", "networkpolicies", "netpol", "", "NG"),
    kind(NETWORKING, "v1", "ServiceCIDR", "servicecidrs", "", "", "S"),
    kind("policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets", "pdb", "", "NSGR"),
    kind(RBAC, "v1", "ClusterRoleBinding", "clusterrolebindings", "", "", "C"),
    kind(RBAC, "v1", "ClusterRole", "clusterroles", "", "", "C"),
    kind(RBAC, "v1", "RoleBinding", "rolebindings", "", "", "NC"),
    kind(RBAC, "v1", "Role", "roles", "", "", "NC"),
    kind(STORAGE, "v1", "CSIDriver", "csidrivers", "", "", "GRO"),
    kind(STORAGE, "v1", "CSINode", "csinodes", "", "", "RO"),
    kind(STORAGE, "v1", "CSIStorageCapacity", "csistoragecapacities", "", "", "NR"),
    kind(STORAGE, "v1", "StorageClass", "storageclasses", "sc", "", "O"),
    kind(STORAGE, "v1", "VolumeAttachment", "volumeattachments", "", "", "SGRO"),
    kind(STORAGE, "v1", "VolumeAttributesClass", "volumeattributesclasses", "vac", "", "O"),
    kind(ADMISSION, "v1", "MutatingWebhookConfiguration", "mutatingwebhookconfigurations", "", "api-extensions", "GR"),
    kind(ADMISSION, "v1", "ValidatingAdmissionPolicy", "validatingadmissionpolicies", "", "api-extensions", "SGR"),
    kind(ADMISSION, "v1", "ValidatingAdmissionPolicyBinding", "validatingadmissionpolicybindings", "", "api-extensions", "GR"),
    kind(ADMISSION, "v1", "ValidatingWebhookConfiguration", "validatingwebhookconfigurations", "", "api-extensions", "GR"),
    kind("scheduling.k8s.io", "v1", "PriorityClass", "priorityclasses", "pc", "", "G"),
    kind("coordination.k8s.io", "v1", "Lease", "leases", "", "", "NCR"),
    kind("node.k8s.io", "v1", "RuntimeClass", "runtimeclasses", "", "", "CR"),
    kind("discovery.k8s.io", "v1", "EndpointSlice", "endpointslices", "", "", "NG"),
    kind(RESOURCE, "v1", "DeviceClass", "deviceclasses", "", "", "GO"),
    kind(RESOURCE, "v1", "ResourceClaim", "resourceclaims", "", "", "NSO"),
    kind(RESOURCE, "v1", "ResourceClaimTemplate", "resourceclaimtemplates", "", "", "NO"),
    kind(RESOURCE, "v1", "ResourceSlice", "resourceslices", "", "", "GO"),
    kind(FLOW, "v1", "FlowSchema", "flowschemas", "", "", "SG"),
    kind(FLOW, "v1", "PriorityLevelConfiguration", "prioritylevelconfigurations", "", "", "SG"),
];

const ALL_VERBS: [&str; 8] = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];

/// Singular of a built-in plural; upstream derives it from the kind.
fn singular(kind: &str) -> String {
    kind.to_lowercase()
}

/// Where etcd has them (`SpecialDefaultResourcePrefixes`).
fn prefix(group: &str, plural: &str) -> String {
    let path = match (group, plural) {
        ("", "replicationcontrollers") => "controllers",
        ("", "endpoints") => "services/endpoints",
        ("", "nodes") => "minions",
        ("", "services") => "services/specs",
        (NETWORKING, "ingresses") => "ingress",
        ("apiregistration.k8s.io" | "apiextensions.k8s.io", plural) => return format!("/registry/{group}/{plural}"),
        (_, plural) => plural,
    };
    format!("/registry/{path}")
}

/// Texts of `APILifecycleDeprecated` types (`pkg/apis/core/types.go`).
fn deprecation(group: &str, kind: &str) -> Option<&'static str> {
    match (group, kind) {
        ("", "Endpoints") => Some("v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"),
        ("", "ComponentStatus") => Some("v1 ComponentStatus is deprecated in v1.19+"),
        _ => None,
    }
}

const SCALE: ScalePaths = ScalePaths { spec: "/spec/replicas", status: "/status/replicas", selector: "/spec/selector" };
const READ_WRITE: &[&str] = &["get", "patch", "update"];

fn row(kind: &Kind) -> Option<Resource> {
    let schema = Table::builtin();
    let gvk = Gvk::new(kind.group, kind.version, kind.kind);
    // Every row has its type: a test asks for all of them.
    let type_id = schema.find(&Table::type_name(kind.group, kind.version, kind.kind))?;
    let has = |mark| kind.marks.contains(mark);
    let words = |text: &str| text.split(',').filter(|word| !word.is_empty()).map(str::to_owned).collect();
    let storage = match (has('V'), subresources::review(kind.group, kind.kind)) {
        (true, Some(handler)) => Storage::Virtual(handler),
        (true, None) => Storage::Virtual(strategy::unanswered),
        _ if has('L') => Storage::Computed(component_status::statuses),
        _ => Storage::Stored { prefix: prefix(kind.group, kind.plural), conversion: convert::of(kind.group, kind.version, kind.kind) },
    };
    let verbs: Vec<String> = if has('V') {
        vec!["create".into()]
    } else if has('L') {
        vec!["get".into(), "list".into()]
    } else {
        ALL_VERBS.iter().filter(|verb| !(has('D') && **verb == "deletecollection")).map(|verb| (*verb).to_owned()).collect()
    };
    let mut subresources = subresources::extra(kind.group, kind.plural);
    subresources.extend(strategy::parts(kind.group, kind.plural));
    if has('S') {
        subresources.push(Subresource { name: "status", gvk: gvk.clone(), verbs: READ_WRITE, kind: SubresourceKind::Status });
    }
    if has('s') {
        let gvk = Gvk::new("autoscaling", "v1", "Scale");
        subresources.push(Subresource { name: "scale", gvk, verbs: READ_WRITE, kind: SubresourceKind::Scale(SCALE) });
    }
    subresources.sort_by_key(|subresource| subresource.name);
    subresources.dedup_by_key(|subresource| subresource.name);
    let hooks = Hooks {
        default: None,
        prepare: strategy::of(kind.group, kind.kind),
        validate: validation::validator(kind.group, kind.kind),
        warn: validation::warner(kind.group, kind.kind),
        printer: Some(printers::TABLE_PRINTER),
        selectable: selectable::of(kind.group, kind.kind),
        allow_create_on_update: has('C'),
        require_resource_version: has('R'),
        has_status: has('S'),
        keep_status_on_create: has('K'),
        has_generation: has('G'),
        grace: strategy::grace(kind.group, kind.kind),
        delete: strategy::deletion(kind.group, kind.kind),
        return_deleted: has('O'),
        deprecated: deprecation(kind.group, kind.kind),
    };
    Some(Resource {
        list_kind: format!("{}List", kind.kind),
        plural: kind.plural.into(),
        singular: singular(kind.kind),
        short_names: words(kind.short),
        categories: words(kind.categories),
        namespaced: has('N'),
        verbs,
        subresources,
        storage,
        schema,
        type_id,
        hooks,
        gvk,
    })
}

/// All built-in rows.
pub(super) fn registry() -> Registry {
    let mut registry = Registry::default();
    for row in KINDS.iter().filter_map(row) {
        registry.insert(row);
    }
    registry
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_type() {
        for kind in KINDS {
            assert!(row(kind).is_some(), "{}/{} {}", kind.group, kind.version, kind.kind);
        }
        assert_eq!(registry().iter().count(), KINDS.len());
    }

    #[test]
    fn keys_are_those_of_etcd() {
        let registry = registry();
        let key = |group, version, plural, ns, name| registry.find(group, version, plural).unwrap().key(ns, name).unwrap();
        assert_eq!(key("", "v1", "pods", "d", "x"), "/registry/pods/d/x");
        assert_eq!(key("", "v1", "nodes", "", "n"), "/registry/minions/n");
        assert_eq!(key("", "v1", "services", "d", "s"), "/registry/services/specs/d/s");
        assert_eq!(key("apps", "v1", "deployments", "d", "x"), "/registry/deployments/d/x");
        assert_eq!(
            key("apiextensions.k8s.io", "v1", "customresourcedefinitions", "", "x"),
            "/registry/apiextensions.k8s.io/customresourcedefinitions/x"
        );
    }
}
