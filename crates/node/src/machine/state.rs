//! A machine as data.

use std::sync::Arc;

use component::Generator;
use imbl::OrdMap;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::kernel::Kernel;
use super::process::{Pid, Process};
use super::resources::Hardware;
use crate::containerd::ContainerdState;
use crate::fs::{Forest, Tree, TreeId};
use crate::journal::Journal;
use crate::kubelet::KubeletState;
use crate::network::MachineNetwork;
use crate::systemd::SystemdState;

/// Everything about a machine. Clones in O(1).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct MachineState {
    /// Host name.
    pub name: String,
    /// Its address on the cluster's network.
    pub address: std::net::IpAddr,
    /// When it was booted.
    pub booted: Timestamp,
    /// Processors, memory, disk.
    pub hardware: Hardware,
    /// Kernel settings and modules.
    pub kernel: Kernel,
    /// Its files.
    pub files: Tree,
    /// Root file systems of containers, by container id. containerd makes and removes them.
    pub rootfs: OrdMap<Arc<str>, Tree>,
    /// The process table.
    pub processes: OrdMap<Pid, Arc<Process>>,
    /// The number that was given last.
    pub last_pid: Pid,
    /// Run-time state of systemd.
    pub systemd: SystemdState,
    /// The journal.
    pub journal: Journal,
    /// Sandboxes, containers, images.
    pub containers: ContainerdState,
    /// What the kubelet keeps in memory.
    pub kubelet: KubeletState,
    /// Pod addresses, kube-proxy's rules.
    pub network: MachineNetwork,
    /// Source of its randomness.
    pub generator: Generator,
}

impl MachineState {
    /// A machine with these files that was booted at `now` and on which nothing runs yet. [`crate::machine::Machine::boot`]
    /// starts its units.
    pub fn new(name: &str, address: std::net::IpAddr, files: Tree, generator: Generator, now: Timestamp) -> Self {
        Self {
            name: name.to_owned(),
            address,
            booted: now,
            hardware: Hardware::default(),
            kernel: Kernel::default(),
            files,
            rootfs: OrdMap::new(),
            processes: OrdMap::new(),
            last_pid: 0,
            systemd: SystemdState::default(),
            journal: Journal::default(),
            containers: ContainerdState::default(),
            kubelet: KubeletState::default(),
            network: MachineNetwork::default(),
            generator,
        }
    }

    /// The tree of that name, to be changed.
    pub fn tree_mut(&mut self, id: &TreeId) -> Option<&mut Tree> {
        match id {
            TreeId::Host => Some(&mut self.files),
            TreeId::Rootfs(container) => self.rootfs.get_mut(container),
        }
    }

    /// A free process number. Numbers grow, with small gaps as on a machine where short-lived processes come and go.
    pub fn next_pid(&mut self) -> Pid {
        /// `kernel.pid_max` of 64-bit machines.
        const PID_MAX: Pid = 4_194_304;
        loop {
            self.last_pid = if self.last_pid >= PID_MAX { 300 } else { self.last_pid + 1 };
            if !self.processes.contains_key(&self.last_pid) {
                return self.last_pid;
            }
        }
    }

    /// Processes whose parent is `pid`.
    pub fn children(&self, pid: Pid) -> impl Iterator<Item = &Arc<Process>> {
        self.processes.values().filter(move |process| process.ppid == pid)
    }
}

impl Forest for MachineState {
    fn tree(&self, id: &TreeId) -> Option<&Tree> {
        match id {
            TreeId::Host => Some(&self.files),
            TreeId::Rootfs(container) => self.rootfs.get(container),
        }
    }
}
