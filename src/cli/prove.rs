//! Proving content: every variant of a scenario and every command question, each on a copy of a freshly booted cluster.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use super::error::CliError;
use super::serve::convert;
use crate::backend::embedded::{Embedded, Handover, Spec, Time};
use crate::content::variable::variants;
use crate::content::{Bindings, Catalog, Exercise, ExerciseKind, Instance, QuestionBody};
use crate::model::Verdict;
use crate::render::document::{MutationDocument, NeverFailedDocument, ProofCheckDocument, ProofDocument, ProofRowDocument};
use crate::runner::{self, Proof, ProofRow, ProofRun};

/// One thing to prove.
#[derive(Clone, Debug)]
pub struct Case {
    pub(super) exercise: Arc<Exercise>,
    pub(super) seed: u64,
    pub(super) given: Bindings,
}

impl Case {
    /// Id of the exercise.
    pub fn id(&self) -> &str {
        &self.exercise.id
    }

    /// Exercise, variant and seed in a word.
    pub fn name(&self) -> String {
        let variant: Vec<String> = convert::texts(&self.given).iter().map(|(name, value)| format!("{name}={value}")).collect();
        format!("{} {} {}", self.exercise.id, variant.join(" "), self.seed)
    }
}

/// What to prove.
#[derive(Clone, Copy, Debug)]
pub enum Only<'a> {
    /// Everything.
    All,
    /// These ids.
    Ids(&'a [String]),
    /// What stands in the author's folder.
    Own,
}

/// Everything to prove: each variant of each exercise, with `seeds` seeds.
pub fn cases(catalog: &Catalog, only: Only<'_>, seeds: u64) -> Vec<Case> {
    let wanted = |kind, id: &str| match only {
        Only::All => true,
        Only::Ids(ids) => ids.iter().any(|o| o == id),
        Only::Own => catalog.is_own(kind, id),
    };
    let scenarios = catalog.scenarios().map(|entry| (ExerciseKind::Scenario, entry.scenario.id.as_str()));
    let commands = catalog.questions().filter(|q| q.body() == QuestionBody::Command);
    let questions = commands.map(|question| (ExerciseKind::Question, question.id.as_str()));
    let mut cases = Vec::new();
    for (kind, id) in scenarios.chain(questions).filter(|(kind, id)| wanted(*kind, id)) {
        let Some(exercise) = catalog.exercise(kind, id) else { continue };
        for given in variants(&exercise.variables) {
            cases.extend((1..=seeds).map(|seed| Case { exercise: Arc::clone(&exercise), seed, given: given.clone() }));
        }
    }
    cases
}

/// Freshly booted clusters, by seed and number of workers, that exercises get copies of: booting takes longer than proving.
pub struct Bases {
    now: Timestamp,
    booted: tokio::sync::Mutex<BTreeMap<(u64, u8), Booting>>,
}

/// A cluster that is being booted, once for all who wait for it.
type Booting = Arc<tokio::sync::OnceCell<Handover>>;

impl Bases {
    /// None is booted yet. `now` is their present moment.
    pub fn new(now: Timestamp) -> Self {
        Self { now, booted: tokio::sync::Mutex::default() }
    }

    /// A cluster with so many workers.
    pub async fn copy(&self, seed: u64, workers: u8) -> Result<Embedded, CliError> {
        let spec = Spec { seed, workers, now: self.now, time: Time::Stepped, open: false, journal: None };
        // Held while it boots, so that others wait for the same and don't boot it again.
        let cell = Arc::clone(self.booted.lock().await.entry((seed, workers)).or_default());
        let base = cell.get_or_try_init(|| async { Embedded::start(spec.clone()).await?.handover().await }).await?;
        Ok(Embedded::resume(base, spec).await?)
    }
}

/// Proves one. An exercise that cannot even be set up is a proof that fails, not an error: the others still count.
pub async fn prove(catalog: &Catalog, case: &Case, bases: &Bases) -> ProofDocument {
    let (variant, outcome) = match attempt(catalog, case, bases).await {
        Ok((instance, proof)) => (convert::variant(&instance), Ok(proof)),
        Err(error) => (convert::texts(&case.given), Err(error.in_one_line().0)),
    };
    let (rows, mutations) = match outcome {
        Ok(proof) => (proof.rows.into_iter().map(row).collect(), proof.mutations),
        Err(problem) => {
            let row = ProofRowDocument { run: "setup".to_owned(), score: None, problems: vec![problem], checks: Vec::new() };
            (vec![row], Vec::new())
        }
    };
    let mutations = mutations.into_iter().map(|m| MutationDocument { check: m.id.to_string(), fails: m.fails }).collect();
    let kind = match case.exercise.kind {
        ExerciseKind::Scenario => "scenario",
        ExerciseKind::Question => "question",
    };
    ProofDocument { kind: kind.to_owned(), id: case.exercise.id.clone(), seed: case.seed, variant, rows, mutations }
}

/// A run as a document.
pub(super) fn row(row: ProofRow) -> ProofRowDocument {
    let checks = row.report.iter().flat_map(|report| {
        let checks = report.checks.iter().map(|c| ProofCheckDocument {
            id: c.id.to_string(),
            gate: false,
            verdict: c.verdict,
            waits: !c.waits_for.is_empty(),
            earned: c.earned.0,
        });
        let gates = report.gates.iter().map(|g| ProofCheckDocument {
            id: g.id.to_string(),
            gate: true,
            verdict: g.verdict,
            waits: false,
            earned: 0,
        });
        checks.chain(gates)
    });
    ProofRowDocument { run: run_name(&row.run), score: row.score, checks: checks.collect(), problems: row.problems }
}

/// Checks and gates that failed in no run of any variant and that no change of a solved cluster made fail. Asked of exercises of which
/// all variants were proven.
pub fn never_failed(proofs: &[ProofDocument]) -> Vec<NeverFailedDocument> {
    /// By gate or check, and id: whether it was seen to fail.
    type Failed<'a> = BTreeMap<(bool, &'a str), bool>;
    let mut exercises: BTreeMap<(&str, &str), Failed<'_>> = BTreeMap::new();
    let mut broken = BTreeSet::new();
    for proof in proofs {
        let key = (proof.kind.as_str(), proof.id.as_str());
        if !proof.holds() {
            // What is wrong already is said already.
            broken.insert(key);
        }
        let changed = |id: &str| proof.mutations.iter().any(|m| m.check == id && m.fails.is_some());
        let checks = exercises.entry(key).or_default();
        for check in proof.rows.iter().flat_map(|row| &row.checks) {
            *checks.entry((check.gate, check.id.as_str())).or_default() |= check.verdict == Verdict::Fail || changed(&check.id);
        }
    }
    let sound = exercises.into_iter().filter(|(key, _)| !broken.contains(key));
    sound
        .flat_map(|((kind, id), checks)| {
            let never = checks.into_iter().filter(|(_, failed)| !*failed);
            never.map(move |((gate, check), _)| NeverFailedDocument { kind: kind.into(), id: id.into(), check: check.into(), gate })
        })
        .collect()
}

async fn attempt(catalog: &Catalog, case: &Case, bases: &Bases) -> Result<(Instance, Proof), CliError> {
    let required = u8::try_from(case.exercise.requires.workers).unwrap_or(u8::MAX);
    let cluster = match case.exercise.kind {
        // A question's cluster is one and the same for all of them; what it varies are its own values.
        ExerciseKind::Question => bases.copy(1, required.max(1)).await?,
        ExerciseKind::Scenario => bases.copy(case.seed, required.max(3)).await?,
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
