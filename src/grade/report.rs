//! What a grading comes to.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::{CheckId, Evidence, Points, Score, Verdict};

/// The result of one grading.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// The cluster's moment, RFC 3339.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// What it means as a whole.
    pub outcome: Outcome,
    /// Points. Zero when a gate is closed, and meaningless when not graded.
    pub score: Score,
    /// Every check of the variant, in the file's order.
    pub checks: Vec<CheckResult>,
    /// Every gate.
    pub gates: Vec<GateResult>,
}

impl Report {
    /// Whether something could not be observed.
    pub fn has_unknown(&self) -> bool {
        let verdicts = self.checks.iter().map(|c| c.verdict).chain(self.gates.iter().map(|g| g.verdict));
        verdicts.into_iter().any(|verdict| verdict == Verdict::Indeterminate)
    }
}

/// What a grading means as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Graded: the score counts.
    Graded,
    /// A gate does not hold: the score is zero.
    GateClosed,
    /// A gate could not be observed: there is no score.
    NotGraded,
}

/// What one check came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CheckResult {
    /// Which.
    pub id: CheckId,
    /// Number of the requirement that it proves.
    pub requirement: u32,
    /// What it asserts.
    pub title: String,
    /// What it is worth.
    pub points: Points,
    /// What it earned.
    pub earned: Points,
    /// The outcome of the check itself.
    pub verdict: Verdict,
    /// Checks that had to pass before this one scores and did not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waits_for: Vec<CheckId>,
    /// What was looked at.
    pub evidence: Vec<Evidence>,
    /// Why it matters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// How long it must stay true.
    #[serde(default)]
    pub hold_seconds: u32,
    /// Since when it has been so, where the cluster tells, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub since: Option<Timestamp>,
}

impl CheckResult {
    /// Whether it earned all its points.
    pub fn scored(&self) -> bool {
        self.verdict == Verdict::Pass && self.waits_for.is_empty()
    }
}

/// What one gate came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GateResult {
    /// Which.
    pub id: CheckId,
    /// What it asserts.
    pub title: String,
    /// The outcome.
    pub verdict: Verdict,
    /// What was looked at.
    pub evidence: Vec<Evidence>,
    /// Why it matters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

impl Report {
    /// A check by id.
    pub fn check(&self, id: &str) -> Option<&CheckResult> {
        self.checks.iter().find(|c| c.id.as_str() == id)
    }

    /// A gate by id.
    pub fn gate(&self, id: &str) -> Option<&GateResult> {
        self.gates.iter().find(|g| g.id.as_str() == id)
    }

    /// Whether every point was earned.
    pub fn is_full(&self) -> bool {
        self.outcome == Outcome::Graded && self.score.is_full()
    }

    /// Verdict per requirement: all its checks must have scored.
    pub fn requirements(&self) -> Vec<(u32, Verdict)> {
        let mut requirements: Vec<(u32, Verdict)> = Vec::new();
        for check in &self.checks {
            let verdict = if check.waits_for.is_empty() { check.verdict } else { check.verdict.and(Verdict::Fail) };
            match requirements.iter_mut().find(|(n, _)| *n == check.requirement) {
                Some((_, sum)) => *sum = sum.and(verdict),
                None => requirements.push((check.requirement, verdict)),
            }
        }
        requirements.sort_by_key(|(n, _)| *n);
        requirements
    }

    /// What two gradings of the same state must share: everything but the moment and the evidence's wording.
    pub fn verdicts(&self) -> Vec<(&CheckId, Verdict, Points)> {
        let checks = self.checks.iter().map(|c| (&c.id, c.verdict, c.earned));
        checks.chain(self.gates.iter().map(|g| (&g.id, g.verdict, Points(0)))).collect()
    }
}
