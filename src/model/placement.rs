//! Where content belongs, and how heavy a domain is.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::id::{CompetencyId, DomainId, ExamId};

/// A place in a curriculum. Content may have several.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Placement {
    /// The exam.
    pub exam: ExamId,
    /// A domain of that exam.
    pub domain: DomainId,
    /// A competency of that domain.
    pub competency: CompetencyId,
}

/// The published share of a domain in its exam, in percent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Weight(pub u32);

/// How hard content is for a candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Difficulty {
    /// Known by heart.
    Easy,
    /// As in the exam.
    Medium,
    /// Above the exam.
    Hard,
}
