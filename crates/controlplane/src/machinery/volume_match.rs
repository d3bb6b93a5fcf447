//! Which PersistentVolume suits a claim (`pkg/volume/persistentvolume/volume.FindMatchingVolume`).

use std::sync::Arc;

use k8s_openapi::api::core::v1::{Node, PersistentVolume, PersistentVolumeClaim};
use values::{Quantity, Selector};

use super::object::Meta;
use super::placement::matches_selector;

/// Class of a claim: the field, or the old annotation; `None` means "no class was chosen yet".
pub fn class_of_claim(claim: &PersistentVolumeClaim) -> Option<&str> {
    claim.annotation("volume.beta.kubernetes.io/storage-class").or_else(|| claim.spec.as_ref()?.storage_class_name.as_deref())
}

/// Class of a volume; empty for none.
pub fn class_of_volume(volume: &PersistentVolume) -> &str {
    volume
        .annotation("volume.beta.kubernetes.io/storage-class")
        .or_else(|| volume.spec.as_ref()?.storage_class_name.as_deref())
        .unwrap_or_default()
}

/// Whether the node may use the volume.
pub fn reaches(volume: &PersistentVolume, node: &Node) -> bool {
    let required = volume.spec.as_ref().and_then(|s| s.node_affinity.as_ref()?.required.as_ref());
    required.is_none_or(|selector| matches_selector(selector, node))
}

/// `storage` of a claim's requests.
pub fn requested(claim: &PersistentVolumeClaim) -> Quantity {
    let text = claim.spec.as_ref().and_then(|s| s.resources.as_ref()?.requests.as_ref()?.get("storage"));
    text.and_then(|t| Quantity::parse(&t.0).ok()).unwrap_or_else(|| Quantity::from_units(0, values::Format::BinarySi))
}

/// `storage` of a volume's capacity.
pub fn capacity(volume: &PersistentVolume) -> Quantity {
    let text = volume.spec.as_ref().and_then(|s| s.capacity.as_ref()?.get("storage"));
    text.and_then(|t| Quantity::parse(&t.0).ok()).unwrap_or_else(|| Quantity::from_units(0, values::Format::BinarySi))
}

/// Whether a volume's claim reference names this claim.
pub fn is_bound_to(volume: &PersistentVolume, claim: &PersistentVolumeClaim) -> bool {
    volume.spec.as_ref().and_then(|s| s.claim_ref.as_ref()).is_some_and(|r| {
        r.name.as_deref() == Some(claim.name())
            && r.namespace.as_deref() == Some(claim.ns())
            && r.uid.as_deref().is_none_or(|uid| uid.is_empty() || uid == claim.uid())
    })
}

/// The smallest volume that satisfies the claim (on `node`, if one is given); one reserved for the claim comes first.
pub fn find<'a>(
    claim: &PersistentVolumeClaim,
    volumes: impl Iterator<Item = &'a Arc<PersistentVolume>>,
    node: Option<&Node>,
) -> Option<Arc<PersistentVolume>> {
    let spec = claim.spec.clone().unwrap_or_default();
    let selector = spec.selector.as_ref().and_then(|s| Selector::from_label_selector(s).ok());
    let class = class_of_claim(claim).unwrap_or_default();
    let mode = spec.volume_mode.as_deref().unwrap_or("Filesystem");
    let wanted = requested(claim);
    let mut best: Option<Arc<PersistentVolume>> = None;
    for volume in volumes {
        let pv = volume.spec.clone().unwrap_or_default();
        let modes = pv.access_modes.unwrap_or_default();
        let suits = !volume.deleting()
            && pv.volume_mode.as_deref().unwrap_or("Filesystem") == mode
            && capacity(volume) >= wanted
            && spec.access_modes.iter().flatten().all(|m| modes.contains(m))
            && node.is_none_or(|n| reaches(volume, n));
        if !suits {
            continue;
        }
        if is_bound_to(volume, claim) {
            return Some(volume.clone());
        }
        let free = pv.claim_ref.is_none() && volume.status.as_ref().and_then(|s| s.phase.as_deref()) == Some("Available");
        let fits = class_of_volume(volume) == class && selector.as_ref().is_none_or(|s| s.matches(volume.label_map()));
        if free && fits && best.as_ref().is_none_or(|b| capacity(volume) < capacity(b)) {
            best = Some(volume.clone());
        }
    }
    best
}
