//! Further processes in a container.

use std::sync::Arc;
use std::time::Duration;

use super::containers::{credentials, environment, exec_failure, namespace};
use super::cri::{Cri, CriError};
use super::state::ContainerState;
use crate::images::catalogue;
use crate::machine::{Child, Command, Input, Output, Signal, Terminal};
use crate::network::PodKey;

/// Streams of a process that is started by `exec`.
pub struct ExecIo {
    /// Standard input.
    pub stdin: Input,
    /// Standard output.
    pub stdout: Output,
    /// Standard error.
    pub stderr: Output,
    /// Its terminal, if it has one.
    pub terminal: Option<Arc<Terminal>>,
}

impl Cri {
    /// `Exec`: starts a process in a running container.
    pub fn exec(&self, id: &str, argv: Vec<String>, io: ExecIo) -> Result<Child, CriError> {
        self.service("RuntimeService")?;
        let container = self.container(id)?;
        if container.state != ContainerState::Running {
            let state = match container.state {
                ContainerState::Created => "CONTAINER_CREATED",
                _ => "CONTAINER_EXITED",
            };
            return Err(CriError::unknown(format!("container is in {state} state")));
        }
        let sandbox = self.sandbox(&container.sandbox)?;
        let image = catalogue()
            .by_id(&container.config.image_id)
            .ok_or_else(|| CriError::not_found(format!("image of container \"{id}\": not found")))?;
        let first = argv.first().cloned().ok_or_else(|| CriError::unknown("exec: no command"))?;
        let parent = container.pid.and_then(|pid| self.machine.read(|state| state.processes.get(&pid).cloned()));
        let mut command = Command::new(argv);
        command.env = environment(image, &container, &sandbox);
        if io.terminal.is_some() {
            command.env.insert("TERM".to_owned(), "xterm".to_owned());
        }
        command.cwd = parent.as_ref().map_or_else(|| "/".to_owned(), |process| process.cwd.clone());
        command.who = credentials(image, &container.config).unwrap_or_default();
        command.namespace = Arc::new(namespace(&container));
        command.origin = Some(PodKey::new(sandbox.config.namespace.as_str(), sandbox.config.name.as_str()).origin(&self.machine.name()));
        command.parent = sandbox.shim.unwrap_or(1);
        command.container = Some(container.id.clone());
        (command.stdin, command.stdout, command.stderr, command.terminal) = (io.stdin, io.stdout, io.stderr, io.terminal);
        self.machine.spawn(command).map_err(|error| {
            let exec_id = self.new_id();
            CriError::unknown(format!(
                "failed to exec in container: failed to start exec \"{exec_id}\": OCI runtime exec failed: exec failed: unable to start container process: {}",
                exec_failure(&error, &first)
            ))
        })
    }

    /// `ExecSync`: runs a command to its end; its output and exit code. After `timeout` it is killed.
    pub async fn exec_sync(&self, id: &str, argv: Vec<String>, timeout: Option<Duration>) -> Result<(Vec<u8>, Vec<u8>, i32), CriError> {
        let ((stdout, out), (stderr, err)) = (Output::buffer(), Output::buffer());
        let child = self.exec(id, argv, ExecIo { stdin: Input::empty(), stdout, stderr, terminal: None })?;
        let status = match timeout {
            None => child.wait().await,
            Some(limit) => match tokio::time::timeout(limit, child.wait()).await {
                Ok(status) => status,
                Err(_) => {
                    let _ = self.machine.kill(child.pid(), Signal::Kill); // it may end at the same moment
                    let message = format!("failed to exec in container: timeout {}s exceeded: context deadline exceeded", limit.as_secs());
                    return Err(CriError { code: "DeadlineExceeded", message });
                }
            },
        };
        let take =
            |buffer: Arc<std::sync::Mutex<Vec<u8>>>| std::mem::take(&mut *buffer.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
        Ok((take(out), take(err), status.code()))
    }
}
