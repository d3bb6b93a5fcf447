//! Signals: numbers, names, and how a program receives those that it handles.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

/// The signals that matter here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum Signal {
    Hup,
    Int,
    Quit,
    Abrt,
    Kill,
    Usr1,
    Segv,
    Usr2,
    Pipe,
    Alrm,
    Term,
    Chld,
    Cont,
    Stop,
    Tstp,
    Winch,
}

const TABLE: &[(Signal, i32, &str, &str)] = &[
    (Signal::Hup, 1, "HUP", "Hangup"),
    (Signal::Int, 2, "INT", ""),
    (Signal::Quit, 3, "QUIT", "Quit"),
    (Signal::Abrt, 6, "ABRT", "Aborted"),
    (Signal::Kill, 9, "KILL", "Killed"),
    (Signal::Usr1, 10, "USR1", "User defined signal 1"),
    (Signal::Segv, 11, "SEGV", "Segmentation fault"),
    (Signal::Usr2, 12, "USR2", "User defined signal 2"),
    (Signal::Pipe, 13, "PIPE", ""),
    (Signal::Alrm, 14, "ALRM", "Alarm clock"),
    (Signal::Term, 15, "TERM", "Terminated"),
    (Signal::Chld, 17, "CHLD", ""),
    (Signal::Cont, 18, "CONT", ""),
    (Signal::Stop, 19, "STOP", "Stopped"),
    (Signal::Tstp, 20, "TSTP", "Stopped"),
    (Signal::Winch, 28, "WINCH", ""),
];

impl Signal {
    fn row(self) -> &'static (Signal, i32, &'static str, &'static str) {
        TABLE.iter().find(|row| row.0 == self).unwrap_or(&TABLE[4])
    }

    /// Number on Linux.
    pub fn number(self) -> i32 {
        self.row().1
    }

    /// Name without `SIG`.
    pub fn name(self) -> &'static str {
        self.row().2
    }

    /// What bash prints about a command that it ended; empty for INT and PIPE.
    pub fn description(self) -> &'static str {
        self.row().3
    }

    /// The signal of that number.
    pub fn from_number(number: i32) -> Option<Self> {
        TABLE.iter().find(|row| row.1 == number).map(|row| row.0)
    }

    /// Reads `9`, `KILL`, `SIGKILL` or `kill`.
    pub fn parse(text: &str) -> Option<Self> {
        if let Ok(number) = text.parse() {
            return Self::from_number(number);
        }
        let name = text.to_ascii_uppercase();
        let name = name.strip_prefix("SIG").unwrap_or(&name);
        TABLE.iter().find(|row| row.2 == name).map(|row| row.0)
    }

    /// All names with numbers, for `kill -l`.
    pub fn all() -> impl Iterator<Item = Self> {
        TABLE.iter().map(|row| row.0)
    }

    /// Whether the default action is to do nothing.
    pub(crate) fn ignored_by_default(self) -> bool {
        matches!(self, Self::Chld | Self::Cont | Self::Winch)
    }
}

/// A program's end of its signals. A signal that it does not handle does what the kernel does by default.
pub struct Signals {
    pub(crate) handled: Arc<Mutex<BTreeSet<Signal>>>,
    pub(crate) queue: mpsc::UnboundedReceiver<Signal>,
}

impl Signals {
    /// From now on these signals come by [`Signals::recv`] instead of ending the process. KILL and STOP cannot be handled.
    pub fn handle(&self, signals: &[Signal]) {
        let mut handled = self.handled.lock().unwrap_or_else(PoisonError::into_inner);
        handled.extend(signals.iter().filter(|signal| !matches!(signal, Signal::Kill | Signal::Stop)));
    }

    /// Back to the default action.
    pub fn reset(&self, signals: &[Signal]) {
        let mut handled = self.handled.lock().unwrap_or_else(PoisonError::into_inner);
        for signal in signals {
            handled.remove(signal);
        }
    }

    /// The next handled signal. Never ends while the process lives; cancel safe.
    pub async fn recv(&mut self) -> Signal {
        match self.queue.recv().await {
            Some(signal) => signal,
            None => std::future::pending().await,
        }
    }
}
