//! What practising leaves behind: tries, and how well each went.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Score;

/// Percent that the current exams want. Their curricula say the same (`format.passPercent`, held to this by a test); an exam that asks for
/// something else says so there. Below it, something practised counts as not known.
pub const PASS_PERCENT: u32 = 66;

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

/// How well something was known: the four answers of spaced repetition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Rating {
    /// Not known.
    Again,
    /// Known with trouble.
    Hard,
    /// Known.
    Good,
    /// Known without thinking.
    Easy,
}

impl Rating {
    /// All, from worst to best.
    pub const ALL: [Self; 4] = [Self::Again, Self::Hard, Self::Good, Self::Easy];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Again => "again",
            Self::Hard => "hard",
            Self::Good => "good",
            Self::Easy => "easy",
        }
    }

    /// 1 to 4, as spaced repetition counts them and the database keeps them.
    pub fn number(self) -> u8 {
        match self {
            Self::Again => 1,
            Self::Hard => 2,
            Self::Good => 3,
            Self::Easy => 4,
        }
    }

    /// The rating of a number.
    pub fn of_number(number: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|rating| i64::from(rating.number()) == number)
    }

    /// What a person types: the word, its beginning, or the number.
    pub fn typed(text: &str) -> Option<Self> {
        let text = text.trim().to_lowercase();
        let fits = |rating: &Self| !text.is_empty() && (rating.as_str().starts_with(&text) || text == rating.number().to_string());
        Self::ALL.into_iter().find(fits)
    }
}

/// One try, as planning and statistics see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Try {
    /// When it was started, in seconds since 1970.
    pub at: i64,
    /// How long it took.
    pub seconds: u64,
    /// What the exam would give for it.
    pub budget: Option<u64>,
    /// Score of the first grading; without a maximum it was never graded.
    pub first: Score,
    /// Score at the end.
    pub last: Score,
    /// Hints looked at.
    pub hints: u32,
    /// The solution was looked at.
    pub assisted: bool,
    /// The learner's own rating, where no machine graded.
    pub own: Option<Rating>,
}

/// All tries at one thing: a question, or one variant of a scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tried {
    /// Question or scenario.
    pub kind: ItemKind,
    /// Its id.
    pub item: String,
    /// The scenario's hidden variables as JSON, keys in order; empty for questions.
    pub variant: String,
    /// Tries, the earliest first.
    pub tries: Vec<Try>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratings_are_typed_as_words_beginnings_or_numbers() {
        for (typed, want) in [
            ("good", Some(Rating::Good)),
            (" G\n", Some(Rating::Good)),
            ("1", Some(Rating::Again)),
            ("e", Some(Rating::Easy)),
            ("", None),
            ("5", None),
            ("goodness", None),
        ] {
            assert_eq!(Rating::typed(typed), want, "{typed:?}");
        }
        assert!(Rating::ALL.into_iter().all(|r| Rating::of_number(i64::from(r.number())) == Some(r)));
    }
}
