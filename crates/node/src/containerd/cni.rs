//! CNI configurations: which network pods get.

use serde_json::Value;

use crate::fs::View;
use crate::network::Subnet;

/// The network that the first usable configuration file describes.
#[derive(Clone, Debug, PartialEq)]
pub struct NetworkConfig {
    /// Its name.
    pub name: String,
    /// Types of the plugins in their order.
    pub plugins: Vec<String>,
    /// Addresses of pods, if the file says so (or leaves it to the node's pod CIDR).
    pub subnet: Option<Subnet>,
    /// The file's whole contents, for `crictl info`.
    pub source: Value,
}

/// There is no network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NetworkConfigError {
    /// No file, or none that can be used.
    #[error("cni plugin not initialized")]
    NotInitialized,
}

impl NetworkConfig {
    /// Loads from a directory as containerd's go-cni does: files in the order of their names, the first valid one.
    pub fn load(files: &View, directory: &str) -> Result<Self, NetworkConfigError> {
        let entries = files.read_dir(directory).map_err(|_| NetworkConfigError::NotInitialized)?;
        entries
            .iter()
            .map(|(name, _)| name)
            .filter(|name| [".conflist", ".conf", ".json"].iter().any(|end| name.ends_with(end)))
            .find_map(|name| Self::parse(&files.read_text(&format!("{directory}/{name}")).ok()?))
            .ok_or(NetworkConfigError::NotInitialized)
    }

    fn parse(text: &str) -> Option<Self> {
        let source: Value = serde_json::from_str(text).ok()?;
        let name = source["name"].as_str()?.to_owned();
        let single = [source.clone()];
        let plugins: &[Value] = match source["plugins"].as_array() {
            Some(plugins) => plugins,
            None => &single,
        };
        let types: Vec<String> = plugins.iter().filter_map(|plugin| plugin["type"].as_str()).map(str::to_owned).collect();
        if types.is_empty() {
            return None;
        }
        let subnet = plugins.iter().find_map(|plugin| {
            let ipam = &plugin["ipam"];
            ipam["ranges"][0][0]["subnet"].as_str().or(ipam["subnet"].as_str()).and_then(Subnet::parse)
        });
        Some(Self { name, plugins: types, subnet, source })
    }

    /// The first plugin whose binary is missing.
    pub fn missing_plugin(&self, files: &View, bin_dir: &str) -> Option<&str> {
        self.plugins.iter().find(|plugin| files.executable(&format!("{bin_dir}/{plugin}")).is_err()).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::NetworkConfig;

    #[test]
    fn subnets_are_read_from_lists_and_single_plugins() {
        let list = r#"{"cniVersion":"0.3.1","name":"n","plugins":[{"type":"ptp","ipam":{"type":"host-local","ranges":[[{"subnet":"10.244.1.0/24"}]]}},{"type":"portmap"}]}"#;
        let config = NetworkConfig::parse(list).expect("valid");
        assert_eq!(
            (config.plugins.join(","), config.subnet.map(|s| s.network.to_string())),
            ("ptp,portmap".into(), Some("10.244.1.0".into()))
        );
        let single = r#"{"name":"b","type":"bridge","ipam":{"subnet":"10.9.0.0/16"}}"#;
        assert_eq!(NetworkConfig::parse(single).expect("valid").subnet.map(|s| s.prefix), Some(16));
        assert_eq!(NetworkConfig::parse("{"), None);
    }
}
