//! A unit as loaded from its files.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Outcome of loading.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum LoadState {
    /// Fit for use.
    Loaded,
    /// No file.
    #[default]
    NotFound,
    /// The file is a link to `/dev/null`.
    Masked,
    /// The file is there and says nothing that could be run.
    BadSetting,
}

impl LoadState {
    /// The word that systemctl shows.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Loaded => "loaded",
            Self::NotFound => "not-found",
            Self::Masked => "masked",
            Self::BadSetting => "bad-setting",
        }
    }
}

/// `Type=`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum ServiceType {
    #[default]
    Simple,
    Exec,
    Notify,
    Oneshot,
    Forking,
}

/// `Restart=`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum Restart {
    #[default]
    No,
    Always,
    OnSuccess,
    OnFailure,
    OnAbnormal,
    OnAbort,
}

/// One `Exec…=` line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exec {
    /// Path and arguments before the expansion of variables.
    pub words: Vec<String>,
    /// `-`: failing is no failure.
    pub ignore_failure: bool,
    /// The words as systemctl shows them.
    pub shown: String,
}

/// A unit.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)] // the fields are systemd's settings, see systemd.unit(5) and systemd.service(5)
pub struct Unit {
    pub name: String,
    pub load: LoadState,
    pub fragment: Option<String>,
    pub drop_ins: Vec<String>,
    /// Every file that was read, with its time of change then.
    pub sources: Vec<(String, Timestamp)>,
    /// `file:line: message` of what was not understood.
    pub warnings: Vec<String>,
    pub description: String,
    pub documentation: Vec<String>,
    pub wants: Vec<String>,
    pub requires: Vec<String>,
    pub after: Vec<String>,
    pub before: Vec<String>,
    pub condition_path_exists: Vec<String>,
    pub start_limit_interval_ms: u64,
    pub start_limit_burst: u32,
    pub service: Service,
    pub install: Install,
}

/// The `[Service]` section.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Service {
    pub kind: ServiceType,
    pub exec_start_pre: Vec<Exec>,
    pub exec_start: Vec<Exec>,
    pub exec_start_post: Vec<Exec>,
    pub exec_reload: Vec<Exec>,
    pub exec_stop: Vec<Exec>,
    pub restart: Restart,
    pub restart_ms: u64,
    /// 0: never.
    pub timeout_start_ms: u64,
    pub timeout_stop_ms: u64,
    pub remain_after_exit: bool,
    pub environment: Vec<(String, String)>,
    /// Path, and whether it may be missing.
    pub environment_files: Vec<(String, bool)>,
    pub user: Option<String>,
    pub working_directory: Option<String>,
    /// `KillMode=process`: only the main process is killed.
    pub kill_main_only: bool,
    pub slice: String,
}

impl Default for Service {
    /// systemd's defaults.
    fn default() -> Self {
        Self {
            kind: ServiceType::Simple,
            exec_start_pre: Vec::new(),
            exec_start: Vec::new(),
            exec_start_post: Vec::new(),
            exec_reload: Vec::new(),
            exec_stop: Vec::new(),
            restart: Restart::No,
            restart_ms: 100,
            timeout_start_ms: 90_000,
            timeout_stop_ms: 90_000,
            remain_after_exit: false,
            environment: Vec::new(),
            environment_files: Vec::new(),
            user: None,
            working_directory: None,
            kill_main_only: false,
            slice: "system.slice".to_owned(),
        }
    }
}

/// The `[Install]` section.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Install {
    pub wanted_by: Vec<String>,
    pub required_by: Vec<String>,
    pub also: Vec<String>,
    pub alias: Vec<String>,
}

impl Unit {
    /// Whether this unit names `other` in a dependency: such a unit is kept in memory after it stopped.
    pub fn refers_to(&self, other: &str) -> bool {
        [&self.wants, &self.requires, &self.after, &self.before].iter().any(|list| list.iter().any(|name| name == other))
    }

    /// `name - description`, as in the log.
    pub fn title(&self) -> String {
        if self.description == self.name { self.name.clone() } else { format!("{} - {}", self.name, self.description) }
    }

    /// Whether there is anything to enable.
    pub fn can_install(&self) -> bool {
        !(self.install.wanted_by.is_empty() && self.install.required_by.is_empty() && self.install.alias.is_empty())
    }
}
