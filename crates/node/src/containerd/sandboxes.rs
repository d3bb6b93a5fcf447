//! Pod sandboxes: a network namespace, a shim and a pause process.

use std::sync::Arc;
use std::time::Duration;

use super::cni::NetworkConfig;
use super::config::DaemonConfig;
use super::cri::{Cri, CriError};
use super::log;
use super::state::{Sandbox, SandboxConfig, SandboxState};
use crate::fs::Namespace;
use crate::images::{Reference, catalogue};
use crate::machine::{Command, Pid, Signal, StdioSpec};
use crate::network::{PodKey, PodNetwork};

/// How long a sandbox takes to be set up: the greater part is the CNI plugins.
const SETUP: Duration = Duration::from_millis(220);

/// Where containerd keeps a sandbox's files.
pub(super) fn directory(id: &str) -> String {
    format!("/var/lib/containerd/io.containerd.grpc.v1.cri/sandboxes/{id}")
}

fn metadata(config: &SandboxConfig) -> String {
    format!("&PodSandboxMetadata{{Name:{},Uid:{},Namespace:{},Attempt:{},}}", config.name, config.uid, config.namespace, config.attempt)
}

impl Cri {
    /// `RunPodSandbox`
    pub async fn run_sandbox(&self, config: SandboxConfig) -> Result<Arc<Sandbox>, CriError> {
        let daemon = self.service("RuntimeService")?;
        log::daemon(&self.machine, "info", &format!("RunPodSandbox for {}", metadata(&config)), &[]);
        let id = self.new_id();
        let result = self.set_up_sandbox(&daemon, &id, &config).await;
        match &result {
            Ok(sandbox) => {
                let message = format!("RunPodSandbox for {} returns sandbox id \"{}\"", metadata(&config), sandbox.id);
                log::daemon(&self.machine, "info", &message, &[]);
            }
            Err(error) => {
                self.tear_down(&id);
                let message = format!("RunPodSandbox for {} failed, error", metadata(&config));
                log::daemon(&self.machine, "error", &message, &[("error", error.message.clone())]);
            }
        }
        result
    }

    async fn set_up_sandbox(&self, daemon: &DaemonConfig, id: &str, config: &SandboxConfig) -> Result<Arc<Sandbox>, CriError> {
        let image = self.sandbox_image(&daemon.sandbox_image).await?;
        tokio::time::sleep(SETUP).await;
        let files = self.machine.host_files();
        let address = if config.host_network { None } else { Some(self.allocate(daemon, id)?) };
        let own = directory(id);
        let now = self.machine.clock().now();
        let resolv_conf = match &config.dns {
            Some(dns) => {
                let mut text = String::new();
                if !dns.searches.is_empty() {
                    text.push_str(&format!("search {}\n", dns.searches.join(" ")));
                }
                dns.servers.iter().for_each(|server| text.push_str(&format!("nameserver {server}\n")));
                if !dns.options.is_empty() {
                    text.push_str(&format!("options {}\n", dns.options.join(" ")));
                }
                text
            }
            None => files.read_text("/etc/resolv.conf").unwrap_or_default(),
        };
        let hosts = files.read_text("/etc/hosts").unwrap_or_default();
        let tree = catalogue().by_id(&image).map(|image| image.tree().clone());
        self.machine.write(|state| {
            // Paths of a fresh directory: nothing can be in their way.
            let _ = state.files.put_file(&format!("{own}/resolv.conf"), resolv_conf, 0o644, now);
            let _ = state.files.put_file(&format!("{own}/hosts"), hosts, 0o644, now);
            let _ = state.files.put_file(&format!("{own}/hostname"), format!("{}\n", config.hostname), 0o644, now);
            if let Some(tree) = tree {
                state.rootfs.insert(Arc::from(id), tree);
            }
            let pod = PodNetwork {
                sandbox: id.to_owned(),
                address,
                veth: format!("veth{}", &state.generator.hex(4)),
                resolv_conf: format!("{own}/resolv.conf"),
                hosts: if config.hosts_path.is_empty() { format!("{own}/hosts") } else { config.hosts_path.clone() },
            };
            let key = PodKey::new(config.namespace.as_str(), config.name.as_str());
            for mapping in config.port_mappings.iter().filter(|_| address.is_some()) {
                state.network.host_ports.insert((mapping.host_port, mapping.protocol), (key.clone(), mapping.container_port));
            }
            state.network.pods.insert(key, Arc::new(pod));
        });
        let (shim, pid) = self.start_pause(daemon, id, config)?;
        let sandbox = Arc::new(Sandbox {
            id: id.to_owned(),
            config: config.clone(),
            created: now,
            state: SandboxState::Ready,
            ip: address,
            shim: Some(shim),
            pid: Some(pid),
        });
        self.machine.write(|state| state.containers.sandboxes.insert(id.to_owned(), sandbox.clone()));
        Ok(sandbox)
    }

    /// Id of the pause image, pulled if it is missing.
    async fn sandbox_image(&self, name: &str) -> Result<String, CriError> {
        let failed = |reason: String| CriError::unknown(format!("failed to get sandbox image \"{name}\": {reason}"));
        let reference = Reference::parse(name).map_err(|error| failed(error.to_string()))?;
        if let Some(image) = self.image(&reference.to_string())? {
            return Ok(image.id.clone());
        }
        let pulled = self.pull_image(name).await;
        pulled.map_err(|error| failed(format!("failed to pull image \"{name}\": {}", error.message)))
    }

    /// Asks the CNI plugins for an address.
    fn allocate(&self, daemon: &DaemonConfig, id: &str) -> Result<std::net::Ipv4Addr, CriError> {
        let failed = |reason: String| CriError::unknown(format!("failed to setup network for sandbox \"{id}\": {reason}"));
        let files = self.machine.host_files();
        let network = NetworkConfig::load(&files, &daemon.cni_conf_dir).map_err(|error| failed(error.to_string()))?;
        if let Some(plugin) = network.missing_plugin(&files, &daemon.cni_bin_dir) {
            return Err(failed(format!(
                "plugin type=\"{plugin}\" failed (add): failed to find plugin \"{plugin}\" in path [{}]",
                daemon.cni_bin_dir
            )));
        }
        let first = network.plugins.first().map_or("", String::as_str);
        let cidr = self.machine.read(|state| state.containers.pod_cidr.clone());
        let subnet = network.subnet.or_else(|| crate::network::Subnet::parse(cidr.as_deref()?));
        let subnet = subnet.ok_or_else(|| failed(format!("plugin type=\"{first}\" failed (add): no IP ranges specified")))?;
        self.machine.write(|state| state.network.allocate(subnet)).ok_or_else(|| {
            let range = format!("{}-{}", subnet.gateway(), std::net::Ipv4Addr::from(u32::from(subnet.network) + subnet.size() - 2));
            failed(format!(
                "plugin type=\"{first}\" failed (add): failed to allocate for range 0: no IP addresses available in range set: {range}"
            ))
        })
    }

    fn start_pause(&self, daemon: &DaemonConfig, id: &str, config: &SandboxConfig) -> Result<(Pid, Pid), CriError> {
        let mut shim =
            Command::new(["/usr/bin/containerd-shim-runc-v2", "-namespace", "k8s.io", "-id", id, "-address", daemon.address.as_str()]);
        shim.unit = Some("containerd.service".to_owned());
        shim.stdio = StdioSpec::Null;
        let failed = |what: &str, error: crate::machine::ExecError| {
            CriError::unknown(format!("failed to create containerd task: {what}: {}: {}", error.path, error.errno.go()))
        };
        let shim = self.machine.spawn(shim).map_err(|error| failed("failed to start shim: start failed: fork/exec", error))?.pid();
        let mut pause = Command::new(["/pause"]);
        pause.namespace = Arc::new(Namespace::container(id));
        pause.origin = Some(PodKey::new(config.namespace.as_str(), config.name.as_str()).origin(&self.machine.name()));
        pause.parent = shim;
        pause.container = Some(id.to_owned());
        pause.init = true;
        pause.stdio = StdioSpec::Null;
        match self.machine.spawn(pause) {
            Ok(pause) => Ok((shim, pause.pid())),
            Err(error) => {
                // It was started above; an error only means that it has ended by itself.
                let _ = self.machine.kill(shim, Signal::Kill);
                Err(failed("failed to create shim task", error))
            }
        }
    }

    /// `StopPodSandbox`: its containers are killed, its network is taken down. Stopping a stopped one is no error.
    pub fn stop_sandbox(&self, id: &str) -> Result<(), CriError> {
        self.service("RuntimeService")?;
        let Some(sandbox) = self.machine.read(|state| state.containers.sandboxes.get(id).cloned()) else { return Ok(()) };
        if sandbox.state == SandboxState::Ready || sandbox.shim.is_some() {
            log::daemon(&self.machine, "info", &format!("StopPodSandbox for \"{id}\""), &[]);
        }
        let running: Vec<Pid> = self.machine.read(|state| state.containers.of_sandbox(id).filter_map(|container| container.pid).collect());
        for pid in running.into_iter().chain(sandbox.pid).chain(sandbox.shim) {
            // Gone already: that is what was wanted.
            let _ = self.machine.kill(pid, Signal::Kill);
        }
        self.tear_down(id);
        self.machine.write(|state| {
            if let Some(sandbox) = state.containers.sandboxes.get_mut(id) {
                let sandbox = Arc::make_mut(sandbox);
                sandbox.state = SandboxState::NotReady;
                (sandbox.pid, sandbox.shim) = (None, None);
            }
        });
        if sandbox.shim.is_some() {
            log::daemon(&self.machine, "info", &format!("StopPodSandbox for \"{id}\" returns successfully"), &[]);
        }
        Ok(())
    }

    /// Takes the network of a sandbox down, unless a newer sandbox of the pod has replaced it.
    fn tear_down(&self, id: &str) {
        self.machine.write(|state| {
            let network = &mut state.network;
            let Some(key) = network.pods.iter().find(|(_, pod)| pod.sandbox == id).map(|(key, _)| key.clone()) else { return };
            network.pods.remove(&key);
            let ports: Vec<_> = network.host_ports.iter().filter(|(_, (pod, _))| *pod == key).map(|(port, _)| *port).collect();
            for port in ports {
                network.host_ports.remove(&port);
            }
            state.rootfs.remove(id);
        });
    }

    /// `RemovePodSandbox`: with all of its containers. Removing what is not there is no error.
    pub fn remove_sandbox(&self, id: &str) -> Result<(), CriError> {
        self.service("RuntimeService")?;
        self.stop_sandbox(id)?;
        let containers: Vec<String> =
            self.machine.read(|state| state.containers.of_sandbox(id).map(|container| container.id.clone()).collect());
        for container in containers {
            self.remove_container(&container)?;
        }
        let now = self.machine.clock().now();
        self.machine.write(|state| {
            state.containers.sandboxes.remove(id);
            state.rootfs.remove(id);
            state.files.remove(&directory(id), now);
        });
        log::daemon(&self.machine, "info", &format!("RemovePodSandbox \"{id}\" returns successfully"), &[]);
        Ok(())
    }
}
