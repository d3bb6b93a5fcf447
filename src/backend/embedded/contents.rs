//! What a cluster's state holds, to compare two of them: objects, and files that an administrator would write.

use std::collections::BTreeMap;

use kubesim::World;
use serde_json::Value;

use super::Handover;

/// Folders in which only programs write, or nothing that a person means.
const PASSED_OVER: &[&str] = &[
    "/bin",
    "/boot",
    "/dev",
    "/lib",
    "/lib64",
    "/proc",
    "/root/.bash_history",
    "/run",
    "/sbin",
    "/sys",
    "/tmp",
    "/usr",
    "/var/lib/cni",
    "/var/lib/containerd",
    "/var/lib/etcd",
    "/var/lib/kubelet/pods",
    "/var/log",
    "/var/run",
    "/var/tmp",
];

/// Deepest folder that is looked into: links may lead in circles.
const DEEPEST: usize = 10;

impl Handover {
    /// Every object, by its key in etcd.
    pub fn objects(&self) -> BTreeMap<String, Value> {
        let World { store, .. } = self.world();
        store.objects.iter().map(|(key, object)| (key.to_string(), object.value().clone())).collect()
    }

    /// Texts of the files on the nodes, by node and path.
    pub fn files(&self) -> BTreeMap<(String, String), String> {
        let mut found = BTreeMap::new();
        for (node, machine) in self.world().machines.iter().filter(|(name, _)| *name != kubesim::BASE) {
            let mut open = vec![(String::new(), 0)];
            while let Some((folder, depth)) = open.pop() {
                for name in machine.files.names(if folder.is_empty() { "/" } else { &folder }).unwrap_or_default() {
                    let path = format!("{folder}/{name}");
                    if PASSED_OVER.contains(&path.as_str()) {
                        continue;
                    }
                    if let Ok(bytes) = machine.files.read(&path) {
                        if let Ok(text) = std::str::from_utf8(&bytes) {
                            found.insert((node.clone(), path), text.to_owned());
                        }
                    } else if depth < DEEPEST {
                        open.push((path, depth + 1));
                    }
                }
            }
        }
        found
    }
}
