//! The proof of an exercise where time passes as it does: one cluster, no forks. It has fewer runs than the other; what it adds is that
//! the cluster is a real one.

use futures::future::BoxFuture;
use tokio::time::Instant;

use super::error::RunError;
use super::grade::{check_here, finish_here};
use super::proof::{Expectation, ProofRow, ProofRun, judge};
use super::script;
use super::solve::solve;
use crate::backend::{Environment, Progress};
use crate::content::Instance;
use crate::content::instance::Attempted;
use crate::grade::Report;

/// Hands the cluster over, set up and untouched; a second time after bringing it back.
pub type HandOver<'a, E> = &'a mut (dyn FnMut() -> BoxFuture<'a, Result<(Environment, Instance), E>> + Send);

/// One run and how long it took.
#[derive(Clone, Debug, PartialEq)]
pub struct LiveRow {
    /// The run.
    pub row: ProofRow,
    /// Seconds, setting up included where the run began with it.
    pub seconds: f64,
}

/// Proves an exercise: untouched it scores nothing; solved it scores everything, twice; brought back it scores nothing again; and a
/// wrong fix loses what it names. `brief` ends it after the solution.
pub async fn prove_live<'a, E: From<RunError>>(hand_over: HandOver<'a, E>, brief: bool, told: Progress<'_>) -> Result<Vec<LiveRow>, E> {
    let mut rows = Vec::new();
    let started = Instant::now();
    let (environment, instance) = hand_over().await?;
    told("grading it untouched");
    let report = check_here(&environment, &instance).await?;
    rows.push(live(ProofRun::Fresh, &Expectation::Nothing, report, Vec::new(), started));
    let started = Instant::now();
    told("solving it");
    match solve(&environment, &instance, &mut |_| {}).await {
        Ok(()) => {
            told("grading the solution");
            let report = finish_here(&environment, &instance).await?;
            let verdicts = report.verdicts();
            rows.push(live(ProofRun::Solution, &Expectation::Full, report.clone(), Vec::new(), started));
            if !brief {
                let started = Instant::now();
                let again = finish_here(&environment, &instance).await?;
                let same = if again.verdicts() == verdicts { Vec::new() } else { vec!["a second grading says something else".to_owned()] };
                rows.push(live(ProofRun::Twice, &Expectation::Full, again, same, started));
            }
        }
        Err(error @ RunError::Script { .. }) => {
            let row = ProofRow { run: ProofRun::Solution, score: None, problems: vec![error.to_string()], report: None };
            rows.push(LiveRow { row, seconds: started.elapsed().as_secs_f64() });
        }
        Err(error) => return Err(error.into()),
    }
    if brief {
        return Ok(rows);
    }
    let started = Instant::now();
    told("bringing it back");
    let (environment, instance) = hand_over().await?;
    told("grading it untouched");
    let report = check_here(&environment, &instance).await?;
    rows.push(live(ProofRun::Untouched, &Expectation::Nothing, report, Vec::new(), started));
    if let Some(wrong) = one_wrong(&instance)? {
        let started = Instant::now();
        told(&format!("making the mistake {}", wrong.id));
        for step in &wrong.steps {
            script::run(&environment, step).await.map_err(RunError::from)?;
        }
        told("grading the mistake");
        let report = finish_here(&environment, &instance).await?;
        rows.push(live(ProofRun::Wrong(wrong.id.clone()), &Expectation::Lost(wrong), report, Vec::new(), started));
    }
    Ok(rows)
}

/// A wrong fix that loses checks, before one that closes a gate.
fn one_wrong(instance: &Instance) -> Result<Option<Attempted>, RunError> {
    let mut wrong = instance.wrong()?;
    wrong.sort_by_key(|wrong| wrong.gate.is_some());
    Ok(wrong.into_iter().next())
}

fn live(run: ProofRun, expectation: &Expectation, report: Report, mut problems: Vec<String>, started: Instant) -> LiveRow {
    problems.extend(judge(expectation, &report));
    LiveRow { row: ProofRow { run, score: Some(report.score), problems, report: Some(report) }, seconds: started.elapsed().as_secs_f64() }
}
