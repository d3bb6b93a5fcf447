//! `ckaprep quiz`: questions drawn by an exam's domain weights.

use std::sync::Arc;

use clap::ValueEnum;

use crate::cli::catalog::{self, ContentArgs};
use crate::cli::complete;
use crate::cli::context::{Context, Format};
use crate::cli::error::CliError;
use crate::cli::quiz::ask::Asker;
use crate::cli::quiz::book::Book;
use crate::cli::quiz::draw::{self, Wanted};
use crate::cli::quiz::flow::{Ended, Quiz};
use crate::cli::quiz::state::{Feedback, State};
use crate::content::Catalog;
use crate::render::text;
use crate::session::entropy;
use crate::store::{History, RunId, Sqlite};
use crate::tui::console::Console;

/// What to do instead of starting a quiz.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Action {
    /// Go on with the quiz that you left
    Resume,
}

/// Answer questions drawn by an exam's domain weights.
///
/// Whole questions per domain by largest remainder; what rounding leaves over carries to the next quiz. Questions that you have
/// not seen come first, then those you got wrong. Command questions are answered by typing commands on a throwaway
/// cluster; the state that you leave is graded, so any right way counts. Answers may be piped in, one a line. Questions that only
/// you can grade are left to `ckaprep study`.
///
/// Exit code: 0 at or above the exam's pass mark (66 % by the weights, 74 % for cka-2018), 1 below it, 0 when you leave to resume later.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// `resume` goes on with the quiz that you left
    #[arg(value_enum, conflicts_with_all = ["exam", "count", "seed", "minutes", "feedback", "domain", "wrong", "draw_only"])]
    action: Option<Action>,
    /// The exam: cka, ckad, cka-2018, ckad-2018
    #[arg(long, value_name = "ID", add = complete::exams())]
    exam: Option<String>,
    /// How many questions
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=500))]
    count: u16,
    /// Makes the draw repeatable; history then plays no part in it
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Time limit; what is not answered then counts as missed
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    minutes: Option<u32>,
    /// When answers are explained
    #[arg(long, value_enum, default_value_t)]
    feedback: Feedback,
    /// Only this domain
    #[arg(long, value_name = "ID", add = complete::domains())]
    domain: Option<String>,
    /// Only questions whose last answer was wrong, each once, at most `--count` of them
    #[arg(long)]
    wrong: bool,
    /// Only say what would be asked
    #[arg(long)]
    draw_only: bool,
    #[command(flatten)]
    content: ContentArgs,
    /// How to print the result
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Draws and asks.
pub fn run(args: Args, context: &Context) -> Result<u8, CliError> {
    let catalog = Arc::new(args.content.load(context)?);
    let mut history = context.history()?;
    if args.action == Some(Action::Resume) {
        let run = history.open_run()?.ok_or_else(|| CliError::environment("there is no quiz to resume").hint("ckaprep quiz --exam cka"))?;
        let state: State = serde_json::from_value(run.state)
            .map_err(|e| CliError::environment("the quiz was left by another version of ckaprep").because(e).hint("begin a new one"))?;
        return take(context, &catalog, &mut history, run.id, state, args.format);
    }
    let Some(exam) = args.exam.as_deref() else {
        let ids: Vec<&str> = catalog.curricula().map(|exam| exam.id.as_str()).collect();
        return Err(CliError::usage("which exam?").hint(format!("--exam with one of: {}", ids.join(", "))));
    };
    let exam = catalog::exam(&catalog, exam)?;
    let wanted = Wanted {
        exam,
        domain: args.domain.as_deref(),
        count: usize::from(args.count),
        only_wrong: args.wrong,
        given_seed: args.seed,
        own_seed: entropy::seed(),
    };
    let (drawn, carry) = draw::draw(&catalog, &history, &wanted)?;
    for note in &drawn.notes {
        context.note(&note.to_string());
    }
    if args.draw_only {
        let document = draw::document(&catalog, exam, args.seed, &drawn);
        match args.format {
            Format::Json => context.print_json(&document)?,
            Format::Text => context.print(&text::draw(&document, context.style(), context.width())),
        }
        return Ok(0);
    }
    if let Some(open) = history.open_run()? {
        context.note(&format!("The {} quiz that you left is kept until you resume it or finish this one.", open.exam));
    }
    let state = State {
        exam: exam.id.to_string(),
        seed: args.seed,
        feedback: args.feedback,
        minutes: args.minutes,
        spent_seconds: 0,
        drawn: draw::keyed(&drawn),
        given: Default::default(),
        flagged: Default::default(),
        skipped: Vec::new(),
        own_seed: wanted.own_seed,
        begun: None,
    };
    let value = serde_json::to_value(&state).map_err(|e| CliError::bug("a quiz has no stored form").because(e))?;
    let run = match history.begin_run(exam.id.as_str(), context.now(), &value, carry.as_ref()) {
        Ok(run) => run,
        Err(error) => {
            let (message, next) = CliError::from(error).in_one_line();
            context.warn(&format!("{message}. This quiz is not recorded. {}", next.unwrap_or_default()));
            history = Sqlite::in_memory()?;
            history.begin_run(exam.id.as_str(), context.now(), &value, None)?
        }
    };
    take(context, &catalog, &mut history, run, state, args.format)
}

fn take(context: &Context, catalog: &Arc<Catalog>, history: &mut Sqlite, run: RunId, state: State, format: Format) -> Result<u8, CliError> {
    let exam = Arc::clone(catalog::exam(catalog, &state.exam)?);
    context.block_on(async {
        let console = Console::open(context.terminal, None, format == Format::Text)
            .map_err(|e| CliError::environment("cannot read your answers").because(e))?;
        let asker = Asker { context, catalog, console, format };
        let book = Book { context, history, run, state, began: context.now(), warned: false, reports: Default::default() };
        let mut quiz = Quiz { asker, exam: &exam, book };
        match quiz.take().await? {
            Ended::Paused => Ok(0),
            Ended::Finished(document) => {
                if format == Format::Json {
                    context.print_json(&document)?;
                }
                Ok(if document.passed { 0 } else { 1 })
            }
        }
    })
}
