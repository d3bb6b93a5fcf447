//! What goes over a session's control socket: JSON values in frames with a four-byte length.
//!
//! A connection carries one [`Request`] and the [`Reply`]s to it; the last is always [`Reply::Done`] or
//! [`Reply::Failed`]. Only [`Request::Shell`] goes on listening: it takes [`ShellInput`]s until one side closes.
//! Results travel as the documents that `--format json` prints, so the protocol does not change when a report does.

use futures::{Sink, SinkExt, Stream, StreamExt, TryStreamExt, future};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::io;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::codec::{FramedRead, FramedWrite, LengthDelimitedCodec};

pub use crate::backend::interactive::{Bytes, ShellInput, ShellOutput, Size, Stdio};

/// Version of this protocol, kept in a session's record; other versions are refused.
pub const VERSION: u32 = 3;

/// Largest frame: a file that is being edited has to fit.
const MAX_FRAME: usize = 64 << 20;

/// What a client may ask for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Request {
    /// Where the session stands: a status document.
    Status,
    /// The task: a task document.
    Task,
    /// Grades what is there now: a check document.
    Check {
        /// With evidence, which counts as a hint.
        why: bool,
    },
    /// The next hint: a hint document.
    Hint,
    /// The reference solution: a solution document. The attempt is "assisted" from then on.
    Solution,
    /// Puts the cluster back to the hand-over.
    Reset,
    /// Grades for good, waiting for what still converges: an outcome document.
    Finish {
        /// Whether the attempt goes into the history.
        record: bool,
    },
    /// Ends the session's process and removes what it made.
    Stop,
    /// Keeps the session awake as long as the connection is open.
    Hold,
    /// A shell on a node.
    Shell {
        /// Node's name; `base` is the learner's own virtual shell with kubectl.
        node: String,
        /// The caller's terminal, if it has one.
        terminal: Option<Size>,
    },
}

/// What the session answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Reply {
    /// Long work is at this point.
    Progress {
        /// For people.
        message: String,
        /// Seconds that it will still take, when known.
        remaining: Option<u64>,
    },
    /// Something happened that people should know of, whatever comes of the request.
    Notice {
        /// For people.
        message: String,
    },
    /// A result, as `--format json` prints it.
    Document {
        /// The document.
        document: serde_json::Value,
    },
    /// From a shell.
    Shell {
        /// What.
        output: ShellOutput,
    },
    /// All is said.
    Done,
    /// It cannot be done.
    Failed(Refusal),
}

/// Why a request was not fulfilled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// What is wrong.
    pub message: String,
    /// What to do next.
    pub next: Option<String>,
    /// Exit code that this failure deserves (see `cli::error`).
    pub code: u8,
}

fn codec() -> LengthDelimitedCodec {
    LengthDelimitedCodec::builder().max_frame_length(MAX_FRAME).new_codec()
}

/// Reads messages.
pub fn reader<T: DeserializeOwned>(io: impl AsyncRead + Unpin) -> impl Stream<Item = io::Result<T>> + Unpin {
    FramedRead::new(io, codec()).and_then(|frame| future::ready(serde_json::from_slice(&frame).map_err(io::Error::from))).fuse()
}

/// Writes messages.
pub fn writer<T: Serialize>(io: impl AsyncWrite + Unpin) -> impl Sink<T, Error = io::Error> + Unpin {
    FramedWrite::new(io, codec()).with(|message: T| {
        let frame: io::Result<tokio_util::bytes::Bytes> = serde_json::to_vec(&message).map(Into::into).map_err(io::Error::from);
        future::ready(frame)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn messages_survive_the_wire_and_bytes_need_not_be_text() {
        let (a, b) = tokio::io::duplex(64);
        let sent = ShellInput::Stdin { data: Bytes(vec![0, 255, b'a']) };
        let copy = sent.clone();
        tokio::spawn(async move { writer(a).send(copy).await });
        let got: ShellInput = reader(b).next().await.unwrap().unwrap();
        assert_eq!(got, sent);
    }

    #[tokio::test]
    async fn what_is_not_a_message_is_an_error_and_not_a_panic() {
        let (a, b) = tokio::io::duplex(64);
        tokio::spawn(async move { writer(a).send("not a request").await });
        let got: Option<io::Result<Request>> = reader(b).next().await;
        assert!(matches!(got, Some(Err(_))));
    }
}
