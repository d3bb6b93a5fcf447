//! `ckaprep cluster`: the kind clusters that scenarios are run on.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::process::CommandExt;
use std::sync::Arc;

use crate::backend::kind::{Found, Hosts, State, Wanted};
use crate::cli::catalog::ContentArgs;
use crate::cli::context::{Context, Format};
use crate::cli::error::CliError;
use crate::cli::kind_args::KindArgs;
use crate::cli::serve::engine::WORKERS;
use crate::cli::serve::kind::hosts;
use crate::content::variable::variants;
use crate::content::{Catalog, ExerciseKind, Instance};
use crate::model::Inventory;
use crate::render::document::{ClusterDocument, ClustersDocument};
use crate::render::text;
use crate::runner;
use crate::session::entropy;
use crate::tui::ask::{Choice, choose};
use crate::tui::steps::Steps;

/// Options of `ckaprep cluster`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    tool: Tool,
}

#[derive(Debug, clap::Subcommand)]
enum Tool {
    /// List the clusters that ckaprep made
    List {
        /// How to print the result
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Make a cluster ahead of the scenario that will use it
    Create {
        /// Its name; without it one is made up
        #[arg(value_name = "NAME")]
        name: Option<String>,
        /// Return at once; the cluster is made meanwhile
        #[arg(long)]
        background: bool,
        #[command(flatten)]
        kind: KindArgs,
    },
    /// Delete a cluster
    Delete {
        /// Its name
        #[arg(value_name = "NAME", required_unless_present = "all")]
        name: Option<String>,
        /// All that no session uses
        #[arg(long, conflicts_with = "name")]
        all: bool,
        /// Also one that a session uses, or that ckaprep does not remember
        #[arg(long)]
        force: bool,
    },
    /// Find what crashed runs left, and delete it
    Prune {
        /// Without asking
        #[arg(long)]
        yes: bool,
    },
    /// Fetch node image and workload images, and make a cluster that has them, so that practising needs no network
    Prepare {
        /// Only show which scenario needs which images
        #[arg(long)]
        images: bool,
        /// Return at once; it is done meanwhile
        #[arg(long)]
        background: bool,
        #[command(flatten)]
        kind: KindArgs,
        #[command(flatten)]
        content: ContentArgs,
    },
}

impl Args {
    /// How the result is printed.
    pub fn format(&self) -> Format {
        match &self.tool {
            Tool::List { format } => *format,
            _ => Format::Text,
        }
    }
}

/// Runs the tool.
pub fn run(args: Args, context: &Context) -> Result<u8, CliError> {
    match args.tool {
        Tool::Create { background: true, .. } | Tool::Prepare { background: true, images: false, .. } => in_background(context),
        Tool::Prepare { images: true, content, .. } => {
            context.print(&text::images(&needed(&content.load(context)?)?, context.width()));
            Ok(0)
        }
        tool => context.block_on(async {
            let hosts = hosts(context, &context.directories()?).await?;
            match tool {
                Tool::List { format } => list(&hosts, format, context).await,
                Tool::Create { name, kind, .. } => create(&hosts, name, &kind, context).await,
                Tool::Delete { name, force, .. } => delete(&hosts, name, force, context).await,
                Tool::Prune { yes } => prune(&hosts, yes, context).await,
                Tool::Prepare { kind, content, .. } => prepare(&hosts, &kind, &content.load(context)?, context).await,
            }
        }),
    }
}

async fn list(hosts: &Hosts, format: Format, context: &Context) -> Result<u8, CliError> {
    let clusters = hosts.list().await?.into_iter().map(document).collect();
    let document = ClustersDocument { clusters };
    match format {
        Format::Json => context.print_json(&document)?,
        Format::Text => context.print(&text::clusters(&document, context.style(), context.width())),
    }
    Ok(0)
}

fn document(found: Found) -> ClusterDocument {
    let state = match (&found.record, found.in_use) {
        (None, _) => "unknown",
        (Some(_), true) => "in use",
        (Some(record), false) => match record.state {
            State::Creating => "half made",
            State::Clean => "clean",
            State::Used => "used",
        },
    };
    ClusterDocument {
        name: found.name,
        state: state.to_owned(),
        session: found.record.as_ref().and_then(|r| r.session.clone()),
        image: found.record.as_ref().and_then(|r| r.image.clone()),
        nodes: found.nodes.1,
        running: found.nodes.0,
        created: found.record.as_ref().map(|r| r.started),
        create_seconds: found.record.as_ref().and_then(|r| r.create_seconds),
        leftover: found.leftover.map(|l| l.as_str().to_owned()),
    }
}

async fn create(hosts: &Hosts, name: Option<String>, kind: &KindArgs, context: &Context) -> Result<u8, CliError> {
    let mut options = kind.options()?;
    options.cluster = name.or(options.cluster);
    let progress = Steps::new(context.terminal);
    let told = |message: &str| progress.say(message);
    let wanted = Wanted { options: options.clone(), workers: usize::from(WORKERS), seed: entropy::seed(), session: None, new: true };
    let cluster = interruptible(hosts, options.keep, hosts.acquire(&wanted, &told)).await?;
    drop(progress);
    let took = cluster.create_seconds().map(|s| format!(" in {s:.1} s")).unwrap_or_default();
    context.print(&format!("{} is ready{took}; the next scenario with --backend kind takes it\n", cluster.name()));
    Ok(0)
}

/// Makes a cluster; Ctrl-C removes what was made.
async fn interruptible<T, E: Into<CliError>>(hosts: &Hosts, keep: bool, work: impl Future<Output = Result<T, E>>) -> Result<T, CliError> {
    tokio::select! {
        biased;
        _ = tokio::signal::ctrl_c() => {
            hosts.abandon(keep).await?;
            Err(CliError::environment("interrupted; nothing is left behind"))
        }
        done = work => done.map_err(Into::into),
    }
}

/// One by name, or all that are remembered and not in use.
async fn delete(hosts: &Hosts, name: Option<String>, force: bool, context: &Context) -> Result<u8, CliError> {
    let names = match name {
        Some(name) => vec![name],
        None => hosts
            .list()
            .await?
            .into_iter()
            .filter(|found| found.record.is_some() && (force || !found.in_use))
            .map(|found| found.name)
            .collect(),
    };
    for name in names {
        hosts.delete(&name, force).await?;
        context.print(&format!("deleted {name}\n"));
    }
    Ok(0)
}

async fn prune(hosts: &Hosts, yes: bool, context: &Context) -> Result<u8, CliError> {
    let leftovers: Vec<Found> = hosts.list().await?.into_iter().filter(|found| found.leftover.is_some()).collect();
    if leftovers.is_empty() {
        context.print("nothing is left over\n");
        return Ok(0);
    }
    for found in &leftovers {
        let why = found.leftover.map(|l| l.as_str()).unwrap_or_default();
        context.print(&format!("{}: {why} ({} containers)\n", found.name, found.nodes.1));
    }
    if !yes {
        if !context.terminal.is_interactive() {
            return Err(CliError::usage("nobody is there to say yes").hint("--yes deletes them without asking"));
        }
        let choices = [Choice { key: 'n', text: "no", value: false }, Choice { key: 'y', text: "yes", value: true }];
        let answer = choose("Delete them?", &choices, &mut std::io::stdin().lock(), &mut std::io::stderr());
        if !answer.map_err(|e| CliError::environment("cannot ask").because(e))? {
            return Ok(0);
        }
    }
    for found in &leftovers {
        if hosts.prune(&found.name).await? {
            context.print(&format!("deleted {}\n", found.name));
        }
    }
    Ok(0)
}

async fn prepare(hosts: &Hosts, kind: &KindArgs, catalog: &Catalog, context: &Context) -> Result<u8, CliError> {
    let options = kind.options()?;
    let images: BTreeSet<String> = needed(catalog)?.into_values().flatten().collect();
    let progress = Steps::new(context.terminal);
    let told = |message: &str| progress.say(message);
    let wanted = Wanted { options: options.clone(), workers: usize::from(WORKERS), seed: entropy::seed(), session: None, new: false };
    let cluster = interruptible(hosts, options.keep, async {
        hosts.fetch_node_image(&options, &told).await?;
        let cluster = hosts.acquire(&wanted, &told).await?;
        cluster.provide_images(&images, &told).await?;
        Ok::<_, CliError>(cluster)
    })
    .await?;
    drop(progress);
    context.print(&format!(
        "{} is ready with {} images: scenarios with --backend kind need no network now\n",
        cluster.name(),
        images.len()
    ));
    Ok(0)
}

/// Scenarios and the images that any of their variants needs.
fn needed(catalog: &Catalog) -> Result<BTreeMap<String, BTreeSet<String>>, CliError> {
    let inventory = Arc::new(Inventory::example(usize::from(WORKERS)));
    let mut table = BTreeMap::new();
    for entry in catalog.scenarios() {
        let Some(exercise) = catalog.exercise(ExerciseKind::Scenario, &entry.scenario.id.to_string()) else { continue };
        let images: &mut BTreeSet<String> = table.entry(exercise.id.clone()).or_default();
        for given in variants(&exercise.variables) {
            images.extend(runner::images(&Instance::bind(catalog, &exercise, &inventory, 1, &given)?)?);
        }
    }
    Ok(table)
}

/// The same command once more, without the terminal and without `--background`.
fn in_background(context: &Context) -> Result<u8, CliError> {
    let directories = context.directories()?;
    directories.create()?;
    let log = directories.kind().with_extension("log");
    let failed = |e: std::io::Error| CliError::environment("cannot go on in the background").because(e);
    let file = std::fs::File::create(&log).map_err(failed)?;
    let program = std::env::current_exe().map_err(failed)?;
    let mut command = std::process::Command::new(program);
    command.args(std::env::args_os().skip(1).filter(|arg| arg != "--background"));
    command.stdin(std::process::Stdio::null()).stdout(file.try_clone().map_err(failed)?).stderr(file).process_group(0);
    command.spawn().map_err(failed)?;
    context.print(&format!("the cluster is being made; `ckaprep cluster list` shows how far it is, {} what it says\n", log.display()));
    Ok(0)
}
