//! Figures of planning: what a learner of years waits for.

use std::hint::black_box;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use ckaprep::cli::material;
use ckaprep::content::Catalog;
use ckaprep::model::{ItemKind, Points, Score};
use ckaprep::store::{Attempt, Details, History, Sqlite};
use ckaprep::study::{Material, plan, progress, standings};
use jiff::Timestamp;

/// Attempts in the history.
const ATTEMPTS: usize = 100_000;
/// Years over which they were made.
const SPAN_SECONDS: i64 = 2 * 365 * 24 * 3600;
/// Runs of each measurement; the median is printed.
const RUNS: usize = 7;
/// When it is measured, in seconds since 1970.
const NOW: i64 = 1_800_000_000;

/// Fills a history, measures, prints.
pub fn run() -> Result<ExitCode, String> {
    let folder = tempfile::tempdir().map_err(|e| e.to_string())?;
    let path = folder.path().join("history.db");
    let catalog = Catalog::built_in().map_err(|e| e.to_string())?;
    let exam = catalog.curriculum("cka").ok_or("no cka")?;
    let materials = material::of_exam(&catalog, exam);
    let mut history = Sqlite::open(&path).map_err(|e| e.to_string())?;
    history.merge(&attempts(&materials)).map_err(|e| e.to_string())?;
    drop(history);

    let look = |with: &dyn Fn(&[ckaprep::study::Standing<'_>])| -> Result<Vec<Duration>, String> {
        let mut times = Vec::new();
        for _ in 0..RUNS {
            let begun = now();
            let tried = Sqlite::open(&path).and_then(|history| history.tried()).map_err(|e| e.to_string())?;
            with(&standings(&materials, &tried));
            times.push(begun.elapsed());
        }
        Ok(times)
    };
    let planned = look(&|standings| {
        let readiness = progress::readiness(standings);
        black_box(plan(standings, &exam.weights(), &readiness, NOW, 30, 7));
    })?;
    let counted = look(&|standings| {
        black_box(progress(standings, &exam.weights(), NOW));
    })?;
    for (what, mut times) in [("study plan", planned), ("stats", counted)] {
        times.sort();
        let median = times[times.len() / 2].as_secs_f64() * 1000.0;
        println!("{:<58} {median:>8.2} ms   (median of {RUNS}; aim 200)", format!("{what} over {ATTEMPTS} attempts, history opened"));
    }
    Ok(ExitCode::SUCCESS)
}

/// Tries at everything there is, again and again; two of three were right.
fn attempts(materials: &[Material]) -> Vec<(Attempt, Details)> {
    let one = |n: usize| {
        let material = &materials[n % materials.len()];
        let earned = if n.is_multiple_of(3) { 1 } else { 4 };
        let score = Score { earned: Points(earned), maximum: Points(4) };
        let second = NOW - SPAN_SECONDS + SPAN_SECONDS * n as i64 / ATTEMPTS as i64;
        let attempt = Attempt {
            id: String::new(),
            kind: material.kind,
            item: material.id.clone(),
            exam: Some("cka".into()),
            domain: Some(material.domain.to_string()),
            started: Timestamp::from_second(second).unwrap_or(Timestamp::UNIX_EPOCH),
            seconds: material.seconds * (50 + n as u64 % 100) / 100,
            budget_seconds: Some(material.seconds),
            first: score,
            last: score,
            hints: 0,
            assisted: false,
            variant: serde_json::from_str(&material.variant).unwrap_or_default(),
            seed: (material.kind == ItemKind::Scenario).then_some(n as u64),
            rating: None,
            content: None,
        };
        (Attempt { id: attempt.identity(), ..attempt }, Details::default())
    };
    (0..ATTEMPTS).map(one).collect()
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures the wall clock")]
fn now() -> Instant {
    Instant::now()
}
