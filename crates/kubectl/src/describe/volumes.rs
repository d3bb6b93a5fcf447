//! Volumes of pods, and sources of persistent volumes.

use serde_json::Value;

use crate::describe::document::Document;
use crate::describe::metadata::{inline_labels, plain, quantity, text};

/// Adds the volumes of a pod.
pub fn describe(doc: &mut Document, volumes: &Value, space: &str) {
    let Some(list) = volumes.as_array().filter(|l| !l.is_empty()) else {
        doc.line(0, format!("{space}Volumes:\t<none>"));
        return;
    };
    doc.line(0, format!("{space}Volumes:"));
    for volume in list {
        doc.line(1, format!("{}{}:", if space.is_empty() { "" } else { " " }, text(&volume["name"])));
        source(doc, volume);
    }
}

fn flag(value: &Value) -> String {
    (value == true).to_string()
}

/// Adds the source that a volume or a persistent volume's spec has.
pub fn source(doc: &mut Document, volume: &Value) {
    let has = |key: &str| volume.get(key).filter(|v| v.is_object());
    let mut add = |kind: &str, fields: &[(&str, String)]| {
        doc.field(2, "Type", kind);
        for (name, value) in fields {
            doc.field(2, name, value);
        }
    };
    let owned = |v: &Value| text(v).to_owned();
    if let Some(s) = has("hostPath") {
        let kind = s["type"].as_str().map_or_else(|| "<none>".to_owned(), str::to_owned);
        add("HostPath (bare host directory volume)", &[("Path", owned(&s["path"])), ("HostPathType", kind)]);
    } else if let Some(s) = has("emptyDir") {
        let limit = if s["sizeLimit"].is_null() { "<unset>".to_owned() } else { quantity(&s["sizeLimit"]) };
        add("EmptyDir (a temporary directory that shares a pod's lifetime)", &[("Medium", owned(&s["medium"])), ("SizeLimit", limit)]);
    } else if let Some(s) = has("secret") {
        add("Secret (a volume populated by a Secret)", &[("SecretName", owned(&s["secretName"])), ("Optional", flag(&s["optional"]))]);
    } else if let Some(s) = has("configMap") {
        add("ConfigMap (a volume populated by a ConfigMap)", &[("Name", owned(&s["name"])), ("Optional", flag(&s["optional"]))]);
    } else if let Some(s) = has("persistentVolumeClaim") {
        add(
            "PersistentVolumeClaim (a reference to a PersistentVolumeClaim in the same namespace)",
            &[("ClaimName", owned(&s["claimName"])), ("ReadOnly", flag(&s["readOnly"]))],
        );
    } else if let Some(s) = has("nfs") {
        add(
            "NFS (an NFS mount that lasts the lifetime of a pod)",
            &[("Server", owned(&s["server"])), ("Path", owned(&s["path"])), ("ReadOnly", flag(&s["readOnly"]))],
        );
    } else if let Some(s) = has("local") {
        add("LocalVolume (a persistent volume backed by local storage on a node)", &[("Path", owned(&s["path"]))]);
    } else if let Some(s) = has("image") {
        add("Image (a container image or OCI artifact)", &[("Reference", owned(&s["reference"])), ("PullPolicy", owned(&s["pullPolicy"]))]);
    } else if let Some(s) = has("csi") {
        let handle = if s["volumeHandle"].is_string() { vec![("VolumeHandle", owned(&s["volumeHandle"]))] } else { Vec::new() };
        let mut fields = vec![("Driver", owned(&s["driver"])), ("FSType", owned(&s["fsType"]))];
        fields.extend(handle);
        fields.push(("ReadOnly", flag(&s["readOnly"])));
        add("CSI (a Container Storage Interface (CSI) volume source)", &fields);
        doc.field(2, "VolumeAttributes", inline_labels(&s["volumeAttributes"]));
    } else if let Some(s) = has("ephemeral") {
        let spec = &s["volumeClaimTemplate"]["spec"];
        add(
            "EphemeralVolume (an inline specification for a volume that gets created and deleted with the pod)",
            &[("StorageClass", owned(&spec["storageClassName"])), ("Capacity", quantity(&spec["resources"]["requests"]["storage"]))],
        );
    } else if let Some(s) = has("projected") {
        projected(doc, s);
    } else if let Some(s) = has("downwardAPI") {
        doc.field(2, "Type", "DownwardAPI (a volume populated by information about the pod)");
        doc.line(2, "Items:");
        for item in s["items"].as_array().into_iter().flatten() {
            for (key, field) in [("fieldRef", "fieldPath"), ("resourceFieldRef", "resource")] {
                if item[key].is_object() {
                    doc.line(3, format!("{} -> {}", text(&item[key][field]), text(&item["path"])));
                }
            }
        }
    } else {
        doc.line(1, "<unknown>");
    }
}

fn projected(doc: &mut Document, source: &Value) {
    doc.field(2, "Type", "Projected (a volume that contains injected data from multiple sources)");
    for s in source["sources"].as_array().into_iter().flatten() {
        if s["secret"].is_object() {
            doc.field(2, "SecretName", text(&s["secret"]["name"]));
            doc.field(2, "Optional", flag(&s["secret"]["optional"]));
        } else if s["downwardAPI"].is_object() {
            doc.field(2, "DownwardAPI", "true");
        } else if s["configMap"].is_object() {
            doc.field(2, "ConfigMapName", text(&s["configMap"]["name"]));
            doc.field(2, "Optional", flag(&s["configMap"]["optional"]));
        } else if s["serviceAccountToken"].is_object() {
            doc.field(2, "TokenExpirationSeconds", plain(&s["serviceAccountToken"]["expirationSeconds"]));
        }
    }
}
