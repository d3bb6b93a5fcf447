//! What a check came to, and why.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The outcome of a check. Wrong and unknown are different things: only `Pass` earns points, and only `Fail` blames the learner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// The requirement holds.
    Pass,
    /// It does not.
    Fail,
    /// It could not be observed.
    Indeterminate,
}

impl Verdict {
    /// `Pass` or `Fail`.
    pub fn from_bool(holds: bool) -> Self {
        if holds { Self::Pass } else { Self::Fail }
    }

    /// Both must hold. A failure decides even when the other is unknown.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Fail, _) | (_, Self::Fail) => Self::Fail,
            (Self::Indeterminate, _) | (_, Self::Indeterminate) => Self::Indeterminate,
            _ => Self::Pass,
        }
    }

    /// One must hold. A pass decides even when the other is unknown.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        self.negate().and(other.negate()).negate()
    }

    /// Must not hold. Unknown stays unknown.
    #[must_use]
    pub fn negate(self) -> Self {
        match self {
            Self::Pass => Self::Fail,
            Self::Fail => Self::Pass,
            Self::Indeterminate => Self::Indeterminate,
        }
    }
}

/// One thing that a check looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Evidence {
    /// What was read: `Node worker-2, condition Ready`.
    pub subject: String,
    /// What the check wanted there.
    pub expected: String,
    /// What stood there.
    pub actual: String,
    /// Whether this part was as expected.
    pub verdict: Verdict,
    /// Why it matters, where the author said so or the check knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

impl Evidence {
    /// Evidence of one comparison.
    pub fn compared(subject: impl Into<String>, expected: impl Into<String>, actual: impl Into<String>, holds: bool) -> Self {
        Self { subject: subject.into(), expected: expected.into(), actual: actual.into(), verdict: Verdict::from_bool(holds), why: None }
    }

    /// Evidence that something could not be read.
    pub fn unknown(subject: impl Into<String>, expected: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { subject: subject.into(), expected: expected.into(), actual: reason.into(), verdict: Verdict::Indeterminate, why: None }
    }

    /// The same evidence with a reason.
    #[must_use]
    pub fn because(mut self, why: impl Into<String>) -> Self {
        self.why = Some(why.into());
        self
    }
}

#[cfg(test)]
mod tests {
    use super::Verdict::{Fail, Indeterminate, Pass};

    #[test]
    fn three_valued_logic() {
        assert_eq!(Fail.and(Indeterminate), Fail);
        assert_eq!(Pass.and(Indeterminate), Indeterminate);
        assert_eq!(Pass.or(Indeterminate), Pass);
        assert_eq!(Fail.or(Indeterminate), Indeterminate);
        assert_eq!(Indeterminate.negate(), Indeterminate);
        assert_eq!(Pass.and(Pass), Pass);
    }
}
