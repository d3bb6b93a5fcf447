//! VolumeBinding, VolumeZone and VolumeRestrictions: a pod goes where its volumes are, or can be made.

use std::sync::Arc;

use k8s_openapi::api::core::v1::{Node, PersistentVolume, PersistentVolumeClaim, Pod};

use super::diagnosis::Refusal;
use super::snapshot::{NodeInfo, Snapshot};
use crate::machinery::Meta;
use crate::machinery::volume_match::{class_of_claim, find, reaches};

const PLUGIN: &str = "VolumeBinding";
/// Annotation that says that a claim is bound, or being bound, by the controller.
pub const BIND_COMPLETED: &str = "pv.kubernetes.io/bind-completed";

/// What a pod's claims need.
#[derive(Debug, Default)]
pub struct Volumes {
    bound: Vec<Arc<PersistentVolume>>,
    lost: bool,
    delayed: Vec<Arc<PersistentVolumeClaim>>,
    exclusive: Vec<String>,
}

/// What must be done about a claim before the pod can be bound.
#[derive(Clone, Debug)]
pub enum Step {
    /// Reserve this volume for it.
    Reserve(Arc<PersistentVolume>, Arc<PersistentVolumeClaim>),
    /// Ask the provisioner to make one for the chosen node.
    Provision(Arc<PersistentVolumeClaim>),
}

/// Names of the pod's claims; generic ephemeral volumes have a claim of their own.
pub fn claim_names(pod: &Pod) -> Vec<String> {
    let volumes = pod.spec.iter().flat_map(|s| s.volumes.iter().flatten());
    volumes
        .filter_map(|v| match (&v.persistent_volume_claim, &v.ephemeral) {
            (Some(source), _) => Some(source.claim_name.clone()),
            (None, Some(_)) => Some(format!("{}-{}", pod.name(), v.name)),
            _ => None,
        })
        .collect()
}

impl Volumes {
    /// Looks the claims up; a refusal holds for every node.
    pub fn of(pod: &Pod, snapshot: &Snapshot) -> Result<Self, Refusal> {
        let mut volumes = Self::default();
        let mut unbound = false;
        for name in claim_names(pod) {
            let Some(claim) = snapshot.claims.get(&format!("{}/{name}", pod.ns())) else {
                return Err(Refusal::unresolvable(PLUGIN, &format!("persistentvolumeclaim {name:?} not found")));
            };
            if claim.deleting() {
                return Err(Refusal::unresolvable(PLUGIN, &format!("persistentvolumeclaim {name:?} is being deleted")));
            }
            let spec = claim.spec.clone().unwrap_or_default();
            let volume = spec.volume_name.clone().unwrap_or_default();
            if claim.status.as_ref().and_then(|s| s.phase.as_deref()) == Some("Lost") {
                let reason = format!("persistentvolumeclaim {name:?} bound to non-existent persistentvolume {volume:?}");
                return Err(Refusal::unresolvable(PLUGIN, &reason));
            }
            if spec.access_modes.iter().flatten().any(|m| m == "ReadWriteOncePod") {
                volumes.exclusive.push(claim.key());
            }
            if !volume.is_empty() && claim.annotation(BIND_COMPLETED).is_some() {
                match snapshot.volumes.get(&volume) {
                    Some(volume) => volumes.bound.push(volume.clone()),
                    None => volumes.lost = true,
                }
                continue;
            }
            let class = class_of_claim(claim).and_then(|c| snapshot.classes.get(c));
            let waits = class.is_some_and(|c| c.volume_binding_mode.as_deref() == Some("WaitForFirstConsumer"));
            if waits && volume.is_empty() { volumes.delayed.push(claim.clone()) } else { unbound = true }
        }
        if unbound {
            return Err(Refusal::unresolvable(PLUGIN, "pod has unbound immediate PersistentVolumeClaims"));
        }
        Ok(volumes)
    }

    /// Whether the volumes reach this node, or can be made there.
    pub fn check(&self, pod: &Pod, node: &NodeInfo, snapshot: &Snapshot) -> Option<Refusal> {
        if self.lost {
            return Some(Refusal::unresolvable(PLUGIN, "node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)"));
        }
        for name in &self.exclusive {
            let used = snapshot.placed().any(|(_, p)| {
                p.pod.uid() != pod.uid()
                    && p.pod.ns() == pod.ns()
                    && claim_names(&p.pod).iter().any(|c| *name == format!("{}/{c}", pod.ns()))
            });
            if used {
                let reason = "node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode";
                return Some(Refusal::resolvable("VolumeRestrictions", reason));
            }
        }
        if self.bound.iter().any(|v| !reaches(v, &node.node)) {
            return Some(Refusal::unresolvable(PLUGIN, "node(s) didn't match PersistentVolume's node affinity"));
        }
        if self.bound.iter().any(|v| !in_zone(v, &node.node)) {
            return Some(Refusal::unresolvable("VolumeZone", "node(s) had no available volume zone"));
        }
        self.steps(&node.node, snapshot).err()
    }

    /// What binding the pod to this node takes.
    pub fn steps(&self, node: &Node, snapshot: &Snapshot) -> Result<Vec<Step>, Refusal> {
        let mut taken: Vec<String> = Vec::new();
        let mut steps = Vec::new();
        for claim in &self.delayed {
            let free = snapshot.volumes.values().filter(|v| !taken.contains(&v.name().to_owned()));
            if let Some(volume) = find(claim, free, Some(node)) {
                taken.push(volume.name().to_owned());
                steps.push(Step::Reserve(volume, claim.clone()));
                continue;
            }
            let class = class_of_claim(claim).and_then(|c| snapshot.classes.get(c));
            let provisions = class.is_some_and(|c| c.provisioner != "kubernetes.io/no-provisioner" && allowed(c, node));
            if !provisions {
                return Err(Refusal::unresolvable(PLUGIN, "node(s) didn't find available persistent volumes to bind"));
            }
            // A claim for which another node was chosen already waits for that one.
            if claim.annotation("volume.kubernetes.io/selected-node").is_some_and(|n| n != node.name()) {
                return Err(Refusal::unresolvable(PLUGIN, "node(s) didn't match PersistentVolume's node affinity"));
            }
            steps.push(Step::Provision(claim.clone()));
        }
        Ok(steps)
    }
}

fn allowed(class: &k8s_openapi::api::storage::v1::StorageClass, node: &Node) -> bool {
    let terms = class.allowed_topologies.as_deref().unwrap_or_default();
    let matches = |key: &str, values: &[String]| node.label(key).is_some_and(|v| values.iter().any(|x| x == v));
    terms.is_empty() || terms.iter().any(|t| t.match_label_expressions.iter().flatten().all(|e| matches(&e.key, &e.values)))
}

/// A volume's zone labels are met by the node's (`__` separates several zones).
fn in_zone(volume: &PersistentVolume, node: &Node) -> bool {
    ["topology.kubernetes.io/zone", "topology.kubernetes.io/region"].iter().all(|key| match (volume.label(key), node.label(key)) {
        (Some(zones), Some(zone)) => zones.split("__").any(|z| z == zone),
        _ => true,
    })
}
