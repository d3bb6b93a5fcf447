//! `crictl exec`

use super::Failure;
use super::options::Options;
use crate::containerd::{Cri, ExecIo};
use crate::machine::{ExitStatus, Input, ProcessContext};

pub(super) async fn run(context: &ProcessContext, cri: &Cri, options: &Options) -> Result<ExitStatus, Failure> {
    let [id, command @ ..] = options.arguments.as_slice() else { return Err("ID cannot be empty".to_owned()) };
    if command.is_empty() {
        return Err("Command cannot be empty".to_owned());
    }
    let container = cri.container(id).map_err(|error| format!("execing command in container: {error}"))?;
    let io = ExecIo {
        stdin: if options.flag("interactive") { context.stdin.clone() } else { Input::empty() },
        stdout: context.stdout.clone(),
        stderr: context.stderr.clone(),
        terminal: context.terminal.clone().filter(|_| options.flag("tty")),
    };
    let child = cri.exec(&container.id, command.to_vec(), io).map_err(|error| format!("execing command in container: {error}"))?;
    let status = child.wait().await;
    if status.success() {
        return Ok(ExitStatus::SUCCESS);
    }
    Err(format!("execing command in container: command terminated with exit code {}", status.code()))
}
