//! What the history keeps, and the trait behind which it is kept.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::StoreError;
use crate::model::{ItemKind, Rating, Score, Tried};

/// One try at a question or scenario.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Attempt {
    /// Its id, the same on every machine: [`identity`].
    pub id: String,
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
    /// What the exam would give for it, in seconds.
    #[serde(default)]
    pub budget_seconds: Option<u64>,
    /// Score of the first grading; out of nothing when no machine graded it.
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
    /// The learner's own rating, where no machine graded.
    #[serde(default)]
    pub rating: Option<Rating>,
    /// Version of the content: a digest of what was asked and how it was graded.
    #[serde(default)]
    pub content: Option<String>,
}

/// What else there is to know of an attempt. Kept apart: planning reads a hundred thousand attempts, and none of this.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Details {
    /// Values of all variables by name, to bring back exactly this variant.
    #[serde(default)]
    pub bindings: BTreeMap<String, Value>,
    /// What was answered or typed.
    #[serde(default)]
    pub answer: Option<String>,
    /// The last grading: checks and gates with their evidence.
    #[serde(default)]
    pub report: Option<Value>,
}

/// An attempt's id. It follows from what makes an attempt one of a kind, so that two machines that merge their histories agree on it.
pub fn identity(kind: ItemKind, item: &str, started: Timestamp, seed: Option<u64>) -> String {
    let text = format!("{}\n{item}\n{}\n{}", kind.as_str(), started.as_nanosecond(), seed.map(|s| s.to_string()).unwrap_or_default());
    Sha256::digest(text.as_bytes()).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

impl Attempt {
    /// The id that belongs to it.
    pub fn identity(&self) -> String {
        identity(self.kind, &self.item, self.started, self.seed)
    }
}

/// What a merge did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Merged {
    /// Attempts that are new here.
    pub new: usize,
    /// Attempts that were here already.
    pub known: usize,
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
    pub state: Value,
}

/// What was left over of each domain's share by earlier draws, by domain.
pub type Fractions = Value;

/// The history.
pub trait History {
    /// Records an attempt; one of the same id gets the new outcome.
    fn record(&mut self, attempt: &Attempt, details: &Details) -> Result<(), StoreError>;

    /// Records what a finished question came to and the run's new state, both or neither.
    fn record_answer(&mut self, attempt: &Attempt, details: &Details, run: RunId, state: &Value) -> Result<(), StoreError>;

    /// The latest attempts first, at most `limit`.
    fn attempts(&self, limit: usize) -> Result<Vec<Attempt>, StoreError>;

    /// Attempts whose id begins like this, the latest first; a few are enough to say that it is not clear which.
    fn attempts_like(&self, beginning: &str) -> Result<Vec<Attempt>, StoreError>;

    /// What else is known of an attempt.
    fn details(&self, id: &str) -> Result<Details, StoreError>;

    /// The exam that was practised for last.
    fn latest_exam(&self) -> Result<Option<String>, StoreError>;

    /// All tries, by question and by variant of a scenario.
    fn tried(&self) -> Result<Vec<Tried>, StoreError>;

    /// Gives every attempt to `each`, the earliest first, until it fails.
    fn each(&self, each: &mut dyn FnMut(Attempt, Details) -> std::io::Result<()>) -> Result<std::io::Result<()>, StoreError>;

    /// Takes attempts of another history, all or none. What is here already stays as it is.
    fn merge(&mut self, attempts: &[(Attempt, Details)]) -> Result<Merged, StoreError>;

    /// How each question or scenario went so far, by id.
    fn seen(&self, kind: ItemKind) -> Result<BTreeMap<String, Seen>, StoreError>;

    /// Variants of a scenario that were attempted, the latest first.
    fn variants(&self, scenario: &str) -> Result<Vec<BTreeMap<String, String>>, StoreError>;

    /// Begins a quiz run and stores what its draw leaves over for the next, both or neither.
    fn begin_run(&mut self, exam: &str, started: Timestamp, state: &Value, carried: Option<&Fractions>) -> Result<RunId, StoreError>;

    /// Stores a run's state.
    fn update_run(&mut self, run: RunId, state: &Value) -> Result<(), StoreError>;

    /// Ends a run.
    fn finish_run(&mut self, run: RunId, finished: Timestamp, state: &Value) -> Result<(), StoreError>;

    /// The latest run that was not finished.
    fn open_run(&self) -> Result<Option<QuizRun>, StoreError>;

    /// What earlier draws for an exam left over.
    fn carried(&self, exam: &str) -> Result<Option<Fractions>, StoreError>;
}
