//! `ckaprep stats`: how ready you are, and what stands in the way.

use crate::cli::catalog::{self, ContentArgs};
use crate::cli::context::{Context, Format};
use crate::cli::error::CliError;
use crate::cli::{complete, material};
use crate::content::{Catalog, Curriculum};
use crate::model::ItemKind;
use crate::render::learning as d;
use crate::render::text;
use crate::store::History;
use crate::study::progress::Weak;
use crate::study::{Progress, Readiness, progress, standings};

/// How ready you are for an exam, domain by domain, and what to do next.
///
/// Readiness is the share that you earned without help in your first tries at questions and variants that you had not seen, with
/// Wilson's 95 % interval and the number of tries that it rests on.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The exam; without it the one that you practised last
    #[arg(long, value_name = "ID", add = complete::exams())]
    exam: Option<String>,
    #[command(flatten)]
    content: ContentArgs,
    /// How to print the result
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Prints it.
pub fn run(args: Args, context: &Context) -> Result<u8, CliError> {
    let catalog = args.content.load(context)?;
    let history = context.history()?;
    let exam = exam(&catalog, &history, args.exam.as_deref())?;
    let tried = history.tried()?;
    let materials = material::of_exam(&catalog, exam);
    let standings = standings(&materials, &tried);
    let progress = progress(&standings, &exam.weights(), context.now().as_second());
    let document = document(&catalog, exam, progress);
    match args.format {
        Format::Json => context.print_json(&document)?,
        Format::Text => context.print(&text::stats(&document, context.style(), context.width())),
    }
    Ok(0)
}

/// The exam that was asked for, else the one that was practised last, else the CKA.
pub fn exam<'a>(catalog: &'a Catalog, history: &dyn History, asked: Option<&str>) -> Result<&'a Curriculum, CliError> {
    if let Some(asked) = asked {
        return Ok(catalog::exam(catalog, asked)?);
    }
    let latest = history.latest_exam()?;
    let known = latest.as_deref().and_then(|id| catalog.curriculum(id));
    match known {
        Some(exam) => Ok(exam),
        None => Ok(catalog::exam(catalog, "cka")?),
    }
}

fn readiness(readiness: Readiness) -> d::ReadinessDocument {
    let percent = |share: f64| (share * 1000.0).round() / 10.0;
    d::ReadinessDocument {
        percent: percent(readiness.estimate),
        low: percent(readiness.low),
        high: percent(readiness.high),
        rests_on: readiness.rests_on,
    }
}

fn document(catalog: &Catalog, exam: &Curriculum, progress: Progress) -> d::StatsDocument {
    let title = |id: &str| exam.domain(id).map_or_else(|| id.to_owned(), |domain| domain.title.clone());
    let summary = |id: &str| {
        let known = exam.domains.iter().flat_map(|domain| &domain.competencies).find(|c| c.id.as_str() == id);
        known.map_or_else(|| id.to_owned(), |competency| competency.summary.clone())
    };
    let next = |weak: &Weak| match weak.kind {
        ItemKind::Scenario => format!("ckaprep scenario {}", weak.id),
        // What only the learner can grade is no part of a quiz.
        ItemKind::Question if catalog.question(&weak.id).is_some_and(|q| !q.answer_type.is_graded()) => {
            format!("ckaprep study --exam {}", exam.id)
        }
        ItemKind::Question => format!("ckaprep quiz --exam {} --domain {} --wrong", exam.id, weak.domain),
    };
    d::StatsDocument {
        exam: exam.id.to_string(),
        title: exam.title.clone(),
        pass_percent: exam.format.pass_percent,
        readiness: progress.overall.map(readiness),
        unknown_weight: progress.unknown_weight,
        domains: progress
            .domains
            .into_iter()
            .map(|domain| d::DomainStats {
                title: title(domain.id.as_str()),
                id: domain.id.to_string(),
                weight: domain.weight,
                readiness: domain.readiness.map(readiness),
                cards: domain.cards,
                tried: domain.tried,
                due: domain.due,
            })
            .collect(),
        due: d::DueDocument { now: progress.due, tomorrow: progress.due_tomorrow, week: progress.due_week },
        pace: progress.pace.map(|pace| d::PaceDocument {
            percent: pace.percent,
            in_budget_percent: pace.in_budget,
            rests_on: pace.rests_on,
        }),
        slowest: progress
            .slowest
            .into_iter()
            .map(|slow| d::SlowDocument { kind: slow.kind, id: slow.id, seconds: slow.seconds, budget_seconds: slow.budget })
            .collect(),
        weakest: progress
            .weakest
            .iter()
            .map(|weak| d::WeakDocument {
                id: weak.competency.to_string(),
                summary: summary(weak.competency.as_str()),
                domain: weak.domain.to_string(),
                percent: weak.percent,
                rests_on: weak.rests_on,
                next: next(weak),
            })
            .collect(),
        untried: progress.untried.iter().map(ToString::to_string).collect(),
    }
}
