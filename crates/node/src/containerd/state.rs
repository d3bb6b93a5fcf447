//! What containerd keeps: plain data. Processes of containers are rows of the machine's process table and go on while
//! containerd itself is stopped (their shims hold them), so an exit is noted here whether it runs or not.

use std::collections::BTreeMap;
use std::sync::Arc;

use imbl::OrdMap;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::fs::Mount;
use crate::machine::{ExitStatus, Pid, Signal};

/// Sandboxes, containers and images of one machine. Clones in O(1).
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub struct ContainerdState {
    /// Images by id (`sha256:…`).
    pub images: OrdMap<String, Arc<ImageRecord>>,
    /// Pod sandboxes by id.
    pub sandboxes: OrdMap<String, Arc<Sandbox>>,
    /// Containers by id.
    pub containers: OrdMap<String, Arc<Container>>,
    /// Pod network that the kubelet gave (`UpdateRuntimeConfig`).
    pub pod_cidr: Option<String>,
    /// What the running daemon read when it started; `None` while there is none.
    pub daemon: Option<Arc<super::DaemonConfig>>,
}

/// An image in the local store.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ImageRecord {
    /// Digest of its configuration, `sha256:…`.
    pub id: String,
    /// Names with tag, `docker.io/library/nginx:1.27`.
    pub tags: Vec<String>,
    /// Names with digest, `docker.io/library/nginx@sha256:…`.
    pub digests: Vec<String>,
    /// Bytes.
    pub size: u64,
}

/// State of a sandbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum SandboxState {
    Ready,
    NotReady,
}

/// Name resolution of a pod (`PodSandboxConfig.dns_config`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct DnsConfig {
    pub servers: Vec<String>,
    pub searches: Vec<String>,
    pub options: Vec<String>,
}

/// A host port of a pod.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortMapping {
    /// Port on the node.
    pub host_port: u16,
    /// Port of the pod.
    pub container_port: u16,
    /// `TCP` or `UDP`.
    pub protocol: crate::network::Protocol,
}

/// What a sandbox is made from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SandboxConfig {
    /// Pod name.
    pub name: String,
    /// Pod namespace.
    pub namespace: String,
    /// Pod uid.
    pub uid: String,
    /// How many sandboxes the pod had before.
    pub attempt: u32,
    /// Host name in it.
    pub hostname: String,
    /// Directory of the pod's log files.
    pub log_directory: String,
    /// Name resolution; `None` leaves the host's.
    pub dns: Option<DnsConfig>,
    /// In the host's network.
    pub host_network: bool,
    /// Host ports.
    pub port_mappings: Vec<PortMapping>,
    /// The kubelet's `/etc/hosts` of the pod, on the host.
    pub hosts_path: String,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Annotations.
    pub annotations: BTreeMap<String, String>,
}

/// A pod's network namespace and pause process.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sandbox {
    /// 64 hexadecimal digits.
    pub id: String,
    /// What it was made from.
    pub config: SandboxConfig,
    /// When.
    pub created: Timestamp,
    /// Whether its pause process runs.
    pub state: SandboxState,
    /// Address; `None` in the host's network.
    pub ip: Option<std::net::Ipv4Addr>,
    /// The shim's process.
    pub shim: Option<Pid>,
    /// The pause container's process.
    pub pid: Option<Pid>,
}

/// State of a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum ContainerState {
    Created,
    Running,
    Exited,
}

/// What a container is made from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ContainerConfig {
    /// Name in the pod.
    pub name: String,
    /// How many containers of that name came before.
    pub attempt: u32,
    /// Image as the pod names it.
    pub image: String,
    /// Id of the image.
    pub image_id: String,
    /// `command`; empty: the image's entrypoint.
    pub command: Vec<String>,
    /// `args`; empty with an empty command: the image's.
    pub args: Vec<String>,
    /// `workingDir`; empty: the image's.
    pub working_dir: String,
    /// Environment, later entries win.
    pub envs: Vec<(String, String)>,
    /// Volumes.
    pub mounts: Vec<Mount>,
    /// Log file below the sandbox's log directory.
    pub log_path: String,
    /// User to run as; `None`: the image's.
    pub run_as_user: Option<u32>,
    /// Group to run as.
    pub run_as_group: Option<u32>,
    /// The root file system is read-only.
    pub read_only_rootfs: bool,
    /// Memory limit in bytes.
    pub memory_limit: Option<u64>,
    /// Signal that stops it; `None`: the image's, TERM unless it names another.
    pub stop_signal: Option<Signal>,
    /// Stdin stays open; `stdin: true`.
    pub stdin: bool,
    /// Has a terminal; `tty: true`.
    pub tty: bool,
    /// Capabilities were dropped to nothing, `privileged`, … : kept for `crictl inspect`.
    pub privileged: bool,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Annotations.
    pub annotations: BTreeMap<String, String>,
}

/// A container.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Container {
    /// 64 hexadecimal digits.
    pub id: String,
    /// Its sandbox.
    pub sandbox: String,
    /// What it was made from.
    pub config: ContainerConfig,
    /// State.
    pub state: ContainerState,
    /// When it was made.
    pub created: Timestamp,
    /// When it was started.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub finished: Option<Timestamp>,
    /// Exit code.
    pub exit_code: i32,
    /// `Completed`, `Error`, `OOMKilled`, `StartError`.
    pub reason: String,
    /// Why it could not be started.
    pub message: String,
    /// Its first process.
    pub pid: Option<Pid>,
    /// The kernel killed it for its memory limit.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub oom_killed: bool,
}

impl Container {
    /// Path of the log file on the host.
    pub fn log_file(&self, sandbox: &Sandbox) -> String {
        format!("{}/{}", sandbox.config.log_directory.trim_end_matches('/'), self.config.log_path)
    }
}

impl ContainerdState {
    /// Puts an image of the catalogue into the store, as a node has it that pulled it before. False if there is none of that
    /// name.
    pub fn preload(&mut self, name: &str) -> bool {
        let Ok(reference) = crate::images::Reference::parse(name) else { return false };
        let Some(image) = crate::images::catalogue().pull(&reference) else { return false };
        super::images::add_image(self, image.record(&reference));
        true
    }

    /// Notes the end of a container's or sandbox's first process.
    pub fn exited(&mut self, id: &str, status: ExitStatus, now: Timestamp) {
        if let Some(container) = self.containers.get_mut(id) {
            let container = Arc::make_mut(container);
            if container.state != ContainerState::Running {
                return;
            }
            container.state = ContainerState::Exited;
            container.finished = Some(now);
            container.exit_code = status.code();
            container.pid = None;
            container.reason = match (container.oom_killed, container.exit_code) {
                (true, _) => "OOMKilled",
                (false, 0) => "Completed",
                (false, _) => "Error",
            }
            .to_owned();
        } else if let Some(sandbox) = self.sandboxes.get_mut(id) {
            let sandbox = Arc::make_mut(sandbox);
            sandbox.state = SandboxState::NotReady;
            sandbox.pid = None;
        }
    }

    /// After a reboot no process is left: what ran has ended with it, as containerd finds when it starts again.
    pub fn lose_power(&mut self, now: Timestamp) {
        self.daemon = None;
        let running = |container: &Arc<Container>| container.state == ContainerState::Running;
        for id in self.containers.iter().filter(|(_, c)| running(c)).map(|(id, _)| id.clone()).collect::<Vec<_>>() {
            if let Some(container) = self.containers.get_mut(&id) {
                let container = Arc::make_mut(container);
                container.state = ContainerState::Exited;
                container.finished = Some(now);
                // containerd's `unknownExitCode` for tasks that it finds gone.
                container.exit_code = 255;
                container.reason = "Unknown".to_owned();
                container.pid = None;
            }
        }
        for id in self.sandboxes.keys().cloned().collect::<Vec<_>>() {
            if let Some(sandbox) = self.sandboxes.get_mut(&id) {
                let sandbox = Arc::make_mut(sandbox);
                sandbox.state = SandboxState::NotReady;
                (sandbox.pid, sandbox.shim) = (None, None);
            }
        }
    }

    /// Containers of a sandbox.
    pub fn of_sandbox<'a>(&'a self, sandbox: &'a str) -> impl Iterator<Item = &'a Arc<Container>> {
        self.containers.values().filter(move |container| container.sandbox == sandbox)
    }
}
