//! `ckaprep scenario ID`: start a scenario.

use std::sync::Arc;

use crate::backend::Backend;
use crate::cli::catalog::{self, ContentArgs};
use crate::cli::complete;
use crate::cli::context::{Context, Format};
use crate::cli::error::CliError;
use crate::cli::existing_args::{self, ExistingArgs};
use crate::cli::kind_args::KindArgs;
use crate::cli::practice::{self, Leaving, demo};
use crate::cli::serve::convert;
use crate::content::variable::variants;
use crate::content::{Bindings, Catalog, Exercise, Instance};
use crate::draw::choose;
use crate::model::Inventory;
use crate::render::document::StartedDocument;
use crate::render::text;
use crate::session::launch::{self, Start};
use crate::session::{Folder, Record, entropy};
use crate::store::History;
use crate::tui::progress::Progress;
use crate::tui::steps::Steps;

/// Seeds that are tried for the variant that is wanted.
const TRIES: u64 = 256;

/// Start a scenario: an embedded cluster that is broken on purpose, a task, and a shell to mend it in.
///
/// With a terminal you get the practice shell. Without one, standard input is the script of the shell, and what it leaves
/// behind is graded. Leaving the shell asks whether to go on, grade, or stop.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Id of the scenario, or the folder of one: `./my-scenario`
    #[arg(value_name = "ID", add = complete::scenarios())]
    id: Option<String>,
    /// Decides variant, names and ports; equal seeds give equal scenarios. Without it you get a variant you have not seen
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Fix a hidden variable, for authors (repeatable)
    #[arg(long, value_name = "NAME=VALUE")]
    variant: Vec<String>,
    /// Show it all without a terminal: what is broken, the grade, the solution step by step, the grade again
    #[arg(long, conflicts_with_all = ["detach", "my_shell"])]
    demo: bool,
    /// Start it, say how to reach it, and return
    #[arg(long, conflicts_with = "my_shell")]
    detach: bool,
    /// Read your own shell's start-up file first. Refuses to go on if kubectl then leads to another cluster
    #[arg(long)]
    my_shell: bool,
    /// Where the cluster comes from
    #[arg(long, value_name = "BACKEND", default_value = "embedded", value_parser = ["embedded", "kind", "existing"])]
    backend: String,
    #[command(flatten)]
    content: ContentArgs,
    /// How to print the result
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
    #[command(flatten)]
    kind: KindArgs,
    #[command(flatten)]
    existing: ExistingArgs,
}

/// Starts the session, then the shell, the demonstration, or nothing.
pub fn run(mut args: Args, context: &Context) -> Result<u8, CliError> {
    let Some(word) = args.id.take() else {
        let catalog = args.content.load(context)?;
        let ids: Vec<&str> = catalog.scenarios().map(|entry| entry.scenario.id.as_str()).collect();
        return Err(CliError::usage("which scenario?").hint(format!("one of: {}", ids.join(", "))));
    };
    let (catalog, id) = args.content.load_with_scenario(&word, context)?;
    let entry = catalog::scenario(&catalog, &id)?;
    let backend: Backend = args.backend.parse().map_err(CliError::usage)?;
    if let (Some(pack), true) = (entry.origin.pack(), backend != Backend::Embedded) {
        // Root on a node of kind is nearly root on the host, and an existing cluster is somebody's.
        return Err(CliError::usage(format!("content of the pack {pack} runs on the embedded cluster only"))
            .hint("what strangers wrote gets no way out of the simulation: leave out --backend"));
    }
    let directories = context.directories()?;
    let seed = match args.seed {
        Some(seed) => seed,
        None => fresh_seed(context, &catalog, &entry.exercise)?,
    };
    let content = args.content.content.as_ref().map(std::path::absolute).transpose();
    let backend_options = match backend {
        Backend::Embedded => None,
        Backend::Kind => Some(options_text(&args.kind.options()?)?),
        Backend::Existing => {
            let options = args.existing.options()?;
            let wanted = existing_args::Wanted { catalog: &catalog, exercise: &entry.exercise, seed, variant: &args.variant };
            context.block_on(args.existing.agree(&options, &wanted, context))?;
            Some(options_text(&options)?)
        }
    };
    let start = Start {
        scenario: id.clone(),
        seed,
        backend: args.backend,
        variant: args.variant,
        bindings: None,
        backend_options,
        detached: args.detach,
        content: content.map_err(|e| CliError::environment("cannot find the working directory").because(e))?,
    };
    context.block_on(async {
        // The embedded cluster is there at once; making containers takes a minute, which is told step by step.
        let steps = (backend != Backend::Embedded).then(|| Steps::new(context.terminal));
        let progress = Progress::new(context.terminal);
        let mut told = |message: &str| match &steps {
            Some(steps) => steps.say(message),
            None => progress.say(message, None),
        };
        let (folder, record) = launch::start(&directories, &start, &mut told).await?;
        drop((steps, progress));
        if args.detach {
            return detached(context, args.format, &folder, &record);
        }
        if args.demo {
            return demo::run(context, &directories, &folder, args.format).await;
        }
        let options = practice::Options { my_shell: args.my_shell, leaving: Leaving::Ask, format: args.format };
        practice::run(context, &directories, &folder, &record, options).await
    })
}

fn options_text(options: &impl serde::Serialize) -> Result<String, CliError> {
    serde_json::to_string(options).map_err(|e| CliError::bug("options have no JSON form").because(e))
}

/// A seed whose variant was practised least: equal seeds give equal variants, so a seed is all that is needed to start the
/// same again.
fn fresh_seed(context: &Context, catalog: &Catalog, exercise: &Arc<Exercise>) -> Result<u64, CliError> {
    let first = entropy::seed() >> 32;
    let all: Vec<_> = variants(&exercise.variables).iter().map(convert::texts).collect();
    let seen = context.history()?.variants(&exercise.id)?;
    let Some(wanted) = choose(&all, &seen, first).and_then(|at| all.get(at)) else { return Ok(first) };
    let inventory = Arc::new(Inventory::example(3));
    for seed in (0..TRIES).map(|n| first.wrapping_add(n)) {
        // What cannot be bound is reported by the session, with the content's error.
        let Ok(instance) = Instance::bind(catalog, exercise, &inventory, seed, &Bindings::new()) else { break };
        if convert::variant(&instance) == *wanted {
            return Ok(seed);
        }
    }
    Ok(first)
}

/// Says how to reach a session that was started and left alone.
pub fn detached(context: &Context, format: Format, folder: &Folder, record: &Record) -> Result<u8, CliError> {
    let document = StartedDocument {
        session: record.id.clone(),
        scenario: record.scenario.clone(),
        title: record.title.clone(),
        seed: record.seed,
        backend: record.backend.clone(),
        kubeconfig: folder.kubeconfig(),
        server: record.server.clone(),
        nodes: record.nodes.iter().map(Into::into).collect(),
    };
    match format {
        Format::Json => context.print_json(&document)?,
        Format::Text => context.print(&text::started(&document, context.style(), context.width())),
    }
    Ok(0)
}
