//! Writing a decision down: volumes first, then the Binding.

use std::time::Duration;

use k8s_openapi::api::core::v1::{PersistentVolume, PersistentVolumeClaim, Pod};
use serde_json::{Value, json};

use super::volumes::Step;
use crate::machinery::errors::text;
use crate::machinery::volume_match::is_bound_to;
use crate::machinery::{Informer, Meta, Rest};

/// `bindTimeoutSeconds` of the VolumeBinding plugin.
const BIND_TIMEOUT: Duration = Duration::from_secs(600);

/// Asks for the volumes and waits until the claims are bound.
pub async fn volumes(rest: &Rest, claims: &Informer<PersistentVolumeClaim>, node: &str, steps: &[Step]) -> Result<(), String> {
    let failed = |error: kube::Error| format!("running PreBind plugin \"VolumeBinding\": {}", text(&error));
    let mut waiting = Vec::new();
    for step in steps {
        match step {
            Step::Reserve(volume, claim) => {
                if !is_bound_to(volume, claim) {
                    let patch = json!({
                        "metadata": {"resourceVersion": volume.metadata.resource_version, "annotations": {"pv.kubernetes.io/bound-by-controller": "yes"}},
                        "spec": {"claimRef": {"kind": "PersistentVolumeClaim", "apiVersion": "v1", "namespace": claim.ns(), "name": claim.name(),
                                              "uid": claim.uid(), "resourceVersion": claim.metadata.resource_version}},
                    });
                    rest.merge::<PersistentVolume>("", volume.name(), "", &patch).await.map_err(failed)?;
                }
                waiting.push(claim.key());
            }
            Step::Provision(claim) => {
                if claim.annotation("volume.kubernetes.io/selected-node") != Some(node) {
                    let patch = json!({"metadata": {"annotations": {"volume.kubernetes.io/selected-node": node}}});
                    rest.merge::<PersistentVolumeClaim>(claim.ns(), claim.name(), "", &patch).await.map_err(failed)?;
                }
                waiting.push(claim.key());
            }
        }
    }
    let wait = async {
        for key in waiting {
            claims.until(|cache| cache.get(&key).is_none_or(|c| c.annotation(super::volumes::BIND_COMPLETED).is_some())).await;
        }
    };
    match tokio::time::timeout(BIND_TIMEOUT, wait).await {
        Ok(()) => Ok(()),
        Err(_) => Err("running PreBind plugin \"VolumeBinding\": binding volumes: context deadline exceeded".to_owned()),
    }
}

/// POSTs the Binding.
pub async fn pod(rest: &Rest, pod: &Pod, node: &str) -> Result<(), kube::Error> {
    let body = json!({
        "apiVersion": "v1", "kind": "Binding",
        "metadata": {"namespace": pod.ns(), "name": pod.name(), "uid": pod.uid()},
        "target": {"kind": "Node", "name": node},
    });
    let _: Value = rest.create_subresource::<Value, Pod>(pod.ns(), pod.name(), "binding", &body).await?;
    Ok(())
}
