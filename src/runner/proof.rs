//! The proof of an exercise: it scores nothing untouched, everything when solved, and less when a named mistake is made.

use std::time::Duration;

use futures::future::BoxFuture;
use serde::Serialize;

use super::error::RunError;
use super::grade::{check_here, finish_here};
use super::script;
use super::solve::solve;
use crate::backend::{Environment, Forks, on_fork};
use crate::content::Instance;
use crate::content::instance::Attempted;
use crate::grade::{Judge, Outcome, Report, mutate};
use crate::model::{CheckId, Score, Verdict, WrongId};
use crate::observe;

/// How much later the untouched cluster is looked at again.
const LATER: Duration = Duration::from_secs(15 * 60);

/// One run of a proof.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProofRun {
    /// Untouched, at hand-over.
    Fresh,
    /// Untouched, a quarter of an hour later.
    Later,
    /// The reference solution.
    Solution,
    /// The solution graded a second time.
    Twice,
    /// Another valid solution.
    Alternative(WrongId),
    /// A wrong fix.
    Wrong(WrongId),
    /// Untouched, after all of the others.
    Untouched,
}

/// What one run came to.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ProofRow {
    /// The run.
    pub run: ProofRun,
    /// Score, where it was graded.
    pub score: Option<Score>,
    /// Why this is not as it must be; none when it is.
    pub problems: Vec<String>,
    /// The grading.
    #[serde(skip)]
    pub report: Option<Report>,
}

/// How a check or gate can be made to fail where the exercise is solved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Mutation {
    /// The check or gate.
    pub id: CheckId,
    /// The change that makes it fail; none when no change does.
    pub fails: Option<String>,
}

/// A whole proof of one variant.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Proof {
    /// Its runs.
    pub rows: Vec<ProofRow>,
    /// What makes the checks and gates fail that pass in the solved cluster.
    pub mutations: Vec<Mutation>,
}

impl Proof {
    /// Whether every run was as it must be.
    pub fn holds(&self) -> bool {
        self.problems().is_empty()
    }

    /// All problems, each with its run.
    pub fn problems(&self) -> Vec<String> {
        self.rows.iter().flat_map(|row| row.problems.iter().map(move |p| format!("{:?}: {p}", row.run))).collect()
    }
}

/// Proves an exercise that has been set up, on forks of its hand-over.
pub async fn prove(forks: &dyn Forks, instance: &Instance) -> Result<Proof, RunError> {
    let mut rows = vec![
        graded(forks, instance, ProofRun::Fresh, None, Expectation::Nothing).await?,
        graded(forks, instance, ProofRun::Later, None, Expectation::Nothing).await?,
    ];
    let (solved, mutations) = solution(forks, instance).await?;
    rows.extend(solved);
    for alternative in instance.alternatives()? {
        let run = ProofRun::Alternative(alternative.id.clone());
        rows.push(graded(forks, instance, run, Some(alternative), Expectation::Full).await?);
    }
    for wrong in instance.wrong()? {
        let run = ProofRun::Wrong(wrong.id.clone());
        rows.push(graded(forks, instance, run, Some(wrong.clone()), Expectation::Lost(wrong)).await?);
    }
    rows.push(graded(forks, instance, ProofRun::Untouched, None, Expectation::Nothing).await?);
    Ok(Proof { rows, mutations })
}

/// What a run must come to.
pub(super) enum Expectation {
    Nothing,
    Full,
    Lost(Attempted),
}

async fn graded(
    forks: &dyn Forks,
    instance: &Instance,
    run: ProofRun,
    attempted: Option<Attempted>,
    expectation: Expectation,
) -> Result<ProofRow, RunError> {
    let (own, must_succeed) = (instance.clone(), matches!(expectation, Expectation::Full));
    let later = run == ProofRun::Later;
    let job = move |fork: Environment| -> BoxFuture<'static, Result<(Report, Vec<String>), RunError>> {
        Box::pin(async move {
            let mut failed = Vec::new();
            match attempted {
                Some(attempted) => {
                    for step in &attempted.steps {
                        let output = script::run(&fork, step).await?;
                        if must_succeed && !output.success() {
                            failed.push(format!("`{}` exited with {}: {}", step.run.trim(), output.status, output.stderr.trim()));
                        }
                    }
                    Ok((finish_here(&fork, &own).await?, failed))
                }
                None => {
                    if later {
                        tokio::time::sleep(LATER).await;
                    }
                    Ok((check_here(&fork, &own).await?, failed))
                }
            }
        })
    };
    let (report, mut problems) = on_fork(forks, job).await??;
    problems.extend(judge(&expectation, &report));
    Ok(ProofRow { run, score: Some(report.score), problems, report: Some(report) })
}

async fn solution(forks: &dyn Forks, instance: &Instance) -> Result<(Vec<ProofRow>, Vec<Mutation>), RunError> {
    type Solved = (Report, Report, Vec<Mutation>);
    let own = instance.clone();
    let job = move |fork: Environment| -> BoxFuture<'static, Result<Solved, RunError>> {
        Box::pin(async move {
            solve(&fork, &own, &mut |_| {}).await?;
            let first = finish_here(&fork, &own).await?;
            let second = finish_here(&fork, &own).await?;
            Ok((first, second, mutations(&fork, &own).await?))
        })
    };
    let row = |run, report: Report, problems| ProofRow { run, score: Some(report.score), problems, report: Some(report) };
    match on_fork(forks, job).await? {
        Ok((first, second, mutations)) => {
            let same =
                if first.verdicts() == second.verdicts() { Vec::new() } else { vec!["a second grading says something else".to_owned()] };
            let problems = judge(&Expectation::Full, &first);
            Ok((vec![row(ProofRun::Solution, first, problems), row(ProofRun::Twice, second, same)], mutations))
        }
        Err(error @ RunError::Script { .. }) => {
            let row = ProofRow { run: ProofRun::Solution, score: None, problems: vec![error.to_string()], report: None };
            Ok((vec![row], Vec::new()))
        }
        Err(error) => Err(error),
    }
}

/// Changes what is read of the solved cluster until each check and gate that passes fails.
async fn mutations(fork: &Environment, instance: &Instance) -> Result<Vec<Mutation>, RunError> {
    let (checks, gates, scope) = (instance.checks()?, instance.gates()?, instance.scope());
    let snapshot = observe::observe(fork, &checks, &gates, &scope).await;
    let all = checks.iter().map(|c| (&c.id, &c.expect)).chain(gates.iter().map(|g| (&g.id, &g.expect)));
    let passing = all.filter(|(_, expect)| expect.judge(&scope, &snapshot).verdict == Verdict::Pass);
    let found = passing.map(|(id, expect)| {
        let changes = mutate::failing(expect, &scope, &snapshot);
        let words = |changes: Vec<mutate::Change>| changes.into_iter().map(|c| c.what).collect::<Vec<_>>().join("; ");
        Mutation { id: id.clone(), fails: changes.map(words) }
    });
    Ok(found.collect())
}

pub(super) fn judge(expectation: &Expectation, report: &Report) -> Vec<String> {
    let mut problems = Vec::new();
    match expectation {
        Expectation::Nothing => {
            for check in report.checks.iter().filter(|c| c.earned.0 > 0) {
                problems.push(format!("the check `{}` earns {} points that nobody worked for", check.id, check.earned.0));
            }
            gates_open(report, &mut problems);
        }
        Expectation::Full => {
            for check in report.checks.iter().filter(|c| !c.scored()) {
                problems.push(format!("the check `{}` does not score: {}", check.id, why_not(check)));
            }
            gates_open(report, &mut problems);
        }
        Expectation::Lost(wrong) => {
            for id in &wrong.loses {
                if report.check(id.as_str()).is_some_and(crate::grade::CheckResult::scored) {
                    problems.push(format!("the check `{id}` scores all the same"));
                }
            }
            if let Some(gate) = &wrong.gate
                && report.outcome != Outcome::GateClosed
            {
                problems.push(format!("the gate `{gate}` stays open"));
            }
            if report.is_full() {
                problems.push("it scores full".to_owned());
            }
        }
    }
    problems
}

fn gates_open(report: &Report, problems: &mut Vec<String>) {
    for gate in report.gates.iter().filter(|g| g.verdict != Verdict::Pass) {
        let actual: Vec<&str> = gate.evidence.iter().map(|e| e.actual.as_str()).collect();
        problems.push(format!("the gate `{}` does not hold: {}", gate.id, actual.join("; ")));
    }
}

fn why_not(check: &crate::grade::CheckResult) -> String {
    if !check.waits_for.is_empty() {
        let ids: Vec<&str> = check.waits_for.iter().map(|id| id.as_str()).collect();
        return format!("it waits for {}", ids.join(", "));
    }
    let failing = check.evidence.iter().filter(|e| e.verdict != Verdict::Pass);
    failing.map(|e| format!("{}: expected {}, found {}", e.subject, e.expected, e.actual)).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::testing::{FakeNodes, forkable};
    use super::super::{check, set_up};
    use super::*;
    use crate::content::source::{Origin, Source};
    use crate::content::{Bindings, Catalog, ExerciseKind};
    use crate::model::Inventory;

    const SCENARIO: &str = "apiVersion: ckaprep.dev/v1
kind: Scenario
id: sleepy
title: Wake a unit
placements: []
difficulty: easy
minutes: 1
host: control-plane
variables: {node: {node: {role: worker}}}
setup: [{node: {name: '{{ node }}', actions: [{stopUnit: app}, {disableUnit: app}]}}]
task: task.md
checks:
- {id: up, points: 2, title: up, expect: {units: {active: [app]}}}
- {id: boot, points: 1, title: boot, after: [up], expect: {units: {enabled: [app]}}}
gates:
- {id: other, title: other, expect: {units: {active: [other]}}}
solution: {steps: [{on: node, run: systemctl start app}, {on: node, run: systemctl enable app}]}
alternatives: [{id: backwards, steps: [{on: node, run: \"systemctl enable app\\nsystemctl start app\"}]}]
wrong:
- {id: start-only, loses: [boot], steps: [{on: node, run: systemctl start app}]}
- {id: collateral, gate: other, steps: [{on: node, run: systemctl stop other}]}
debrief: {text: x, link: 'https://kubernetes.io/docs/a'}
";

    /// Problems of the scenario after a change to its text.
    async fn problems(from: &str, to: &str) -> Vec<String> {
        assert!(SCENARIO.contains(from), "{from}");
        let text = SCENARIO.replace(from, to);
        let files = [("scenarios/sleepy/scenario.yaml", text.as_str()), ("scenarios/sleepy/task.md", "1. Wake it.\n")];
        let (catalog, _) = Catalog::load(&[Source::of_files(Origin::BuiltIn, files)]);
        let exercise = catalog.exercise(ExerciseKind::Scenario, "sleepy").expect("decodes");
        let environment = forkable(FakeNodes::with_units(&["app", "other"]));
        let inventory = Arc::new(Inventory::example(3));
        let instance = Instance::bind(&catalog, &exercise, &inventory, 1, &Bindings::new()).expect("binds");
        let instance = set_up(&environment, instance, &mut |_| {}).await.expect("sets up");
        let forks = environment.forks.clone().expect("forks");
        let before = check(&environment, &instance).await.expect("graded");
        let proof = prove(&*forks, &instance).await.expect("runs");
        assert_eq!(check(&environment, &instance).await.expect("graded").verdicts(), before.verdicts(), "forks change nothing");
        assert_eq!(proof.holds(), proof.problems().is_empty());
        proof.problems()
    }

    #[tokio::test(start_paused = true)]
    async fn a_good_scenario_is_proven_and_each_flaw_is_found() {
        assert_eq!(problems("id: sleepy", "id: sleepy").await, Vec::<String>::new());
        let found = problems(", {disableUnit: app}", "").await;
        assert_eq!(
            found,
            ["Wrong(WrongId(\"start-only\")): the check `boot` scores all the same", "Wrong(WrongId(\"start-only\")): it scores full"]
        );
        let found = problems(", after: [up], expect: {units: {enabled", ", expect: {units: {disabled").await;
        assert!(found[0].contains("earns 1 points that nobody worked for"), "{found:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn solutions_that_do_not_solve_are_found() {
        let found = problems(", {on: node, run: systemctl enable app}]}", "]}").await;
        assert!(found[0].starts_with("Solution: the check `boot` does not score: unit app on"), "{found:?}");
        let found = problems("steps: [{on: node, run: systemctl start app}", "steps: [{on: node, run: fails}").await;
        assert!(found[0].contains("the script failed with status 1"), "{found:?}");
        let found = problems("systemctl stop other", "systemctl start app").await;
        assert!(found.iter().any(|p| p.contains("the gate `other` stays open")), "{found:?}");
    }
}
