//! `ckaprep study`: a session of what you need next.

use std::sync::Arc;

use crate::cli::catalog::ContentArgs;
use crate::cli::context::{Context, Format};
use crate::cli::error::CliError;
use crate::cli::study::{Sitting, document};
use crate::cli::{complete, material};
use crate::model::ItemKind;
use crate::render::text;
use crate::session::entropy;
use crate::store::History;
use crate::study::{Form, plan, progress, standings};

use super::stats;

/// Practise what you need next: what is due, then what is new where most of the exam's points are open.
///
/// Every question, and every variant of a scenario, comes back when you are about to forget it (spaced repetition). A full answer,
/// unaided and in its time, is good; from 66 % up it is hard; below, or with the solution seen, it comes again soon. Open questions, and
/// scenarios that you leave unfinished, you rate yourself after seeing a good answer.
///
/// Everything is recorded as you go, so you may leave at any time. Without a terminal answers are read one a line; then, and with
/// `--format json`, there are no scenarios.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The exam; without it the one that you practised last
    #[arg(long, value_name = "ID", add = complete::exams())]
    exam: Option<String>,
    /// Minutes at hand
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u32).range(2..=480))]
    minutes: u32,
    /// Only say what would be practised
    #[arg(long)]
    plan_only: bool,
    /// Chooses among equals; equal seeds and histories give equal plans
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    #[command(flatten)]
    content: ContentArgs,
    /// How to print the result
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Plans, and practises.
pub fn run(args: Args, context: &Context) -> Result<u8, CliError> {
    let catalog = Arc::new(args.content.load(context)?);
    let mut history = context.history()?;
    let exam = stats::exam(&catalog, &history, args.exam.as_deref())?;
    let mut materials = material::of_exam(&catalog, exam);
    if !args.plan_only && (args.format == Format::Json || !context.terminal.is_interactive()) {
        materials.retain(|material| material.form != Form::Scenario);
    }
    let tried = history.tried()?;
    let standings = standings(&materials, &tried);
    let readiness = progress::readiness(&standings);
    let seed = args.seed.unwrap_or_else(entropy::seed);
    let plan = plan(&standings, &exam.weights(), &readiness, context.now().as_second(), args.minutes, seed);
    let mut document = document(exam, args.minutes, &plan);
    let (style, width) = (context.style(), context.width());
    if args.format == Format::Text {
        context.print(&text::plan(&document, style, width));
    }
    if !args.plan_only && !plan.items.is_empty() {
        let content = args.content.content.as_ref().map(std::path::absolute).transpose();
        let content = content.map_err(|e| CliError::environment("cannot find the working directory").because(e))?;
        let scenarios = plan.items.iter().filter(|i| i.standing.material.kind == ItemKind::Scenario).count();
        document.done = context.block_on(async {
            let mut sitting = Sitting::open(context, &catalog, exam, &mut history, args.minutes, seed, content, args.format)?;
            if !sitting.begins(scenarios).await? {
                return Ok(Vec::new());
            }
            sitting.practise(&plan).await
        })?;
        if args.format == Format::Text {
            context.print(&format!("\n{}", text::studied(&document, context.now(), style, width)));
        }
    }
    if args.format == Format::Json {
        context.print_json(&document)?;
    }
    Ok(0)
}
