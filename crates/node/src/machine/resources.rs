//! Plausible figures of memory and processor use: functions of what runs and for how long, so that they are the same in every
//! fork and never jump.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What a machine is made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hardware {
    /// Number of processors.
    pub cpus: u32,
    /// Memory in KiB.
    pub memory_kib: u64,
    /// Size of the root file system in KiB.
    pub disk_kib: u64,
}

impl Default for Hardware {
    fn default() -> Self {
        Self { cpus: 2, memory_kib: 4_014_836, disk_kib: 40_453_444 }
    }
}

/// What a process uses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Resident memory in KiB.
    pub resident_kib: u64,
    /// Virtual memory in KiB.
    pub virtual_kib: u64,
    /// Processor time in thousandths of a second per second.
    pub cpu_milli: u32,
    /// Threads.
    pub threads: u32,
}

impl Usage {
    /// What a program of this name typically uses; those unknown, what a small C program does.
    pub fn typical(program: &str) -> Self {
        let (resident_kib, virtual_kib, cpu_milli, threads) = match program {
            "systemd" => (12_388, 168_340, 1, 1),
            "systemd-journald" => (24_876, 50_128, 1, 1),
            "systemd-logind" => (8_012, 49_920, 0, 1),
            "dbus-daemon" => (4_520, 9_132, 0, 1),
            "sshd" => (9_192, 15_432, 0, 1),
            "kubelet" => (86_940, 1_973_268, 12, 12),
            "containerd" => (61_724, 1_949_224, 6, 11),
            "containerd-shim-runc-v2" => (13_212, 1_236_192, 1, 11),
            "pause" => (596, 1_020, 0, 1),
            "kube-apiserver" => (288_764, 1_532_052, 34, 11),
            "etcd" => (68_260, 11_822_388, 18, 12),
            "kube-controller-manager" => (112_508, 1_319_680, 14, 9),
            "kube-scheduler" => (62_012, 1_287_420, 4, 10),
            "kube-proxy" => (51_328, 1_298_768, 1, 8),
            "kube-network-policies" => (38_912, 1_262_848, 1, 8),
            "coredns" => (47_820, 1_278_960, 2, 10),
            "bash" | "sh" => (4_984, 8_196, 0, 1),
            "nginx" => (6_920, 11_528, 0, 1),
            "redis-server" => (8_316, 54_124, 1, 5),
            _ => (3_104, 7_676, 0, 1),
        };
        Self { resident_kib, virtual_kib, cpu_milli, threads }
    }

    /// Processor time used in `alive`.
    pub fn cpu_time(&self, alive: Duration) -> Duration {
        alive * self.cpu_milli / 1000
    }
}

/// Memory as `free` shows it, in KiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Memory {
    pub total: u64,
    pub used: u64,
    pub free: u64,
    pub shared: u64,
    pub buffers: u64,
    pub cached: u64,
    pub available: u64,
}

impl Memory {
    /// What the processes leave of it; files keep the page cache.
    pub fn of(state: &super::state::MachineState) -> Self {
        /// Kernel and slabs.
        const KERNEL: u64 = 180_000;
        let total = state.hardware.memory_kib;
        let used = (KERNEL + state.processes.values().map(|process| process.usage.resident_kib).sum::<u64>()).min(total - total / 50);
        let buffers = (total / 40).min((total - used) / 8);
        let cached = (total / 3).min((total - used - buffers) * 3 / 4);
        let free = total - used - buffers - cached;
        Self { total, used, free, shared: total / 500, buffers, cached, available: free + (buffers + cached) * 9 / 10 }
    }
}

/// Load averages: what the processes use, the same at all three ages.
pub fn load(state: &super::state::MachineState) -> [f64; 3] {
    let milli: u32 = state.processes.values().map(|process| process.usage.cpu_milli).sum();
    let load = f64::from(milli) / 1000.0;
    [load * 1.3, load * 1.15, load]
}
