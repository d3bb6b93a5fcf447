//! Faults: ways in which something is broken, as data.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::scenario::Debrief;
use super::step::{Action, ScriptStep};
use crate::grade::spec::Expect;
use crate::model::Capability;
use crate::model::FaultId;

/// A fault: `kind: Fault`. Its templates know `node` (where it is put) and `inventory`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Fault {
    /// `ckaprep.dev/v1`.
    pub api_version: String,
    /// `Fault`.
    pub kind: String,
    /// Its id, also its file's name.
    pub id: FaultId,
    /// What is wrong, in a line; shown only after the end.
    pub title: String,
    /// What it needs of a backend.
    #[serde(default)]
    pub requires: FaultRequires,
    /// What breaks it, in order.
    #[serde(rename = "do")]
    pub break_it: Vec<Action>,
    /// What takes that back, in order.
    pub undo: Vec<Action>,
    /// When a learner can see it: hand-over waits for this.
    pub visible_when: VisibleWhen,
    /// Hints from vague to plain, after the scenario's own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hints: Vec<String>,
    /// How a candidate repairs it.
    pub solution: FaultSolution,
    /// What to learn from it.
    pub debrief: Debrief,
}

/// What a fault needs of a backend.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FaultRequires {
    /// Capabilities.
    #[serde(default)]
    pub capabilities: BTreeSet<Capability>,
}

/// When a fault shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VisibleWhen {
    /// What must pass.
    pub expect: Expect,
    /// For how long to wait at most.
    #[serde(default = "VisibleWhen::default_seconds")]
    pub within_seconds: u32,
}

impl VisibleWhen {
    fn default_seconds() -> u32 {
        120
    }
}

/// How a fault is repaired.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FaultSolution {
    /// Steps.
    pub steps: Vec<ScriptStep>,
}
