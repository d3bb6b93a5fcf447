//! A node's shell over the control socket.

use crate::backend::interactive::{InteractiveShell, ShellInput, ShellOutput};
use crate::session::protocol::Reply;
use crate::session::server::{Inputs, Replies};

/// Moves inputs and outputs until one side ends. `typed` is told every command.
pub async fn relay(mut shell: InteractiveShell, mut inputs: Inputs, replies: Replies, mut typed: impl FnMut(&str)) {
    loop {
        tokio::select! {
            biased;
            output = shell.outputs.recv() => {
                let Some(output) = output else { return };
                let last = matches!(output, ShellOutput::Closed { .. });
                if !replies.send(Reply::Shell { output }).await || last {
                    return;
                }
            }
            input = inputs.recv() => {
                // The owner went away: dropping the shell ends what runs in it, as a hang-up does.
                let Some(input) = input else { return };
                if let ShellInput::Execute { script } = &input {
                    typed(script);
                }
                if shell.inputs.send(input).is_err() {
                    return;
                }
            }
        }
    }
}
