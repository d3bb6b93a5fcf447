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

/// Why a volume that a claim asks for by name cannot have it (`checkVolumeSatisfyClaim`).
pub fn mismatch(volume: &PersistentVolume, claim: &PersistentVolumeClaim) -> Option<&'static str> {
    let (pv, spec) = (volume.spec.clone().unwrap_or_default(), claim.spec.clone().unwrap_or_default());
    let modes = pv.access_modes.unwrap_or_default();
    if capacity(volume) < requested(claim) {
        Some("requested PV is too small")
    } else if class_of_volume(volume) != class_of_claim(claim).unwrap_or_default() {
        Some("storageClassName does not match")
    } else if pv.volume_mode.as_deref().unwrap_or("Filesystem") != spec.volume_mode.as_deref().unwrap_or("Filesystem") {
        Some("incompatible volumeMode")
    } else if !spec.access_modes.iter().flatten().all(|mode| modes.contains(mode)) {
        Some("incompatible accessMode")
    } else {
        None
    }
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_volume_asked_for_by_name_has_to_suit() {
        let volume: PersistentVolume = serde_json::from_value(json!({"metadata": {"name": "v"}, "spec": {"accessModes": ["ReadWriteMany"],
            "capacity": {"storage": "1Gi"}, "storageClassName": "archive"}}))
        .expect("a volume");
        for (class, size, mode, kind, expected) in [
            (Some("archive"), "1Gi", "ReadWriteMany", None, None),
            (Some("archive"), "500Mi", "ReadWriteMany", Some("Filesystem"), None),
            (Some("archive"), "2Gi", "ReadWriteMany", None, Some("requested PV is too small")),
            (Some("standard"), "1Gi", "ReadWriteMany", None, Some("storageClassName does not match")),
            (None, "1Gi", "ReadWriteMany", None, Some("storageClassName does not match")),
            (Some("archive"), "1Gi", "ReadWriteMany", Some("Block"), Some("incompatible volumeMode")),
            (Some("archive"), "1Gi", "ReadWriteOnce", None, Some("incompatible accessMode")),
        ] {
            let claim: PersistentVolumeClaim = serde_json::from_value(json!({"metadata": {"name": "c", "namespace": "d"}, "spec": {
                "accessModes": [mode], "storageClassName": class, "volumeMode": kind, "resources": {"requests": {"storage": size}}}}))
            .expect("a claim");
            assert_eq!(mismatch(&volume, &claim), expected, "{class:?} {size} {mode} {kind:?}");
        }
    }
}
