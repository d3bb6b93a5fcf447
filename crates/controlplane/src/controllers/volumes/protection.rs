//! persistentvolumeclaim-protection-controller and persistentvolume-protection-controller: what is in use is not lost.

use std::sync::Arc;

use k8s_openapi::api::core::v1::{PersistentVolume, PersistentVolumeClaim, Pod};

use crate::machinery::errors::not_found;
use crate::machinery::kit::Reconcile;
use crate::machinery::{Informer, Kit, Meta, Object, Outcome, pods};

const CLAIM_FINALIZER: &str = "kubernetes.io/pvc-protection";
const VOLUME_FINALIZER: &str = "kubernetes.io/pv-protection";

/// Claims that a pod names, generic ephemeral ones included.
fn claims_of(pod: &Pod) -> Vec<String> {
    let volumes = pod.spec.iter().flat_map(|s| s.volumes.iter().flatten());
    let name = |v: &k8s_openapi::api::core::v1::Volume| match (&v.persistent_volume_claim, &v.ephemeral) {
        (Some(source), _) => Some(source.claim_name.clone()),
        (None, Some(_)) => Some(format!("{}-{}", pod.name(), v.name)),
        _ => None,
    };
    volumes.filter_map(name).map(|n| format!("{}/{n}", pod.ns())).collect()
}

struct Claims {
    kit: Kit,
    claims: Arc<Informer<PersistentVolumeClaim>>,
    pods: Arc<Informer<Pod>>,
}

/// Protects claims.
pub async fn run_claims(kit: Kit) {
    let queue = kit.queue("pvc_protection");
    let this = Claims { claims: kit.informer(), pods: kit.informer(), kit: kit.clone() };
    let add = queue.clone();
    this.claims.subscribe(move |change| {
        if let Some(claim) = change.new {
            add.add(claim.key());
        }
    });
    let add = queue.clone();
    this.pods.subscribe(move |change| {
        // Only an end of use can let a claim go.
        if let Some(pod) = change.any().filter(|p| change.new.is_none() || pods::is_terminal(p)) {
            claims_of(pod).into_iter().for_each(|key| add.add(key));
        }
    });
    kit.work(&queue, &[&*this.claims, &*this.pods], &this).await;
}

impl Reconcile for Claims {
    async fn reconcile(&self, key: &str) -> Outcome {
        let Some(claim) = self.claims.get(key) else { return Ok(()) };
        let protected = claim.has_finalizer(CLAIM_FINALIZER);
        if !claim.deleting() {
            return if protected { Ok(()) } else { set_finalizer(&self.kit, &*claim, CLAIM_FINALIZER, true).await };
        }
        let used = self
            .pods
            .list_in(claim.ns())
            .iter()
            .any(|p| !pods::node(p).is_empty() && !pods::is_terminal(p) && claims_of(p).iter().any(|c| c == key));
        if protected && !used { set_finalizer(&self.kit, &*claim, CLAIM_FINALIZER, false).await } else { Ok(()) }
    }
}

struct Volumes {
    kit: Kit,
    volumes: Arc<Informer<PersistentVolume>>,
}

/// Protects volumes.
pub async fn run_volumes(kit: Kit) {
    let queue = kit.queue("pv_protection");
    let this = Volumes { volumes: kit.informer(), kit: kit.clone() };
    let add = queue.clone();
    this.volumes.subscribe(move |change| {
        if let Some(volume) = change.new {
            add.add(volume.name());
        }
    });
    kit.work(&queue, &[&*this.volumes], &this).await;
}

impl Reconcile for Volumes {
    async fn reconcile(&self, name: &str) -> Outcome {
        let Some(volume) = self.volumes.get(name) else { return Ok(()) };
        let protected = volume.has_finalizer(VOLUME_FINALIZER);
        let bound = volume.status.as_ref().and_then(|s| s.phase.as_deref()) == Some("Bound");
        match (volume.deleting(), protected) {
            (false, false) => set_finalizer(&self.kit, &*volume, VOLUME_FINALIZER, true).await,
            (true, true) if !bound => set_finalizer(&self.kit, &*volume, VOLUME_FINALIZER, false).await,
            _ => Ok(()),
        }
    }
}

/// Updates the whole object, as upstream: these controllers' roles allow no patches.
async fn set_finalizer<K: Object>(kit: &Kit, object: &K, finalizer: &str, present: bool) -> Outcome {
    let mut list: Vec<String> = object.m().finalizers.iter().flatten().filter(|f| *f != finalizer).cloned().collect();
    if present {
        list.push(finalizer.to_owned());
    }
    let mut changed = object.clone();
    changed.meta_mut().finalizers = Some(list).filter(|list| !list.is_empty());
    match kit.rest.replace(&changed).await {
        Ok(replaced) if !replaced.deleting() => {
            kit.informer::<K>().saw(&replaced).await;
            Ok(())
        }
        Ok(_) => Ok(()),
        Err(error) if not_found(&error) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
