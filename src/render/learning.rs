//! Documents of learning: study sessions, readiness, single attempts. Like those of [`super::document`], they have schemas and only gain
//! fields.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::grade::Report;
use crate::model::{ItemKind, Rating, Score};
use crate::store::{Attempt, Details};

/// `ckaprep study`: what was planned and what became of it. Which variant of a scenario comes is not said: it is what has to be found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StudyDocument {
    /// The exam.
    pub exam: String,
    /// Its title.
    pub title: String,
    /// Minutes at hand.
    pub minutes: u32,
    /// How long the plan should take.
    pub planned_seconds: u64,
    /// How much more is due and did not fit.
    pub left_due: usize,
    /// The plan, in order.
    pub plan: Vec<PlannedDocument>,
    /// What was practised, in order; empty with `--plan-only`.
    pub done: Vec<DoneDocument>,
}

/// Why something is in a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Reason {
    /// It is due.
    Due,
    /// It is new.
    New,
    /// It is not due yet, and there was time.
    Ahead,
}

/// Something in a plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlannedDocument {
    /// Question or scenario.
    pub kind: ItemKind,
    /// Its id.
    pub id: String,
    /// Domain in the exam.
    pub domain: String,
    /// Its title.
    pub domain_title: String,
    /// Competency in the exam.
    pub competency: String,
    /// Its budget.
    pub seconds: u64,
    /// Why it is there.
    pub reason: Reason,
    /// Chance in percent that it is still known; nothing for what is new.
    pub recall_percent: Option<u32>,
}

/// Something that was practised.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DoneDocument {
    /// Question or scenario.
    pub kind: ItemKind,
    /// Its id.
    pub id: String,
    /// Id of the attempt.
    pub attempt: String,
    /// Score; nothing when the learner rated it.
    pub score: Option<Score>,
    /// How well it was known.
    pub rating: Rating,
    /// When it is due again.
    #[schemars(with = "String")]
    pub due: Timestamp,
}

/// `ckaprep stats`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StatsDocument {
    /// The exam.
    pub exam: String,
    /// Its title.
    pub title: String,
    /// Percent needed to pass.
    pub pass_percent: u32,
    /// Readiness over all domains by weight; nothing without first tries.
    pub readiness: Option<ReadinessDocument>,
    /// Percent of the exam's weight in domains without any first try. The interval counts them as 0 to 100 %.
    pub unknown_weight: u32,
    /// Domains as published.
    pub domains: Vec<DomainStats>,
    /// What is due.
    pub due: DueDocument,
    /// Time against the budget; nothing without graded tries.
    pub pace: Option<PaceDocument>,
    /// What took longest against its budget, the worst first.
    pub slowest: Vec<SlowDocument>,
    /// Competencies below the pass mark, the weakest first.
    pub weakest: Vec<WeakDocument>,
    /// Competencies of which nothing was tried though there is something.
    pub untried: Vec<String>,
}

/// Share of first tries at unseen questions and variants that was earned unaided.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReadinessDocument {
    /// The best guess, in percent.
    pub percent: f64,
    /// Lower end of the 95 % interval.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// First tries that it rests on.
    pub rests_on: u32,
}

/// How a domain stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DomainStats {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Percent of the exam.
    pub weight: u32,
    /// Readiness; nothing without first tries.
    pub readiness: Option<ReadinessDocument>,
    /// Questions, and variants of scenarios.
    pub cards: usize,
    /// Those that were tried.
    pub tried: usize,
    /// Those that are due.
    pub due: usize,
}

/// How many questions and variants are due.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DueDocument {
    /// Now.
    pub now: usize,
    /// Within a day.
    pub tomorrow: usize,
    /// Within a week.
    pub week: usize,
}

/// Speed against the budget.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PaceDocument {
    /// Time taken in percent of the budget: the median of the latest tries.
    pub percent: u32,
    /// Percent of these tries that stayed in their budget.
    pub in_budget_percent: u32,
    /// Tries that it rests on.
    pub rests_on: usize,
}

/// Something slow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SlowDocument {
    /// Question or scenario.
    pub kind: ItemKind,
    /// Its id.
    pub id: String,
    /// Seconds of the latest try.
    pub seconds: u64,
    /// Its budget.
    pub budget_seconds: u64,
}

/// A weak competency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WeakDocument {
    /// Its id.
    pub id: String,
    /// In a sentence.
    pub summary: String,
    /// Its domain.
    pub domain: String,
    /// Mean of the latest scores.
    pub percent: u32,
    /// Questions and variants that it rests on.
    pub rests_on: usize,
    /// The command that practises it.
    pub next: String,
}

/// `ckaprep history show`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AttemptDocument {
    /// The attempt.
    pub attempt: Attempt,
    /// What else is known of it.
    pub details: Details,
    /// Its last grading, where it can be read.
    #[serde(skip)]
    #[schemars(skip)]
    pub report: Option<Report>,
}

/// `ckaprep history import`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MergedDocument {
    /// Attempts that are new here.
    pub new: usize,
    /// Attempts that were here already, and stay as they are.
    pub known: usize,
}
