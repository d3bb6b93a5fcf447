//! The far end of a shell, wherever it is: over a session's socket, or in this process.

use crate::backend::interactive::{InteractiveShell, ShellInput, ShellOutput};
use crate::session::protocol::{Reply, Request, Size};
use crate::session::{Client, SessionError};

/// A shell to talk to.
pub enum Link {
    /// Over a session's socket.
    Session(Client),
    /// In this process.
    Local(InteractiveShell),
}

impl Link {
    /// Opens a shell on a node of a session.
    pub async fn open(mut client: Client, node: &str, terminal: Option<Size>) -> Result<Self, SessionError> {
        client.request(&Request::Shell { node: node.to_owned(), terminal }).await?;
        Ok(Self::Session(client))
    }

    /// Sends what the owner does.
    pub async fn send(&mut self, input: ShellInput) -> Result<(), SessionError> {
        match self {
            Self::Session(client) => client.input(&input).await,
            // A shell that ended says so in its last output.
            Self::Local(shell) => {
                let _ = shell.inputs.send(input);
                Ok(())
            }
        }
    }

    /// What the shell says next; `None` when it has ended. Cancel safe.
    pub async fn receive(&mut self) -> Result<Option<ShellOutput>, SessionError> {
        match self {
            Self::Session(client) => loop {
                match client.next().await? {
                    Some(Reply::Shell { output }) => return Ok(Some(output)),
                    Some(_) => {}
                    None => return Ok(None),
                }
            },
            Self::Local(shell) => Ok(shell.outputs.recv().await),
        }
    }
}
