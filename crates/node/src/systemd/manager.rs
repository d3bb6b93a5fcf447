//! The service manager: what `systemctl` talks to.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::task::AbortHandle;

use super::install::{self, Change, InstallError, UnitFileState};
use super::load;
use super::state::{Active, UnitState};
use super::unit::{LoadState, Unit};
use crate::journal::{Entry, Priority};
use crate::machine::{Machine, Pid};

/// systemd of a machine.
pub struct Systemd {
    machine: Weak<Machine>,
    /// The task that watches over each unit's processes.
    pub(super) supervisors: Mutex<BTreeMap<String, AbortHandle>>,
}

/// Why a job failed. Texts are systemctl's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JobError {
    /// No such unit.
    #[error("Unit {0} not found.")]
    NotFound(String),
    /// Masked.
    #[error("Unit {0} is masked.")]
    Masked(String),
    /// Loaded with errors.
    #[error("Unit {0} has a bad unit file setting.")]
    BadSetting(String),
    /// The unit's process failed.
    #[error(
        "Job for {0} failed because the control process exited with error code.\nSee \"systemctl status {0}\" and \"journalctl -xeu {0}\" for details."
    )]
    ControlProcess(String),
    /// It took too long.
    #[error("Job for {0} failed because a timeout was exceeded.\nSee \"systemctl status {0}\" and \"journalctl -xeu {0}\" for details.")]
    Timeout(String),
    /// Too many starts.
    #[error(
        "Job for {0} failed because start of the service was attempted too often.\nSee \"systemctl status {0}\" and \"journalctl -xeu {0}\" for details."
    )]
    StartLimit(String),
    /// A required unit failed.
    #[error("A dependency job for {0} failed. See 'journalctl -xe' for details.")]
    Dependency(String),
    /// `reload` of a unit without `ExecReload=`.
    #[error("Failed to reload {0}: Job type reload is not applicable for unit {0}.")]
    NoReload(String),
    /// `reload` of a unit that does not run.
    #[error("{0} is not active, cannot reload.")]
    NotActive(String),
}

impl Systemd {
    pub(crate) fn new(machine: Weak<Machine>) -> Self {
        Self { machine, supervisors: Mutex::default() }
    }

    pub(super) fn machine(&self) -> Arc<Machine> {
        // A manager is a part of its machine and is only reached through it.
        self.machine.upgrade().unwrap_or_else(|| unreachable!("a machine outlives its service manager"))
    }

    /// `kubelet` → `kubelet.service`.
    pub fn full_name(name: &str) -> String {
        load::full_name(name)
    }

    /// A unit with its state; loaded from its files if it is not in memory.
    pub fn unit(&self, name: &str) -> Arc<UnitState> {
        let machine = self.machine();
        if let Some(state) = machine.read(|state| state.systemd.units.get(name).cloned()) {
            return state;
        }
        let unit = load::load(&machine.host_files(), name);
        for warning in &unit.warnings {
            self.log(None, Priority::Warning, warning);
        }
        Arc::new(UnitState::loaded(unit))
    }

    /// All units in memory.
    pub fn units(&self) -> Vec<Arc<UnitState>> {
        self.machine().read(|state| state.systemd.units.values().cloned().collect())
    }

    /// Names of all unit files with their state.
    pub fn unit_files(&self) -> Vec<(String, UnitFileState)> {
        let files = self.machine().host_files();
        let names: BTreeSet<String> = load::UNIT_PATH
            .iter()
            .flat_map(|dir| files.read_dir(dir).unwrap_or_default())
            .filter(|(_, stat)| !stat.is_dir())
            .map(|(name, _)| name)
            .collect();
        names.into_iter().filter_map(|name| install::state(&files, &name).map(|state| (name, state))).collect()
    }

    /// `UnitFileState`, `None` without a file.
    pub fn file_state(&self, name: &str) -> Option<UnitFileState> {
        install::state(&self.machine().host_files(), name)
    }

    /// Whether a unit's files are not what was loaded any more.
    pub fn needs_reload(&self, unit: &Unit) -> bool {
        load::changed_on_disk(&self.machine().host_files(), unit)
    }

    /// Processes in a unit's control group.
    pub fn processes(&self, name: &str) -> Vec<Arc<crate::machine::Process>> {
        self.machine().read(|state| state.processes.values().filter(|process| process.unit.as_deref() == Some(name)).cloned().collect())
    }

    /// The unit that a process belongs to.
    pub fn unit_of(&self, pid: Pid) -> Option<String> {
        self.machine().read(|state| state.processes.get(&pid).and_then(|process| process.unit.clone()))
    }

    /// `daemon-reload`: reads all units again and forgets those that nothing needs.
    pub fn daemon_reload(&self) {
        let machine = self.machine();
        self.log(None, Priority::Info, "Reloading.");
        let files = machine.host_files();
        for state in self.units() {
            let unit = load::load(&files, &state.unit.name);
            for warning in &unit.warnings {
                self.log(None, Priority::Warning, warning);
            }
            self.update(&state.unit.name.clone(), |state| state.unit = unit);
        }
        self.collect_garbage();
    }

    /// systemd drops stopped units from memory that no other refers to and whose control group is empty (`unit_may_gc`); their
    /// times and exit codes are gone then.
    pub(super) fn collect_garbage(&self) {
        self.machine().write(|state| {
            let processes = &state.processes;
            let units = &mut state.systemd.units;
            let unneeded: Vec<String> = units
                .values()
                .filter(|unit| unit.active == Active::Inactive)
                .filter(|unit| !processes.values().any(|process| process.unit.as_deref() == Some(unit.unit.name.as_str())))
                .filter(|unit| !units.values().any(|other| other.unit.name != unit.unit.name && other.unit.refers_to(&unit.unit.name)))
                .map(|unit| unit.unit.name.clone())
                .collect();
            for name in unneeded {
                units.remove(&name);
            }
        });
    }

    /// `enable`.
    pub fn enable(&self, name: &str) -> Result<Vec<Change>, InstallError> {
        install::enable(&self.machine().host_files(), name)
    }

    /// `disable`.
    pub fn disable(&self, name: &str) -> Result<Vec<Change>, InstallError> {
        install::disable(&self.machine().host_files(), name)
    }

    /// `mask`.
    pub fn mask(&self, name: &str) -> Result<Vec<Change>, InstallError> {
        install::mask(&self.machine().host_files(), name)
    }

    /// `unmask`.
    pub fn unmask(&self, name: &str) -> Result<Vec<Change>, InstallError> {
        install::unmask(&self.machine().host_files(), name)
    }

    /// `reset-failed`.
    pub fn reset_failed(&self, name: &str) {
        self.update(name, |state| {
            state.restarts = 0;
            state.starts.clear();
            if state.active == Active::Failed {
                state.active = Active::Inactive;
                "dead".clone_into(&mut state.sub);
            }
        });
        self.collect_garbage();
    }

    /// Loads a unit for a job.
    pub(super) fn fetch(&self, name: &str) -> Result<Arc<UnitState>, JobError> {
        let state = self.unit(name);
        match state.unit.load {
            LoadState::Loaded => Ok(state),
            LoadState::NotFound => Err(JobError::NotFound(name.to_owned())),
            LoadState::Masked => Err(JobError::Masked(name.to_owned())),
            LoadState::BadSetting => Err(JobError::BadSetting(name.to_owned())),
        }
    }

    /// Changes the state of a unit in memory.
    pub(super) fn update(&self, name: &str, change: impl FnOnce(&mut UnitState)) {
        self.machine().write(|state| {
            if let Some(unit) = state.systemd.units.get_mut(name) {
                change(Arc::make_mut(unit));
            }
        });
    }

    /// Puts a unit into a state.
    pub(super) fn enter(&self, name: &str, active: Active, sub: &str) {
        let now = self.machine().clock().now();
        self.update(name, |state| {
            if active == Active::Active && state.active != Active::Active {
                state.active_since = Some(now);
            }
            if state.active == Active::Active && active != Active::Active {
                state.active_until = Some(now);
            }
            if state.active != active || state.sub != sub {
                state.since = Some(now);
            }
            state.active = active;
            sub.clone_into(&mut state.sub);
        });
    }

    /// Writes into the journal as the first process.
    pub(super) fn log(&self, unit: Option<&str>, priority: Priority, message: &str) {
        let machine = self.machine();
        machine.log(Entry {
            time: machine.clock().now(),
            identifier: "systemd".into(),
            pid: Some(1),
            unit: unit.map(Into::into),
            priority,
            message: message.into(),
        });
    }

    pub(super) fn supervisors(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, AbortHandle>> {
        self.supervisors.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends all tasks without changing data.
    pub(crate) fn halt(&self) {
        for (_, task) in std::mem::take(&mut *self.supervisors()) {
            task.abort();
        }
    }
}
