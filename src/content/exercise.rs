//! What scenarios and command questions share: a cluster is set up, something is asked, the state is graded.

use std::collections::BTreeMap;

use super::question::Question;
use super::scenario::{Alternative, Debrief, Requires, Scenario, Solution, WrongFix};
use super::step::Step;
use super::variable::Variable;
use crate::grade::spec::{Check, Gate};
use crate::model::{Placement, Role, WrongId};

/// Which kind of content an exercise was made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ExerciseKind {
    /// A scenario.
    Scenario,
    /// A command question.
    Question,
}

/// A scenario or command question with all its files.
#[derive(Clone, Debug, PartialEq)]
pub struct Exercise {
    /// What it was made of.
    pub kind: ExerciseKind,
    /// Id of the scenario or question.
    pub id: String,
    /// The pack it came in.
    pub pack: Option<String>,
    /// Title, a template.
    pub title: String,
    /// Where it belongs.
    pub placements: Vec<Placement>,
    /// Budget.
    pub minutes: u32,
    /// Where the candidate works.
    pub host: Role,
    /// What it needs of a backend.
    pub requires: Requires,
    /// Variables.
    pub variables: BTreeMap<String, Variable>,
    /// Setup.
    pub setup: Vec<Step>,
    /// Task text, a template.
    pub task: String,
    /// How long the final grading waits.
    pub within_seconds: u32,
    /// What earns points.
    pub checks: Vec<Check>,
    /// What must hold.
    pub gates: Vec<Gate>,
    /// Hints of its own.
    pub hints: Vec<String>,
    /// Reference solution.
    pub solution: Solution,
    /// Other valid solutions.
    pub alternatives: Vec<Alternative>,
    /// Wrong fixes.
    pub wrong: Vec<WrongFix>,
    /// Debrief; a file's text stands in `text`.
    pub debrief: Debrief,
    /// Files beside it, by path from its folder.
    pub files: BTreeMap<String, String>,
}

impl Exercise {
    /// A scenario with its task text and files.
    pub fn of_scenario(scenario: &Scenario, task: &str, files: BTreeMap<String, String>, pack: Option<&str>) -> Self {
        Self {
            kind: ExerciseKind::Scenario,
            id: scenario.id.to_string(),
            pack: pack.map(str::to_owned),
            title: scenario.title.clone(),
            placements: scenario.placements.clone(),
            minutes: scenario.minutes,
            host: scenario.host,
            requires: scenario.requires.clone(),
            variables: scenario.variables.clone(),
            setup: scenario.setup.clone(),
            task: task.to_owned(),
            within_seconds: scenario.within_seconds,
            checks: scenario.checks.clone(),
            gates: scenario.gates.clone(),
            hints: scenario.hints.clone(),
            solution: scenario.solution.clone(),
            alternatives: scenario.alternatives.clone(),
            wrong: scenario.wrong.clone(),
            debrief: scenario.debrief.clone(),
            files,
        }
    }

    /// A command question. Its first answer is the reference solution, the others are alternatives.
    pub fn of_question(question: &Question, pack: Option<&str>) -> Self {
        let mut answers = question.answers.iter();
        let solution = Solution { from_fault: false, steps: answers.next().map(|a| a.steps.clone()).unwrap_or_default() };
        let alternative = |(number, steps): (usize, Vec<_>)| Alternative {
            id: WrongId::unchecked(format!("answer-{}", number + 2)),
            only_fault: Vec::new(),
            unless_fault: Vec::new(),
            when: None,
            steps,
        };
        Self {
            kind: ExerciseKind::Question,
            id: question.id.to_string(),
            pack: pack.map(str::to_owned),
            title: question.id.to_string(),
            placements: question.placements.clone(),
            minutes: 2,
            host: Role::ControlPlane,
            requires: Requires { workers: 1, ..Requires::default() },
            variables: question.variables.clone(),
            setup: question.setup.clone(),
            task: question.prompt.clone(),
            within_seconds: 30,
            checks: question.checks.clone(),
            gates: question.gates.clone(),
            hints: Vec::new(),
            solution,
            alternatives: answers.map(|a| a.steps.clone()).enumerate().map(alternative).collect(),
            wrong: question.wrong.clone(),
            debrief: Debrief { text: Some(question.explanation.clone()), link: Some(question.link.clone()), ..Debrief::default() },
            files: BTreeMap::new(),
        }
    }
}
