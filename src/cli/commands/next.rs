//! `ckaprep` alone: what to do next.

use std::collections::BTreeMap;

use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::material;
use crate::content::Catalog;
use crate::model::{DomainId, ExamId, ScenarioId, Score};
use crate::session::registry;
use crate::store::{Attempt, History, ItemKind};
use crate::study::{Activity, Past, standings, suggest};

/// Attempts that are looked at: a learner's last weeks.
const RECENT: usize = 500;

/// Looks at sessions, an unfinished quiz and the history, and names the next commands.
pub fn run(context: &Context) -> Result<u8, CliError> {
    let catalog = Catalog::built_in()?;
    let history = context.history()?;
    let attempts = history.attempts(RECENT)?;
    let exam = attempts.iter().find_map(|a| a.exam.as_deref()).filter(|id| catalog.curriculum(id).is_some()).unwrap_or("cka");
    let exam = ExamId::unchecked(exam);
    let sessions = context.directories().map(|d| registry::sessions(&d)).unwrap_or_default();
    let past = Past {
        open_session: sessions.into_iter().find_map(|entry| entry.record).map(|record| record.id),
        open_quiz: history.open_run()?.is_some(),
        due: due(context, &catalog, &history, &exam)?,
        ..past(&attempts, &exam)
    };
    let weights = catalog.curriculum(exam.as_str()).map(|exam| exam.weights()).unwrap_or_default();
    let in_exam = |placements: &[crate::model::Placement]| placements.iter().any(|p| p.exam == exam);
    let mut scenarios: Vec<_> = catalog.scenarios().map(|entry| &entry.scenario).filter(|s| in_exam(&s.placements)).collect();
    scenarios.sort_by_key(|s| (s.difficulty, s.minutes));
    let scenarios: Vec<ScenarioId> = scenarios.into_iter().map(|s| s.id.clone()).collect();
    let mut lines: Vec<(String, String)> = suggest(&exam, &weights, &scenarios, &past)
        .into_iter()
        .map(|suggestion| (command(&suggestion.activity), suggestion.reason))
        .collect();
    lines.push(("ckaprep list".into(), "everything there is".into()));
    context.print(&page(context, &lines));
    Ok(0)
}

/// How much of an exam is due.
fn due(context: &Context, catalog: &Catalog, history: &dyn History, exam: &ExamId) -> Result<usize, CliError> {
    let Some(exam) = catalog.curriculum(exam.as_str()) else { return Ok(0) };
    let (materials, tried, now) = (material::of_exam(catalog, exam), history.tried()?, context.now().as_second());
    Ok(standings(&materials, &tried).iter().filter(|s| s.memory.is_some_and(|m| m.is_due(now))).count())
}

fn command(activity: &Activity) -> String {
    match activity {
        Activity::Attach(session) => format!("ckaprep attach {session}"),
        Activity::ResumeQuiz => "ckaprep quiz resume".to_owned(),
        Activity::Study(exam) => format!("ckaprep study --exam {exam}"),
        Activity::Scenario(id) => format!("ckaprep scenario {id}"),
        Activity::Quiz { exam, domain: None } => format!("ckaprep quiz --exam {exam}"),
        Activity::Quiz { exam, domain: Some(domain) } => format!("ckaprep quiz --exam {exam} --domain {domain}"),
    }
}

/// What the attempts say for an exam.
fn past(attempts: &[Attempt], exam: &ExamId) -> Past {
    let mut past = Past::default();
    let mut domains: BTreeMap<DomainId, Score> = BTreeMap::new();
    for attempt in attempts {
        if attempt.kind == ItemKind::Scenario {
            let best = past.scenarios.entry(ScenarioId::unchecked(attempt.item.clone())).or_default();
            *best = (*best).max(attempt.last.percent());
        }
        if attempt.exam.as_deref() == Some(exam.as_str())
            && let Some(domain) = &attempt.domain
        {
            let sum = domains.entry(DomainId::unchecked(domain.clone())).or_default();
            *sum = *sum + attempt.first;
        }
    }
    Past { domains, ..past }
}

fn page(context: &Context, lines: &[(String, String)]) -> String {
    let style = context.style();
    let wide = lines.iter().map(|(command, _)| command.len()).max().unwrap_or(0);
    // Two columns where they fit, else one under the other.
    let fits = lines.iter().all(|(_, what)| wide + 4 + what.chars().count() <= context.width());
    let mut out = format!("{}\n\n", style.title("Next"));
    for (command, what) in lines {
        if fits {
            out.push_str(&format!("  {}{}  {what}\n", style.code(command), " ".repeat(wide - command.len())));
        } else {
            out.push_str(&format!("  {}\n      {what}\n", style.code(command)));
        }
    }
    out.push_str(&format!("\n{}\n", style.dim("`ckaprep --help` lists all commands.")));
    out
}
