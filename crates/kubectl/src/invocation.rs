//! What a run of kubectl is given: words, environment, files, a way to connect, streams, time. Nothing else is touched.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use component::Target;
use component::watch;
use futures::future::BoxFuture;
use jiff::Timestamp;
use tokio::io::{AsyncRead, AsyncWrite};

/// One run of kubectl.
pub struct Invocation {
    /// The words of the command line; the first is the program's own name.
    pub argv: Vec<String>,
    /// Environment: `KUBECONFIG`, `HOME`, `KUBE_EDITOR`, `EDITOR`, …
    pub env: BTreeMap<String, String>,
    /// Working directory; relative file names start here.
    pub cwd: String,
    /// Files that it may read and write.
    pub files: Arc<dyn Files>,
    /// How to reach an API server.
    pub connect: Arc<dyn Connect>,
    /// Standard input.
    pub stdin: Box<dyn AsyncRead + Send + Unpin>,
    /// Standard output.
    pub stdout: Box<dyn AsyncWrite + Send + Unpin>,
    /// Standard error.
    pub stderr: Box<dyn AsyncWrite + Send + Unpin>,
    /// Size of the terminal, when standard input and output are one; changes are passed on to `exec -t`.
    pub terminal: Option<watch::Receiver<TerminalSize>>,
    /// The present moment, for ages.
    pub now: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    /// Opens an editor for `kubectl edit`.
    pub editor: Arc<dyn Editor>,
}

/// What Tab completion is given (see [`crate::complete`]).
pub struct Completion {
    /// The words after the program's name; the last is the one under the cursor, possibly empty.
    pub words: Vec<String>,
    /// As in [`Invocation::env`].
    pub env: BTreeMap<String, String>,
    /// As in [`Invocation::cwd`].
    pub cwd: String,
    /// As in [`Invocation::files`].
    pub files: Arc<dyn Files>,
    /// As in [`Invocation::connect`].
    pub connect: Arc<dyn Connect>,
}

/// Columns and rows of a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TerminalSize {
    /// Columns.
    pub width: u16,
    /// Rows.
    pub height: u16,
}

/// A file system: a node's tree, a container's, or the host's. Paths are absolute.
pub trait Files: Send + Sync {
    /// The content of a file, links followed.
    fn read(&self, path: &str) -> io::Result<Vec<u8>>;
    /// Creates or replaces a file; missing parent directories are created. A new one is its owner's only (0600), as upstream's are:
    /// kubeconfigs, and what is being edited.
    fn write(&self, path: &str, content: &[u8]) -> io::Result<()>;
    /// The entries of a directory, sorted by name.
    fn list(&self, path: &str) -> io::Result<Vec<DirEntry>>;
    /// Whether something is there, and whether it is a directory.
    fn kind(&self, path: &str) -> io::Result<FileKind>;
}

/// One entry of a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirEntry {
    /// Name without path.
    pub name: String,
    /// What it is.
    pub kind: FileKind,
}

/// A file or a directory (links followed).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// A regular file, or anything that can be read like one.
    File,
    /// A directory.
    Directory,
}

/// Makes a client for a target. In a simulation this is `component::client_for` with the shell's origin.
pub trait Connect: Send + Sync {
    /// A client; the error is printed as `error: …`.
    fn connect(&self, target: Target) -> Result<kube::Client, String>;
}

/// Opens an editor on a text and waits until it is closed.
pub trait Editor: Send + Sync {
    /// Returns the edited text, or why there is none (`Edit cancelled`-like cases return the text unchanged).
    /// `suggested_name` ends in `.yaml`, so that an editor knows what it sees.
    fn edit<'a>(&'a self, suggested_name: &'a str, text: String) -> BoxFuture<'a, Result<String, String>>;
}
