//! What can go wrong around a session. Every variant says what to do next through [`SessionError::hint`].

use std::io;
use std::path::PathBuf;

/// A session could not be made, found or talked to.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// Neither `HOME` nor a state directory is set.
    #[error("cannot tell where to keep state: HOME is not set")]
    NoHome,
    /// A directory or file of ours cannot be written or read.
    #[error("cannot {action} {path}")]
    File {
        /// `create`, `write`, `read`, …
        action: &'static str,
        /// The path.
        path: PathBuf,
        /// The system's answer.
        #[source]
        source: io::Error,
    },
    /// A file of a session is not what we wrote.
    #[error("{path} is damaged")]
    Damaged {
        /// The path.
        path: PathBuf,
        /// The decoder's words.
        #[source]
        source: serde_json::Error,
    },
    /// No session runs, or none of that name.
    #[error("{}", match wanted { Some(id) => format!("there is no session {id:?}"), None => "no session is running".to_owned() })]
    NotFound {
        /// What was asked for.
        wanted: Option<String>,
        /// Sessions that exist.
        known: Vec<String>,
    },
    /// Several sessions run and none was named.
    #[error("which session? There are several: {}", known.join(", "))]
    Ambiguous {
        /// Their ids.
        known: Vec<String>,
    },
    /// The session's process is gone; its journal is there.
    #[error("session {id} has no process: it was stopped, killed, or put to sleep")]
    Asleep {
        /// The session.
        id: String,
    },
    /// The session's process was started by another version.
    #[error("session {id} speaks protocol {theirs}, this ckaprep speaks {ours}")]
    Protocol {
        /// The session.
        id: String,
        /// Version in its record.
        theirs: u32,
        /// Ours.
        ours: u32,
    },
    /// The session's process could not be started or ended before it was ready.
    #[error("the session could not be started: {reason}")]
    Start {
        /// What it said.
        reason: String,
        /// Its own next step, if it named one.
        next: Option<String>,
        /// Exit code that this failure deserves.
        code: u8,
    },
    /// Setting up was interrupted by the user.
    #[error("interrupted; nothing is left behind")]
    Interrupted,
    /// The connection to the session broke.
    #[error("lost the connection to session {id}")]
    Connection {
        /// The session.
        id: String,
        /// The system's answer.
        #[source]
        source: io::Error,
    },
    /// The session answered that it cannot do this.
    #[error("{message}")]
    Refused {
        /// Its words.
        message: String,
        /// Its next step.
        next: Option<String>,
        /// Exit code that this failure deserves.
        code: u8,
    },
    /// No shell was found on this machine.
    #[error("found neither bash nor zsh on the PATH")]
    NoShell,
}

impl SessionError {
    /// The next step for the user.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoHome => Some("set HOME, or name a directory for state with CKAPREP_STATE_DIR".into()),
            Self::File { .. } => {
                Some("check the permissions and free space there, or name another directory for state with CKAPREP_STATE_DIR".into())
            }
            Self::Damaged { path, .. } => {
                Some(format!("remove {} if you no longer need that session", path.parent().unwrap_or(path).display()))
            }
            Self::NotFound { known, .. } if known.is_empty() => Some("start one with `ckaprep scenario unhealthy-node`".into()),
            Self::NotFound { known, .. } => Some(format!("sessions: {}", known.join(", "))),
            Self::Ambiguous { .. } => Some("name it: --session ID, or the id alone for attach and stop".into()),
            Self::Asleep { id } => Some(format!("`ckaprep attach {id}` brings the cluster back as it was; `ckaprep stop {id}` removes it")),
            Self::Protocol { id, .. } => {
                Some(format!("stop it with the ckaprep that started it, or remove it: `ckaprep stop {id} --force`"))
            }
            Self::Start { next, .. } | Self::Refused { next, .. } => next.clone(),
            Self::Interrupted => None,
            Self::Connection { id, .. } => {
                Some(format!("its process may have died; `ckaprep attach {id}` brings the cluster back as it was"))
            }
            Self::NoShell => Some("install bash, or use --detach and your own terminal".into()),
        }
    }

    /// Wraps an input or output error with what was being done.
    pub fn file(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { action, path, source }
    }
}
