//! `ServiceAccount`: every pod has one, and its token.

use serde_json::{Value, json};

use super::plugin::{creates, forbidden, is, lookup};
use crate::json::Json;
use crate::server::AdmissionCall;
use crate::status::ApiError;

const MOUNT_PATH: &str = "/var/run/secrets/kubernetes.io/serviceaccount";
/// Life of a pod's token: an hour, and seven seconds that mark it as issued for a mount.
const TOKEN_SECONDS: i64 = 3607;

fn is_mirror(pod: &Value) -> bool {
    pod.object("metadata.annotations").is_some_and(|a| a.contains_key("kubernetes.io/config.mirror"))
}

/// Whether a pod wants the default account of its namespace and that is not there (yet).
pub(super) fn awaits_default(call: &AdmissionCall<'_>, pod: &Value) -> bool {
    let lookup = lookup(call);
    matches!(pod.text("spec.serviceAccountName"), "" | "default")
        && !is_mirror(pod)
        && lookup.get("", "namespaces", "", call.namespace).is_some_and(|n| n.value().text("status.phase") == "Active")
        && lookup.get("", "serviceaccounts", call.namespace, "default").is_none()
}

pub(super) fn mutate(call: &AdmissionCall<'_>, pod: &mut Value) -> Result<(), ApiError> {
    if !is(call, "", "pods") || !creates(call) || is_mirror(pod) {
        return Ok(());
    }
    if pod.text("spec.serviceAccountName").is_empty() {
        pod.put("spec.serviceAccountName", "default");
    }
    let name = pod.text("spec.serviceAccountName").to_owned();
    pod.put("spec.serviceAccount", name.as_str());
    let Some(account) = lookup(call).get("", "serviceaccounts", call.namespace, &name) else {
        return Err(missing(call, pod, &name));
    };
    let account = account.value();
    let wanted = pod.flag("spec.automountServiceAccountToken").or(account.flag("automountServiceAccountToken")).unwrap_or(true);
    if wanted {
        mount_token(call, pod);
    }
    if pod.list("spec.imagePullSecrets").is_empty() && !account.list("imagePullSecrets").is_empty() {
        pod.put("spec.imagePullSecrets", account.at("imagePullSecrets").clone());
    }
    Ok(())
}

fn missing(call: &AdmissionCall<'_>, pod: &Value, name: &str) -> ApiError {
    let why = format!("error looking up service account {}/{name}: serviceaccount {name:?} not found", call.namespace);
    forbidden(call, pod, why)
}

/// The last say: what later plugins did is checked again.
pub(super) fn judge(call: &AdmissionCall<'_>, pod: &Value) -> Result<(), ApiError> {
    if !is(call, "", "pods") || !creates(call) {
        return Ok(());
    }
    if is_mirror(pod) {
        if !pod.text("spec.serviceAccountName").is_empty() {
            return Err(forbidden(call, pod, "a mirror pod may not reference service accounts"));
        }
        let projects = |v: &Value| v.list("projected.sources").iter().any(|s| s.has("serviceAccountToken"));
        if pod.list("spec.volumes").iter().any(|v| v.has("secret")) {
            return Err(forbidden(call, pod, "a mirror pod may not reference secrets"));
        }
        if pod.list("spec.volumes").iter().any(projects) {
            return Err(forbidden(call, pod, "a mirror pod may not use ServiceAccountToken volume projections"));
        }
        return Ok(());
    }
    let name = pod.text("spec.serviceAccountName");
    if lookup(call).get("", "serviceaccounts", call.namespace, name).is_none() {
        return Err(missing(call, pod, name));
    }
    Ok(())
}

fn mount_token(call: &AdmissionCall<'_>, pod: &mut Value) {
    // A volume with such a name that is there already is taken.
    let found = pod.list("spec.volumes").iter().map(|v| v.text("name")).find(|n| n.starts_with("kube-api-access-")).map(str::to_owned);
    let has_volume = found.is_some();
    let volume = found.unwrap_or_else(|| format!("kube-api-access-{}", call.core.store.generate(|g| g.name_suffix(5))));
    let mut needed = false;
    for list in ["initContainers", "containers"] {
        for container in pod.list_mut(&format!("spec.{list}")) {
            if container.list("volumeMounts").iter().any(|m| m.text("mountPath") == MOUNT_PATH) {
                continue;
            }
            needed = true;
            let mut mounts = container.list("volumeMounts").to_vec();
            mounts.push(json!({"name": volume, "readOnly": true, "mountPath": MOUNT_PATH}));
            container.put("volumeMounts", mounts);
        }
    }
    if needed && !has_volume {
        let mut volumes = pod.list("spec.volumes").to_vec();
        volumes.push(json!({"name": volume, "projected": {
            "sources": [
                {"serviceAccountToken": {"expirationSeconds": TOKEN_SECONDS, "path": "token"}},
                {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
                {"downwardAPI": {"items": [{"path": "namespace", "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}}]}},
            ],
            "defaultMode": 420,
        }}));
        pod.put("spec.volumes", volumes);
    }
}
