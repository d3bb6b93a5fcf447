//! The kubelet: an ordinary client of the API server that runs pods by the container runtime's socket.

pub(crate) mod api;
mod api_server;
mod config;
mod config_schema;
mod environment;
pub(crate) mod events;
mod flags;
mod health;
pub(crate) mod informer;
mod launch;
mod line_discipline;
mod logs;
mod node;
mod node_status;
mod pods;
mod port_forward;
mod probes;
mod process;
mod runtime_pod;
mod server;
mod spdy;
mod start;
mod state;
mod static_pods;
mod status;
mod streams;
#[cfg(test)]
mod tests;
mod volumes;
mod worker;

pub use config::KubeletConfig;
pub use flags::{FlagError, Flags};
pub use process::register;
pub use state::{
    ContainerMemory, EventMemory, KubeletState, NodeMemory, PodMemory, ProbeMemory, Settings, Source, StoredTarget, Terminating,
};
