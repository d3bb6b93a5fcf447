//! Where state lives: `$CKAPREP_STATE_DIR`, else `$XDG_STATE_HOME/ckaprep`, else `~/.local/state/ckaprep`.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::error::SessionError;
use super::private;

/// Variable that overrides the state directory.
pub const OVERRIDE: &str = "CKAPREP_STATE_DIR";

/// The directories of one user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directories {
    state: PathBuf,
    runtime: PathBuf,
}

impl Directories {
    /// Resolves the directories from the process's environment.
    pub fn from_environment() -> Result<Self, SessionError> {
        let names = [OVERRIDE, "XDG_STATE_HOME", "XDG_RUNTIME_DIR", "HOME", "TMPDIR"];
        let env = names.into_iter().filter_map(|name| Some((name, std::env::var_os(name)?))).collect();
        Self::resolve(&env, nix::unistd::getuid().as_raw())
    }

    /// The rule itself. Relative paths in XDG variables are ignored, as the specification asks.
    fn resolve(env: &BTreeMap<&str, OsString>, uid: u32) -> Result<Self, SessionError> {
        let set = |name: &str| env.get(name).filter(|v| !v.is_empty()).map(PathBuf::from);
        let absolute = |name: &str| set(name).filter(|p| p.is_absolute());
        let state = match (set(OVERRIDE), absolute("XDG_STATE_HOME"), absolute("HOME")) {
            (Some(dir), _, _) => std::path::absolute(&dir).map_err(SessionError::file("find", dir))?,
            (None, Some(dir), _) => dir.join("ckaprep"),
            (None, None, Some(home)) => home.join(".local/state/ckaprep"),
            (None, None, None) => return Err(SessionError::NoHome),
        };
        let runtime = absolute("XDG_RUNTIME_DIR")
            .map(|dir| dir.join("ckaprep"))
            .unwrap_or_else(|| absolute("TMPDIR").unwrap_or_else(|| "/tmp".into()).join(format!("ckaprep-{uid}")));
        Ok(Self { state, runtime })
    }

    /// All state under one directory.
    pub fn rooted(root: &Path) -> Self {
        Self { state: root.to_owned(), runtime: std::env::temp_dir().join(format!("ckaprep-{}", nix::unistd::getuid())) }
    }

    /// The state directory itself.
    pub fn state(&self) -> &Path {
        &self.state
    }

    /// Where the folders of sessions are.
    pub fn sessions(&self) -> PathBuf {
        self.state.join("sessions")
    }

    /// Where packs are kept.
    pub fn packs(&self) -> PathBuf {
        self.state.join("packs")
    }

    /// The history database.
    pub fn history(&self) -> PathBuf {
        self.state.join("history.db")
    }

    /// Where installed clusters are kept between runs.
    pub fn clusters(&self) -> PathBuf {
        self.state.join("clusters")
    }

    /// Where kind clusters are remembered.
    pub fn kind(&self) -> PathBuf {
        self.state.join("kind")
    }

    /// The log of the latest session that broke while it was started.
    pub fn failed_start_log(&self) -> PathBuf {
        self.state.join("failed-start.log")
    }

    /// Where sockets go whose path in the session's folder would be too long for the system.
    pub fn runtime(&self) -> &Path {
        &self.runtime
    }

    /// Creates the state directory; the error says which path could not be made.
    pub fn create(&self) -> Result<(), SessionError> {
        let sessions = self.sessions();
        private::directory(&sessions).map_err(SessionError::file("create", sessions))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_that_is_set_wins() {
        type Case<'a> = (&'a [(&'a str, &'a str)], Option<&'a str>);
        let cases: [Case<'_>; 5] = [
            (&[("HOME", "/home/a")], Some("/home/a/.local/state/ckaprep")),
            (&[("HOME", "/home/a"), ("XDG_STATE_HOME", "/state")], Some("/state/ckaprep")),
            (&[("HOME", "/home/a"), ("XDG_STATE_HOME", "relative")], Some("/home/a/.local/state/ckaprep")),
            (&[("CKAPREP_STATE_DIR", "/here"), ("XDG_STATE_HOME", "/state")], Some("/here")),
            (&[("HOME", "")], None),
        ];
        for (env, want) in cases {
            let env = env.iter().map(|(k, v)| (*k, OsString::from(v))).collect();
            let got = Directories::resolve(&env, 1000).ok().map(|d| d.state().to_owned());
            assert_eq!(got.as_deref(), want.map(Path::new), "{env:?}");
        }
    }
}
