//! ephemeral-volume-controller: makes the claims of generic ephemeral volumes, owned by their pods.

use std::sync::Arc;

use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Pod};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use crate::machinery::errors::{already_exists, namespace_terminating, text};
use crate::machinery::kit::Reconcile;
use crate::machinery::object::controller_of;
use crate::machinery::{Failure, Informer, Kit, Meta, Outcome, Recorder};

struct Controller {
    kit: Kit,
    recorder: Recorder,
    pods: Arc<Informer<Pod>>,
    claims: Arc<Informer<PersistentVolumeClaim>>,
}

/// Runs the controller.
pub async fn run(kit: Kit) {
    let queue = kit.queue("ephemeral_volume");
    let this = Controller { recorder: kit.recorder("ephemeral_volume"), pods: kit.informer(), claims: kit.informer(), kit: kit.clone() };
    let add = queue.clone();
    this.pods.subscribe(move |change| {
        if let Some(pod) = change.new.filter(|p| !p.deleting() && claims(p).next().is_some()) {
            add.add(pod.key());
        }
    });
    let add = queue.clone();
    this.claims.subscribe(move |change| {
        if let (Some(old), None) = (change.old, change.new)
            && let Some(owner) = old.controller().filter(|o| o.kind == "Pod")
        {
            add.add(format!("{}/{}", old.ns(), owner.name));
        }
    });
    kit.work(&queue, &[&*this.pods, &*this.claims], &this).await;
}

/// The claims that a pod's ephemeral volumes need.
fn claims(pod: &Pod) -> impl Iterator<Item = PersistentVolumeClaim> + '_ {
    let volumes = pod.spec.iter().flat_map(|s| s.volumes.iter().flatten());
    volumes.filter_map(|volume| {
        let template = volume.ephemeral.as_ref()?.volume_claim_template.clone()?;
        let meta = template.metadata.unwrap_or_default();
        Some(PersistentVolumeClaim {
            metadata: ObjectMeta {
                name: Some(format!("{}-{}", pod.name(), volume.name)),
                namespace: pod.metadata.namespace.clone(),
                labels: meta.labels,
                annotations: meta.annotations,
                owner_references: Some(vec![controller_of(pod)]),
                ..ObjectMeta::default()
            },
            spec: Some(template.spec),
            status: None,
        })
    })
}

impl Reconcile for Controller {
    async fn reconcile(&self, key: &str) -> Outcome {
        let Some(pod) = self.pods.get(key).filter(|p| !p.deleting()) else { return Ok(()) };
        for claim in claims(&pod) {
            if let Some(existing) = self.claims.get(&claim.key()) {
                if existing.controller().is_none_or(|o| o.uid != pod.uid()) {
                    return Err(Failure::Other(format!("PVC {:?} was not created for pod {key:?} (pod is not owner)", claim.key())));
                }
                continue;
            }
            match self.kit.create(&claim).await {
                Ok(_) => {}
                Err(error) if already_exists(&error) || namespace_terminating(&error) => {}
                Err(error) => {
                    let message = format!("create PVC {}: {}", claim.name(), text(&error));
                    self.recorder.warning(&*pod, "EphemeralVolumeFailed", message);
                    return Err(error.into());
                }
            }
        }
        Ok(())
    }
}
