//! What `--format json` prints, and what sessions answer. The shapes are promised: they have schemas in `docs/schema`,
//! and only gain fields.

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::grade::Report;
use crate::model::{Difficulty, Placement, Score, Verdict};
use crate::store::Attempt;

/// A node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NodeDocument {
    /// Host name, and the word for `ssh`.
    pub name: String,
    /// `control-plane` or `worker`.
    pub role: String,
    /// Internal address.
    pub address: String,
}

/// `ckaprep scenario --detach`: a session was started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StartedDocument {
    /// The session's id.
    pub session: String,
    /// The scenario.
    pub scenario: String,
    /// Its title.
    pub title: String,
    /// Seed, to start the same again.
    pub seed: u64,
    /// Backend.
    pub backend: String,
    /// Path of the kubeconfig.
    pub kubeconfig: PathBuf,
    /// URL of the API server.
    pub server: String,
    /// Nodes, the control plane first.
    pub nodes: Vec<NodeDocument>,
}

/// `ckaprep task`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TaskDocument {
    /// The session's id.
    pub session: String,
    /// The scenario.
    pub scenario: String,
    /// Its title.
    pub title: String,
    /// Host to work on.
    pub host: String,
    /// kubectl's context.
    pub context: String,
    /// Budget.
    pub minutes: u32,
    /// The task: Markdown.
    pub text: String,
}

/// `ckaprep check`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CheckDocument {
    /// The session's id.
    pub session: String,
    /// The scenario.
    pub scenario: String,
    /// Time spent so far.
    pub elapsed_seconds: u64,
    /// Time that the exam would give.
    pub budget_seconds: u64,
    /// Whether evidence is part of the report (`--why`, and at the end).
    pub with_evidence: bool,
    /// The grading.
    pub report: Report,
}

/// `ckaprep hint`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HintDocument {
    /// Number of this hint, from 1; 0 when there are none left.
    pub number: u32,
    /// How many there are.
    pub total: u32,
    /// The hint; `null` when there are none left.
    pub text: Option<String>,
}

/// `ckaprep solution`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SolutionDocument {
    /// Steps in order.
    pub steps: Vec<StepDocument>,
}

/// One step of a solution.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StepDocument {
    /// Node to run it on; `base` is the practice shell.
    pub on: String,
    /// Commands.
    pub run: String,
    /// Why.
    pub why: Option<String>,
}

/// Whether a session can be talked to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SessionState {
    /// Its process runs and answers.
    Running,
    /// Its process is gone; `ckaprep attach` brings it back.
    Asleep,
    /// Its process runs and does not answer.
    Unresponsive,
}

/// One session of `ckaprep status`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StatusDocument {
    /// The session's id.
    pub session: String,
    /// The scenario.
    pub scenario: String,
    /// Its title.
    pub title: String,
    /// Whether it can be talked to.
    pub state: SessionState,
    /// Seed.
    pub seed: u64,
    /// Backend.
    pub backend: String,
    /// Path of the kubeconfig.
    pub kubeconfig: PathBuf,
    /// Nodes.
    pub nodes: Vec<NodeDocument>,
    /// When it was started.
    #[schemars(with = "String")]
    pub started: Timestamp,
    /// Time spent; unknown while asleep.
    pub elapsed_seconds: Option<u64>,
    /// Time that the exam would give; unknown while asleep.
    pub budget_seconds: Option<u64>,
    /// Hints looked at; unknown while asleep.
    pub hints: Option<u32>,
    /// Whether the solution was looked at; unknown while asleep.
    pub assisted: Option<bool>,
}

/// `ckaprep status`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SessionsDocument {
    /// All sessions, the latest first.
    pub sessions: Vec<StatusDocument>,
}

/// The end of an attempt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OutcomeDocument {
    /// The final grading, with evidence.
    pub check: CheckDocument,
    /// Score of the first `check`, if there was one before.
    pub first: Score,
    /// Hints looked at.
    pub hints: u32,
    /// Whether the solution was looked at.
    pub assisted: bool,
    /// Values of the hidden variables.
    pub variant: BTreeMap<String, String>,
    /// Seed, to play the same again.
    pub seed: u64,
    /// What to learn from it.
    pub debrief: DebriefDocument,
    /// What the learner typed.
    pub commands: Vec<TypedDocument>,
    /// Why the attempt is not in the history, if it is not.
    pub not_recorded: Option<String>,
}

/// `ckaprep scenario --demo`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DemoDocument {
    /// The scenario.
    pub scenario: String,
    /// Seed, to see the same again.
    pub seed: u64,
    /// Grading before anything was done.
    pub before: Report,
    /// Steps of the reference solution as they ran.
    pub steps: Vec<RanDocument>,
    /// Grading after them.
    pub after: OutcomeDocument,
}

/// One step that ran.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RanDocument {
    /// Node; `base` is the practice shell.
    pub on: String,
    /// Commands.
    pub run: String,
    /// Exit status.
    pub status: i32,
    /// What was printed, both streams.
    pub output: String,
}

/// What to learn from an attempt.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DebriefDocument {
    /// The root cause and its consequences: Markdown.
    pub text: String,
    /// The commands that find it fastest.
    pub fastest: Vec<FastestDocument>,
    /// A page that the exam allows.
    pub link: Option<String>,
}

/// One command of a debrief.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FastestDocument {
    /// The command.
    pub run: String,
    /// What it shows.
    pub shows: String,
}

/// One command that the learner typed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TypedDocument {
    /// Seconds since the start.
    pub after_seconds: u64,
    /// `base` or a node.
    pub host: String,
    /// The line.
    pub line: String,
}

/// `ckaprep history`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HistoryDocument {
    /// Attempts, the latest first.
    pub attempts: Vec<Attempt>,
}

/// `ckaprep list`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ListDocument {
    /// Exams.
    pub exams: Vec<ExamEntry>,
    /// Scenarios.
    pub scenarios: Vec<ScenarioEntry>,
    /// Questions.
    pub questions: Vec<QuestionEntry>,
}

/// An exam in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExamEntry {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Whether it is no longer held.
    pub historical: bool,
    /// Questions that belong to it.
    pub questions: usize,
    /// Scenarios that belong to it.
    pub scenarios: usize,
}

/// A scenario in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScenarioEntry {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// How hard it is.
    pub difficulty: Difficulty,
    /// Budget.
    pub minutes: u32,
    /// Where it belongs.
    pub placements: Vec<Placement>,
    /// Attempts in the history.
    pub attempts: u32,
}

/// A question in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct QuestionEntry {
    /// Its id.
    pub id: String,
    /// `single`, `multiple`, `short`, `command`, `open`.
    #[serde(rename = "type")]
    pub kind: String,
    /// How hard it is.
    pub difficulty: Difficulty,
    /// Where it belongs.
    pub placements: Vec<Placement>,
    /// Attempts in the history.
    pub attempts: u32,
}

/// `ckaprep show ID`. Exactly one is given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ShowDocument {
    /// A scenario.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scenario: Option<ScenarioDetails>,
    /// A question.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub question: Option<QuestionDetails>,
    /// An exam.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exam: Option<CurriculumDocument>,
}

/// A scenario, as far as it may be told before it is started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScenarioDetails {
    /// The entry of the list.
    pub entry: ScenarioEntry,
    /// What can be earned.
    pub points: u32,
    /// How many different variants there are.
    pub variants: usize,
    /// Fewest workers.
    pub workers: u32,
    /// How many hints there are.
    pub hints: usize,
}

/// A question, as far as it may be told before it is answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct QuestionDetails {
    /// The entry of the list.
    pub entry: QuestionEntry,
    /// What is asked: Markdown.
    pub prompt: String,
    /// Options to choose from.
    pub options: Vec<String>,
}

/// `ckaprep curriculum`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CurriculumDocument {
    /// The exam.
    pub exam: String,
    /// Its title.
    pub title: String,
    /// Version of the published curriculum.
    pub version: String,
    /// Length of the exam.
    pub minutes: u32,
    /// Percent needed to pass.
    pub pass_percent: u32,
    /// Whether it is no longer held.
    pub historical: bool,
    /// Credit for the data.
    pub attribution: String,
    /// Domains as published.
    pub domains: Vec<DomainDocument>,
}

/// A domain and what covers it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DomainDocument {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Percent of the exam.
    pub weight: u32,
    /// Questions.
    pub questions: usize,
    /// Scenarios.
    pub scenarios: usize,
    /// What a candidate should be able to do.
    pub competencies: Vec<CompetencyDocument>,
}

/// A competency and what covers it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CompetencyDocument {
    /// Its id.
    pub id: String,
    /// In a sentence.
    pub summary: String,
    /// Questions.
    pub questions: Vec<String>,
    /// Scenarios.
    pub scenarios: Vec<String>,
}

/// `ckaprep curriculum` without an exam.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CurriculaDocument {
    /// All exams.
    pub exams: Vec<CurriculumDocument>,
}

/// What an examination of the machine found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Health {
    /// As it should be.
    Good,
    /// Something is less comfortable than it could be.
    Remark,
    /// Something will not work.
    Bad,
}

/// One finding of `ckaprep doctor`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FindingDocument {
    /// What was looked at.
    pub subject: String,
    /// How it is.
    pub health: Health,
    /// What was found.
    pub found: String,
    /// What to do about it.
    pub next: Option<String>,
}

/// `ckaprep doctor`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DoctorDocument {
    /// Version of ckaprep.
    pub version: String,
    /// Findings.
    pub findings: Vec<FindingDocument>,
}

/// `ckaprep quiz --draw-only`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DrawDocument {
    /// The exam.
    pub exam: String,
    /// Seed, if one was given.
    pub seed: Option<u64>,
    /// What was drawn, in order.
    pub questions: Vec<DrawnDocument>,
}

/// One drawn question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DrawnDocument {
    /// Its id.
    pub id: String,
    /// Domain that it counts for.
    pub domain: String,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: String,
}

/// The end of a quiz.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct QuizDocument {
    /// The exam.
    pub exam: String,
    /// Its title.
    pub title: String,
    /// Questions answered right, in percent of all.
    pub percent: u32,
    /// Score of the domains, weighted as the exam weights them, in percent; domains without a question are left out.
    pub weighted_percent: u32,
    /// Percent needed to pass the exam.
    pub pass_percent: u32,
    /// Whether the weighted percentage reaches it; so says the exit code.
    pub passed: bool,
    /// Time taken.
    pub seconds: u64,
    /// Per domain.
    pub domains: Vec<DomainResult>,
    /// Per question, in the order of the draw.
    pub questions: Vec<AnsweredDocument>,
}

/// One domain's result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DomainResult {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Percent of the exam.
    pub weight: u32,
    /// Questions asked.
    pub asked: u32,
    /// Points.
    pub score: Score,
}

/// One question's result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AnsweredDocument {
    /// Its id.
    pub id: String,
    /// Its domain.
    pub domain: String,
    /// Points; `null` when it was not answered.
    pub score: Option<Score>,
    /// The answer as given.
    pub answer: Option<String>,
    /// Whether it was flagged.
    pub flagged: bool,
}

/// `ckaprep pack list`, and of the one pack `ckaprep pack add` and `remove`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PacksDocument {
    /// By name.
    pub packs: Vec<PackDocument>,
}

/// A pack.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PackDocument {
    /// Its name, which comes before the ids of what it has.
    pub id: String,
    /// What it is.
    pub title: String,
    /// Its version.
    pub version: String,
    /// Ids of its scenarios.
    pub scenarios: Vec<String>,
    /// How many questions it has.
    pub questions: usize,
    /// Where it is kept.
    pub folder: PathBuf,
}

/// `ckaprep author lint`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LintDocument {
    /// What is wrong, by file and place.
    pub findings: Vec<LintFindingDocument>,
}

/// One thing that is wrong with content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LintFindingDocument {
    /// Name of the rule, as `ckaprep author lint --explain` takes it.
    pub code: String,
    /// `error` or `warning`.
    pub severity: String,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
    /// The file.
    pub file: String,
    /// Line, from 1; 0 when it is unknown.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

/// `ckaprep cluster list`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ClustersDocument {
    /// In the order of their names.
    pub clusters: Vec<ClusterDocument>,
}

/// A kind cluster.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ClusterDocument {
    /// Its name.
    pub name: String,
    /// `clean`, `used`, `in use`, `half made`, or `unknown` for one that this user's state does not know.
    pub state: String,
    /// The session that it belongs to.
    pub session: Option<String>,
    /// Node image, where it is not kind's own.
    pub image: Option<String>,
    /// Nodes.
    pub nodes: usize,
    /// Nodes whose containers run.
    pub running: usize,
    /// When it was made, RFC 3339.
    #[schemars(with = "Option<String>")]
    pub created: Option<Timestamp>,
    /// Seconds that making it took.
    pub create_seconds: Option<f64>,
    /// Why it is a leftover, if it is one.
    pub leftover: Option<String>,
}

/// `ckaprep author test --backend kind`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ComparisonsDocument {
    /// One for each variant and seed.
    pub comparisons: Vec<ComparisonDocument>,
}

/// One variant on the embedded cluster and on kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ComparisonDocument {
    /// The scenario.
    pub id: String,
    /// Seed.
    pub seed: u64,
    /// Values of the hidden variables.
    pub variant: BTreeMap<String, String>,
    /// Why it was not run on kind, where that is in order.
    pub left_out: Option<String>,
    /// Why it could not be run on kind, where that is not in order.
    pub problem: Option<String>,
    /// Runs in order.
    pub runs: Vec<ComparedRunDocument>,
}

impl ComparisonDocument {
    /// Whether all runs were as they must be, and both backends said the same.
    pub fn holds(&self) -> bool {
        self.problem.is_none() && self.runs.iter().all(|run| run.problems.is_empty() && run.differences.is_empty())
    }
}

/// One run on both.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ComparedRunDocument {
    /// What was run.
    pub run: String,
    /// Score on the embedded cluster, where it was graded.
    pub embedded: Option<Score>,
    /// Score on kind, where it was graded.
    pub kind: Option<Score>,
    /// Seconds that all runs took on the embedded cluster.
    pub embedded_seconds: f64,
    /// Seconds that this run took on kind, setting up included where it began with it.
    pub kind_seconds: f64,
    /// Why the run on kind is not as it must be.
    pub problems: Vec<String>,
    /// Where the two say something else.
    pub differences: Vec<String>,
}

/// `ckaprep author test`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProofsDocument {
    /// One for each variant and seed.
    pub proofs: Vec<ProofDocument>,
    /// Checks that passed in every run of every variant: nothing showed that they can fail.
    pub never_failed: Vec<NeverFailedDocument>,
}

/// A check that passed in every run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NeverFailedDocument {
    /// `scenario` or `question`.
    pub kind: String,
    /// Id of the scenario or question.
    pub id: String,
    /// The check or gate.
    pub check: String,
    /// Whether it is a gate, which no wrong fix closes; that is a remark and no error.
    pub gate: bool,
}

/// The proof of one variant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProofDocument {
    /// `scenario` or `question`.
    pub kind: String,
    /// Its id.
    pub id: String,
    /// Seed.
    pub seed: u64,
    /// Values of the hidden variables.
    pub variant: BTreeMap<String, String>,
    /// Runs in order.
    pub rows: Vec<ProofRowDocument>,
    /// How each check and gate that the solution passes can be made to fail.
    pub mutations: Vec<MutationDocument>,
}

impl ProofDocument {
    /// Whether every run was as it must be.
    pub fn holds(&self) -> bool {
        self.rows.iter().all(|row| row.problems.is_empty())
    }
}

/// Whether a check can fail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MutationDocument {
    /// The check or gate.
    pub check: String,
    /// A change of what is read of the solved cluster that makes it fail; `null` when none was found.
    pub fails: Option<String>,
}

/// One run of a proof.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProofRowDocument {
    /// What was run.
    pub run: String,
    /// Score, where it was graded.
    pub score: Option<Score>,
    /// Why this is not as it must be.
    pub problems: Vec<String>,
    /// What each check and gate came to.
    pub checks: Vec<ProofCheckDocument>,
}

/// A check or gate in one run of a proof.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProofCheckDocument {
    /// Which.
    pub id: String,
    /// Whether it is a gate.
    pub gate: bool,
    /// What it came to.
    pub verdict: Verdict,
    /// Whether it passed and waits for another to score.
    pub waits: bool,
    /// Points.
    pub earned: u32,
}
