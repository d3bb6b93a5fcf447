//! `ckaprep show ID`: one scenario, question or exam, without starting it.

use crate::cli::catalog::ContentArgs;
use crate::cli::context::{Context, Format};
use crate::cli::error::CliError;
use crate::cli::suggest::did_you_mean;
use crate::cli::{complete, describe};
use crate::render::document::ShowDocument;
use crate::render::text;
use crate::store::{History, ItemKind};

/// Options of `ckaprep show`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Id of a scenario, question or exam
    #[arg(value_name = "ID", add = complete::anything())]
    id: String,
    #[command(flatten)]
    content: ContentArgs,
    /// How to print the result
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Prints it. Nothing that has to be found out is told.
pub fn run(args: Args, context: &Context) -> Result<u8, CliError> {
    let catalog = args.content.load(context)?;
    let history = context.history()?;
    let id = args.id.as_str();
    let mut document = ShowDocument { scenario: None, question: None, exam: None };
    if let Some(entry) = catalog.scenario(id) {
        document.scenario = Some(describe::scenario_details(&entry.scenario, &history.seen(ItemKind::Scenario)?));
    } else if let Some(question) = catalog.question(id) {
        document.question = Some(describe::question_details(question, &history.seen(ItemKind::Question)?));
    } else if let Some(exam) = catalog.curriculum(id) {
        document.exam = Some(describe::curriculum(&catalog, exam));
    } else {
        let scenarios = catalog.scenarios().map(|entry| entry.scenario.id.as_str());
        let questions = catalog.questions().map(|question| question.id.as_str());
        let known = scenarios.chain(questions).chain(catalog.curricula().map(|exam| exam.id.as_str()));
        return Err(CliError::usage(format!("there is no scenario, question or exam {id:?}")).hint(did_you_mean(
            id,
            known,
            "`ckaprep list` shows what there is.",
        )));
    }
    match args.format {
        Format::Json => context.print_json(&document)?,
        Format::Text => context.print(&text::show(&document, context.style(), context.width())),
    }
    Ok(0)
}
