//! An exam's domains, weights and competencies.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::{CompetencyId, DomainId, ExamId, Weight};

/// A curriculum: `kind: Curriculum`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Curriculum {
    /// `ckaprep.dev/v1`.
    pub api_version: String,
    /// `Curriculum`.
    pub kind: String,
    /// The exam's id.
    pub id: ExamId,
    /// Title of the exam.
    pub title: String,
    /// Version of the published curriculum.
    pub version: String,
    /// Date of the published file, `YYYY-MM-DD`.
    pub as_of: String,
    /// Where the facts come from.
    pub source: String,
    /// Credit that must stand where the data is shown.
    pub attribution: String,
    /// How the exam is held.
    pub format: ExamFormat,
    /// The exam's Kubernetes minor, where it was stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kubernetes: Option<String>,
    /// Whether this exam is no longer held.
    #[serde(default)]
    pub historical: bool,
    /// Domains; weights add up to 100.
    pub domains: Vec<Domain>,
}

/// How an exam is held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExamFormat {
    /// Length.
    pub minutes: u32,
    /// Fewest tasks.
    pub tasks_min: u32,
    /// Most tasks.
    pub tasks_max: u32,
    /// Percent needed to pass.
    pub pass_percent: u32,
}

/// A domain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Domain {
    /// Unique within the exam.
    pub id: DomainId,
    /// Title as published.
    pub title: String,
    /// Percent of the exam.
    pub weight: Weight,
    /// What it covers.
    pub competencies: Vec<Competency>,
}

/// A competency: something a candidate is expected to be able to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Competency {
    /// Unique within the exam.
    pub id: CompetencyId,
    /// One sentence, our own words.
    pub summary: String,
}

impl Curriculum {
    /// A domain by id.
    pub fn domain(&self, id: &str) -> Option<&Domain> {
        self.domains.iter().find(|d| d.id.as_str() == id)
    }

    /// Domain ids with their weights, in published order.
    pub fn weights(&self) -> Vec<(DomainId, Weight)> {
        self.domains.iter().map(|d| (d.id.clone(), d.weight)).collect()
    }
}
