//! Simulated machines: files, processes, systemd, journal, shell, kubelet, container runtime and network. A machine is data
//! ([`machine::MachineState`]) that [`machine::Machine`] brings to life; everything that happens on it follows from its files,
//! units and processes. Nothing here knows the API server: kubelets and kubectl are ordinary clients through a `Dialer`.

pub mod commands;
pub mod containerd;
pub mod fs;
pub mod image;
pub mod images;
pub mod journal;
pub mod kubelet;
pub mod machine;
pub mod network;
mod programs;
pub mod servers;
pub mod shell;
pub mod systemd;
#[cfg(test)]
mod testing;

pub use programs::programs;
