//! Which objects a node needs: those that pods bound to it refer to (the essence of upstream's graph, computed when
//! asked instead of kept).

use serde_json::Value;

use crate::json::Json;
use crate::lookup::Lookup;

/// Kinds of objects in the graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Thing {
    Pod,
    Secret,
    ConfigMap,
    Claim,
    Volume,
    Attachment,
    ServiceAccount,
    ResourceClaim,
}

/// Whether `node` is related to an object.
pub(super) fn reaches(lookup: &Lookup, node: &str, thing: Thing, namespace: &str, name: &str) -> bool {
    match thing {
        Thing::Pod => lookup.get("", "pods", namespace, name).is_some_and(|pod| pod.value().text("spec.nodeName") == node),
        Thing::Volume => lookup.get("", "persistentvolumes", "", name).is_some_and(|volume| {
            let claim = volume.value().at("spec.claimRef");
            reaches(lookup, node, Thing::Claim, claim.text("namespace"), claim.text("name"))
        }),
        Thing::Attachment => lookup
            .get("storage.k8s.io", "volumeattachments", "", name)
            .is_some_and(|attachment| attachment.value().text("spec.nodeName") == node),
        _ => lookup
            .list("", "pods", namespace)
            .iter()
            .map(|pod| pod.value())
            .filter(|pod| pod.text("spec.nodeName") == node)
            .any(|pod| refers(pod, thing, name)),
    }
}

/// Whether a pod refers to an object of its namespace.
fn refers(pod: &Value, thing: Thing, name: &str) -> bool {
    // Mirror pods may not refer to anything: a kubelet must not gain access by making one up.
    let mirror = pod.object("metadata.annotations").is_some_and(|a| a.contains_key("kubernetes.io/config.mirror"));
    if mirror {
        return false;
    }
    let spec = pod.at("spec");
    match thing {
        Thing::ServiceAccount => spec.text("serviceAccountName") == name,
        Thing::Claim => spec.list("volumes").iter().any(|v| {
            v.text("persistentVolumeClaim.claimName") == name
                || (v.has("ephemeral") && format!("{}-{}", pod.text("metadata.name"), v.text("name")) == name)
        }),
        Thing::ResourceClaim => {
            spec.list("resourceClaims").iter().any(|c| c.text("resourceClaimName") == name)
                || pod.list("status.resourceClaimStatuses").iter().any(|c| c.text("resourceClaimName") == name)
        }
        Thing::Secret => {
            spec.list("imagePullSecrets").iter().any(|s| s.text("name") == name)
                || environment(spec, "secretKeyRef", "secretRef", name)
                || spec.list("volumes").iter().any(|v| {
                    v.text("secret.secretName") == name
                        || v.list("projected.sources").iter().any(|s| s.text("secret.name") == name)
                        || ["rbd", "cephfs", "iscsi", "flexVolume", "storageos", "scaleIO", "cinder"]
                            .iter()
                            .any(|kind| v.at(kind).text("secretRef.name") == name)
                        || v.text("azureFile.secretName") == name
                        || v.text("csi.nodePublishSecretRef.name") == name
                })
        }
        Thing::ConfigMap => {
            environment(spec, "configMapKeyRef", "configMapRef", name)
                || spec.list("volumes").iter().any(|v| {
                    v.text("configMap.name") == name || v.list("projected.sources").iter().any(|s| s.text("configMap.name") == name)
                })
        }
        Thing::Pod | Thing::Volume | Thing::Attachment => false,
    }
}

fn environment(spec: &Value, key_reference: &str, reference: &str, name: &str) -> bool {
    ["containers", "initContainers", "ephemeralContainers"].iter().flat_map(|kind| spec.list(kind)).any(|container| {
        container.list("env").iter().any(|e| e.at("valueFrom").at(key_reference).text("name") == name)
            || container.list("envFrom").iter().any(|e| e.at(reference).text("name") == name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn pods_refer_by_volumes_environment_and_pull_secrets() {
        let pod = json!({"metadata": {"name": "p"}, "spec": {
            "serviceAccountName": "sa",
            "imagePullSecrets": [{"name": "pull"}],
            "volumes": [{"name": "a", "secret": {"secretName": "s1"}}, {"name": "b", "projected": {"sources": [{"configMap": {"name": "ca"}}]}},
                {"name": "c", "persistentVolumeClaim": {"claimName": "data"}}],
            "containers": [{"name": "c", "env": [{"name": "X", "valueFrom": {"secretKeyRef": {"name": "s2"}}}],
                "envFrom": [{"configMapRef": {"name": "cfg"}}]}]}});
        let cases = [
            (Thing::Secret, "s1", true),
            (Thing::Secret, "s2", true),
            (Thing::Secret, "pull", true),
            (Thing::Secret, "other", false),
            (Thing::ConfigMap, "ca", true),
            (Thing::ConfigMap, "cfg", true),
            (Thing::Claim, "data", true),
            (Thing::ServiceAccount, "sa", true),
            (Thing::ServiceAccount, "default", false),
        ];
        for (thing, name, want) in cases {
            assert_eq!(refers(&pod, thing, name), want, "{thing:?} {name}");
        }
        let mut mirror = pod;
        mirror["metadata"]["annotations"] = json!({"kubernetes.io/config.mirror": "x"});
        assert!(!refers(&mirror, Thing::Secret, "s1"));
    }
}
