//! `ckaprep author test`: proofs.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use futures::StreamExt;

use super::watch;
use crate::backend::Backend;
use crate::cli::catalog::{self, ContentArgs};
use crate::cli::complete;
use crate::cli::context::{Context, Format};
use crate::cli::error::CliError;
use crate::cli::kind_args::KindArgs;
use crate::cli::prove::{self, Bases, Case, Only};
use crate::cli::prove_kind;
use crate::cli::suggest::did_you_mean;
use crate::content::Catalog;
use crate::render::document::{ProofDocument, ProofsDocument};
use crate::render::text;
use crate::tui::progress::Progress;

/// Prove content by running it: untouched scores nothing, at once and a quarter of an hour later; solutions and their
/// alternatives score everything; wrong fixes lose what they name; grading twice says the same; and every check can fail.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Scenarios and command questions by id, or a folder: that of one scenario, or one laid out like the built-in content
    #[arg(value_name = "ID|DIR", add = complete::anything())]
    words: Vec<String>,
    /// Seeds per variant
    #[arg(long, value_name = "N", default_value_t = 1)]
    seeds: u64,
    /// Prove again whenever a file of the folder is saved
    #[arg(long, conflicts_with = "format")]
    watch: bool,
    /// Print the table of runs and checks for every variant, not only for the first and for what fails
    #[arg(long)]
    tables: bool,
    /// Where to prove it. On kind, scenarios only, and compared check by check with the embedded cluster
    #[arg(long, value_name = "BACKEND", default_value = "embedded", value_parser = ["embedded", "kind"], conflicts_with = "watch")]
    backend: String,
    /// So many variants of each scenario (with --backend kind, where each takes minutes)
    #[arg(long, value_name = "N")]
    variants: Option<usize>,
    /// On kind, untouched and solved only: no second grading, no wrong fix
    #[arg(long)]
    brief: bool,
    /// All but this one (repeatable)
    #[arg(long, value_name = "ID")]
    except: Vec<String>,
    #[command(flatten)]
    kind: KindArgs,
    #[command(flatten)]
    content: ContentArgs,
    /// How to print the result
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// What the words on the command line mean.
enum Chosen {
    Folder(PathBuf),
    Ids(Vec<String>),
}

/// Proves what was named.
pub fn run(args: Args, context: &Context) -> Result<u8, CliError> {
    let chosen = choose(&args)?;
    let folder = match &chosen {
        Chosen::Folder(folder) => Some(folder.as_path()),
        Chosen::Ids(_) => args.content.content.as_deref(),
    };
    if args.watch {
        let Some(folder) = folder else {
            return Err(CliError::usage("--watch needs a folder").hint("`ckaprep author test ./my-scenario --watch`"));
        };
        return context.block_on(watch::run(folder, args.seeds, context));
    }
    let catalog = catalog::load(folder, context)?;
    if args.brief && args.backend != Backend::Kind.as_str() {
        return Err(CliError::usage("--brief goes with --backend kind").hint("on the embedded cluster a whole proof takes seconds"));
    }
    let only = match &chosen {
        Chosen::Folder(_) => Only::Own,
        Chosen::Ids(ids) if ids.is_empty() => Only::All,
        Chosen::Ids(ids) => {
            ids.iter().try_for_each(|id| known(&catalog, id))?;
            Only::Ids(ids)
        }
    };
    let mut cases = prove::cases(&catalog, only, args.seeds);
    cases.retain(|case| !args.except.iter().any(|id| *id == case.id()));
    if cases.is_empty() {
        return Err(CliError::usage("nothing to prove").hint("name scenarios or command questions; `ckaprep list` shows them"));
    }
    if args.backend == Backend::Kind.as_str() {
        let cases = prove_kind::few(cases, args.variants);
        return context.block_on(prove_kind::run(&catalog, &cases, (&args.kind, args.brief), args.format, context));
    }
    let named = !matches!(only, Only::All);
    context.block_on(prove_all(&catalog, &cases, named, &args, context))
}

fn choose(args: &Args) -> Result<Chosen, CliError> {
    // A word that is no id and names a folder means the folder; `./` says so in any case.
    let folder = |word: &String| {
        catalog::is_path(word)
            || (!crate::model::id::is_id(word) || Path::new(word).join("scenario.yaml").is_file()) && Path::new(word).is_dir()
    };
    match args.words.as_slice() {
        [word] if folder(word) => match &args.content.content {
            Some(_) => Err(CliError::usage("--content and a folder exclude each other")),
            None => Ok(Chosen::Folder(word.into())),
        },
        words if words.iter().any(|w| catalog::is_path(w)) => Err(CliError::usage("one folder at a time")),
        words => Ok(Chosen::Ids(words.to_vec())),
    }
}

fn known(catalog: &Catalog, id: &str) -> Result<(), CliError> {
    let scenarios = catalog.scenarios().map(|entry| entry.scenario.id.as_str());
    let questions = catalog.questions().map(|question| question.id.as_str());
    let all: Vec<&str> = scenarios.chain(questions).collect();
    if all.contains(&id) {
        return Ok(());
    }
    Err(CliError::usage(format!("there is no scenario or question {id:?}")).hint(did_you_mean(
        id,
        all,
        "`ckaprep list` shows what there is.",
    )))
}

async fn prove_all(catalog: &Catalog, cases: &[Case], named: bool, args: &Args, context: &Context) -> Result<u8, CliError> {
    let progress = Progress::new(context.terminal);
    // Each cluster has a thread of its own; the order of results is the order of cases.
    let at_once = std::thread::available_parallelism().map_or(1, usize::from);
    let bases = Bases::new(context.now());
    let proofs = futures::stream::iter(cases)
        .map(|case| async {
            let began = context.now();
            let proof = prove::prove(catalog, case, &bases).await;
            (proof, context.now().duration_since(began).as_secs_f64())
        })
        .buffered(at_once);
    let mut document = ProofsDocument { proofs: Vec::new(), never_failed: Vec::new() };
    let mut shown = BTreeSet::new();
    futures::pin_mut!(proofs);
    while let Some((proof, seconds)) = proofs.next().await {
        progress.say(&format!("{} of {} proven", document.proofs.len() + 1, cases.len()), None);
        if args.format == Format::Text {
            let first = shown.insert((proof.kind.clone(), proof.id.clone())) && named;
            print(&proof, seconds, first || args.tables, context);
        }
        document.proofs.push(proof);
    }
    drop(progress);
    document.never_failed = prove::never_failed(&document.proofs);
    let failed = document.proofs.iter().filter(|proof| !proof.holds()).count();
    let idle = document.never_failed.iter().filter(|check| !check.gate).count();
    match args.format {
        Format::Json => context.print_json(&document)?,
        Format::Text => {
            for check in document.never_failed.iter().filter(|check| named || !check.gate) {
                context.print(&text::never_failed(check, context.style(), context.width()));
            }
            context.print(&format!("{} proven, {failed} not\n", document.proofs.len() - failed));
        }
    }
    Ok(if failed + idle == 0 { 0 } else { 4 })
}

/// Prints a proof, with its table where that is wanted or something is wrong.
pub fn print(proof: &ProofDocument, seconds: f64, table: bool, context: &Context) {
    context.print(&text::proof(proof, seconds, context.style(), context.width()));
    if table || !proof.holds() {
        context.print(&text::proof_table(proof, context.width()));
    }
}
