//! `/etc/containerd/config.toml`.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::toml;
use crate::fs::{Errno, View};

/// What the daemon read from its configuration file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DaemonConfig {
    /// Socket that it serves.
    pub address: String,
    /// Image of sandboxes.
    pub sandbox_image: String,
    /// Directory of CNI configurations.
    pub cni_conf_dir: String,
    /// Directory of CNI plugins.
    pub cni_bin_dir: String,
    /// runc puts containers into systemd's slices.
    pub systemd_cgroup: bool,
    /// The CRI plugin is switched off (Docker's package does so): the socket is there but does not know the kubelet's calls.
    pub cri_disabled: bool,
}

impl Default for DaemonConfig {
    fn default() -> Self {
        Self {
            address: "/run/containerd/containerd.sock".to_owned(),
            sandbox_image: "registry.k8s.io/pause:3.6".to_owned(),
            cni_conf_dir: "/etc/cni/net.d".to_owned(),
            cni_bin_dir: "/opt/cni/bin".to_owned(),
            systemd_cgroup: false,
            cri_disabled: false,
        }
    }
}

impl DaemonConfig {
    /// Reads the file; a missing one means defaults, as containerd has it.
    pub fn load(files: &View, path: &str) -> Result<Self, String> {
        match files.read_text(path) {
            Ok(text) => Self::parse(&text).map_err(|reason| format!("failed to load TOML: {path}: {reason}")),
            Err(Errno::NotFound) => Ok(Self::default()),
            Err(errno) => Err(format!("open {path}: {}", errno.go())),
        }
    }

    fn parse(text: &str) -> Result<Self, String> {
        let document = toml::parse(text).map_err(|error| error.to_string())?;
        let mut config = Self::default();
        let version = document["version"].as_i64().unwrap_or(1);
        if !(1..=2).contains(&version) {
            return Err(format!("expected containerd config version `2`, got `{version}`: not supported"));
        }
        let cri = if version == 1 { &document["plugins"]["cri"] } else { &document["plugins"]["io.containerd.grpc.v1.cri"] };
        let set = |target: &mut String, value: &Value| {
            if let Some(text) = value.as_str() {
                text.clone_into(target);
            }
        };
        set(&mut config.address, &document["grpc"]["address"]);
        set(&mut config.sandbox_image, &cri["sandbox_image"]);
        set(&mut config.cni_conf_dir, &cri["cni"]["conf_dir"]);
        set(&mut config.cni_bin_dir, &cri["cni"]["bin_dir"]);
        let options = &cri["containerd"]["runtimes"]["runc"]["options"];
        config.systemd_cgroup = options["SystemdCgroup"].as_bool().unwrap_or(false);
        let disabled = document["disabled_plugins"].as_array().map(Vec::as_slice).unwrap_or_default();
        config.cri_disabled = disabled.iter().any(|name| matches!(name.as_str(), Some("cri" | "io.containerd.grpc.v1.cri")));
        Ok(config)
    }
}

#[cfg(test)]
mod tests {
    use super::DaemonConfig;

    #[test]
    fn settings_are_found_where_containerd_has_them() {
        let text = "version = 2\ndisabled_plugins = [\"cri\"]\n[grpc]\n  address = \"/run/c.sock\"\n[plugins.\"io.containerd.grpc.v1.cri\".cni]\n  conf_dir = \"/x\"\n";
        let config = DaemonConfig::parse(text).expect("valid");
        assert_eq!((config.address.as_str(), config.cni_conf_dir.as_str(), config.cri_disabled), ("/run/c.sock", "/x", true));
        assert!(DaemonConfig::parse("version = 9").is_err());
    }
}
