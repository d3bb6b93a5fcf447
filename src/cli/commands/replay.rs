//! `ckaprep replay ATTEMPT`: exactly that variant once more.

use std::sync::Arc;

use crate::cli::catalog::{self, ContentArgs};
use crate::cli::complete;
use crate::cli::context::{Context, Format};
use crate::cli::error::CliError;
use crate::cli::material;
use crate::cli::practice::{self, Leaving};
use crate::cli::quiz::ask::{Alone, Answer, Asker, Asking};
use crate::cli::quiz::explain;
use crate::cli::quiz::lab::Choice;
use crate::cli::study::scenario::Exact;
use crate::content::version::version;
use crate::content::{Bindings, Catalog};
use crate::model::{Inventory, ItemKind};
use crate::render::learning::AttemptDocument;
use crate::session::launch;
use crate::store::{Attempt, History};
use crate::tui::console::Console;
use crate::tui::progress::Progress;

use super::{history, scenario};

/// Bring back exactly the variant of an attempt: the same fault, the same names, the same numbers.
///
/// It starts like a scenario, or asks like a quiz, and becomes an attempt of its own.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The attempt: its id or the beginning of it, or `last`
    #[arg(value_name = "ATTEMPT", add = complete::attempts())]
    attempt: String,
    /// Start the scenario, say how to reach it, and return
    #[arg(long)]
    detach: bool,
    #[command(flatten)]
    content: ContentArgs,
    /// How to print the result
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Finds the attempt and starts it again.
pub fn run(args: Args, context: &Context) -> Result<u8, CliError> {
    let catalog = Arc::new(args.content.load(context)?);
    let mut store = context.history()?;
    let attempt = history::find(&store, &args.attempt)?;
    let details = store.details(&attempt.id)?;
    let now = version(&catalog, attempt.kind, &attempt.item);
    if attempt.content.is_some() && now.is_some() && attempt.content != now {
        context.warn(&format!("the {} {} has changed since: it is asked and graded as it is now", attempt.kind.as_str(), attempt.item));
    }
    match attempt.kind {
        ItemKind::Scenario => again(&args, &catalog, &attempt, details.bindings, context),
        ItemKind::Question if args.detach => Err(CliError::usage("a question has no session to detach from").hint("leave out --detach")),
        ItemKind::Question => ask(&args, &catalog, &mut store, &attempt, details.bindings, context),
    }
}

fn again(args: &Args, catalog: &Catalog, attempt: &Attempt, kept: Bindings, context: &Context) -> Result<u8, CliError> {
    let entry = catalog::scenario(catalog, &attempt.item)?;
    // Attempts of the first versions kept the hidden variables only; the seed gives the rest.
    let bindings = if kept.is_empty() {
        let variant = serde_json::to_string(&attempt.variant).unwrap_or_default();
        material::bindings(&entry.exercise, &variant).ok_or_else(|| {
            CliError::content(format!("{} no longer has the variant of this attempt", attempt.item))
                .hint(format!("ckaprep scenario {}", attempt.item))
        })?
    } else {
        kept
    };
    // Nodes of a real cluster have names that the embedded one has not: those the seed gives anew.
    let inventory = Inventory::example(usize::try_from(entry.exercise.requires.workers).unwrap_or(0).max(3));
    let here = |name: &str, value: &serde_json::Value| {
        let of_node = entry.exercise.variables.get(name).is_some_and(|variable| variable.node.is_some());
        !of_node || value.as_str().is_some_and(|node| inventory.node(node).is_some())
    };
    let bindings = bindings.into_iter().filter(|(name, value)| here(name, value)).collect();
    let content = args.content.content.as_ref().map(std::path::absolute).transpose();
    let content = content.map_err(|e| CliError::environment("cannot find the working directory").because(e))?;
    let exact = Exact { id: attempt.item.clone(), seed: attempt.seed.unwrap_or(0), bindings, content };
    let directories = context.directories()?;
    context.block_on(async {
        let progress = Progress::new(context.terminal);
        let start = exact.start(args.detach)?;
        let (folder, record) = launch::start(&directories, &start, &mut |message| progress.say(message, None)).await?;
        drop(progress);
        if args.detach {
            return scenario::detached(context, args.format, &folder, &record);
        }
        let options = practice::Options { my_shell: false, leaving: Leaving::Ask, format: args.format };
        practice::run(context, &directories, &folder, &record, options).await
    })
}

fn ask(
    args: &Args,
    catalog: &Arc<Catalog>,
    store: &mut dyn History,
    attempt: &Attempt,
    given: Bindings,
    context: &Context,
) -> Result<u8, CliError> {
    let question = catalog::question(catalog, &attempt.item)?;
    let choice = Choice { seed: attempt.seed.unwrap_or(0), given };
    let style = context.style();
    context.block_on(async {
        let console = Console::open(context.terminal, None, args.format == Format::Text)
            .map_err(|e| CliError::environment("cannot read your answer").because(e))?;
        let mut asker = Asker { context, catalog, console, format: args.format };
        let asking = Asking { question, head: &attempt.item, choice: &choice, before: None };
        let Answer::Given(given) = asker.ask(&asking, &mut Alone).await? else { return Ok(0) };
        let place = (attempt.exam.as_deref().unwrap_or_default(), attempt.domain.as_deref().unwrap_or_default());
        let (made, details) = asker.attempt(question, place, &choice, &given);
        if given.rating.is_none() {
            asker.say(&format!("\n{}\n", explain::verdict(given.score, style)));
        }
        asker.explain(question, Some(&given.typed), given.report.as_ref(), &choice)?;
        let made = Attempt { exam: attempt.exam.clone(), domain: attempt.domain.clone(), ..made };
        store.record(&made, &details)?;
        if args.format == Format::Json {
            context.print_json(&AttemptDocument { attempt: made, details, report: None })?;
        }
        Ok(if given.score.is_full() { 0 } else { 1 })
    })
}
