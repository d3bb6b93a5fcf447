//! What the history keeps, and the trait behind which it is kept.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::StoreError;
use crate::model::Score;

/// A question or a scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ItemKind {
    /// Answered in the terminal.
    Question,
    /// Solved on a cluster.
    Scenario,
}

impl ItemKind {
    /// The word for it, in the database too.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Question => "question",
            Self::Scenario => "scenario",
        }
    }
}

/// One try at a question or scenario.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Attempt {
    /// Question or scenario.
    pub kind: ItemKind,
    /// Its id.
    pub item: String,
    /// The exam that was practised for, where there was one.
    pub exam: Option<String>,
    /// The domain that it counted for.
    pub domain: Option<String>,
    /// When it was started.
    #[schemars(with = "String")]
    pub started: Timestamp,
    /// How long it took, in seconds.
    pub seconds: u64,
    /// Score of the first grading.
    pub first: Score,
    /// Score at the end.
    #[serde(rename = "final")]
    pub last: Score,
    /// Hints looked at, `check --why` included.
    pub hints: u32,
    /// The solution was looked at.
    pub assisted: bool,
    /// Values of the hidden variables, by name.
    pub variant: BTreeMap<String, String>,
    /// Seed, to play it again.
    pub seed: Option<u64>,
}

/// How often a question was answered, and how the last time went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Attempts.
    pub times: u32,
    /// Whether the latest attempt earned all points.
    pub last_full: bool,
}

/// Number of a quiz run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RunId(pub i64);

/// A quiz run that was begun.
#[derive(Clone, Debug, PartialEq)]
pub struct QuizRun {
    /// Its number.
    pub id: RunId,
    /// The exam.
    pub exam: String,
    /// When it was begun.
    pub started: Timestamp,
    /// When it was finished or given up.
    pub finished: Option<Timestamp>,
    /// The run's own state: what was drawn, what was answered.
    pub state: serde_json::Value,
}

/// What was left over of each domain's share by earlier draws, by domain.
pub type Fractions = serde_json::Value;

/// The history.
pub trait History {
    /// Records an attempt.
    fn record(&mut self, attempt: &Attempt) -> Result<(), StoreError>;

    /// Records what a finished question came to and the run's new state, both or neither.
    fn record_answer(&mut self, attempt: &Attempt, run: RunId, state: &serde_json::Value) -> Result<(), StoreError>;

    /// The latest attempts first, at most `limit`.
    fn attempts(&self, limit: usize) -> Result<Vec<Attempt>, StoreError>;

    /// How each question or scenario went so far, by id.
    fn seen(&self, kind: ItemKind) -> Result<BTreeMap<String, Seen>, StoreError>;

    /// Variants of a scenario that were attempted, the latest first.
    fn variants(&self, scenario: &str) -> Result<Vec<BTreeMap<String, String>>, StoreError>;

    /// Begins a quiz run and stores what its draw leaves over for the next, both or neither.
    fn begin_run(
        &mut self,
        exam: &str,
        started: Timestamp,
        state: &serde_json::Value,
        carried: Option<&Fractions>,
    ) -> Result<RunId, StoreError>;

    /// Stores a run's state.
    fn update_run(&mut self, run: RunId, state: &serde_json::Value) -> Result<(), StoreError>;

    /// Ends a run.
    fn finish_run(&mut self, run: RunId, finished: Timestamp, state: &serde_json::Value) -> Result<(), StoreError>;

    /// The latest run that was not finished.
    fn open_run(&self) -> Result<Option<QuizRun>, StoreError>;

    /// What earlier draws for an exam left over.
    fn carried(&self, exam: &str) -> Result<Option<Fractions>, StoreError>;
}
