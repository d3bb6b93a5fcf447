//! Kernel settings and modules.

use imbl::OrdMap;
use serde::{Deserialize, Serialize};

/// What `sysctl` and `modprobe` change; lost at a reboot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kernel {
    /// Settings by name (`net.ipv4.ip_forward`).
    pub settings: OrdMap<String, String>,
    /// Loaded modules by name.
    pub modules: OrdMap<String, Module>,
}

/// A loaded module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Module {
    /// Bytes.
    pub size: u64,
    /// Modules that use it.
    pub used_by: Vec<String>,
}

const SETTINGS: &[(&str, &str)] = &[
    ("fs.file-max", "9223372036854775807"),
    ("fs.inotify.max_user_instances", "128"),
    ("fs.inotify.max_user_watches", "29722"),
    ("kernel.hostname", "localhost"),
    ("kernel.ostype", "Linux"),
    ("kernel.osrelease", "6.1.0-30-amd64"),
    ("kernel.panic", "0"),
    ("kernel.panic_on_oops", "0"),
    ("kernel.pid_max", "4194304"),
    ("net.core.somaxconn", "4096"),
    ("net.ipv4.conf.all.forwarding", "0"),
    ("net.ipv4.conf.all.rp_filter", "0"),
    ("net.ipv4.ip_forward", "0"),
    ("net.ipv4.ip_local_port_range", "32768\t60999"),
    ("net.ipv4.ip_unprivileged_port_start", "1024"),
    ("net.ipv4.tcp_syncookies", "1"),
    ("net.ipv6.conf.all.disable_ipv6", "0"),
    ("net.ipv6.conf.all.forwarding", "0"),
    ("vm.max_map_count", "65530"),
    ("vm.overcommit_memory", "0"),
    ("vm.panic_on_oom", "0"),
    ("vm.swappiness", "60"),
];

/// Settings that a module brings.
const OF_MODULES: &[(&str, &str, &str)] = &[
    ("br_netfilter", "net.bridge.bridge-nf-call-iptables", "1"),
    ("br_netfilter", "net.bridge.bridge-nf-call-ip6tables", "1"),
    ("br_netfilter", "net.bridge.bridge-nf-call-arptables", "1"),
    ("nf_conntrack", "net.netfilter.nf_conntrack_max", "131072"),
];

/// Modules that exist, with their size and what they need.
const MODULES: &[(&str, u64, &[&str])] = &[
    ("overlay", 167_936, &[]),
    ("br_netfilter", 36_864, &["bridge"]),
    ("bridge", 319_488, &["stp", "llc"]),
    ("stp", 16_384, &["llc"]),
    ("llc", 16_384, &[]),
    ("nf_conntrack", 188_416, &["nf_defrag_ipv4"]),
    ("nf_defrag_ipv4", 16_384, &[]),
    ("nf_nat", 57_344, &["nf_conntrack"]),
    ("xt_conntrack", 16_384, &["nf_conntrack", "x_tables"]),
    ("xt_MASQUERADE", 20_480, &["nf_nat", "x_tables"]),
    ("x_tables", 61_440, &[]),
    ("ip_tables", 36_864, &["x_tables"]),
    ("iptable_nat", 16_384, &["ip_tables", "nf_nat"]),
    ("iptable_filter", 16_384, &["ip_tables"]),
    ("veth", 40_960, &[]),
    ("ip_vs", 204_800, &["nf_conntrack"]),
    ("ip_vs_rr", 16_384, &["ip_vs"]),
    ("vxlan", 147_456, &[]),
    ("virtio_net", 77_824, &[]),
    ("ext4", 983_040, &[]),
];

impl Default for Kernel {
    fn default() -> Self {
        let mut kernel = Self {
            settings: SETTINGS.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            modules: OrdMap::new(),
        };
        for name in ["ext4", "virtio_net"] {
            kernel.load(name);
        }
        kernel
    }
}

impl Kernel {
    /// Loads a module and what it needs; false if there is none of that name.
    pub fn load(&mut self, name: &str) -> bool {
        let name = name.replace('-', "_");
        let Some((name, size, needs)) = MODULES.iter().find(|(known, ..)| *known == name) else { return false };
        if self.modules.contains_key(*name) {
            return true;
        }
        for need in *needs {
            self.load(need);
            if let Some(module) = self.modules.get_mut(*need) {
                module.used_by.push((*name).to_owned());
            }
        }
        self.modules.insert((*name).to_owned(), Module { size: *size, used_by: Vec::new() });
        for (module, setting, value) in OF_MODULES {
            if module == name {
                self.settings.insert((*setting).to_owned(), (*value).to_owned());
            }
        }
        true
    }

    /// Unloads a module; an error says why not.
    pub fn unload(&mut self, name: &str) -> Result<(), &'static str> {
        let name = name.replace('-', "_");
        let module = self.modules.get(&name).ok_or("not found")?;
        if !module.used_by.is_empty() {
            return Err("in use");
        }
        self.modules.remove(&name);
        for (module, setting, _) in OF_MODULES {
            if *module == name {
                self.settings.remove(*setting);
            }
        }
        let names: Vec<String> = self.modules.keys().cloned().collect();
        for other in names {
            if let Some(module) = self.modules.get_mut(&other) {
                module.used_by.retain(|user| *user != name);
            }
        }
        Ok(())
    }
}
