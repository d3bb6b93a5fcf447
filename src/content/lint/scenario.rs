//! Rules for scenarios.

use std::collections::BTreeSet;

use super::report::At;
use super::templates::{lint_document, lint_shown, lint_text};
use super::{checks, exercise, fault, sense};
use crate::content::catalog::{Catalog, ScenarioEntry};
use crate::content::step::Step;

pub fn lint(entry: &ScenarioEntry, catalog: &Catalog, at: &mut At<'_>) {
    let (scenario, content) = (&entry.scenario, &entry.exercise);
    if !scenario.id.is_valid() {
        at.error("id/format", &["id"], format!("`{}` is not an id", scenario.id));
    }
    let own = scenario.id.as_str().rsplit('/').next().unwrap_or_default();
    if let Some(folder) = at.path.strip_suffix("/scenario.yaml").and_then(|p| p.rsplit('/').next())
        && folder != own
    {
        at.error("id/file", &["id"], format!("the folder of scenario `{own}` is `scenarios/{own}`"));
    }
    exercise::placements(&scenario.placements, catalog, at);
    exercise::lint(content, catalog, at);
    checks::lint(&scenario.checks, &scenario.gates, at);
    if scenario.checks.is_empty() {
        at.error("check/missing", &["checks"], "a scenario without checks");
    }

    let names = exercise::names(content);
    lint_document(&names, &["apiVersion", "kind", "id", "placements", "variables", "requires", "host", "task"], at);
    lint_text(&names, &content.task, &["task"], at);
    for (what, text, keys) in [("title", &scenario.title, ["title"]), ("task", &content.task, ["task"])] {
        lint_shown(&names, what, text, &keys, at);
    }
    for (i, hint) in scenario.hints.iter().enumerate() {
        lint_shown(&names, "hint", hint, &["hints", &i.to_string()], at);
    }
    for check in &scenario.checks {
        lint_shown(&names, "check's title", &check.title, &["checks"], at);
    }
    requirements(entry, at);
    sense::lint(content, "task", at);

    if scenario.solution.from_fault != scenario.solution.steps.is_empty() {
        at.error("solution/source", &["solution"], "a solution needs exactly one of fromFault and steps");
    }
    let has_fault = scenario.setup.iter().any(|s| matches!(s, Step::Fault(_)));
    if (scenario.solution.from_fault || scenario.debrief.from_fault) && !has_fault {
        at.error("solution/source", &["solution"], "`fromFault` needs a `fault` step in the setup");
    }
    fault::debrief(&scenario.debrief, at);
    if scenario.hints.is_empty() {
        at.warning("hint/missing", &["checks"], "no hints");
    }
}

/// The task names everything that is checked, and nothing is checked that it does not name.
fn requirements(entry: &ScenarioEntry, at: &mut At<'_>) {
    let numbered: BTreeSet<u32> = numbered(&entry.exercise.task);
    let checked: BTreeSet<u32> = entry.scenario.checks.iter().map(|c| c.requirement).collect();
    for (i, check) in entry.scenario.checks.iter().enumerate() {
        if !numbered.contains(&check.requirement) {
            let message = format!("the task has no requirement number {}", check.requirement);
            at.error("task/requirement", &["checks", &i.to_string(), "requirement"], message);
        }
    }
    for number in numbered.difference(&checked) {
        at.error("task/unproven", &["task"], format!("no check proves requirement {number} of the task"));
    }
}

/// Numbers of the numbered list in a Markdown text: lines that begin with `1.`.
fn numbered(task: &str) -> BTreeSet<u32> {
    task.lines().filter_map(|line| line.split_once(". ")?.0.parse().ok()).collect()
}
