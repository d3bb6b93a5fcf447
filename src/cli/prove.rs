//! Proving content: every variant of a scenario on a cluster of its own, every command question on a copy of one that is shared.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::error::CliError;
use super::serve::convert;
use crate::backend::embedded::{Embedded, Handover, Spec, Time};
use crate::content::variable::variants;
use crate::content::{Bindings, Catalog, Exercise, ExerciseKind, Instance, QuestionBody};
use crate::render::document::{ProofDocument, ProofRowDocument};
use crate::runner::{self, Proof, ProofRun};

/// One thing to prove.
#[derive(Clone, Debug)]
pub struct Case {
    exercise: Arc<Exercise>,
    seed: u64,
    given: Bindings,
}

/// Everything to prove: each variant of each exercise, with `seeds` seeds. `only` names ids; empty means all.
pub fn cases(catalog: &Catalog, only: &[String], seeds: u64) -> Vec<Case> {
    let wanted = |id: &str| only.is_empty() || only.iter().any(|o| o == id);
    let scenarios = catalog.scenarios().map(|entry| (ExerciseKind::Scenario, entry.scenario.id.as_str()));
    let commands = catalog.questions().filter(|q| q.body() == QuestionBody::Command);
    let questions = commands.map(|question| (ExerciseKind::Question, question.id.as_str()));
    let mut cases = Vec::new();
    for (kind, id) in scenarios.chain(questions).filter(|(_, id)| wanted(id)) {
        let Some(exercise) = catalog.exercise(kind, id) else { continue };
        for given in variants(&exercise.variables) {
            cases.extend((1..=seeds).map(|seed| Case { exercise: Arc::clone(&exercise), seed, given: given.clone() }));
        }
    }
    cases
}

/// Freshly booted clusters, by their number of workers, that questions get copies of: booting takes longer than proving one.
pub struct Bases {
    now: Timestamp,
    booted: tokio::sync::Mutex<BTreeMap<u8, Handover>>,
}

impl Bases {
    /// None is booted yet. `now` is their present moment.
    pub fn new(now: Timestamp) -> Self {
        Self { now, booted: tokio::sync::Mutex::default() }
    }

    /// A cluster with so many workers.
    async fn copy(&self, workers: u8) -> Result<Embedded, CliError> {
        // Held while it boots, so that others wait for it and don't boot the same.
        let mut booted = self.booted.lock().await;
        let spec = Spec { seed: 1, workers, now: self.now, time: Time::Stepped, open: false, journal: None };
        match booted.get(&workers) {
            Some(base) => Ok(Embedded::resume(base, spec).await?),
            None => {
                let base = Embedded::start(spec.clone()).await?.handover().await?;
                let copy = Embedded::resume(&base, spec).await?;
                booted.insert(workers, base);
                Ok(copy)
            }
        }
    }
}

/// Proves one. An exercise that cannot even be set up is a proof that fails, not an error: the others still count.
pub async fn prove(catalog: &Catalog, case: &Case, bases: &Bases) -> ProofDocument {
    let (variant, outcome) = match attempt(catalog, case, bases).await {
        Ok((instance, proof)) => (convert::variant(&instance), Ok(proof)),
        Err(error) => (convert::texts(&case.given), Err(error.in_one_line().0)),
    };
    let rows = match outcome {
        Ok(proof) => proof
            .rows
            .into_iter()
            .map(|row| ProofRowDocument { run: run_name(&row.run), score: row.score, problems: row.problems })
            .collect(),
        Err(problem) => vec![ProofRowDocument { run: "setup".to_owned(), score: None, problems: vec![problem] }],
    };
    let kind = match case.exercise.kind {
        ExerciseKind::Scenario => "scenario",
        ExerciseKind::Question => "question",
    };
    ProofDocument { kind: kind.to_owned(), id: case.exercise.id.clone(), seed: case.seed, variant, rows }
}

async fn attempt(catalog: &Catalog, case: &Case, bases: &Bases) -> Result<(Instance, Proof), CliError> {
    let required = u8::try_from(case.exercise.requires.workers).unwrap_or(u8::MAX);
    let cluster = match case.exercise.kind {
        ExerciseKind::Question => bases.copy(required.max(1)).await?,
        ExerciseKind::Scenario => {
            let workers = required.max(3);
            Embedded::start(Spec { seed: case.seed, workers, now: bases.now, time: Time::Stepped, open: false, journal: None }).await?
        }
    };
    let instance = Instance::bind(catalog, &case.exercise, cluster.inventory(), case.seed, &case.given)?;
    let proven = cluster.run(move |environment| async move {
        let instance = runner::set_up(&environment, instance, &mut |_| {}).await?;
        let Some(forks) = environment.forks.clone() else { return Ok(None) };
        let proof = runner::prove(&*forks, &instance).await?;
        Ok::<_, runner::RunError>(Some((instance, proof)))
    });
    proven.await??.ok_or_else(|| CliError::bug("the embedded cluster cannot be forked"))
}

fn run_name(run: &ProofRun) -> String {
    match run {
        ProofRun::Fresh => "fresh".to_owned(),
        ProofRun::Later => "15 minutes later".to_owned(),
        ProofRun::Solution => "solution".to_owned(),
        ProofRun::Twice => "graded twice".to_owned(),
        ProofRun::Alternative(id) => format!("alternative {id}"),
        ProofRun::Wrong(id) => format!("wrong {id}"),
        ProofRun::Untouched => "fresh again".to_owned(),
    }
}
