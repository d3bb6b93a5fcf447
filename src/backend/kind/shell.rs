//! A shell on a node for somebody who talks over a session's socket: each command is a script of its own in the node. People get a
//! real terminal instead (`Kind::door`).

use tokio::sync::mpsc;

use super::engine::Engine;
use crate::backend::host_command::{HostError, Piece};
use crate::backend::interactive::{Bytes, InteractiveShell, ShellInput, ShellOutput, Stdio};

/// Outputs in flight.
const OUTPUTS: usize = 64;

/// Opens one.
pub fn open(engine: Engine, node: String, control_plane: bool) -> InteractiveShell {
    let (inputs, from) = mpsc::unbounded_channel();
    let (to, outputs) = mpsc::channel(OUTPUTS);
    tokio::spawn(serve(engine, node, control_plane, from, to));
    InteractiveShell { inputs, outputs }
}

async fn serve(
    engine: Engine,
    node: String,
    control_plane: bool,
    mut inputs: mpsc::UnboundedReceiver<ShellInput>,
    outputs: mpsc::Sender<ShellOutput>,
) {
    let prompt = format!("root@{node}:~# ");
    let _ = outputs.send(ShellOutput::Ready { prompt: prompt.clone() }).await;
    while let Some(input) = inputs.recv().await {
        match input {
            ShellInput::Execute { script } => {
                let (status, read) = match execute(&engine, &node, control_plane, &script, &mut inputs, &outputs).await {
                    Ok(done) => done,
                    Err(error) => {
                        let data = Bytes(format!("ssh: connect to host {node} port 22: {error}\n").into_bytes());
                        let _ = outputs.send(ShellOutput::Output { stream: Stdio::Stderr, data }).await;
                        let _ = outputs.send(ShellOutput::Closed { status: 255 }).await;
                        return;
                    }
                };
                if outputs.send(ShellOutput::Exited { status, prompt: prompt.clone(), read }).await.is_err() {
                    return;
                }
            }
            ShellInput::Complete { position, .. } => {
                let _ = outputs.send(ShellOutput::Completions { start: position, candidates: Vec::new() }).await;
            }
            _ => {}
        }
    }
}

/// Exit status, and how much of the owner's input went to the command.
async fn execute(
    engine: &Engine,
    node: &str,
    control_plane: bool,
    script: &str,
    inputs: &mut mpsc::UnboundedReceiver<ShellInput>,
    outputs: &mpsc::Sender<ShellOutput>,
) -> Result<(i32, usize), HostError> {
    let mut started = engine.open(node, control_plane, script)?;
    let mut read = 0;
    let mut gone = false;
    loop {
        tokio::select! {
            biased;
            piece = started.pieces.recv() => match piece {
                Some(Piece::Output(stream, data)) if !data.is_empty() => {
                    if outputs.send(ShellOutput::Output { stream, data: Bytes(data) }).await.is_err() {
                        return Ok((130, read));
                    }
                }
                Some(Piece::Output(..)) => {}
                Some(Piece::Ended(status)) => return Ok((status, read)),
                None => return Ok((255, read)),
            },
            input = inputs.recv(), if !gone => match input {
                Some(ShellInput::Stdin { data }) => {
                    read += data.0.len();
                    if let Some(stdin) = &started.stdin {
                        let _ = stdin.send(data.0);
                    }
                }
                Some(ShellInput::StdinEnd) => started.stdin = None,
                // Dropping what was started ends it.
                Some(ShellInput::Interrupt) => return Ok((130, read)),
                Some(_) => {}
                None => gone = true,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::backend::host_command::testing::FakeCommands;
    use crate::backend::host_command::testing::{fails, says};
    use crate::backend::kind::engine::{Daemon, HostSettings, Provider};

    #[tokio::test]
    async fn commands_are_answered_one_after_the_other() {
        let commands = FakeCommands::new(|c| if c.args.iter().any(|a| a == "false") { fails("no\n") } else { says("yes\n") });
        let daemon = Daemon { provider: Provider::Docker, context: None, host: None };
        let mut shell = open(Engine::of(Arc::new(commands), daemon, &HostSettings::default()), "w".into(), false);
        assert!(matches!(shell.outputs.recv().await, Some(ShellOutput::Ready { .. })));
        for (script, stream, said, code) in [("true", Stdio::Stdout, "yes\n", 0), ("false", Stdio::Stderr, "no\n", 1)] {
            shell.inputs.send(ShellInput::Execute { script: script.into() }).unwrap();
            let want = ShellOutput::Output { stream, data: Bytes(said.as_bytes().to_vec()) };
            assert_eq!(shell.outputs.recv().await, Some(want));
            assert!(matches!(shell.outputs.recv().await, Some(ShellOutput::Exited { status, .. }) if status == code));
        }
    }
}
