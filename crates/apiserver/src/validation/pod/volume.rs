//! Volumes, mounts and devices.

use serde_json::Value;

use super::environment::{self, Place};
use super::resources::quantity;
use crate::json::Json;
use crate::status::FieldError;
use crate::validation::names;
use crate::validation::path::{Errors, Path};

/// All sources, in the order in which upstream asks for them.
const SOURCES: [&str; 29] = [
    "emptyDir",
    "hostPath",
    "gitRepo",
    "gcePersistentDisk",
    "awsElasticBlockStore",
    "secret",
    "nfs",
    "iscsi",
    "glusterfs",
    "flocker",
    "persistentVolumeClaim",
    "rbd",
    "cinder",
    "cephfs",
    "quobyte",
    "downwardAPI",
    "fc",
    "flexVolume",
    "configMap",
    "azureFile",
    "vsphereVolume",
    "photonPersistentDisk",
    "portworxVolume",
    "azureDisk",
    "storageos",
    "projected",
    "scaleIO",
    "csi",
    "ephemeral",
];

const MODE: &str = "must be a number between 0 and 0777 (octal), both inclusive";
const HOST_PATH_TYPES: [&str; 8] = ["", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket"];

/// The volumes of a pod, by name.
pub struct Volumes<'a>(Vec<(&'a str, &'a Value)>);

impl<'a> Volumes<'a> {
    /// Checks `volumes` and remembers the good ones (`ValidateVolumes`).
    pub fn check(spec: &'a Value, path: &Path, errors: &mut Errors) -> Self {
        let mut known: Vec<(&str, &Value)> = Vec::new();
        for (i, volume) in spec.list("volumes").iter().enumerate() {
            let path = path.index(i);
            let before = errors.0.len();
            source(volume, &path, errors);
            let name = volume.text("name");
            if name.is_empty() {
                errors.required(&path.child("name"), "");
            } else {
                errors.all_invalid(&path.child("name"), name, names::dns_label(name));
            }
            if known.iter().any(|(n, _)| *n == name) {
                errors.duplicate(&path.child("name"), name);
            }
            if errors.0.len() == before {
                known.push((name, volume));
            }
        }
        Self(known)
    }

    fn get(&self, name: &str) -> Option<&'a Value> {
        self.0.iter().find(|(n, _)| *n == name).map(|(_, v)| *v)
    }

    /// Checks `volumeMounts` of a container.
    pub fn mounts(&self, container: &Value, path: &Path, errors: &mut Errors) {
        let mut taken: Vec<&str> = Vec::new();
        let devices = container.list("volumeDevices");
        for (i, mount) in container.list("volumeMounts").iter().enumerate() {
            let item = path.index(i);
            let (name, target) = (mount.text("name"), mount.text("mountPath"));
            if name.is_empty() {
                errors.required(&item.child("name"), "");
            }
            if self.get(name).is_none() {
                errors.push(FieldError::not_found(item.child("name"), name));
            }
            if target.is_empty() {
                errors.required(&item.child("mountPath"), "");
            }
            if taken.contains(&target) {
                errors.invalid(&item.child("mountPath"), target, "must be unique");
            }
            taken.push(target);
            if devices.iter().any(|d| d.text("name") == name) {
                errors.invalid(&item.child("name"), name, "must not already exist in volumeDevices");
            }
            if devices.iter().any(|d| d.text("devicePath") == target) {
                errors.invalid(&item.child("mountPath"), target, "must not already exist as a path in volumeDevices");
            }
            // Upstream reports these at the list.
            descending(mount.text("subPath"), &path.child("subPath"), errors);
            let expression = mount.text("subPathExpr");
            if !expression.is_empty() && !mount.text("subPath").is_empty() {
                errors.invalid(&item.child("subPathExpr"), expression, "subPathExpr and subPath are mutually exclusive");
            }
            descending(expression, &path.child("subPathExpr"), errors);
            propagation(mount.text("mountPropagation"), container, &path.child("mountPropagation"), errors);
        }
    }

    /// Checks `volumeDevices` of a container.
    pub fn devices(&self, container: &Value, path: &Path, errors: &mut Errors) {
        for (i, device) in container.list("volumeDevices").iter().enumerate() {
            let path = path.index(i);
            let (name, target) = (device.text("name"), device.text("devicePath"));
            if name.is_empty() {
                errors.required(&path.child("name"), "");
            }
            match self.get(name) {
                None => errors.push(FieldError::not_found(path.child("name"), name)),
                Some(volume) if !volume.has("persistentVolumeClaim") && !volume.has("ephemeral") => errors.invalid(
                    &path.child("name"),
                    name,
                    "can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode",
                ),
                Some(_) => {}
            }
            if target.is_empty() {
                errors.required(&path.child("devicePath"), "");
            } else if target.split('/').any(|part| part == "..") {
                errors.invalid(&path.child("devicePath"), target, "can not contain backsteps ('..')");
            }
        }
    }
}

fn propagation(mode: &str, container: &Value, path: &Path, errors: &mut Errors) {
    const MODES: [&str; 3] = ["Bidirectional", "HostToContainer", "None"];
    if mode.is_empty() {
        return;
    }
    if !MODES.contains(&mode) {
        errors.not_supported(path, mode, &MODES);
    }
    if mode == "Bidirectional" && container.flag("securityContext.privileged") != Some(true) {
        errors.forbidden(path, "Bidirectional mount propagation is available only to privileged containers");
    }
}

fn backsteps(target: &str, path: &Path, errors: &mut Errors) {
    if target.split('/').any(|part| part == "..") {
        errors.invalid(path, target, "must not contain '..'");
    }
}

fn descending(target: &str, path: &Path, errors: &mut Errors) {
    if target.starts_with('/') {
        errors.invalid(path, target, "must be a relative path");
    }
    backsteps(target, path, errors);
}

fn mode(value: Option<i64>, path: &Path, errors: &mut Errors) {
    if let Some(mode) = value.filter(|m| !(0..=0o777).contains(m)) {
        errors.invalid(path, mode, MODE);
    }
}

fn source(volume: &Value, path: &Path, errors: &mut Errors) {
    let mut count = 0;
    for kind in SOURCES.iter().chain(&["image"]).filter(|kind| volume.has(kind)) {
        if count > 0 {
            errors.forbidden(&path.child(kind), "may not specify more than 1 volume type");
            continue;
        }
        count += 1;
        one(kind, volume.at(kind), &path.child(kind), errors);
    }
    if count == 0 {
        errors.required(path, "must specify a volume type");
    }
}

fn one(kind: &str, source: &Value, path: &Path, errors: &mut Errors) {
    let mut needs = |field: &str| {
        if source.text(field).is_empty() {
            errors.required(&path.child(field), "");
        }
    };
    match kind {
        "emptyDir" if quantity(source.at("sizeLimit")).is_some_and(|q| q.is_negative()) => {
            errors.forbidden(&path.child("sizeLimit"), "SizeLimit field must be a valid resource quantity");
        }
        "hostPath" => {
            if source.text("path").is_empty() {
                return errors.required(&path.child("path"), "");
            }
            backsteps(source.text("path"), &path.child("path"), errors);
            let kind = source.text("type");
            if !HOST_PATH_TYPES.contains(&kind) {
                errors.not_supported(&path.child("type"), kind, &HOST_PATH_TYPES);
            }
        }
        "secret" | "configMap" => {
            needs(if kind == "secret" { "secretName" } else { "name" });
            mode(source.int("defaultMode"), &path.child("defaultMode"), errors);
            items(source.list("items"), &path.child("items"), errors);
        }
        "persistentVolumeClaim" => needs("claimName"),
        "nfs" => {
            needs("server");
            needs("path");
            if !source.text("path").starts_with('/') && !source.text("path").is_empty() {
                errors.invalid(&path.child("path"), source.text("path"), "must be an absolute path");
            }
        }
        "gitRepo" => needs("repository"),
        "iscsi" => {
            needs("targetPortal");
            needs("iqn");
        }
        "csi" => needs("driver"),
        "downwardAPI" => {
            mode(source.int("defaultMode"), &path.child("defaultMode"), errors);
            for file in source.list("items") {
                downward_file(file, path, errors);
            }
        }
        "projected" => projected(source, path, errors),
        "ephemeral" => match source.at("volumeClaimTemplate") {
            Value::Null => errors.required(&path.child("volumeClaimTemplate"), ""),
            template => {
                crate::validation::storage::claim_spec(template.at("spec"), &path.child("volumeClaimTemplate").child("spec"), errors)
            }
        },
        _ => {}
    }
}

fn items(items: &[Value], path: &Path, errors: &mut Errors) {
    for (i, item) in items.iter().enumerate() {
        let path = path.index(i);
        if item.text("key").is_empty() {
            errors.required(&path.child("key"), "");
        }
        if item.text("path").is_empty() {
            errors.required(&path.child("path"), "");
        }
        volume_path(item.text("path"), &path.child("path"), errors);
        mode(item.int("mode"), &path.child("mode"), errors);
    }
}

/// A path inside a volume: relative, without `..` (`validateLocalNonReservedPath`).
fn volume_path(target: &str, path: &Path, errors: &mut Errors) {
    descending(target, path, errors);
    if target.starts_with("..") && !target.starts_with("../") && target != ".." {
        errors.invalid(path, target, "must not start with '..'");
    }
}

fn downward_file(file: &Value, path: &Path, errors: &mut Errors) {
    if file.text("path").is_empty() {
        errors.required(&path.child("path"), "");
    }
    volume_path(file.text("path"), &path.child("path"), errors);
    match (file.has("fieldRef"), file.has("resourceFieldRef")) {
        (true, true) => errors.invalid(path, "resource", "fieldRef and resourceFieldRef can not be specified simultaneously"),
        (true, false) => environment::field_reference(file.at("fieldRef"), Place::Volume, &path.child("fieldRef"), errors),
        (false, true) => environment::resource_reference(file.at("resourceFieldRef"), true, &path.child("resourceFieldRef"), errors),
        (false, false) => errors.required(path, "one of fieldRef and resourceFieldRef is required"),
    }
    mode(file.int("mode"), &path.child("mode"), errors);
}

fn projected(source: &Value, path: &Path, errors: &mut Errors) {
    mode(source.int("defaultMode"), &path.child("defaultMode"), errors);
    let mut taken: Vec<String> = Vec::new();
    for (i, projection) in source.list("sources").iter().enumerate() {
        let item = path.child("sources").index(i);
        let mut count = 0;
        for kind in ["secret", "configMap", "downwardAPI", "serviceAccountToken", "clusterTrustBundle", "podCertificate"] {
            let source = projection.at(kind);
            if source.is_null() {
                continue;
            }
            count += 1;
            let kind_path = item.child(kind);
            if matches!(kind, "secret" | "configMap") {
                if source.text("name").is_empty() {
                    errors.required(&kind_path.child("name"), "");
                }
                items(source.list("items"), &kind_path.child("items"), errors);
            }
            if kind == "serviceAccountToken" {
                let seconds = source.int("expirationSeconds").unwrap_or(3600);
                if seconds < 600 {
                    errors.invalid(&kind_path.child("expirationSeconds"), seconds, "may not specify a duration less than 10 minutes");
                } else if seconds > 1 << 32 {
                    errors.invalid(&kind_path.child("expirationSeconds"), seconds, "may not specify a duration larger than 2^32 seconds");
                }
                if source.text("path").is_empty() {
                    errors.required(&path.child("path"), "");
                } else {
                    volume_path(source.text("path"), &path.child("path"), errors);
                }
            }
            if kind == "downwardAPI" {
                for file in source.list("items") {
                    downward_file(file, &kind_path, errors);
                }
            }
            let mut files: Vec<&str> = source.list("items").iter().map(|i| i.text("path")).collect();
            if !source.text("path").is_empty() {
                files.push(source.text("path"));
            }
            for file in files.into_iter().filter(|f| !f.is_empty()) {
                if taken.iter().any(|t| t == file) {
                    let value = if source.text("name").is_empty() { file } else { source.text("name") };
                    errors.invalid(path, value, "conflicting duplicate paths");
                } else {
                    taken.push(file.to_owned());
                }
            }
        }
        if count > 1 {
            errors.forbidden(&item, "may not specify more than 1 volume type per source");
        }
    }
}
