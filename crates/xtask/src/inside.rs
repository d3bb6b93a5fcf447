//! Figures measured inside: a fork's first answer, a grading with its holds, a draw from a large bank.

use std::time::{Duration, Instant};

use ckaprep::backend::embedded::{Embedded, Spec, Time};
use ckaprep::backend::{Environment, on_fork};
use ckaprep::content::{Bindings, Catalog, Instance};
use ckaprep::draw::{Candidate, Carry, Request, Standing, draw};
use ckaprep::model::{DomainId, QuestionId, Weight};
use ckaprep::runner;
use serde_json::Value;

/// Runs of each measurement.
const RUNS: usize = 15;

/// The scenario that is graded.
const SCENARIO: &str = "unhealthy-node";

/// What was measured, each several times.
pub struct Figures {
    /// `World::fork()` of a cluster with four nodes to the answer of its first request.
    pub fork: Vec<Duration>,
    /// A grading of the solved scenario: all checks pass, so everything that must stay is held.
    pub grade: Vec<Duration>,
    /// A simulated second in which nothing happens.
    pub idle_second: Vec<Duration>,
    /// Twenty questions of ten thousand.
    pub draw: Vec<Duration>,
}

/// Measures.
#[expect(clippy::disallowed_methods, reason = "a cluster starts at the present moment")]
pub fn measure() -> Result<Figures, String> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|e| e.to_string())?;
    let now = jiff::Timestamp::now();
    let (fork, grade, idle_second) = runtime.block_on(on_a_cluster(now))?;
    Ok(Figures { fork, grade, idle_second, draw: draws() })
}

type Timings = (Vec<Duration>, Vec<Duration>, Vec<Duration>);

async fn on_a_cluster(now: jiff::Timestamp) -> Result<Timings, String> {
    let catalog = Catalog::built_in().map_err(|e| e.to_string())?;
    let entry = catalog.scenario(SCENARIO).ok_or("the scenario is gone")?;
    let cluster = Embedded::start(Spec { seed: 1, workers: 3, now, time: Time::Stepped, open: false, journal: None });
    let cluster = cluster.await.map_err(|e| e.to_string())?;
    let instance = Instance::bind(&catalog, &entry.exercise, cluster.inventory(), 1, &Bindings::new()).map_err(|e| e.to_string())?;
    cluster.run(move |environment| measured(environment, instance)).await.map_err(|e| e.to_string())?
}

async fn measured(environment: Environment, instance: Instance) -> Result<Timings, String> {
    let forks = environment.forks.clone().ok_or("the cluster cannot be forked")?;
    let instance = runner::set_up(&environment, instance, &mut |_| {}).await.map_err(|e| e.to_string())?;
    let mut fork = Vec::new();
    for _ in 0..RUNS {
        let begun = begin();
        let answered = on_fork(&*forks, move |copy: Environment| {
            Box::pin(async move {
                let request = http::Request::get("/api/v1/nodes").body(Vec::new()).map_err(|e| e.to_string())?;
                let nodes: Value = copy.client.request(request).await.map_err(|e| e.to_string())?;
                Ok::<_, String>((begun.elapsed(), nodes["items"].as_array().map_or(0, Vec::len)))
            })
        });
        let (elapsed, nodes) = answered.await.map_err(|e| e.to_string())??;
        if nodes != 4 {
            return Err(format!("the fork has {nodes} nodes"));
        }
        fork.push(elapsed);
    }
    runner::solve(&environment, &instance, &mut |_| {}).await.map_err(|e| e.to_string())?;
    runner::finish(&environment, &instance, &mut |_| {}).await.map_err(|e| e.to_string())?;
    let mut grade = Vec::new();
    for _ in 0..RUNS {
        let begun = begin();
        let report = runner::finish(&environment, &instance, &mut |_| {}).await.map_err(|e| e.to_string())?;
        grade.push(begun.elapsed());
        if !report.is_full() {
            return Err("the solved scenario is not graded full".to_owned());
        }
    }
    let idle = on_fork(&*forks, |_| {
        Box::pin(async {
            tokio::time::sleep(Duration::from_secs(30)).await;
            let mut idle = Vec::new();
            for _ in 0..RUNS {
                let begun = begin();
                tokio::time::sleep(Duration::from_secs(20)).await;
                idle.push(begun.elapsed() / 20);
            }
            idle
        })
    });
    Ok((fork, grade, idle.await.map_err(|e| e.to_string())?))
}

fn draws() -> Vec<Duration> {
    let weights = [20, 20, 15, 25, 20];
    let domains: Vec<_> =
        weights.iter().enumerate().map(|(i, weight)| (DomainId::unchecked(format!("domain-{i}")), Weight(*weight))).collect();
    let candidate = |n: u32| Candidate {
        id: QuestionId::unchecked(format!("question-{n}")),
        domain: domains[n as usize % domains.len()].0.clone(),
        standing: Standing { asked: n % 4, wrong: n.is_multiple_of(7) },
    };
    let bank: Vec<Candidate> = (0..10_000).map(candidate).collect();
    let carry = Carry::default();
    let once = |seed| {
        let request = Request { domains: &domains, bank: &bank, count: 20, carry: &carry, only_wrong: false, seed, with_history: true };
        let begun = begin();
        let drawn = draw(&request);
        (begun.elapsed(), drawn.questions.len())
    };
    (1..).take(RUNS).map(|seed| once(seed).0).collect()
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures the wall clock")]
fn begin() -> Instant {
    Instant::now()
}
