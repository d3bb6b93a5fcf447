//! Proving scenarios on kind, and holding the embedded cluster against it: what both say of each check must be the same.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use futures::FutureExt;

use super::context::{Context, Format};
use super::error::CliError;
use super::kind_args::KindArgs;
use super::prove::{self, Bases, Case};
use super::serve::engine::WORKERS;
use super::serve::{convert, kind};
use crate::backend::Progress;
use crate::backend::kind::{Hosts, Kind, Wanted};
use crate::content::{Catalog, ExerciseKind, Instance};
use crate::model::Inventory;
use crate::render::document::{
    ComparedRunDocument, ComparisonDocument, ComparisonsDocument, ProofCheckDocument, ProofDocument, ProofRowDocument,
};
use crate::render::text;
use crate::runner::{self, LiveRow};
use crate::session::entropy;
use crate::tui::steps::Steps;

/// Cases of scenarios, so many variants of each.
pub fn few(cases: Vec<Case>, variants: Option<usize>) -> Vec<Case> {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let scenarios = cases.into_iter().filter(|case| case.exercise.kind == ExerciseKind::Scenario);
    scenarios
        .filter(|case| {
            let count = seen.entry(case.exercise.id.clone()).or_default();
            *count += 1;
            variants.is_none_or(|most| *count <= most)
        })
        .collect()
}

/// Proves all cases, one after the other on one cluster, and prints how the two backends compare. 4 when anything is wrong or differs.
/// `brief` leaves out what proves the proof: the second grading and the wrong fix.
pub async fn run(
    catalog: &Catalog,
    cases: &[Case],
    (args, brief): (&KindArgs, bool),
    format: Format,
    context: &Context,
) -> Result<u8, CliError> {
    let directories = context.directories()?;
    let hosts = kind::hosts(context, &directories).await?;
    let bases = Bases::new(context.now());
    let mut bench = Bench { hosts, args: args.clone(), cluster: None, brief };
    let steps = Steps::new(context.terminal);
    let mut document = ComparisonsDocument { comparisons: Vec::new() };
    for (number, case) in cases.iter().enumerate() {
        let name = case.name();
        let told = |step: &str| steps.say(&format!("{} of {}, {}: {step}", number + 1, cases.len(), name.trim()));
        let compared = compare(catalog, case, &bases, &mut bench, &told).await;
        if format == Format::Text {
            context.print(&text::comparison(&compared, context.style(), context.width()));
        }
        document.comparisons.push(compared);
    }
    bench.give_back()?;
    drop(steps);
    let wrong = document.comparisons.iter().filter(|c| !c.holds()).count();
    match format {
        Format::Json => context.print_json(&document)?,
        Format::Text => context.print(&format!("\n{}", text::comparisons(&document, context.style(), context.width()))),
    }
    Ok(if wrong == 0 { 0 } else { 4 })
}

/// The cluster that all cases share.
struct Bench {
    hosts: Hosts,
    args: KindArgs,
    cluster: Option<Arc<Kind>>,
    brief: bool,
}

impl Bench {
    /// A clean cluster with so many workers.
    async fn clean(&mut self, workers: usize, told: Progress<'_>) -> Result<Arc<Kind>, CliError> {
        match &self.cluster {
            Some(cluster) if cluster.inventory().nodes.len() > workers => {
                cluster.clean(told).await?;
            }
            _ => {
                self.cluster = None;
                let wanted = Wanted { options: self.args.options()?, workers, seed: entropy::seed(), session: None, new: false };
                self.cluster = Some(Arc::new(self.hosts.acquire(&wanted, told).await?));
            }
        }
        let cluster = self.cluster.clone().ok_or_else(|| CliError::bug("there is no cluster"))?;
        cluster.use_for(None)?;
        Ok(cluster)
    }

    fn give_back(self) -> Result<(), CliError> {
        if let Some(cluster) = &self.cluster {
            cluster.release()?;
        }
        Ok(())
    }
}

async fn compare(catalog: &Catalog, case: &Case, bases: &Bases, bench: &mut Bench, told: Progress<'_>) -> ComparisonDocument {
    let mut document = ComparisonDocument {
        id: case.exercise.id.clone(),
        seed: case.seed,
        variant: convert::texts(&case.given),
        left_out: None,
        problem: None,
        runs: Vec::new(),
    };
    match lacking(catalog, case) {
        Ok(None) => {}
        Ok(Some(lacking)) => {
            document.left_out = Some(format!("kind clusters have no {lacking}"));
            return document;
        }
        Err(error) => {
            document.problem = Some(error.in_one_line().0);
            return document;
        }
    }
    told("proving it on the embedded cluster");
    let began = tokio::time::Instant::now();
    let embedded = prove::prove(catalog, case, bases).await;
    let embedded_seconds = began.elapsed().as_secs_f64();
    match live(catalog, case, bench, told).await {
        Ok(rows) => document.runs = rows.into_iter().map(|row| against(&embedded, embedded_seconds, row)).collect(),
        Err(error) => {
            // The next case gets a cluster that is brought back, or another.
            document.problem = Some(error.in_one_line().0);
        }
    }
    document
}

fn lacking(catalog: &Catalog, case: &Case) -> Result<Option<String>, CliError> {
    let inventory = Arc::new(Inventory::example(usize::from(WORKERS)));
    let instance = Instance::bind(catalog, &case.exercise, &inventory, case.seed, &case.given)?;
    Ok(kind::lacking(&instance).into_iter().next())
}

async fn live(catalog: &Catalog, case: &Case, bench: &mut Bench, told: Progress<'_>) -> Result<Vec<LiveRow>, CliError> {
    let workers = usize::from(WORKERS).max(case.exercise.requires.workers as usize);
    let brief = bench.brief;
    let bench = Mutex::new(Some(bench));
    let mut hand_over = || {
        async {
            // Taken while it works: runs come one after the other.
            let own = bench.lock().unwrap_or_else(PoisonError::into_inner).take();
            let own = own.ok_or_else(|| CliError::bug("two runs at once"))?;
            let handed = async {
                let cluster = own.clean(workers, told).await?;
                let instance = Instance::bind(catalog, &case.exercise, &cluster.inventory(), case.seed, &case.given)?;
                let instance = kind::set_up(&cluster, instance, told).await?;
                Ok::<_, CliError>((cluster.environment(), instance))
            }
            .await;
            *bench.lock().unwrap_or_else(PoisonError::into_inner) = Some(own);
            handed
        }
        .boxed()
    };
    runner::prove_live(&mut hand_over, brief, told).await
}

/// A run on kind beside the same run on the embedded cluster.
fn against(embedded: &ProofDocument, embedded_seconds: f64, live: LiveRow) -> ComparedRunDocument {
    let row: ProofRowDocument = prove::row(live.row);
    let other = embedded.rows.iter().find(|other| other.run == row.run);
    let mut differences = Vec::new();
    match other {
        // The embedded cluster could not even be set up, say: its own problem is the difference.
        None => differences.push(match embedded.rows.iter().find_map(|row| row.problems.first()) {
            Some(problem) => format!("not run on the embedded cluster: {problem}"),
            None => "not run on the embedded cluster".to_owned(),
        }),
        Some(other) => {
            differences.extend(differing(other, &row));
            differences.extend(other.problems.iter().map(|p| format!("on the embedded cluster: {p}")));
        }
    }
    ComparedRunDocument {
        run: row.run,
        embedded: other.and_then(|o| o.score),
        kind: row.score,
        embedded_seconds,
        kind_seconds: live.seconds,
        problems: row.problems,
        differences,
    }
}

/// Where two runs disagree: in a verdict, in what waits, in a check that only one of them knows, in points.
///
/// Of a check that waits for another on both sides the own verdict is not compared: it is not judged, cannot score, and whether it holds
/// meanwhile is often a matter of the moment (something that crashes every few seconds answers in between). What it waits for is compared,
/// and so is its own verdict in the run of the solution, where nothing waits.
fn differing(embedded: &ProofRowDocument, kind: &ProofRowDocument) -> Vec<String> {
    let verdict = |check: Option<&ProofCheckDocument>| match check {
        None => "not there".to_owned(),
        Some(check) if check.waits => "waiting".to_owned(),
        Some(check) => format!("{:?}", check.verdict).to_lowercase(),
    };
    let find = |row: &'_ ProofRowDocument, id: &str, gate: bool| row.checks.iter().find(|c| c.id == id && c.gate == gate).cloned();
    let mut all: Vec<(&str, bool)> = Vec::new();
    for check in embedded.checks.iter().chain(&kind.checks) {
        if !all.contains(&(check.id.as_str(), check.gate)) {
            all.push((&check.id, check.gate));
        }
    }
    let mut found: Vec<String> = all
        .into_iter()
        .filter_map(|(id, gate)| {
            let (here, there) = (find(embedded, id, gate), find(kind, id, gate));
            let (on_embedded, on_kind) = (verdict(here.as_ref()), verdict(there.as_ref()));
            if on_embedded != on_kind {
                return Some(format!("{id}: {on_embedded} on the embedded cluster, {on_kind} on kind"));
            }
            let (here, there) = (here?.earned, there?.earned);
            (here != there).then(|| format!("{id}: {here} points on the embedded cluster, {there} on kind"))
        })
        .collect();
    if found.is_empty() && embedded.score != kind.score {
        found.push("the scores differ, though no check does".to_owned());
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Verdict;

    fn check(id: &str, verdict: Verdict, waits: bool, earned: u32) -> ProofCheckDocument {
        ProofCheckDocument { id: id.to_owned(), gate: false, verdict, waits, earned }
    }

    fn row(checks: Vec<ProofCheckDocument>) -> ProofRowDocument {
        ProofRowDocument { run: "fresh".to_owned(), score: None, problems: Vec::new(), checks }
    }

    #[test]
    fn what_waits_on_both_sides_may_hold_or_not() {
        let awaited = || check("path", Verdict::Fail, false, 0);
        let waiting = |verdict| row(vec![awaited(), check("stays", verdict, true, 0)]);
        assert_eq!(differing(&waiting(Verdict::Pass), &waiting(Verdict::Fail)), Vec::<String>::new());
        let judged = row(vec![awaited(), check("stays", Verdict::Fail, false, 0)]);
        assert_eq!(differing(&waiting(Verdict::Fail), &judged), ["stays: waiting on the embedded cluster, fail on kind"]);
    }

    #[test]
    fn verdicts_points_and_checks_of_either_side_count() {
        let one = |verdict, earned| row(vec![check("path", verdict, false, earned)]);
        assert_eq!(differing(&one(Verdict::Pass, 2), &one(Verdict::Pass, 2)), Vec::<String>::new());
        for (kind, said) in [
            (one(Verdict::Indeterminate, 0), "path: pass on the embedded cluster, indeterminate on kind"),
            (one(Verdict::Pass, 1), "path: 2 points on the embedded cluster, 1 on kind"),
            (row(Vec::new()), "path: pass on the embedded cluster, not there on kind"),
        ] {
            assert_eq!(differing(&one(Verdict::Pass, 2), &kind), [said]);
        }
        let gate = row(vec![ProofCheckDocument { gate: true, ..check("path", Verdict::Pass, false, 2) }]);
        assert_eq!(differing(&one(Verdict::Pass, 2), &gate).len(), 2, "a gate is no check of the same name");
    }
}
