//! Finding programs on the PATH.

use std::env;
use std::ffi::OsStr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::session::error::SessionError;

/// A shell that practice can run in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// bash, also as old as macOS's 3.2.
    Bash,
    /// zsh.
    Zsh,
}

/// A shell on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// Which.
    pub kind: Kind,
    /// Where.
    pub path: PathBuf,
}

impl Program {
    /// The user's own shell if it is zsh, else bash, else zsh. Scripts always get bash where there is one.
    pub fn choose(interactive: bool) -> Result<Self, SessionError> {
        let bash = || on_path("bash", None).map(|path| Self { kind: Kind::Bash, path });
        let zsh = || on_path("zsh", None).map(|path| Self { kind: Kind::Zsh, path });
        let own = env::var_os("SHELL").unwrap_or_default();
        let prefers_zsh = interactive && Path::new(&own).file_name() == Some(OsStr::new("zsh"));
        let found = if prefers_zsh { zsh().or_else(bash) } else { bash().or_else(zsh) };
        found.ok_or(SessionError::NoShell)
    }
}

/// The first executable of that name on the PATH, leaving out one directory (our shims).
pub fn on_path(name: &str, except: Option<&Path>) -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?)
        .filter(|dir| except != Some(dir.as_path()))
        .map(|dir| dir.join(name))
        .find(|file| is_executable(file))
}

fn is_executable(file: &Path) -> bool {
    file.metadata().is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o111 != 0)
}
