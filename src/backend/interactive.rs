//! A shell on a node that a person sits in front of: what goes in, what comes out. The types travel over a session's
//! socket as they are.

use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

/// An open shell. Dropping it closes it.
#[derive(Debug)]
pub struct InteractiveShell {
    /// What its owner does. Unbounded: a person types it, or a client that waits for answers sends it.
    pub inputs: mpsc::UnboundedSender<ShellInput>,
    /// What it says. The first is [`ShellOutput::Ready`], perhaps after a greeting.
    pub outputs: mpsc::Receiver<ShellOutput>,
}

/// Size of a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Size {
    /// Columns.
    pub columns: u16,
    /// Rows.
    pub rows: u16,
}

/// What the owner of a shell sends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum ShellInput {
    /// Runs a command (one or more lines). Answered by [`ShellOutput::Exited`] or [`ShellOutput::Incomplete`].
    Execute {
        /// The text.
        script: String,
    },
    /// Bytes for the running command's standard input.
    Stdin {
        /// The bytes.
        data: Bytes,
    },
    /// End of standard input (Ctrl-D).
    StdinEnd,
    /// Ctrl-C.
    Interrupt,
    /// Tab: answered by [`ShellOutput::Completions`].
    Complete {
        /// The line so far.
        line: String,
        /// Cursor, in bytes.
        position: usize,
    },
    /// The terminal has another size.
    Resize {
        /// The new size.
        size: Size,
    },
    /// The editor saved a file.
    Saved {
        /// The whole content.
        content: Bytes,
    },
    /// The editor or pager was closed.
    ViewerClosed {
        /// Its exit status.
        status: i32,
    },
}

/// What a shell sends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum ShellOutput {
    /// The shell is open or ready again.
    Ready {
        /// What to show before the next line.
        prompt: String,
    },
    /// Output of the running command.
    Output {
        /// Which stream.
        stream: Stdio,
        /// The bytes.
        data: Bytes,
    },
    /// The running command waits for standard input. Until then what is typed is not for it.
    Reading,
    /// The command needs more lines (an open quote, `for` without `done`, …).
    Incomplete,
    /// The command ended.
    Exited {
        /// Exit status.
        status: i32,
        /// What to show before the next line.
        prompt: String,
        /// Bytes of [`ShellInput::Stdin`] that the command read. What was sent beyond was typed ahead: it is the owner's to
        /// use, also what was still on its way.
        read: usize,
    },
    /// Answer to [`ShellInput::Complete`].
    Completions {
        /// Where the completed word starts, in bytes.
        start: usize,
        /// Candidates.
        candidates: Vec<String>,
    },
    /// A program asks to open a file in the user's own editor.
    Edit {
        /// The file's name on the node, for the title and the suffix.
        path: String,
        /// The content; `None` for a new file.
        content: Option<Bytes>,
        /// The editor that was called on the node (`vi`, `nano`); empty for any.
        #[serde(default)]
        program: String,
        /// The line to begin at.
        #[serde(default)]
        line: Option<u32>,
    },
    /// A saved version could not be written back.
    SaveFailed {
        /// The node's words.
        message: String,
    },
    /// A program asks to show a text page by page.
    Page {
        /// The text.
        content: Bytes,
        /// Whether to begin with the last page.
        #[serde(default)]
        at_end: bool,
    },
    /// `exit`, or the node went away.
    Closed {
        /// Exit status of the shell.
        status: i32,
    },
}

/// Output stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Stdio {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// Bytes, in base64 on the wire.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bytes(pub Vec<u8>);

impl Serialize for Bytes {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use base64::Engine;
        serializer.serialize_str(&base64::engine::general_purpose::STANDARD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use base64::Engine;
        let text = String::deserialize(deserializer)?;
        base64::engine::general_purpose::STANDARD.decode(text).map(Self).map_err(serde::de::Error::custom)
    }
}
