//! How lists of Kubernetes' own types merge (the `patchStrategy` and `patchMergeKey` tags of `k8s.io/api`).

/// What a strategic merge does with a list or object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// A list is replaced as a whole.
    Replace,
    /// Elements with equal keys are merged.
    Keyed(&'static str),
    /// A set of plain values.
    Set,
}

/// The strategy of the list in `field`; `kind` is that of the whole object, because one name can mean different lists.
pub fn strategy(kind: &str, field: &str) -> Strategy {
    match field {
        "containers"
        | "initContainers"
        | "ephemeralContainers"
        | "volumes"
        | "env"
        | "imagePullSecrets"
        | "schedulingGates"
        | "resourceClaims"
        | "webhooks"
        | "extendedResourceClaims" => Strategy::Keyed("name"),
        "volumeMounts" => Strategy::Keyed("mountPath"),
        "volumeDevices" => Strategy::Keyed("devicePath"),
        "ports" if kind == "Service" => Strategy::Keyed("port"),
        "ports" if matches!(kind, "Endpoints" | "EndpointSlice" | "NetworkPolicy" | "Ingress") => Strategy::Replace,
        "ports" => Strategy::Keyed("containerPort"),
        "hostAliases" | "podIPs" | "hostIPs" => Strategy::Keyed("ip"),
        "topologySpreadConstraints" => Strategy::Keyed("topologyKey"),
        "conditions" | "addresses" => Strategy::Keyed("type"),
        "ownerReferences" => Strategy::Keyed("uid"),
        "secrets" if kind == "ServiceAccount" => Strategy::Keyed("name"),
        "finalizers" | "podCIDRs" => Strategy::Set,
        _ => Strategy::Replace,
    }
}

/// Objects of which a patch names all keys to keep (`retainKeys`): one key excludes another there.
pub fn retains_keys(kind: &str, parent: &str, field: &str) -> bool {
    // A Deployment's strategy, a DaemonSet's has no such tag; an element of `volumes`.
    (kind == "Deployment" && parent == "spec" && field == "strategy") || field == "volumes"
}
