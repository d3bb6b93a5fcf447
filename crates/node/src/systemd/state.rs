//! What systemd knows at run time, as data.

use std::sync::Arc;

use imbl::OrdMap;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::unit::Unit;
use crate::machine::{ExitStatus, Pid};

/// Units in memory by name.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub struct SystemdState {
    /// Each with its state.
    pub units: OrdMap<String, Arc<UnitState>>,
}

impl SystemdState {
    /// Nothing runs and nothing is loaded, as before a boot.
    pub fn forget_runtime(&mut self) {
        self.units = OrdMap::new();
    }
}

/// `ActiveState`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum Active {
    Active,
    Reloading,
    #[default]
    Inactive,
    Failed,
    Activating,
    Deactivating,
}

impl Active {
    /// The word that systemctl shows.
    pub fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Reloading => "reloading",
            Self::Inactive => "inactive",
            Self::Failed => "failed",
            Self::Activating => "activating",
            Self::Deactivating => "deactivating",
        }
    }
}

/// How a process of a unit ended, or that it runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExecRecord {
    /// `ExecStart`, `ExecStartPre`, …
    pub setting: String,
    /// The command as shown.
    pub command: String,
    /// Its number.
    pub pid: Pid,
    /// Its start.
    pub started: Timestamp,
    /// Its end.
    pub ended: Option<(Timestamp, ExitStatus)>,
}

/// Run-time state of a unit.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct UnitState {
    /// As loaded (until `daemon-reload`).
    pub unit: Arc<Unit>,
    /// `ActiveState`
    pub active: Active,
    /// `SubState`
    pub sub: String,
    /// `Result`
    pub result: String,
    /// When it came into this state.
    pub since: Option<Timestamp>,
    /// When it became active last.
    pub active_since: Option<Timestamp>,
    /// When it ceased to be active last.
    pub active_until: Option<Timestamp>,
    /// The main process while it runs.
    pub main_pid: Option<Pid>,
    /// The last main process.
    pub main: Option<ExecRecord>,
    /// `ExecStartPre` and other processes of the last start.
    pub control: Vec<ExecRecord>,
    /// `NRestarts`
    pub restarts: u32,
    /// When it will be started again.
    pub restart_at: Option<Timestamp>,
    /// Recent starts, for the start limit.
    pub starts: Vec<Timestamp>,
}

impl UnitState {
    pub(super) fn loaded(unit: Arc<Unit>) -> Self {
        Self { unit, sub: "dead".to_owned(), result: "success".to_owned(), ..Self::default() }
    }
}

/// Name of an exit status in messages (`exit_status_to_string`, full set).
pub fn status_name(code: u8) -> Option<&'static str> {
    Some(match code {
        0 => "SUCCESS",
        1 => "FAILURE",
        2 => "INVALIDARGUMENT",
        3 => "NOTIMPLEMENTED",
        4 => "NOPERMISSION",
        5 => "NOTINSTALLED",
        6 => "NOTCONFIGURED",
        7 => "NOTRUNNING",
        200 => "CHDIR",
        203 => "EXEC",
        216 => "GROUP",
        217 => "USER",
        _ => return None,
    })
}

/// `code=exited, status=1/FAILURE`, as in the log and in `systemctl status`.
pub fn describe(status: ExitStatus) -> String {
    match status {
        ExitStatus::Code(code) => match status_name(code) {
            Some(name) => format!("code=exited, status={code}/{name}"),
            None => format!("code=exited, status={code}/n/a"),
        },
        ExitStatus::Signal(signal) => format!("code=killed, status={}/{}", signal.number(), signal.name()),
    }
}
