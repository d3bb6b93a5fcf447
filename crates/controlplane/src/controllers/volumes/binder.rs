//! persistentvolume-binder-controller (`pv_controller.go`): binds claims to volumes, and asks for volumes to be made.

use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::{ObjectReference, PersistentVolume, PersistentVolumeClaim, PersistentVolumeClaimStatus};
use k8s_openapi::api::storage::v1::StorageClass;

use crate::machinery::errors::not_found;
use crate::machinery::kit::{Reconcile, Synced};
use crate::machinery::volume_match::{class_of_claim, class_of_volume, find, is_bound_to, mismatch};
use crate::machinery::{Informer, Kit, Meta, Outcome, Queue, Recorder};

/// The controller has finished binding.
pub const BIND_COMPLETED: &str = "pv.kubernetes.io/bind-completed";
/// The controller, and not a person, chose the partner.
const BY_CONTROLLER: &str = "pv.kubernetes.io/bound-by-controller";
/// The volume was made by this provisioner.
const PROVISIONED_BY: &str = "pv.kubernetes.io/provisioned-by";
/// The node that the scheduler chose for the first consumer.
pub const SELECTED_NODE: &str = "volume.kubernetes.io/selected-node";
/// The provisioner that should act.
pub const PROVISIONER: &str = "volume.kubernetes.io/storage-provisioner";
const PROVISIONER_BETA: &str = "volume.beta.kubernetes.io/storage-provisioner";
/// `--pvclaimbinder-sync-period`: unbound claims are looked at, and complained about, again.
const RESYNC: Duration = Duration::from_secs(15);

struct Controller {
    kit: Kit,
    recorder: Recorder,
    claims: Arc<Informer<PersistentVolumeClaim>>,
    volumes: Arc<Informer<PersistentVolume>>,
    classes: Arc<Informer<StorageClass>>,
    claim_queue: Arc<Queue>,
}

/// Runs the controller.
pub async fn run(kit: Kit) {
    let (claim_queue, volume_queue) = (kit.queue("pv_binder_claims"), kit.queue("pv_binder_volumes"));
    let this = Controller {
        recorder: kit.recorder("persistentvolume-controller"),
        claims: kit.informer(),
        volumes: kit.informer(),
        classes: kit.informer(),
        claim_queue: claim_queue.clone(),
        kit: kit.clone(),
    };
    let (claims_add, volumes_add) = (claim_queue.clone(), volume_queue.clone());
    this.claims.subscribe(move |change| {
        if let Some(claim) = change.any() {
            claims_add.add(claim.key());
            if let Some(volume) = claim.spec.as_ref().and_then(|s| s.volume_name.as_deref()).filter(|v| !v.is_empty()) {
                volumes_add.add(volume);
            }
        }
    });
    let (claims_add, volumes_add, claims) = (claim_queue.clone(), volume_queue.clone(), this.claims.clone());
    this.volumes.subscribe(move |change| {
        if let Some(volume) = change.any() {
            volumes_add.add(volume.name());
            match claim_of(volume) {
                Some(key) => claims_add.add(key),
                // A free volume may be what a claim waits for.
                None => claims.list().iter().filter(|c| !is_bound(c)).for_each(|c| claims_add.add(c.key())),
            }
        }
    });
    let (claims_add, claims) = (claim_queue.clone(), this.claims.clone());
    this.classes.subscribe(move |_| claims.list().iter().filter(|c| !is_bound(c)).for_each(|c| claims_add.add(c.key())));
    let caches: [&dyn Synced; 3] = [&*this.claims, &*this.volumes, &*this.classes];
    let (claims, volumes) = (Claims(&this), Volumes(&this));
    futures::future::join(kit.work(&claim_queue, &caches, &claims), kit.work(&volume_queue, &caches, &volumes)).await;
}

fn claim_of(volume: &PersistentVolume) -> Option<String> {
    let reference = volume.spec.as_ref()?.claim_ref.as_ref()?;
    Some(format!("{}/{}", reference.namespace.as_deref()?, reference.name.as_deref()?))
}

fn is_bound(claim: &PersistentVolumeClaim) -> bool {
    claim.annotation(BIND_COMPLETED).is_some()
}

fn volume_name(claim: &PersistentVolumeClaim) -> &str {
    claim.spec.as_ref().and_then(|s| s.volume_name.as_deref()).unwrap_or_default()
}

struct Claims<'a>(&'a Controller);

impl Reconcile for Claims<'_> {
    async fn reconcile(&self, key: &str) -> Outcome {
        let this = self.0;
        let Some(claim) = this.claims.get(key) else { return Ok(()) };
        if is_bound(&claim) {
            return this.keep_bound(&claim).await;
        }
        if claim.deleting() {
            return Ok(());
        }
        let name = volume_name(&claim);
        if !name.is_empty() {
            // A person asked for this volume.
            return this.bind_to(&claim, name).await;
        }
        this.find_or_provision(&claim).await
    }
}

impl Controller {
    async fn keep_bound(&self, claim: &PersistentVolumeClaim) -> Outcome {
        match self.volumes.get(volume_name(claim)) {
            Some(volume) if is_bound_to(&volume, claim) => self.bind(claim, &volume).await,
            Some(volume) if claim_of(&volume).is_none() => self.bind(claim, &volume).await,
            Some(_) => self.lose(claim, "ClaimMisbound", "Two claims are bound to the same volume, this one is bound incorrectly").await,
            None => self.lose(claim, "ClaimLost", "Bound claim has lost its PersistentVolume. Data on the volume is lost!").await,
        }
    }

    async fn lose(&self, claim: &PersistentVolumeClaim, reason: &str, message: &str) -> Outcome {
        if claim.status.as_ref().and_then(|s| s.phase.as_deref()) != Some("Lost") {
            self.set_phase(claim, "Lost").await?;
            self.recorder.warning(claim, reason, message);
        }
        Ok(())
    }

    /// Binds a claim to the volume that it asks for, if that volume can have it (`syncUnboundClaim`).
    async fn bind_to(&self, claim: &PersistentVolumeClaim, name: &str) -> Outcome {
        let Some(volume) = self.volumes.get(name) else { return self.set_phase(claim, "Pending").await };
        if is_bound_to(&volume, claim) {
            return self.bind(claim, &volume).await;
        }
        if claim_of(&volume).is_some() {
            self.recorder.warning(claim, "FailedBinding", format!("volume {name:?} already bound to a different claim."));
            return self.set_phase(claim, "Pending").await;
        }
        match mismatch(&volume, claim) {
            None => self.bind(claim, &volume).await,
            Some(reason) => {
                self.recorder.warning(claim, "VolumeMismatch", format!("Cannot bind to requested volume {name:?}: {reason}"));
                self.set_phase(claim, "Pending").await
            }
        }
    }

    async fn set_phase(&self, claim: &PersistentVolumeClaim, phase: &str) -> Outcome {
        if claim.status.as_ref().and_then(|s| s.phase.as_deref()) != Some(phase) {
            let mut changed = claim.clone();
            changed.status.get_or_insert_default().phase = Some(phase.to_owned());
            self.kit.replace_status(&changed).await?;
        }
        Ok(())
    }

    async fn find_or_provision(&self, claim: &PersistentVolumeClaim) -> Outcome {
        let class_name = class_of_claim(claim).unwrap_or_default();
        let class = self.classes.get(class_name);
        let waits = class.as_ref().is_some_and(|c| c.volume_binding_mode.as_deref() == Some("WaitForFirstConsumer"));
        let selected = claim.annotation(SELECTED_NODE).is_some();
        let all = self.volumes.list();
        // A claim that waits for its consumer takes only a volume that is reserved for it already.
        let found = find(claim, all.iter().filter(|v| !waits || is_bound_to(v, claim)), None);
        if let Some(volume) = found {
            return self.bind(claim, &volume).await;
        }
        self.set_phase(claim, "Pending").await?;
        if waits && !selected {
            self.recorder.normal(claim, "WaitForFirstConsumer", "waiting for first consumer to be created before binding");
        } else if class_name.is_empty() {
            self.recorder.normal(claim, "FailedBinding", "no persistent volumes available for this claim and no storage class is set");
        } else if let Some(class) = class {
            self.ask_provisioner(claim, &class).await?;
        } else {
            self.recorder.warning(claim, "ProvisioningFailed", format!("storageclass.storage.k8s.io {class_name:?} not found"));
        }
        self.claim_queue.add_after(claim.key(), RESYNC);
        Ok(())
    }

    async fn ask_provisioner(&self, claim: &PersistentVolumeClaim, class: &StorageClass) -> Outcome {
        let name = class.provisioner.as_str();
        if name == "kubernetes.io/no-provisioner" {
            self.recorder.normal(claim, "FailedBinding", "no persistent volumes available for this claim and no storage class is set");
            return Ok(());
        }
        if claim.annotation(PROVISIONER) != Some(name) {
            let mut changed = claim.clone();
            let annotations = changed.metadata.annotations.get_or_insert_default();
            annotations.extend([PROVISIONER, PROVISIONER_BETA].map(|key| (key.to_owned(), name.to_owned())));
            self.kit.replace(&changed).await?;
        }
        let message = format!(
            "Waiting for a volume to be created either by the external provisioner '{name}' or manually by the system administrator. If volume \
             creation is delayed, please verify that the provisioner is running and correctly registered."
        );
        self.recorder.normal(claim, "ExternalProvisioning", message);
        Ok(())
    }

    /// Four writes, each left out if it is done: volume's reference, volume's phase, claim's name, claim's status (`bind`).
    async fn bind(&self, claim: &PersistentVolumeClaim, volume: &PersistentVolume) -> Outcome {
        let mut volume = volume.clone();
        let complete = volume.spec.as_ref().and_then(|s| s.claim_ref.as_ref()).is_some_and(|r| r.uid.as_deref() == Some(claim.uid()));
        if !complete {
            let by_us = claim_of(&volume).is_none();
            let spec = volume.spec.get_or_insert_default();
            spec.claim_ref = Some(ObjectReference {
                kind: Some("PersistentVolumeClaim".to_owned()),
                api_version: Some("v1".to_owned()),
                namespace: Some(claim.ns().to_owned()),
                name: Some(claim.name().to_owned()),
                uid: Some(claim.uid().to_owned()),
                resource_version: claim.metadata.resource_version.clone(),
                ..ObjectReference::default()
            });
            if by_us {
                volume.metadata.annotations.get_or_insert_default().insert(BY_CONTROLLER.to_owned(), "yes".to_owned());
            }
            volume = self.kit.replace(&volume).await?;
        }
        if volume.status.as_ref().and_then(|s| s.phase.as_deref()) != Some("Bound") {
            let status = volume.status.get_or_insert_default();
            status.phase = Some("Bound".to_owned());
            status.message = None;
            volume = self.kit.replace_status(&volume).await?;
        }
        let mut claim = claim.clone();
        if !is_bound(&claim) || volume_name(&claim) != volume.name() {
            let annotations = claim.metadata.annotations.get_or_insert_default();
            annotations.insert(BIND_COMPLETED.to_owned(), "yes".to_owned());
            let spec = claim.spec.get_or_insert_default();
            if spec.volume_name.as_deref() != Some(volume.name()) {
                spec.volume_name = Some(volume.name().to_owned());
                annotations.insert(BY_CONTROLLER.to_owned(), "yes".to_owned());
            }
            claim = self.kit.replace(&claim).await?;
        }
        let pv = volume.spec.clone().unwrap_or_default();
        let wanted = PersistentVolumeClaimStatus {
            phase: Some("Bound".to_owned()),
            access_modes: pv.access_modes,
            capacity: pv.capacity,
            ..claim.status.clone().unwrap_or_default()
        };
        if claim.status.as_ref() != Some(&wanted) {
            claim.status = Some(wanted);
            self.kit.replace_status(&claim).await?;
        }
        Ok(())
    }
}

struct Volumes<'a>(&'a Controller);

impl Reconcile for Volumes<'_> {
    /// `syncVolume`: phases, and what becomes of a volume whose claim is gone.
    async fn reconcile(&self, name: &str) -> Outcome {
        let this = self.0;
        let Some(volume) = this.volumes.get(name) else { return Ok(()) };
        let phase = volume.status.as_ref().and_then(|s| s.phase.clone()).unwrap_or_default();
        let Some(reference) = volume.spec.as_ref().and_then(|s| s.claim_ref.clone()) else {
            return this.volume_phase(&volume, "Available").await;
        };
        let uid = reference.uid.clone().unwrap_or_default();
        if uid.is_empty() {
            // Reserved by a person for a claim to come.
            return this.volume_phase(&volume, "Available").await;
        }
        let claim = this.claims.get(&claim_of(&volume).unwrap_or_default()).filter(|c| c.uid() == uid);
        if claim.is_some() {
            return Ok(());
        }
        // The cache may be behind a claim just created; the truth decides about data.
        let live = this
            .kit
            .rest
            .get::<PersistentVolumeClaim>(reference.namespace.as_deref().unwrap_or_default(), reference.name.as_deref().unwrap_or_default())
            .await;
        match live {
            Ok(claim) if claim.uid() == uid => return Ok(()),
            Err(error) if !not_found(&error) => return Err(error.into()),
            _ => {}
        }
        if phase != "Released" && phase != "Failed" {
            this.volume_phase(&volume, "Released").await?;
        }
        let policy = volume.spec.as_ref().and_then(|s| s.persistent_volume_reclaim_policy.clone()).unwrap_or_default();
        // Volumes of external provisioners are deleted by them.
        if policy == "Delete" && volume.annotation(PROVISIONED_BY).is_none() && !volume.deleting() {
            let plugin = class_of_volume(&volume).to_owned();
            this.recorder.warning(
                &*volume,
                "VolumeFailedDelete",
                format!("error getting deleter volume plugin for volume {name:?}: no deletable volume plugin matched (class {plugin:?})"),
            );
        }
        Ok(())
    }
}

impl Controller {
    async fn volume_phase(&self, volume: &PersistentVolume, phase: &str) -> Outcome {
        if volume.status.as_ref().and_then(|s| s.phase.as_deref()) != Some(phase) && !volume.deleting() {
            let mut changed = volume.clone();
            changed.status.get_or_insert_default().phase = Some(phase.to_owned());
            self.kit.replace_status(&changed).await?;
        }
        Ok(())
    }
}
