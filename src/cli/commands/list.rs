//! `ckaprep list`: what there is.

use clap::ValueEnum;

use crate::cli::catalog::{self, ContentArgs};
use crate::cli::context::{Context, Format};
use crate::cli::error::CliError;
use crate::cli::{complete, describe};
use crate::model::Placement;
use crate::render::document::ListDocument;
use crate::render::text;
use crate::store::{History, ItemKind};

/// What to list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// Hands-on scenarios
    Scenarios,
    /// Quiz questions
    Questions,
    /// Exams
    Exams,
}

/// Options of `ckaprep list`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only this kind; without it exams and scenarios are listed
    #[arg(value_enum)]
    kind: Option<Kind>,
    /// Only what belongs to this exam
    #[arg(long, value_name = "ID", add = complete::exams())]
    exam: Option<String>,
    #[command(flatten)]
    content: ContentArgs,
    /// How to print the result
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Prints the lists.
pub fn run(args: Args, context: &Context) -> Result<u8, CliError> {
    let catalog = args.content.load(context)?;
    if let Some(id) = &args.exam {
        catalog::exam(&catalog, id)?;
    }
    let fits = |placements: &[Placement]| args.exam.as_ref().is_none_or(|exam| placements.iter().any(|p| p.exam.as_str() == exam));
    // JSON is for programs: they get everything unless they ask for less.
    let wanted = |kind| args.kind.map_or(args.format == Format::Json || kind != Kind::Questions, |only| only == kind);
    let history = context.history()?;
    let (scenarios, questions) = (history.seen(ItemKind::Scenario)?, history.seen(ItemKind::Question)?);
    let mut document = ListDocument { exams: Vec::new(), scenarios: Vec::new(), questions: Vec::new() };
    if wanted(Kind::Exams) {
        let exams = catalog.curricula().filter(|exam| args.exam.as_ref().is_none_or(|id| exam.id.as_str() == id));
        document.exams = exams.map(|exam| describe::exam(&catalog, exam)).collect();
    }
    if wanted(Kind::Scenarios) {
        let entries = catalog.scenarios().map(|entry| &entry.scenario).filter(|s| fits(&s.placements));
        document.scenarios = entries.map(|s| describe::scenario(s, &scenarios)).collect();
    }
    if wanted(Kind::Questions) {
        document.questions = catalog.questions().filter(|q| fits(&q.placements)).map(|q| describe::question(q, &questions)).collect();
    }
    match args.format {
        Format::Json => context.print_json(&document)?,
        Format::Text => context.print(&text::list(&document, context.style(), context.width())),
    }
    Ok(0)
}
