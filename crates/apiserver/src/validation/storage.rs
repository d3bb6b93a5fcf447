//! Persistent volumes, claims and storage classes.

use serde_json::Value;

use super::diff::unified;
use super::meta::label_selector;
use super::names;
use super::path::{Errors, Path};
use super::pod::{canonical, check_quantity, node_selector_term, quantity};
use crate::json::Json;
use crate::registry::Validation;
use crate::status::FieldError;

const MODES: [&str; 4] = ["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"];
const SOURCES: [&str; 22] = [
    "hostPath",
    "gcePersistentDisk",
    "awsElasticBlockStore",
    "glusterfs",
    "flocker",
    "nfs",
    "rbd",
    "quobyte",
    "cephfs",
    "iscsi",
    "cinder",
    "fc",
    "flexVolume",
    "azureFile",
    "vsphereVolume",
    "photonPersistentDisk",
    "portworxVolume",
    "azureDisk",
    "scaleIO",
    "local",
    "storageos",
    "csi",
];

fn access_modes(spec: &Value, why: &str, path: &Path, errors: &mut Errors) {
    let (modes, path) = (spec.list("accessModes"), path.child("accessModes"));
    if modes.is_empty() {
        errors.required(&path, why);
    }
    for mode in modes.iter().filter_map(Value::as_str).filter(|m| !MODES.contains(m)) {
        errors.not_supported(&path, mode, &MODES);
    }
    if modes.len() > 1 && modes.iter().any(|m| m == "ReadWriteOncePod") {
        errors.forbidden(&path, "may not use ReadWriteOncePod with other access modes");
    }
}

fn class_and_mode(spec: &Value, path: &Path, errors: &mut Errors) {
    let class = spec.text("storageClassName");
    if !class.is_empty() {
        errors.all_invalid(&path.child("storageClassName"), class, names::dns_subdomain(class));
    }
    let mode = spec.text("volumeMode");
    if !matches!(mode, "" | "Block" | "Filesystem") {
        errors.not_supported(&path.child("volumeMode"), mode, &["Block", "Filesystem"]);
    }
}

/// Judges a PersistentVolume.
pub fn volume(input: &Validation<'_>) -> Vec<FieldError> {
    let mut errors = Errors::default();
    if input.subresource == "status" {
        return errors.0;
    }
    let (spec, path) = (input.object.at("spec"), Path::new("spec"));
    access_modes(spec, "", &path, &mut errors);
    let capacity = spec.entries("capacity");
    if capacity.is_empty() {
        errors.required(&path.child("capacity"), "");
    }
    if !spec.has("capacity.storage") || capacity.len() > 1 {
        let given: serde_json::Map<String, Value> = capacity.iter().map(|(k, v)| ((*k).to_owned(), (*v).clone())).collect();
        errors.not_supported(&path.child("capacity"), given, &["storage"]);
    }
    for (name, value) in &capacity {
        check_quantity(name, value, &path.child("capacity").key(name), &mut errors);
        if quantity(value).is_some_and(|q| q.is_zero()) {
            errors.invalid(&path.child("capacity").key(name), canonical(value), "must be greater than zero");
        }
    }
    let policy = spec.text("persistentVolumeReclaimPolicy");
    if !matches!(policy, "" | "Retain" | "Delete" | "Recycle") {
        errors.not_supported(&path.child("persistentVolumeReclaimPolicy"), policy, &["Delete", "Recycle", "Retain"]);
    }
    if spec.has("nodeAffinity") {
        node_affinity(spec.at("nodeAffinity"), &path.child("nodeAffinity"), &mut errors);
    }
    volume_source(spec, &path, &mut errors);
    if spec.text("hostPath.path") == "/" && policy == "Recycle" {
        errors.forbidden(&path.child("persistentVolumeReclaimPolicy"), "may not be 'recycle' for a hostPath mount of '/'");
    }
    class_and_mode(spec, &path, &mut errors);
    if let Some(old) = input.old {
        volume_update(spec, old.at("spec"), &path, &mut errors);
    }
    errors.0
}

fn node_affinity(affinity: &Value, path: &Path, errors: &mut Errors) {
    let path = path.child("required");
    if !affinity.has("required") {
        return errors.required(&path, "must specify required node constraints");
    }
    let terms = affinity.list("required.nodeSelectorTerms");
    if terms.is_empty() {
        errors.required(&path.child("nodeSelectorTerms"), "must have at least one node selector term");
    }
    for (i, term) in terms.iter().enumerate() {
        node_selector_term(term, &path.child("nodeSelectorTerms").index(i), errors);
    }
}

fn volume_source(spec: &Value, path: &Path, errors: &mut Errors) {
    let mut count = 0;
    for kind in SOURCES.iter().filter(|kind| spec.has(kind)) {
        let (source, path) = (spec.at(kind), path.child(kind));
        if count > 0 {
            errors.forbidden(&path, "may not specify more than 1 volume type");
            continue;
        }
        count += 1;
        match *kind {
            "hostPath" | "local" => {
                let target = source.text("path");
                if target.is_empty() {
                    errors.required(&path.child("path"), "");
                } else if target.split('/').any(|part| part == "..") {
                    errors.invalid(&path.child("path"), target, "must not contain '..'");
                }
            }
            "nfs" => {
                for field in ["server", "path"].iter().filter(|f| source.text(f).is_empty()) {
                    errors.required(&path.child(field), "");
                }
            }
            "csi" => {
                for field in ["driver", "volumeHandle"].iter().filter(|f| source.text(f).is_empty()) {
                    errors.required(&path.child(field), "");
                }
            }
            _ => {}
        }
    }
    if spec.has("local") && !spec.has("nodeAffinity") {
        errors.required(&path.child("nodeAffinity"), "Local volume requires node affinity");
    }
    if count == 0 {
        errors.required(path, "must specify a volume type");
    }
}

fn volume_update(new: &Value, old: &Value, path: &Path, errors: &mut Errors) {
    let source = |spec: &Value| -> Value {
        let entries = SOURCES.iter().filter(|k| spec.has(k)).map(|k| ((*k).to_owned(), spec.at(k).clone()));
        Value::Object(entries.collect())
    };
    let (before, after) = (source(old), source(new));
    if before != after {
        let diff = unified(&before, &after);
        errors.forbidden(&path.child("persistentvolumesource"), format!("spec.persistentvolumesource is immutable after creation\n{diff}"));
    }
    errors.immutable(&path.child("volumeMode"), new.at("volumeMode"), old.at("volumeMode"));
    if old.has("nodeAffinity") && new.at("nodeAffinity") != old.at("nodeAffinity") {
        errors.invalid(
            &path.child("nodeAffinity"),
            new.at("nodeAffinity").clone(),
            "field is immutable, except for updating from beta label to GA",
        );
    }
}

/// Judges a PersistentVolumeClaim.
pub fn claim(input: &Validation<'_>) -> Vec<FieldError> {
    let mut errors = Errors::default();
    if input.subresource == "status" {
        return errors.0;
    }
    let (spec, path) = (input.object.at("spec"), Path::new("spec"));
    claim_spec(spec, &path, &mut errors);
    if let Some(old) = input.old {
        claim_update(input.object, old, &path, &mut errors);
    }
    errors.0
}

/// Checks the spec of a claim or claim template.
pub fn claim_spec(spec: &Value, path: &Path, errors: &mut Errors) {
    access_modes(spec, "at least 1 access mode is required", path, errors);
    label_selector(spec.at("selector"), &path.child("selector"), errors);
    match spec.at("resources.requests.storage") {
        Value::Null => errors.required(&path.child("resources").key("storage"), ""),
        amount => {
            let path = path.child("resources").key("storage");
            check_quantity("storage", amount, &path, errors);
            if quantity(amount).is_some_and(|q| q.is_zero() || q.is_negative()) {
                errors.invalid(&path, canonical(amount), "must be greater than zero");
            }
        }
    }
    class_and_mode(spec, path, errors);
    for field in ["dataSource", "dataSourceRef"].iter().filter(|f| spec.has(f)) {
        let (source, path) = (spec.at(field), path.child(field));
        for part in ["name", "kind"].iter().filter(|p| source.text(p).is_empty()) {
            errors.required(&path.child(part), "");
        }
        if source.text("apiGroup").is_empty() && source.text("kind") != "PersistentVolumeClaim" {
            errors.invalid(&path, source.text("kind"), "must be 'PersistentVolumeClaim' when referencing the default apiGroup");
        }
    }
}

fn claim_update(new: &Value, old: &Value, path: &Path, errors: &mut Errors) {
    let size = |object: &Value| quantity(object.at("spec.resources.requests.storage"));
    let bound = old.text("status.phase") == "Bound";
    let mut fixed = new.at("spec").clone();
    let mut restore = |field: &str| match old.at("spec").at(field) {
        Value::Null => drop(fixed.remove(field)),
        value => fixed.put(field, value.clone()),
    };
    // The volume's name is set once, by the binder; a default class may be filled in later.
    if old.text("spec.volumeName").is_empty() {
        restore("volumeName");
    }
    if !old.has("spec.storageClassName") {
        restore("storageClassName");
    }
    restore("volumeAttributesClassName");
    if bound {
        restore("resources.requests.storage");
    }
    if &fixed != old.at("spec") {
        let diff = unified(old.at("spec"), &fixed);
        errors.forbidden(
            path,
            format!("spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims\n{diff}"),
        );
    }
    if let (Some(after), Some(before)) = (size(new), size(old))
        && bound
        && after < before
    {
        let path = path.child("resources").child("requests").child("storage");
        errors.forbidden(&path, "field can not be less than status.capacity");
    }
}

/// Judges a StorageClass.
pub fn storage_class(input: &Validation<'_>) -> Vec<FieldError> {
    let mut errors = Errors::default();
    let object = input.object;
    let provisioner = object.text("provisioner");
    if provisioner.is_empty() {
        errors.required(&Path::new("provisioner"), "");
    } else {
        let lower = provisioner.to_ascii_lowercase();
        errors.all_invalid(&Path::new("provisioner"), provisioner, names::qualified_name(&lower));
    }
    let policy = object.text("reclaimPolicy");
    if !matches!(policy, "" | "Delete" | "Retain") {
        errors.not_supported(&Path::new("reclaimPolicy"), policy, &["Delete", "Retain"]);
    }
    errors.one_of(&Path::new("volumeBindingMode"), object.text("volumeBindingMode"), &["Immediate", "WaitForFirstConsumer"]);
    if let Some(old) = input.old {
        for field in ["parameters", "provisioner", "reclaimPolicy"] {
            if object.at(field) != old.at(field) {
                errors.forbidden(&Path::new(field), format!("updates to {field} are forbidden."));
            }
        }
        errors.immutable(&Path::new("volumeBindingMode"), object.at("volumeBindingMode"), old.at("volumeBindingMode"));
    }
    errors.0
}

#[cfg(test)]
mod tests {
    use super::super::testing::judge;
    use super::*;
    use serde_json::json;

    #[test]
    fn claims_need_modes_and_size() {
        let good =
            json!({"spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}, "volumeMode": "Filesystem"}});
        assert_eq!(judge(claim, &good, None), Vec::<String>::new());
        assert_eq!(
            judge(claim, &json!({"spec": {}}), None),
            ["spec.accessModes: Required value: at least 1 access mode is required", "spec.resources[storage]: Required value"]
        );
    }

    #[test]
    fn bound_claims_may_only_grow() {
        let old = json!({"spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "2Gi"}}}, "status": {"phase": "Bound"}});
        let mut bigger = old.clone();
        bigger.put("spec.resources.requests.storage", "3Gi");
        assert_eq!(judge(claim, &bigger, Some(&old)), Vec::<String>::new());
        let mut smaller = old.clone();
        smaller.put("spec.resources.requests.storage", "1Gi");
        assert_eq!(
            judge(claim, &smaller, Some(&old)),
            ["spec.resources.requests.storage: Forbidden: field can not be less than status.capacity"]
        );
    }

    #[test]
    fn volumes_need_one_source() {
        let object = json!({"spec": {"accessModes": ["ReadWriteOnce"], "capacity": {"storage": "1Gi"}}});
        assert_eq!(judge(volume, &object, None), ["spec: Required value: must specify a volume type"]);
    }
}
