//! Questions: answered in the terminal in under two minutes.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::scenario::WrongFix;
use super::step::{ScriptStep, Step};
use super::variable::Variable;
use crate::grade::spec::{Check, Gate};
use crate::model::{Difficulty, Placement, QuestionId};

/// A question as written: `kind: Question`. Which of the optional keys belong to it, its `type` says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Question {
    /// `ckaprep.dev/v1`.
    pub api_version: String,
    /// `Question`.
    pub kind: String,
    /// Its id, unique in the bank.
    pub id: QuestionId,
    /// Where it belongs; the first is the main one.
    pub placements: Vec<Placement>,
    /// What kind of answer it wants.
    #[serde(rename = "type")]
    pub answer_type: QuestionType,
    /// How hard it is.
    #[serde(default = "Question::default_difficulty")]
    pub difficulty: Difficulty,
    /// What is asked: Markdown, and a template where the question has variables.
    pub prompt: String,
    /// `single`, `multiple`: at least two.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<Choice>,
    /// `short`: texts that are right.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<ShortAnswer>,
    /// `open`: what a good answer says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model_answer: Option<String>,
    /// `command`: variables.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub variables: BTreeMap<String, Variable>,
    /// `command`: what the throwaway cluster holds at the start.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub setup: Vec<Step>,
    /// `command`: what makes the answer right.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<Check>,
    /// `command`: what must hold besides.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gates: Vec<Gate>,
    /// `command`: answers that are proven to score full; the first is the one that is shown.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub answers: Vec<Answer>,
    /// `command`: answers that are proven not to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub wrong: Vec<WrongFix>,
    /// Why the answer is what it is: Markdown.
    pub explanation: String,
    /// A page that the exam allows.
    pub link: String,
}

impl Question {
    fn default_difficulty() -> Difficulty {
        Difficulty::Medium
    }

    /// What there is to answer. Valid questions have exactly this; missing parts come out empty.
    pub fn body(&self) -> QuestionBody<'_> {
        match self.answer_type {
            QuestionType::Single => QuestionBody::Single(&self.options),
            QuestionType::Multiple => QuestionBody::Multiple(&self.options),
            QuestionType::Short => QuestionBody::Short(self.answer.as_ref()),
            QuestionType::Open => QuestionBody::Open(self.model_answer.as_deref().unwrap_or_default()),
            QuestionType::Command => QuestionBody::Command,
        }
    }
}

/// The kinds of questions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum QuestionType {
    /// One option is right.
    Single,
    /// Several may be.
    Multiple,
    /// A word or a line.
    Short,
    /// Commands on a throwaway cluster, graded by its state.
    Command,
    /// Free text, graded by the learner.
    Open,
}

impl QuestionType {
    /// The word in files and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Single => "single",
            Self::Multiple => "multiple",
            Self::Short => "short",
            Self::Command => "command",
            Self::Open => "open",
        }
    }

    /// Time for one, in seconds: a choice is read and made, commands and sentences are typed.
    pub fn budget_seconds(self) -> u64 {
        match self {
            Self::Single | Self::Multiple | Self::Short => 60,
            Self::Command | Self::Open => 120,
        }
    }

    /// Whether ckaprep itself can tell a right answer from a wrong one. What it cannot is rated by the learner, and is no part of a quiz.
    pub fn is_graded(self) -> bool {
        self != Self::Open
    }
}

/// What there is to answer, by type.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum QuestionBody<'a> {
    /// Options of which one is right.
    Single(&'a [Choice]),
    /// Options of which those that are right must all be chosen, and no other.
    Multiple(&'a [Choice]),
    /// Texts that are right.
    Short(Option<&'a ShortAnswer>),
    /// What a good answer says.
    Open(&'a str),
    /// See [`Question::checks`].
    Command,
}

/// An option.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Choice {
    /// What it says.
    pub text: String,
    /// Whether it is right.
    #[serde(default)]
    pub correct: bool,
    /// Why it is right or wrong.
    pub why: String,
}

/// What a short answer may be. Compared after trimming, with runs of white space as one space, without regard to case unless asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ShortAnswer {
    /// Texts that are right; the first is the one that is shown.
    pub accept: Vec<String>,
    /// A regular expression that the whole answer may match instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    /// Whether case matters.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub case_sensitive: bool,
}

/// An answer to a command question.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Answer {
    /// Steps.
    pub steps: Vec<ScriptStep>,
}
