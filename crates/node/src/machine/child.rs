//! What the parent of a process holds.

use std::fmt;

use component::watch;

use super::process::Pid;
use super::signal::Signal;
use crate::fs::Errno;

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum ExitStatus {
    /// By `exit(2)`.
    Code(u8),
    /// By a signal.
    Signal(Signal),
}

impl ExitStatus {
    /// Exit code 0.
    pub const SUCCESS: Self = Self::Code(0);
    /// Exit code 1.
    pub const FAILURE: Self = Self::Code(1);

    /// Whether the exit code was 0.
    pub fn success(self) -> bool {
        self == Self::SUCCESS
    }

    /// `$?` as a shell shows it, and a container's exit code: 128 and the signal's number.
    pub fn code(self) -> i32 {
        match self {
            Self::Code(code) => i32::from(code),
            Self::Signal(signal) => 128 + signal.number(),
        }
    }
}

impl From<i32> for ExitStatus {
    /// From an exit code; bits above the lowest eight are lost, as in life.
    fn from(code: i32) -> Self {
        Self::Code((code & 0xff) as u8)
    }
}

/// A program could not be started.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {errno}")]
pub struct ExecError {
    /// What was to be executed.
    pub path: String,
    /// Why not.
    pub errno: Errno,
}

/// A started process. Dropping this does not end it.
#[derive(Clone)]
pub struct Child {
    pub(crate) pid: Pid,
    pub(crate) status: watch::Receiver<Option<ExitStatus>>,
}

impl Child {
    /// Its number.
    pub fn pid(&self) -> Pid {
        self.pid
    }

    /// Waits for its end. May be asked by many and again.
    pub async fn wait(&self) -> ExitStatus {
        let mut status = self.status.clone();
        // The sender lives as long as the process; it cannot go without having told the status.
        match status.wait_for(Option::is_some).await {
            Ok(status) => status.unwrap_or(ExitStatus::Signal(Signal::Kill)),
            Err(_) => ExitStatus::Signal(Signal::Kill),
        }
    }

    /// The status, if it has ended.
    pub fn try_wait(&self) -> Option<ExitStatus> {
        *self.status.borrow()
    }
}

impl fmt::Debug for Child {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Child").field("pid", &self.pid).field("status", &self.try_wait()).finish()
    }
}
