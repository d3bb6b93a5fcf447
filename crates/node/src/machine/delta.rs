//! What differs between two states of one machine: the record that a cluster's journal keeps of it.

use std::sync::Arc;

use component::{Generator, MapDelta};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::kernel::Kernel;
use super::process::{Pid, Process};
use super::state::MachineState;
use crate::containerd::ContainerdState;
use crate::fs::{Tree, TreeDelta};
use crate::journal::JournalDelta;
use crate::kubelet::KubeletState;
use crate::network::MachineNetwork;
use crate::systemd::SystemdState;

/// The large parts (files, journal, processes) as differences, the small ones whole where they changed.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct MachineDelta {
    #[serde(skip_serializing_if = "Option::is_none")]
    booted: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kernel: Option<Kernel>,
    #[serde(skip_serializing_if = "Option::is_none")]
    files: Option<TreeDelta>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    rootfs: Vec<(Arc<str>, RootfsDelta)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    processes: Option<MapDelta<Pid, Arc<Process>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_pid: Option<Pid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    journal: Option<JournalDelta>,
    #[serde(skip_serializing_if = "Option::is_none")]
    systemd: Option<SystemdState>,
    #[serde(skip_serializing_if = "Option::is_none")]
    containers: Option<ContainerdState>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kubelet: Option<KubeletState>,
    #[serde(skip_serializing_if = "Option::is_none")]
    network: Option<MachineNetwork>,
    #[serde(skip_serializing_if = "Option::is_none")]
    generator: Option<Generator>,
}

#[derive(Debug, Serialize, Deserialize)]
enum RootfsDelta {
    Made(Tree),
    Changed(TreeDelta),
    Removed,
}

impl MachineDelta {
    /// What turns `old` into `new`; `None` when they are equal.
    pub fn between(old: &MachineState, new: &MachineState) -> Option<Self> {
        let delta = Self {
            booted: changed(&old.booted, &new.booted),
            kernel: changed(&old.kernel, &new.kernel),
            files: TreeDelta::between(&old.files, &new.files),
            rootfs: rootfs(old, new),
            processes: MapDelta::between(&old.processes, &new.processes),
            last_pid: changed(&old.last_pid, &new.last_pid),
            journal: JournalDelta::between(&old.journal, &new.journal),
            systemd: changed(&old.systemd, &new.systemd),
            containers: changed(&old.containers, &new.containers),
            kubelet: changed(&old.kubelet, &new.kubelet),
            network: changed(&old.network, &new.network),
            generator: changed(&old.generator, &new.generator),
        };
        let empty = delta.booted.is_none()
            && delta.kernel.is_none()
            && delta.files.is_none()
            && delta.rootfs.is_empty()
            && delta.processes.is_none()
            && delta.last_pid.is_none()
            && delta.journal.is_none()
            && delta.systemd.is_none()
            && delta.containers.is_none()
            && delta.kubelet.is_none()
            && delta.network.is_none()
            && delta.generator.is_none();
        (!empty).then_some(delta)
    }

    /// Applies the difference.
    pub fn apply(self, state: &mut MachineState) {
        set(&mut state.booted, self.booted);
        set(&mut state.kernel, self.kernel);
        if let Some(files) = self.files {
            files.apply(&mut state.files);
        }
        for (container, delta) in self.rootfs {
            match delta {
                RootfsDelta::Made(tree) => drop(state.rootfs.insert(container, tree)),
                RootfsDelta::Removed => drop(state.rootfs.remove(&container)),
                RootfsDelta::Changed(delta) => {
                    if let Some(tree) = state.rootfs.get_mut(&container) {
                        delta.apply(tree);
                    }
                }
            }
        }
        if let Some(processes) = self.processes {
            processes.apply(&mut state.processes);
        }
        set(&mut state.last_pid, self.last_pid);
        if let Some(journal) = self.journal {
            journal.apply(&mut state.journal);
        }
        set(&mut state.systemd, self.systemd);
        set(&mut state.containers, self.containers);
        set(&mut state.kubelet, self.kubelet);
        set(&mut state.network, self.network);
        set(&mut state.generator, self.generator);
    }
}

fn changed<T: Clone + PartialEq>(old: &T, new: &T) -> Option<T> {
    (old != new).then(|| new.clone())
}

fn set<T>(target: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *target = value;
    }
}

fn rootfs(old: &MachineState, new: &MachineState) -> Vec<(Arc<str>, RootfsDelta)> {
    if old.rootfs.ptr_eq(&new.rootfs) {
        return Vec::new();
    }
    let removed = old.rootfs.keys().filter(|id| !new.rootfs.contains_key(*id)).map(|id| (id.clone(), RootfsDelta::Removed));
    let present = new.rootfs.iter().filter_map(|(id, tree)| {
        let delta = match old.rootfs.get(id) {
            Some(before) => RootfsDelta::Changed(TreeDelta::between(before, tree)?),
            None => RootfsDelta::Made(tree.clone()),
        };
        Some((id.clone(), delta))
    });
    removed.chain(present).collect()
}
