//! The container runtime: its data, the daemon, and the calls that the kubelet and crictl make through its socket.

mod cni;
mod config;
mod containers;
mod cri;
mod crictl;
mod daemon;
mod exec;
mod images;
mod log;
mod sandboxes;
mod state;
mod streams;
mod toml;

pub use cni::{NetworkConfig, NetworkConfigError};
pub use config::DaemonConfig;
pub use cri::{Cri, CriError, RuntimeStatus};
pub use daemon::register;
pub use exec::ExecIo;
pub use state::{
    Container, ContainerConfig, ContainerState, ContainerdState, DnsConfig, ImageRecord, PortMapping, Sandbox, SandboxConfig, SandboxState,
};
pub(crate) use streams::resumed;
pub use streams::{Attached, Streams};
