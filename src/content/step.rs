//! Steps: what sets a scenario up, what a fault does to a node, and what a solution runs.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::grade::spec::{Expect, ObjectQuery};
use crate::model::FaultId;

/// A step of a setup.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum Step {
    /// Server-side applies the manifests of a file beside the scenario, and waits until its workloads are available.
    Apply(String),
    /// The same with manifests written here.
    Manifest(String),
    /// Remembers values for checks and texts, by name: `captured.NAME`.
    Capture(BTreeMap<String, Capture>),
    /// Breaks something.
    Fault(FaultStep),
    /// Acts on a node.
    Node(NodeStep),
    /// Runs a script.
    Run(ScriptStep),
    /// Waits until a check passes.
    Wait(WaitStep),
}

/// A value to remember.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Capture {
    /// The object.
    pub get: ObjectQuery,
    /// CEL over `object`.
    pub expr: String,
}

/// A fault put on a node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FaultStep {
    /// Which, usually a variable.
    pub id: String,
    /// Where. The fault's texts know it as `{{ node }}`.
    pub node: String,
}

/// Actions on a node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NodeStep {
    /// Which node.
    pub name: String,
    /// What to do there, in order.
    pub actions: Vec<Action>,
}

/// Waiting for a check.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WaitStep {
    /// What must pass.
    pub expect: Expect,
    /// For how long at most.
    #[serde(default = "WaitStep::default_seconds")]
    pub within_seconds: u32,
}

impl WaitStep {
    fn default_seconds() -> u32 {
        60
    }
}

/// One action on a node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum Action {
    /// Replaces a text, which must be there, everywhere in a file. Mode and owner stay.
    ReplaceInFile(ReplaceInFile),
    /// Writes a file whole.
    WriteFile(WriteFile),
    /// Deletes a file, which must be there.
    DeleteFile(String),
    /// `systemctl start`.
    StartUnit(String),
    /// `systemctl stop`.
    StopUnit(String),
    /// `systemctl restart`, whether or not the unit comes up.
    RestartUnit(String),
    /// `systemctl enable`.
    EnableUnit(String),
    /// `systemctl disable`.
    DisableUnit(String),
    /// `systemctl daemon-reload`.
    DaemonReload(DaemonReload),
    /// Runs a script as root; it must exit with 0.
    Run(String),
}

/// Replacing a text in a file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReplaceInFile {
    /// The file.
    pub path: String,
    /// Text to find, taken literally.
    pub find: String,
    /// Text to put in its place.
    pub with: String,
}

/// Writing a file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WriteFile {
    /// The file.
    pub path: String,
    /// Its whole content.
    pub content: String,
    /// Permission bits in octal: `"0600"`. Without it an existing file keeps its own and a new one gets 0644.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
}

/// `daemonReload: {}`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DaemonReload {}

/// Where a script runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Place {
    /// The candidate's virtual shell, with kubectl.
    Shell,
    /// A node, as root.
    Node,
}

/// A script of a solution, a wrong fix or a setup. In solutions and setups it must exit with 0.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ScriptStep {
    /// Where.
    pub on: Place,
    /// Which node, for `on: node`; `{{ node }}` unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// The commands, as a candidate would type them.
    pub run: String,
    /// Why, for a learner who reads the solution.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

impl ScriptStep {
    /// The node to run on, where this is not a step for the shell.
    pub fn node_or_default(&self) -> Option<&str> {
        match self.on {
            Place::Shell => None,
            Place::Node => Some(self.node.as_deref().unwrap_or("{{ node }}")),
        }
    }
}

/// The id that a fault step names, when it is no template.
pub fn literal_fault(step: &FaultStep) -> Option<FaultId> {
    step.id.parse().ok()
}
