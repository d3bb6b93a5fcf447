//! What to start.

use std::collections::BTreeMap;
use std::sync::Arc;

use component::Origin;

use super::process::{Pid, StdioSpec};
use super::stdio::{Input, Output, Terminal};
use crate::fs::{Credentials, Namespace};

/// A process to be. [`Command::new`] gives root's on the host, with `/dev/null` at all three ends.
pub struct Command {
    /// Arguments; the first is a path, or a name that is sought in the environment's `PATH`.
    pub argv: Vec<String>,
    /// What `argv[0]` becomes in the process, if not the first argument (`-bash`).
    pub name: Option<String>,
    /// Environment.
    pub env: BTreeMap<String, String>,
    /// Working directory.
    pub cwd: String,
    /// User and group.
    pub who: Credentials,
    /// Mask for the modes of new files.
    pub umask: u32,
    /// Mount namespace.
    pub namespace: Arc<Namespace>,
    /// Network namespace; the machine's own if `None`.
    pub origin: Option<Origin>,
    /// Standard input.
    pub stdin: Input,
    /// Standard output.
    pub stdout: Output,
    /// Standard error.
    pub stderr: Output,
    /// Where the output goes, as data. Anything but `Attached` replaces `stdout` and `stderr` (unless they are set) and is
    /// set up again when the process is resumed.
    pub stdio: StdioSpec,
    /// Terminal that the process is attached to.
    pub terminal: Option<Arc<Terminal>>,
    /// Parent.
    pub parent: Pid,
    /// systemd unit.
    pub unit: Option<String>,
    /// Container.
    pub container: Option<String>,
    /// First process of its container.
    pub init: bool,
}

/// The `PATH` of Debian's root and of most images.
pub const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

impl Command {
    /// Root's process on the host, in `/`, with the default `PATH`.
    pub fn new(argv: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self {
            argv: argv.into_iter().map(Into::into).collect(),
            name: None,
            env: BTreeMap::from([("PATH".to_owned(), DEFAULT_PATH.to_owned())]),
            cwd: "/".to_owned(),
            who: Credentials::ROOT,
            umask: 0o022,
            namespace: Arc::new(Namespace::host()),
            origin: None,
            stdin: Input::empty(),
            stdout: Output::null(),
            stderr: Output::null(),
            stdio: StdioSpec::Attached,
            terminal: None,
            parent: 1,
            unit: None,
            container: None,
            init: false,
        }
    }
}
