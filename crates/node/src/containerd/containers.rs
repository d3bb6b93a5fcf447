//! Containers: made, started, stopped, removed.

use std::sync::Arc;
use std::time::Duration;

use super::cri::{Cri, CriError};
use super::log;
use super::sandboxes::directory;
use super::state::{Container, ContainerConfig, ContainerState, Sandbox, SandboxState};
use crate::fs::{Credentials, Errno, Mount, MountSource, Namespace, TreeId};
use crate::images::{Image, catalogue};
use crate::machine::{Command, ExecError, Machine, Signal, StdioSpec};
use crate::network::PodKey;

/// How long a container takes to be made, and to be started.
const CREATE: Duration = Duration::from_millis(40);
const START: Duration = Duration::from_millis(60);

fn metadata(config: &ContainerConfig) -> String {
    format!("&ContainerMetadata{{Name:{},Attempt:{},}}", config.name, config.attempt)
}

/// Standard variables and the container's own, later ones winning.
pub(super) fn environment(image: &Image, container: &Container, sandbox: &Sandbox) -> std::collections::BTreeMap<String, String> {
    let host = ("HOSTNAME".to_owned(), sandbox.config.hostname.clone());
    let uid = credentials(image, &container.config).unwrap_or_default().uid;
    // runc adds it where nobody else does.
    let home = ("HOME".to_owned(), image.home(uid));
    [home].into_iter().chain(image.env.iter().cloned()).chain([host]).chain(container.config.envs.iter().cloned()).collect()
}

/// The mount namespace of a container.
pub(super) fn namespace(container: &Container) -> Namespace {
    let mut namespace = Namespace::container(&container.id);
    namespace.mounts.extend(container.config.mounts.iter().cloned());
    namespace.read_only = container.config.read_only_rootfs;
    namespace
}

/// User and group that a container's processes run as.
pub(super) fn credentials(image: &Image, config: &ContainerConfig) -> Option<Credentials> {
    let (uid, gid) = match config.run_as_user {
        Some(uid) => image.user_id(&uid.to_string()).unwrap_or((uid, 0)),
        None if image.user.is_empty() => (0, 0),
        None => image.user_id(&image.user)?,
    };
    Some(Credentials { uid, gid: config.run_as_group.unwrap_or(gid) })
}

/// runc's words for a command that cannot be executed.
pub(super) fn exec_failure(error: &ExecError, command: &str) -> String {
    match error.errno {
        Errno::NotFound if !command.contains('/') => format!("exec: \"{command}\": executable file not found in $PATH: unknown"),
        Errno::NotFound => format!("exec: \"{command}\": stat {command}: no such file or directory: unknown"),
        Errno::PermissionDenied => format!("exec: \"{command}\": permission denied: unknown"),
        Errno::IsDirectory => format!("exec: \"{command}\": is a directory: unknown"),
        errno => format!("exec {command}: {}: unknown", errno.go()),
    }
}

impl Cri {
    /// `CreateContainer` in a sandbox that is ready.
    pub async fn create_container(&self, sandbox_id: &str, mut config: ContainerConfig) -> Result<String, CriError> {
        self.service("RuntimeService")?;
        let start = format!("CreateContainer within sandbox \"{sandbox_id}\" for container {}", metadata(&config));
        log::daemon(&self.machine, "info", &start, &[]);
        let sandbox = self.sandbox(sandbox_id)?;
        if sandbox.state != SandboxState::Ready {
            return Err(CriError::unknown(format!("sandbox container \"{sandbox_id}\" is not running")));
        }
        let image = catalogue()
            .by_id(&config.image_id)
            .filter(|_| self.machine.read(|state| state.containers.images.contains_key(&config.image_id)))
            .ok_or_else(|| CriError::not_found(format!("failed to resolve image \"{}\": not found", config.image)))?;
        tokio::time::sleep(CREATE).await;
        self.service("RuntimeService")?;
        let id = self.new_id();
        let own = directory(sandbox_id);
        for file in ["resolv.conf", "hostname"] {
            let source = MountSource::Bind { tree: TreeId::Host, path: format!("{own}/{file}") };
            config.mounts.insert(0, Mount { target: format!("/etc/{file}"), source, read_only: false });
        }
        let log_path = format!("{}/{}", sandbox.config.log_directory.trim_end_matches('/'), config.log_path);
        let now = self.machine.clock().now();
        let container = Arc::new(Container {
            id: id.clone(),
            sandbox: sandbox_id.to_owned(),
            state: ContainerState::Created,
            created: now,
            started: None,
            finished: None,
            exit_code: 0,
            reason: String::new(),
            message: String::new(),
            pid: None,
            oom_killed: false,
            config,
        });
        self.machine.write(|state| {
            let mut tree = image.tree().clone();
            for mount in &container.config.mounts {
                mount_point(&mut tree, &state.files, mount, now);
            }
            let dir = working_dir(image, &container.config);
            if !dir.is_empty() && !tree.exists(&dir) {
                let _ = tree.make_dir(&dir, now); // runc makes a missing working directory
            }
            state.rootfs.insert(Arc::from(id.as_str()), tree);
            if !state.files.exists(&log_path) {
                let _ = state.files.put_file(&log_path, "", 0o640, now); // the kubelet made the directory
            }
            state.containers.containers.insert(id.clone(), container.clone());
        });
        let message =
            format!("CreateContainer within sandbox \"{sandbox_id}\" for {} returns container id \"{id}\"", metadata(&container.config));
        log::daemon(&self.machine, "info", &message, &[]);
        Ok(id)
    }

    /// `StartContainer`. A command that cannot be executed leaves the container exited with code 128.
    pub async fn start_container(&self, id: &str) -> Result<(), CriError> {
        self.service("RuntimeService")?;
        let container = self.container(id)?;
        if container.state != ContainerState::Created {
            return Err(CriError::unknown(format!(
                "failed to set starting state for container \"{id}\": container is not in created state"
            )));
        }
        log::daemon(&self.machine, "info", &format!("StartContainer for \"{id}\""), &[]);
        let sandbox = self.sandbox(&container.sandbox)?;
        tokio::time::sleep(START).await;
        self.service("RuntimeService")?;
        match self.launch(&container, &sandbox) {
            Ok(()) => {
                log::daemon(&self.machine, "info", &format!("StartContainer for \"{id}\" returns successfully"), &[]);
                Ok(())
            }
            Err(reason) => {
                let message = format!("failed to create containerd task: {reason}");
                let now = self.machine.clock().now();
                self.amend(id, |container| {
                    container.state = ContainerState::Exited;
                    container.finished = Some(now);
                    container.exit_code = 128;
                    container.reason = "StartError".to_owned();
                    container.message.clone_from(&message);
                });
                log::daemon(&self.machine, "error", &format!("StartContainer for \"{id}\" failed"), &[("error", message.clone())]);
                Err(CriError::unknown(message))
            }
        }
    }

    fn amend(&self, id: &str, change: impl FnOnce(&mut Container)) {
        self.machine.write(|state| {
            if let Some(container) = state.containers.containers.get_mut(id) {
                change(Arc::make_mut(container));
            }
        });
    }

    fn launch(&self, container: &Container, sandbox: &Sandbox) -> Result<(), String> {
        const RUNC: &str = "failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process";
        let image = catalogue().by_id(&container.config.image_id).ok_or("image is gone: not found")?;
        let argv = arguments(image, &container.config);
        let Some(first) = argv.first().cloned() else {
            return Err("failed to generate container spec: no command specified".to_owned());
        };
        let who = credentials(image, &container.config)
            .ok_or_else(|| format!("{RUNC}: unable to find user {}: no matching entries in passwd file: unknown", image.user))?;
        let log = container.log_file(sandbox);
        let mut command = Command::new(argv);
        command.env = environment(image, container, sandbox);
        command.cwd = match working_dir(image, &container.config) {
            dir if dir.is_empty() => "/".to_owned(),
            dir => dir,
        };
        command.who = who;
        command.namespace = Arc::new(namespace(container));
        command.origin = Some(PodKey::new(sandbox.config.namespace.as_str(), sandbox.config.name.as_str()).origin(&self.machine.name()));
        command.parent = sandbox.shim.unwrap_or(1);
        command.container = Some(container.id.clone());
        command.init = true;
        command.stdio = StdioSpec::CriLog { path: log.clone() };
        if container.config.stdin || container.config.tty {
            let streams = self.machine.network().streams();
            (command.stdin, command.stdout, command.stderr) = streams.open(&self.machine, &container.id, &log, container.config.stdin);
            command.terminal = super::streams::terminal(&container.config);
        }
        // The state is set before the process runs: one that ends at once must find it.
        let now = self.machine.clock().now();
        self.amend(&container.id, |container| {
            container.state = ContainerState::Running;
            container.started = Some(now);
        });
        match self.machine.spawn(command) {
            Ok(child) => {
                self.amend(&container.id, |container| {
                    if container.state == ContainerState::Running {
                        container.pid = Some(child.pid());
                    }
                });
                Ok(())
            }
            Err(error) => {
                self.amend(&container.id, |container| container.started = None);
                Err(format!("{RUNC}: {}", exec_failure(&error, &first)))
            }
        }
    }

    /// `StopContainer`: its stop signal, then KILL after `grace`.
    pub async fn stop_container(&self, id: &str, grace: Duration) -> Result<(), CriError> {
        self.service("RuntimeService")?;
        let Ok(container) = self.container(id) else { return Ok(()) };
        let Some(pid) = container.pid else { return Ok(()) };
        let log_line = format!("StopContainer for \"{id}\" with timeout {} (s)", grace.as_secs());
        log::daemon(&self.machine, "info", &log_line, &[]);
        let Some(child) = self.machine.child(pid) else { return Ok(()) };
        if !grace.is_zero() {
            let image = catalogue().by_id(&container.config.image_id);
            let signal = container.config.stop_signal.or(image.and_then(|image| image.stop_signal)).unwrap_or(Signal::Term);
            // It may have ended since.
            let _ = self.machine.kill(pid, signal);
            if tokio::time::timeout(grace, child.wait()).await.is_ok() {
                return Ok(());
            }
        }
        let _ = self.machine.kill(pid, Signal::Kill);
        child.wait().await;
        Ok(())
    }

    /// `RemoveContainer`: kills it if it runs. Removing what is not there is no error.
    pub fn remove_container(&self, id: &str) -> Result<(), CriError> {
        self.service("RuntimeService")?;
        let Some(container) = self.machine.read(|state| state.containers.containers.get(id).cloned()) else { return Ok(()) };
        if let Some(pid) = container.pid {
            let _ = self.machine.kill(pid, Signal::Kill); // gone already is as good
        }
        self.machine.network().streams().remove(&self.machine.name(), id);
        log::daemon(&self.machine, "info", &format!("RemoveContainer for \"{id}\""), &[]);
        self.machine.write(|state| {
            state.containers.containers.remove(id);
            state.rootfs.remove(id);
        });
        log::daemon(&self.machine, "info", &format!("RemoveContainer for \"{id}\" returns successfully"), &[]);
        Ok(())
    }

    /// Kills a container for having used more memory than it may, as the kernel does.
    pub fn oom_kill(machine: &Machine, id: &str) {
        let pid = machine.write(|state| {
            let container = Arc::make_mut(state.containers.containers.get_mut(id)?);
            container.oom_killed = true;
            container.pid
        });
        if let Some(pid) = pid {
            let _ = machine.kill(pid, Signal::Kill); // it may have ended in the meantime
        }
    }
}

/// Command and arguments: the pod's `command` replaces the image's entrypoint and its command, `args` the command alone.
pub(super) fn arguments(image: &Image, config: &ContainerConfig) -> Vec<String> {
    match (config.command.is_empty(), config.args.is_empty()) {
        (true, true) => image.entrypoint.iter().chain(&image.cmd).cloned().collect(),
        (true, false) => image.entrypoint.iter().chain(&config.args).cloned().collect(),
        (false, _) => config.command.iter().chain(&config.args).cloned().collect(),
    }
}

fn working_dir(image: &Image, config: &ContainerConfig) -> String {
    if config.working_dir.is_empty() { image.working_dir.clone() } else { config.working_dir.clone() }
}

/// Makes the place that a mount covers, of the same type as its source.
fn mount_point(tree: &mut crate::fs::Tree, host: &crate::fs::Tree, mount: &Mount, now: jiff::Timestamp) {
    let MountSource::Bind { tree: TreeId::Host, path } = &mount.source else { return };
    if tree.exists(&mount.target) {
        return;
    }
    // A path that leads through a file of the image cannot be made; the mount is then never seen.
    let _ =
        if host.names(path).is_ok() { tree.make_dir(&mount.target, now).map(|_| ()) } else { tree.put_file(&mount.target, "", 0o644, now) };
}

#[cfg(test)]
mod tests {
    use super::{arguments, exec_failure};
    use crate::containerd::ContainerConfig;
    use crate::fs::Errno;
    use crate::images::{Reference, catalogue};
    use crate::machine::ExecError;

    #[test]
    fn command_and_args_replace_as_the_documentation_says() {
        let nginx = catalogue().pull(&Reference::parse("nginx").expect("a name")).expect("there");
        for (command, args, expected) in [
            (vec![], vec![], "/docker-entrypoint.sh nginx -g daemon off;"),
            (vec![], vec!["sh"], "/docker-entrypoint.sh sh"),
            (vec!["sleep"], vec![], "sleep"),
            (vec!["sleep"], vec!["5"], "sleep 5"),
        ] {
            let strings = |words: Vec<&str>| words.into_iter().map(str::to_owned).collect();
            let config = ContainerConfig { command: strings(command), args: strings(args), ..ContainerConfig::default() };
            assert_eq!(arguments(nginx, &config).join(" "), expected);
        }
    }

    #[test]
    fn runc_says_why_a_command_cannot_be_executed() {
        for (command, errno, expected) in [
            ("kube-schedulr", Errno::NotFound, "exec: \"kube-schedulr\": executable file not found in $PATH: unknown"),
            ("/bin/x", Errno::NotFound, "exec: \"/bin/x\": stat /bin/x: no such file or directory: unknown"),
            ("/etc/hosts", Errno::PermissionDenied, "exec: \"/etc/hosts\": permission denied: unknown"),
        ] {
            assert_eq!(exec_failure(&ExecError { path: command.into(), errno }, command), expected);
        }
    }
}
