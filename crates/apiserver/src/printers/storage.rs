//! Persistent volumes, claims, classes and CSI objects.

use jiff::Timestamp;
use serde_json::Value;

use super::cell::{access_modes, age, name, quantity, text_or};
use super::table::Printer;
use crate::json::Json;

pub const PERSISTENT_VOLUME: Printer = Printer {
    columns: "Name,Capacity,Access Modes,Reclaim Policy,Status,Claim,StorageClass,VolumeAttributesClass,Reason,Age,VolumeMode+",
    cells: volume,
};
pub const PERSISTENT_VOLUME_CLAIM: Printer =
    Printer { columns: "Name,Status,Volume,Capacity,Access Modes,StorageClass,VolumeAttributesClass,Age,VolumeMode+", cells: claim };
pub const STORAGE_CLASS: Printer =
    Printer { columns: "Name,Provisioner,ReclaimPolicy,VolumeBindingMode,AllowVolumeExpansion,Age", cells: storage_class };
pub const VOLUME_ATTRIBUTES_CLASS: Printer = Printer { columns: "Name,DriverName,Age", cells: attributes_class };
pub const VOLUME_ATTACHMENT: Printer = Printer { columns: "Name,Attacher*,PV,Node,Attached?,Age", cells: attachment };
pub const CSI_NODE: Printer = Printer { columns: "Name,Drivers#,Age", cells: csi_node };
pub const CSI_DRIVER: Printer = Printer {
    columns: "Name,AttachRequired?,PodInfoOnMount?,StorageCapacity?,TokenRequests,RequiresRepublish?,Modes,Age",
    cells: csi_driver,
};
pub const CSI_STORAGE_CAPACITY: Printer = Printer { columns: "Name,StorageClassName,Capacity", cells: csi_capacity };

/// Class of a volume or claim: the old annotation wins over the field (`GetPersistentVolumeClass`).
fn class(object: &Value) -> Value {
    let annotation = object.object("metadata.annotations").and_then(|a| a.get("volume.beta.kubernetes.io/storage-class"));
    annotation.and_then(Value::as_str).unwrap_or_else(|| object.text("spec.storageClassName")).into()
}

fn phase(object: &Value) -> Value {
    if object.has("metadata.deletionTimestamp") { "Terminating" } else { object.text("status.phase") }.into()
}

fn volume(object: &Value, now: Timestamp) -> Vec<Value> {
    let claim = object.at("spec.claimRef");
    let claim = if claim.is_null() { String::new() } else { format!("{}/{}", claim.text("namespace"), claim.text("name")) };
    vec![
        name(object),
        quantity(object.at("spec.capacity.storage")).into(),
        access_modes(object.list("spec.accessModes")).into(),
        object.text("spec.persistentVolumeReclaimPolicy").into(),
        phase(object),
        claim.into(),
        class(object),
        text_or(object, "spec.volumeAttributesClassName", "<unset>").into(),
        object.text("status.reason").into(),
        age(object, now),
        text_or(object, "spec.volumeMode", "<unset>").into(),
    ]
}

fn claim(object: &Value, now: Timestamp) -> Vec<Value> {
    let bound = !object.text("spec.volumeName").is_empty();
    let (capacity, modes) = if bound {
        (quantity(object.at("status.capacity.storage")), access_modes(object.list("status.accessModes")))
    } else {
        Default::default()
    };
    vec![
        name(object),
        phase(object),
        object.text("spec.volumeName").into(),
        capacity.into(),
        modes.into(),
        class(object),
        text_or(object, "spec.volumeAttributesClassName", "<unset>").into(),
        age(object, now),
        text_or(object, "spec.volumeMode", "<unset>").into(),
    ]
}

fn storage_class(object: &Value, now: Timestamp) -> Vec<Value> {
    let annotation = |key| object.object("metadata.annotations").and_then(|a| a.get(key)).and_then(Value::as_str) == Some("true");
    let default =
        annotation("storageclass.kubernetes.io/is-default-class") || annotation("storageclass.beta.kubernetes.io/is-default-class");
    vec![
        format!("{}{}", object.text("metadata.name"), if default { " (default)" } else { "" }).into(),
        object.text("provisioner").into(),
        text_or(object, "reclaimPolicy", "Delete").into(),
        text_or(object, "volumeBindingMode", "Immediate").into(),
        object.flag("allowVolumeExpansion").unwrap_or(false).into(),
        age(object, now),
    ]
}

fn attributes_class(object: &Value, now: Timestamp) -> Vec<Value> {
    vec![name(object), object.text("driverName").into(), age(object, now)]
}

fn attachment(object: &Value, now: Timestamp) -> Vec<Value> {
    vec![
        name(object),
        object.text("spec.attacher").into(),
        object.text("spec.source.persistentVolumeName").into(),
        object.text("spec.nodeName").into(),
        object.flag("status.attached").unwrap_or(false).into(),
        age(object, now),
    ]
}

fn csi_node(object: &Value, now: Timestamp) -> Vec<Value> {
    vec![name(object), object.list("spec.drivers").len().into(), age(object, now)]
}

fn csi_driver(object: &Value, now: Timestamp) -> Vec<Value> {
    let join = |path: &str, key: &str| object.list(path).iter().map(|v| v.text(key).to_owned()).collect::<Vec<_>>().join(",");
    let modes = join("spec.volumeLifecycleModes", "");
    let tokens = if object.has("spec.tokenRequests") { join("spec.tokenRequests", "audience") } else { "<unset>".to_owned() };
    vec![
        name(object),
        object.flag("spec.attachRequired").unwrap_or(true).into(),
        object.flag("spec.podInfoOnMount").unwrap_or(false).into(),
        object.flag("spec.storageCapacity").unwrap_or(false).into(),
        tokens.into(),
        object.flag("spec.requiresRepublish").unwrap_or(false).into(),
        if modes.is_empty() { "<none>".into() } else { modes.into() },
        age(object, now),
    ]
}

fn csi_capacity(object: &Value, _: Timestamp) -> Vec<Value> {
    let capacity = object.at("capacity");
    let capacity = if capacity.is_null() { "<unset>".to_owned() } else { quantity(capacity) };
    vec![name(object), object.text("storageClassName").into(), capacity.into()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn claims_show_capacity_only_when_bound() {
        let mut object = json!({"metadata": {"name": "c"}, "spec": {"storageClassName": "fast", "resources": {"requests": {"storage": "1Gi"}}},
            "status": {"phase": "Pending", "capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"]}});
        let cells = claim(&object, Timestamp::UNIX_EPOCH);
        assert_eq!(cells[1..6], ["Pending", "", "", "", "fast"].map(Value::from));
        object.put("spec.volumeName", "v");
        let cells = claim(&object, Timestamp::UNIX_EPOCH);
        assert_eq!(cells[2..5], ["v", "1Gi", "RWO"].map(Value::from));
    }

    #[test]
    fn the_default_class_is_marked() {
        let object = json!({"metadata": {"name": "std", "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}}});
        assert_eq!(storage_class(&object, Timestamp::UNIX_EPOCH)[0], "std (default)");
    }
}
