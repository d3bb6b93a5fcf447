//! Scenarios: hands-on tasks.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::step::{ScriptStep, Step};
use super::variable::Variable;
use crate::grade::spec::{Check, Gate};
use crate::model::{Capability, Role};
use crate::model::{CheckId, Difficulty, FaultId, Placement, Points, ScenarioId, WrongId};

/// A scenario: `kind: Scenario`, in `scenarios/<id>/scenario.yaml`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Scenario {
    /// `ckaprep.dev/v1`.
    pub api_version: String,
    /// `Scenario`.
    pub kind: String,
    /// Its id, also its folder's name.
    pub id: ScenarioId,
    /// What is to be done, in a line. Must not tell what is to be found.
    pub title: String,
    /// Where it belongs; the first is the main one.
    pub placements: Vec<Placement>,
    /// How hard it is.
    pub difficulty: Difficulty,
    /// Budget.
    pub minutes: u32,
    /// Where the candidate works: a role; the inventory gives the name.
    pub host: Role,
    /// What it needs of a backend.
    #[serde(default)]
    pub requires: Requires,
    /// Variables, bound in the order of their names after those they refer to.
    #[serde(default)]
    pub variables: BTreeMap<String, Variable>,
    /// What makes the cluster what the learner finds.
    pub setup: Vec<Step>,
    /// File with the task text.
    pub task: String,
    /// How long the final grading waits for what is still converging.
    #[serde(default = "Scenario::default_within")]
    pub within_seconds: u32,
    /// What earns points.
    pub checks: Vec<Check>,
    /// What must hold, without points.
    #[serde(default)]
    pub gates: Vec<Gate>,
    /// Hints from vague to plain. A fault's own hints follow them.
    #[serde(default)]
    pub hints: Vec<String>,
    /// The reference solution.
    pub solution: Solution,
    /// Other valid solutions; each must score full.
    #[serde(default)]
    pub alternatives: Vec<Alternative>,
    /// What people really try and should not score fully.
    #[serde(default)]
    pub wrong: Vec<WrongFix>,
    /// What to learn from it.
    pub debrief: Debrief,
}

impl Scenario {
    fn default_within() -> u32 {
        60
    }

    /// Points of the checks that count for a fault (or for none).
    pub fn maximum(&self, faults: &[FaultId]) -> Points {
        self.checks.iter().filter(|c| c.applies_to(faults)).map(|c| c.points).sum()
    }
}

/// What content needs of a backend.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Requires {
    /// Fewest workers.
    #[serde(default)]
    pub workers: u32,
    /// Capabilities.
    #[serde(default)]
    pub capabilities: BTreeSet<Capability>,
}

/// A solution: exactly one of `fromFault` and `steps`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Solution {
    /// The solutions of the faults that the setup put in, in its order.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub from_fault: bool,
    /// Steps.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<ScriptStep>,
}

/// Another valid solution.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Alternative {
    /// Its name.
    pub id: WrongId,
    /// Faults for which it is one; all unless given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub only_fault: Vec<FaultId>,
    /// Faults for which it is none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unless_fault: Vec<FaultId>,
    /// An expression over the variables (`problem == "selector"`): it applies only where this is true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
    /// Steps.
    pub steps: Vec<ScriptStep>,
}

/// Something that people try and that is not right. At least one of `loses` and `gate` is given.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WrongFix {
    /// Its name.
    pub id: WrongId,
    /// Faults for which it is wrong; all unless given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub only_fault: Vec<FaultId>,
    /// Faults for which it is right after all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unless_fault: Vec<FaultId>,
    /// An expression over the variables (`problem == "selector"`): it applies only where this is true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
    /// Checks that must not pass after it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub loses: Vec<CheckId>,
    /// The gate that must close after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gate: Option<CheckId>,
    /// Steps. They may fail.
    pub steps: Vec<ScriptStep>,
}

/// Whether something that names faults applies to a variant with these.
pub fn applies(only: &[FaultId], unless: &[FaultId], faults: &[FaultId]) -> bool {
    let named = |list: &[FaultId]| faults.iter().any(|fault| list.iter().any(|word| fault.is_named(word)));
    (only.is_empty() || named(only)) && !named(unless)
}

/// What to learn: exactly one of `fromFault`, `file` and `text` gives the root cause; the rest may stand beside `file` and `text`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Debrief {
    /// The debrief of the fault that the setup put in.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub from_fault: bool,
    /// A Markdown file beside this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Markdown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The commands that find it fastest, at most three.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fastest: Vec<Fastest>,
    /// A page that the exam allows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
}

/// One command of a debrief.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Fastest {
    /// The command.
    pub run: String,
    /// What it shows.
    pub shows: String,
}
