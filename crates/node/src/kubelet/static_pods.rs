//! Static pods: manifests on the node (`pkg/kubelet/config/file.go`, `common.go`).

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::fs::{Errno, View};

/// Manifests in a directory with their contents, in the order of their names. Hidden files and directories do not count.
pub(super) fn list(files: &View, directory: &str) -> Result<Vec<(String, String)>, Errno> {
    let entries = files.read_dir(directory)?;
    Ok(entries
        .into_iter()
        .filter(|(name, stat)| !name.starts_with('.') && stat.is_file())
        .filter_map(|(name, _)| {
            let path = format!("{directory}/{name}");
            files.read_text(&path).ok().map(|text| (path, text))
        })
        .collect())
}

/// Reads a manifest and adds what the kubelet adds to it.
pub(super) fn decode(path: &str, text: &str, node: &str, now: Timestamp) -> Result<Pod, String> {
    let mut document = component::yaml::to_json(text).map_err(|error| error.to_string())?;
    let kind = document["kind"].as_str().unwrap_or_default().to_owned();
    let version = document["apiVersion"].as_str().unwrap_or_default().to_owned();
    if !document.is_object() || kind.is_empty() {
        return Err(format!("Object 'Kind' is missing in '{}'", text.trim_end()));
    }
    if version.is_empty() {
        return Err(format!("Object 'apiVersion' is missing in '{}'", text.trim_end()));
    }
    if version != "v1" || kind != "Pod" {
        return Err(if version == "v1" {
            format!("invalid pod: &{{TypeMeta:{{Kind:{kind} APIVersion:v1}}}}")
        } else {
            format!("no kind \"{kind}\" is registered for version \"{version}\" in scheme \"pkg/api/legacyscheme/scheme.go:30\"")
        });
    }
    let hash: String = Sha256::digest(format!("{text}\0{node}\0{path}")).iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    let name = document["metadata"]["name"].as_str().unwrap_or_default().to_owned();
    if name.is_empty() {
        return Err("invalid pod: metadata.name: Required value: name or generateName is required".to_owned());
    }
    document["metadata"]["name"] = Value::from(format!("{name}-{node}").to_lowercase());
    if document["metadata"]["namespace"].is_null() {
        document["metadata"]["namespace"] = Value::from("default");
    }
    document["metadata"]["uid"] = Value::from(hash.as_str());
    if !document["metadata"]["annotations"].is_object() {
        document["metadata"]["annotations"] = json!({});
    }
    let annotations = &mut document["metadata"]["annotations"];
    annotations["kubernetes.io/config.hash"] = Value::from(hash.as_str());
    annotations["kubernetes.io/config.seen"] = Value::from(format!("{now:.9}"));
    annotations["kubernetes.io/config.source"] = Value::from("file");
    if document["spec"].is_null() || document["spec"]["containers"].as_array().is_none_or(Vec::is_empty) {
        return Err("invalid pod: spec.containers: Required value".to_owned());
    }
    let spec = &mut document["spec"];
    spec["nodeName"] = Value::from(node);
    let tolerate = json!({"operator": "Exists", "effect": "NoExecute"});
    match spec["tolerations"].as_array_mut() {
        Some(tolerations) => tolerations.push(tolerate),
        None => spec["tolerations"] = json!([tolerate]),
    }
    for (field, default) in [("restartPolicy", "Always"), ("dnsPolicy", "ClusterFirst")] {
        if spec[field].is_null() {
            spec[field] = Value::from(default);
        }
    }
    serde_json::from_value(document).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::decode;

    #[test]
    fn a_manifest_becomes_a_pod_of_this_node() {
        let text = "apiVersion: v1\nkind: Pod\nmetadata: {name: web, namespace: x}\nspec:\n  containers: [{name: c, image: nginx}]\n";
        let pod = decode("/m/web.yaml", text, "n1", Timestamp::UNIX_EPOCH).expect("valid");
        assert_eq!(pod.metadata.name.as_deref(), Some("web-n1"));
        assert_eq!(pod.metadata.uid.as_ref().map(String::len), Some(32));
        let other = decode("/m/web.yaml", &text.replace("nginx", "httpd"), "n1", Timestamp::UNIX_EPOCH).expect("valid");
        assert_ne!(other.metadata.uid, pod.metadata.uid);
    }

    #[test]
    fn broken_manifests_are_refused_with_a_reason() {
        for (text, reason) in [
            ("apiVersion: v1\nkind: Pod\nspec\n  containers: []\n", "yaml: line 4: could not find expected ':'"),
            ("apiVersion: v1\nkind: Pod\nmetadata: {name: x}\n", "invalid pod: spec.containers: Required value"),
            ("a: 1\n", "Object 'Kind' is missing in 'a: 1'"),
        ] {
            assert_eq!(decode("/m/x", text, "n", Timestamp::UNIX_EPOCH).expect_err(text), reason);
        }
    }
}
