//! The external provisioner of local-path storage classes (rancher.io/local-path). In a real cluster it is a pod of its
//! own; here it runs beside the controllers, as one of their clients, so that claims of the default class get volumes.

use std::collections::BTreeMap;
use std::sync::Arc;

use k8s_openapi::api::core::v1::{
    HostPathVolumeSource, Node, NodeSelector, NodeSelectorRequirement, NodeSelectorTerm, ObjectReference, PersistentVolume,
    PersistentVolumeClaim, PersistentVolumeSpec, VolumeNodeAffinity,
};
use k8s_openapi::api::storage::v1::StorageClass;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::binder::{PROVISIONER, SELECTED_NODE};
use crate::machinery::errors::{Failure, already_exists, text};
use crate::machinery::kit::{Reconcile, Synced};
use crate::machinery::volume_match::class_of_claim;
use crate::machinery::{Informer, Kit, Meta, Outcome, Recorder};

/// Name of the provisioner in storage classes.
const NAME: &str = "rancher.io/local-path";
/// Where the volumes are on the nodes.
const ROOT: &str = "/opt/local-path-provisioner";

struct Provisioner {
    kit: Kit,
    recorder: Recorder,
    claims: Arc<Informer<PersistentVolumeClaim>>,
    volumes: Arc<Informer<PersistentVolume>>,
    classes: Arc<Informer<StorageClass>>,
    nodes: Arc<Informer<Node>>,
}

/// Runs the provisioner.
pub async fn run(kit: Kit) {
    let (claims_queue, volumes_queue) = (kit.queue("local_path_claims"), kit.queue("local_path_volumes"));
    let this = Provisioner {
        recorder: kit.recorder(NAME),
        claims: kit.informer(),
        volumes: kit.informer(),
        classes: kit.informer(),
        nodes: kit.informer(),
        kit: kit.clone(),
    };
    let add = claims_queue.clone();
    this.claims.subscribe(move |change| {
        if let Some(claim) = change.new.filter(|c| c.annotation(PROVISIONER) == Some(NAME)) {
            add.add(claim.key());
        }
    });
    let add = volumes_queue.clone();
    this.volumes.subscribe(move |change| {
        if let Some(volume) = change.new.filter(|v| v.annotation("pv.kubernetes.io/provisioned-by") == Some(NAME)) {
            add.add(volume.name());
        }
    });
    let caches: [&dyn Synced; 4] = [&*this.claims, &*this.volumes, &*this.classes, &*this.nodes];
    let (provision, delete) = (Provision(&this), Delete(&this));
    futures::future::join(kit.work(&claims_queue, &caches, &provision), kit.work(&volumes_queue, &caches, &delete)).await;
}

struct Provision<'a>(&'a Provisioner);

impl Reconcile for Provision<'_> {
    async fn reconcile(&self, key: &str) -> Outcome {
        let this = self.0;
        let Some(claim) = this.claims.get(key).filter(|c| !c.deleting() && c.annotation(PROVISIONER) == Some(NAME)) else { return Ok(()) };
        let has_volume = claim.spec.as_ref().and_then(|s| s.volume_name.as_deref()).is_some_and(|v| !v.is_empty());
        let Some(class) = class_of_claim(&claim).and_then(|c| this.classes.get(c)).filter(|_| !has_volume) else { return Ok(()) };
        let waits = class.volume_binding_mode.as_deref() == Some("WaitForFirstConsumer");
        let chosen = claim.annotation(SELECTED_NODE).map(str::to_owned);
        let node = match (chosen, waits) {
            (Some(node), _) => node,
            (None, true) => return Ok(()),
            // Local storage needs a node; without a consumer any will do, the first.
            (None, false) => match this.nodes.list().first() {
                Some(node) => node.name().to_owned(),
                None => return Ok(()),
            },
        };
        let name = format!("pvc-{}", claim.uid());
        if this.volumes.get(&name).is_some() {
            return Ok(());
        }
        this.recorder.normal(&*claim, "Provisioning", format!("External provisioner is provisioning volume for claim {key:?}"));
        if !on_one_node(&claim) {
            let message = "NodePath only supports ReadWriteOnce and ReadWriteOncePod (1.22+) access modes";
            let text = format!("failed to provision volume with StorageClass {:?}: {message}", class.name());
            this.recorder.warning(&*claim, "ProvisioningFailed", text.clone());
            return Err(Failure::Other(text));
        }
        let hostname = this.nodes.get(&node).and_then(|n| n.label("kubernetes.io/hostname").map(str::to_owned)).unwrap_or(node);
        match this.kit.create(&volume(&claim, &class, &name, &hostname)).await {
            Ok(_) => this.recorder.normal(&*claim, "ProvisioningSucceeded", format!("Successfully provisioned volume {name}")),
            Err(error) if already_exists(&error) => {}
            Err(error) => {
                this.recorder.warning(
                    &*claim,
                    "ProvisioningFailed",
                    format!("failed to provision volume with StorageClass {:?}: {}", class.name(), text(&error)),
                );
                return Err(error.into());
            }
        }
        Ok(())
    }
}

/// Whether the claim asks for no access from other nodes: a directory of one node cannot give it.
fn on_one_node(claim: &PersistentVolumeClaim) -> bool {
    let modes = claim.spec.as_ref().and_then(|spec| spec.access_modes.as_deref()).unwrap_or_default();
    modes.iter().all(|mode| matches!(mode.as_str(), "ReadWriteOnce" | "ReadWriteOncePod"))
}

fn volume(claim: &PersistentVolumeClaim, class: &StorageClass, name: &str, hostname: &str) -> PersistentVolume {
    let spec = claim.spec.clone().unwrap_or_default();
    let requirement = NodeSelectorRequirement {
        key: "kubernetes.io/hostname".to_owned(),
        operator: "In".to_owned(),
        values: Some(vec![hostname.to_owned()]),
    };
    let term = NodeSelectorTerm { match_expressions: Some(vec![requirement]), ..NodeSelectorTerm::default() };
    PersistentVolume {
        metadata: ObjectMeta {
            name: Some(name.to_owned()),
            annotations: Some(BTreeMap::from([
                ("local.path.provisioner/selected-node".to_owned(), hostname.to_owned()),
                ("pv.kubernetes.io/provisioned-by".to_owned(), NAME.to_owned()),
            ])),
            ..ObjectMeta::default()
        },
        spec: Some(PersistentVolumeSpec {
            access_modes: spec.access_modes,
            capacity: spec.resources.and_then(|r| r.requests),
            claim_ref: Some(ObjectReference {
                kind: Some("PersistentVolumeClaim".to_owned()),
                api_version: Some("v1".to_owned()),
                namespace: claim.metadata.namespace.clone(),
                name: claim.metadata.name.clone(),
                uid: claim.metadata.uid.clone(),
                resource_version: claim.metadata.resource_version.clone(),
                ..ObjectReference::default()
            }),
            host_path: Some(HostPathVolumeSource {
                path: format!("{ROOT}/{name}_{}_{}", claim.ns(), claim.name()),
                type_: Some("DirectoryOrCreate".to_owned()),
            }),
            node_affinity: Some(VolumeNodeAffinity { required: Some(NodeSelector { node_selector_terms: vec![term] }) }),
            persistent_volume_reclaim_policy: class.reclaim_policy.clone().or_else(|| Some("Delete".to_owned())),
            storage_class_name: Some(class.name().to_owned()),
            volume_mode: spec.volume_mode,
            mount_options: class.mount_options.clone(),
            ..PersistentVolumeSpec::default()
        }),
        status: None,
    }
}

struct Delete<'a>(&'a Provisioner);

impl Reconcile for Delete<'_> {
    /// A released volume whose policy is Delete goes.
    async fn reconcile(&self, name: &str) -> Outcome {
        let this = self.0;
        let Some(volume) = this.volumes.get(name) else { return Ok(()) };
        let released = volume.status.as_ref().and_then(|s| s.phase.as_deref()) == Some("Released");
        let delete = volume.spec.as_ref().and_then(|s| s.persistent_volume_reclaim_policy.as_deref()) == Some("Delete");
        if released && delete && !volume.deleting() {
            this.kit.delete(&*volume).await?;
        }
        Ok(())
    }
}
