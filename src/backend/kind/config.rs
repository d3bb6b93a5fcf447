//! The configuration that kind gets: `kind-config.yaml`, or the user's own, with the options of this run put in.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::error::KindError;

/// The shape of every practice cluster.
const BUILT_IN: &str = include_str!("../../../kind-config.yaml");

/// Longest that a cluster may take from nothing to all nodes Ready.
const CREATE_SECONDS: u64 = 600;

/// What the user may decide about kind clusters. Travels to a session's process as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KindOptions {
    /// A kind configuration in place of the built-in one: where it comes from, and its text.
    #[serde(default)]
    pub config: Option<ConfigFile>,
    /// Node image; kind's default without it.
    #[serde(default)]
    pub image: Option<String>,
    /// Patches of kubeadm's configuration, as YAML documents.
    #[serde(default)]
    pub kubeadm_patches: Vec<String>,
    /// Feature gates of Kubernetes.
    #[serde(default)]
    pub feature_gates: BTreeMap<String, bool>,
    /// Directories of the host for every node.
    #[serde(default)]
    pub extra_mounts: Vec<ExtraMount>,
    /// The cluster to take, or to make under this name.
    #[serde(default)]
    pub cluster: Option<String>,
    /// Leave a cluster whose creation failed.
    #[serde(default)]
    pub keep: bool,
    /// Longest creation.
    #[serde(default = "create_seconds")]
    pub create_seconds: u64,
}

fn create_seconds() -> u64 {
    CREATE_SECONDS
}

impl Default for KindOptions {
    fn default() -> Self {
        Self {
            config: None,
            image: None,
            kubeadm_patches: Vec::new(),
            feature_gates: BTreeMap::new(),
            extra_mounts: Vec::new(),
            cluster: None,
            keep: false,
            create_seconds: CREATE_SECONDS,
        }
    }
}

/// A configuration file that was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConfigFile {
    /// Its path, for error messages.
    pub path: String,
    /// Its text.
    pub text: String,
}

/// A directory of the host in every node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExtraMount {
    /// On the host.
    pub host: String,
    /// In the nodes.
    pub node: String,
    /// Whether the nodes may not write there.
    pub read_only: bool,
}

impl std::str::FromStr for ExtraMount {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut parts = text.split(':');
        let (host, node, mode) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default(), parts.next());
        if !host.starts_with('/') || !node.starts_with('/') || !matches!(mode, None | Some("ro" | "rw")) || parts.next().is_some() {
            return Err(format!("{text:?} is not /HOST/PATH:/NODE/PATH or /HOST/PATH:/NODE/PATH:ro"));
        }
        Ok(Self { host: host.to_owned(), node: node.to_owned(), read_only: mode == Some("ro") })
    }
}

impl KindOptions {
    /// The whole configuration for a cluster with at least so many workers.
    pub fn compose(&self, workers: usize) -> Result<Value, KindError> {
        let (origin, text) = match &self.config {
            Some(file) => (file.path.as_str(), file.text.as_str()),
            None => ("kind-config.yaml", BUILT_IN),
        };
        let wrong = |reason: String| KindError::Config { origin: origin.to_owned(), reason };
        let mut config: Value = serde_saphyr::from_str(text).map_err(|e| wrong(e.to_string()))?;
        if config["kind"] != "Cluster" || !config["apiVersion"].as_str().is_some_and(|v| v.starts_with("kind.x-k8s.io/")) {
            return Err(wrong("it is not of kind Cluster, apiVersion kind.x-k8s.io/v1alpha4".to_owned()));
        }
        let whole = config.as_object_mut().ok_or_else(|| wrong("it is no mapping".to_owned()))?;
        // The name is ours to give.
        whole.remove("name");
        let nodes = array(whole, "nodes");
        if nodes.is_empty() {
            nodes.push(json!({"role": "control-plane"}));
        }
        if nodes.iter().filter(|n| n["role"] != "worker").count() != 1 {
            return Err(wrong("practice clusters have exactly one control-plane node".to_owned()));
        }
        while nodes.iter().filter(|n| n["role"] == "worker").count() < workers {
            nodes.push(json!({"role": "worker"}));
        }
        for node in nodes.iter_mut().filter_map(Value::as_object_mut) {
            for mount in &self.extra_mounts {
                array(node, "extraMounts").push(json!({"hostPath": mount.host, "containerPath": mount.node, "readOnly": mount.read_only}));
            }
        }
        for patch in &self.kubeadm_patches {
            array(whole, "kubeadmConfigPatches").push(json!(patch));
        }
        if !self.feature_gates.is_empty() {
            let gates = whole.entry("featureGates").or_insert_with(|| json!({}));
            for (name, on) in &self.feature_gates {
                gates[name] = json!(on);
            }
        }
        Ok(config)
    }
}

/// The list under a key, made if it is not there.
fn array<'a>(map: &'a mut Map<String, Value>, key: &str) -> &'a mut Vec<Value> {
    let value = map.entry(key).or_insert_with(|| json!([]));
    if !value.is_array() {
        *value = json!([]);
    }
    match value {
        Value::Array(array) => array,
        _ => unreachable!("it was made an array above"),
    }
}

/// The configuration with the API server's port fixed: a cluster that is made anew keeps its address.
pub fn with_port(mut config: Value, port: Option<u16>) -> Value {
    if let (Some(port), Some(map)) = (port, config.as_object_mut()) {
        map.entry("networking").or_insert_with(|| json!({}))["apiServerPort"] = json!(port);
    }
    config
}

/// How many workers a configuration makes.
pub fn workers(config: &Value) -> usize {
    config["nodes"].as_array().map_or(0, |nodes| nodes.iter().filter(|n| n["role"] == "worker").count())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_put_into_the_configuration() {
        let options = KindOptions {
            kubeadm_patches: vec!["kind: KubeletConfiguration\n".into()],
            feature_gates: BTreeMap::from([("A".to_owned(), false)]),
            extra_mounts: vec!["/a:/b:ro".parse().unwrap()],
            ..KindOptions::default()
        };
        let config = options.compose(4).unwrap();
        assert_eq!((workers(&config), config["name"].is_null()), (4, true));
        assert_eq!(config["featureGates"], json!({"A": false}));
        assert_eq!(config["kubeadmConfigPatches"], json!(["kind: KubeletConfiguration\n"]));
        assert_eq!(config["nodes"][4]["extraMounts"], json!([{"hostPath": "/a", "containerPath": "/b", "readOnly": true}]));
        assert_eq!(with_port(config, Some(1))["networking"]["apiServerPort"], json!(1));
        assert_eq!(workers(&KindOptions::default().compose(3).unwrap()), 3);
    }

    #[test]
    fn what_is_no_configuration_says_where_it_is_from() {
        for (text, part) in [
            ("a: [", "mine.yaml"),
            ("kind: Pod", "not of kind Cluster"),
            ("kind: Cluster\napiVersion: kind.x-k8s.io/v1alpha4\nnodes: [{role: control-plane}, {role: control-plane}]", "exactly one"),
        ] {
            let config = Some(ConfigFile { path: "mine.yaml".into(), text: text.into() });
            let error = KindOptions { config, ..KindOptions::default() }.compose(3).unwrap_err();
            assert!(error.to_string().contains(part), "{error}");
        }
        for mount in ["a:/b", "/a", "/a:/b:rx", "/a:/b:ro:x"] {
            assert!(mount.parse::<ExtraMount>().is_err(), "{mount}");
        }
    }
}
