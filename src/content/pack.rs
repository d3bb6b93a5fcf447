//! Packs: content that others wrote, with a name of its own.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Who a pack is: `kind: Pack`, in `pack.yaml` beside its `scenarios/`, `questions/` and `faults/`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Pack {
    /// `ckaprep.dev/v1`.
    pub api_version: String,
    /// `Pack`.
    pub kind: String,
    /// Its name, which comes before the ids of everything in it: `team-a/no-answer`.
    pub id: String,
    /// What it is, in a line.
    pub title: String,
    /// Its version, as its authors count.
    pub version: String,
    /// Who made it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub authors: Vec<String>,
    /// Licence of its texts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub license: Option<String>,
}
