//! The runtime's socket as its clients see it: every call first has to get through.

use std::sync::Arc;

use super::cni::NetworkConfig;
use super::config::DaemonConfig;
use super::log;
use super::state::{Container, Sandbox};
use crate::fs::Errno;
use crate::machine::Machine;

/// Version of the runtime that the machines run.
pub const CONTAINERD_VERSION: &str = "1.6.20";

/// A failed call; `Display` is gRPC's text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("rpc error: code = {code} desc = {message}")]
pub struct CriError {
    /// `Unavailable`, `NotFound`, `Unknown`, …
    pub code: &'static str,
    /// Description.
    pub message: String,
}

impl CriError {
    /// An error that the server gave no better code.
    pub fn unknown(message: impl Into<String>) -> Self {
        Self { code: "Unknown", message: message.into() }
    }

    /// No such container, sandbox or image.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self { code: "NotFound", message: message.into() }
    }

    /// Whether the socket could not be reached at all.
    pub fn is_unavailable(&self) -> bool {
        self.code == "Unavailable"
    }

    fn dial(path: &str, errno: &str) -> Self {
        Self {
            code: "Unavailable",
            message: format!("connection error: desc = \"transport: Error while dialing: dial unix {path}: connect: {errno}\""),
        }
    }
}

/// Answer of `Status`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuntimeStatus {
    /// `RuntimeReady`
    pub runtime_ready: bool,
    /// Why the network is not ready: reason and message.
    pub network_error: Option<(String, String)>,
}

/// A client of the socket at one path.
#[derive(Clone)]
pub struct Cri {
    pub(super) machine: Arc<Machine>,
    pub(super) path: String,
}

impl Cri {
    /// A client for an endpoint (`unix:///run/containerd/containerd.sock`, or the bare path). Nothing is dialled yet.
    pub fn new(machine: &Arc<Machine>, endpoint: &str) -> Self {
        Self { machine: machine.clone(), path: endpoint.strip_prefix("unix://").unwrap_or(endpoint).to_owned() }
    }

    /// The machine.
    pub fn machine(&self) -> &Arc<Machine> {
        &self.machine
    }

    /// Path of the socket.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Gets through to the daemon: its configuration, or gRPC's error for a socket that is missing or dead.
    pub fn daemon(&self) -> Result<Arc<DaemonConfig>, CriError> {
        let files = self.machine.host_files();
        match files.stat(&self.path) {
            Err(Errno::NotDirectory) => return Err(CriError::dial(&self.path, "not a directory")),
            Err(_) => return Err(CriError::dial(&self.path, "no such file or directory")),
            Ok(stat) if stat.letter != 's' => return Err(CriError::dial(&self.path, "connection refused")),
            Ok(_) => {}
        }
        let alive = log::daemon_pid(&self.machine).is_some();
        let config = self.machine.read(|state| state.containers.daemon.clone()).filter(|_| alive);
        let same = |config: &DaemonConfig| config.address == self.path || files.canonical(&config.address) == files.canonical(&self.path);
        match config {
            Some(config) if same(&config) => Ok(config),
            _ => Err(CriError::dial(&self.path, "connection refused")),
        }
    }

    /// Gets through to the CRI plugin.
    pub(super) fn service(&self, service: &str) -> Result<Arc<DaemonConfig>, CriError> {
        let config = self.daemon()?;
        if config.cri_disabled {
            return Err(CriError { code: "Unimplemented", message: format!("unknown service runtime.v1.{service}") });
        }
        Ok(config)
    }

    /// `Version`: the runtime's version.
    pub fn version(&self) -> Result<String, CriError> {
        self.service("RuntimeService").map(|_| CONTAINERD_VERSION.to_owned())
    }

    /// `Status`
    pub fn status(&self) -> Result<RuntimeStatus, CriError> {
        let config = self.service("RuntimeService")?;
        let network = NetworkConfig::load(&self.machine.host_files(), &config.cni_conf_dir);
        let network_error =
            network.err().map(|error| ("NetworkPluginNotReady".to_owned(), format!("Network plugin returns error: {error}")));
        Ok(RuntimeStatus { runtime_ready: true, network_error })
    }

    /// `UpdateRuntimeConfig`
    pub fn update_pod_cidr(&self, cidr: &str) -> Result<(), CriError> {
        self.service("RuntimeService")?;
        if self.machine.read(|state| state.containers.pod_cidr.as_deref() != Some(cidr)) {
            self.machine.write(|state| state.containers.pod_cidr = Some(cidr.to_owned()));
            let message = "No cni config template is specified, wait for other system components to drop the config.";
            log::daemon(&self.machine, "info", message, &[]);
        }
        Ok(())
    }

    /// `ListPodSandbox`, the newest first.
    pub fn sandboxes(&self) -> Result<Vec<Arc<Sandbox>>, CriError> {
        self.service("RuntimeService")?;
        let mut all: Vec<_> = self.machine.read(|state| state.containers.sandboxes.values().cloned().collect());
        all.sort_by(|a, b| b.created.cmp(&a.created).then_with(|| a.id.cmp(&b.id)));
        Ok(all)
    }

    /// `ListContainers`, the newest first.
    pub fn containers(&self) -> Result<Vec<Arc<Container>>, CriError> {
        self.service("RuntimeService")?;
        let mut all: Vec<_> = self.machine.read(|state| state.containers.containers.values().cloned().collect());
        all.sort_by(|a, b| b.created.cmp(&a.created).then_with(|| a.id.cmp(&b.id)));
        Ok(all)
    }

    /// The container with this id, or with the only id that begins so.
    pub fn container(&self, id: &str) -> Result<Arc<Container>, CriError> {
        self.service("RuntimeService")?;
        let found = self.machine.read(|state| {
            let mut matches = state.containers.containers.values().filter(|container| !id.is_empty() && container.id.starts_with(id));
            let first = matches.next().cloned();
            first.filter(|_| matches.next().is_none())
        });
        found.ok_or_else(|| {
            let error = CriError::not_found(format!("an error occurred when try to find container \"{id}\": not found"));
            log::daemon(&self.machine, "error", &format!("ContainerStatus for \"{id}\" failed"), &[("error", error.to_string())]);
            error
        })
    }

    /// The sandbox with this id, or with the only id that begins so.
    pub fn sandbox(&self, id: &str) -> Result<Arc<Sandbox>, CriError> {
        self.service("RuntimeService")?;
        let found = self.machine.read(|state| {
            let mut matches = state.containers.sandboxes.values().filter(|sandbox| !id.is_empty() && sandbox.id.starts_with(id));
            let first = matches.next().cloned();
            first.filter(|_| matches.next().is_none())
        });
        found.ok_or_else(|| CriError::not_found(format!("an error occurred when try to find sandbox: not found \"{id}\"")))
    }

    /// A random identifier of 32 bytes.
    pub(super) fn new_id(&self) -> String {
        self.machine.write(|state| state.generator.hex(32))
    }
}
