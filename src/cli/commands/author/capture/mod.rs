//! `ckaprep author capture`: an instructor breaks and then solves a cluster; what changed becomes a scenario to edit.

mod changes;
mod propose;

use std::path::PathBuf;

use super::new::{Wanted, create};
use crate::backend::embedded::{Embedded, Handover, Spec, Time};
use crate::cli::catalog::load;
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::prove::{self, Bases, Only};
use crate::tui::console::Console;
use crate::tui::link::Link;
use crate::tui::node_shell::{Left, NodeShell};
use changes::State;
use propose::{Recording, Steps};

/// Make a scenario by showing it: you get a shell on a fresh cluster and break it, then a shell to solve it. What changed
/// becomes the setup, the solution and the checks, in files for you to edit.
///
/// `done` on a line of its own ends each part. Without a terminal, standard input is what you would type.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    wanted: Wanted,
    /// Where to write it; a folder of this name is made
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

/// Workers of the cluster: as many as a practice cluster has.
const WORKERS: u8 = 3;

/// Shows, compares, writes, proves.
pub fn run(args: Args, context: &Context) -> Result<u8, CliError> {
    let particulars = args.wanted.complete(context)?;
    let folder = args.dir.clone().unwrap_or_else(|| PathBuf::from(&particulars.id));
    if folder.exists() {
        return Err(CliError::usage(format!("{} is there already", folder.display())).hint("`--dir` names another folder"));
    }
    context.block_on(async {
        let recording = record(context).await?;
        let mut files = propose::scenario(&particulars, &recording, Steps::AsTyped);
        create(&folder, &files)?;
        let mut holds = proves(&folder, context).await?;
        if !holds && !recording.typed.is_empty() {
            // What was typed does not do it alone (an editor was used, say); what it changed may.
            context.note("the commands as you typed them do not solve it; writing what they changed instead");
            files = propose::scenario(&particulars, &recording, Steps::AsChanged);
            write_again(&folder, &files)?;
            holds = proves(&folder, context).await?;
        }
        let verdict = if holds { "it proves" } else { "it does not prove yet" };
        context.print(&format!(
            "{}: {verdict}. It has one variant and says what changed: make the checks ask for what matters, name real mistakes, write \
             the task as the learner's.\n  ckaprep author test {} --watch\n",
            folder.display(),
            shown(&folder)
        ));
        Ok(0)
    })
}

fn shown(folder: &std::path::Path) -> String {
    if folder.is_absolute() { folder.display().to_string() } else { format!("./{}", folder.display()) }
}

fn write_again(folder: &std::path::Path, files: &[(String, String)]) -> Result<(), CliError> {
    for (path, text) in files {
        let path = folder.join(path);
        std::fs::write(&path, text).map_err(|e| CliError::environment(format!("cannot write {}", path.display())).because(e))?;
    }
    Ok(())
}

/// Both parts, in shells on the base.
async fn record(context: &Context) -> Result<Recording, CliError> {
    let spec = Spec { seed: 1, workers: WORKERS, now: context.now(), time: Time::Stepped, open: false, journal: None };
    let fresh = Embedded::start(spec.clone()).await?.handover().await?;
    let cluster = Embedded::resume(&fresh, Spec { time: Time::Live, ..spec }).await?;
    let mut console =
        Console::open(context.terminal, None, false).map_err(|e| CliError::environment("cannot read from the terminal").because(e))?;
    context.note("part 1 of 2: make the cluster what the learner finds. `done` ends this part.");
    part(&cluster, &mut console, context, &mut Vec::new()).await?;
    let broken = settled(&cluster).await?;
    context.note("part 2 of 2: solve it as a learner should. `done` ends this part.");
    let mut typed = Vec::new();
    part(&cluster, &mut console, context, &mut typed).await?;
    let solved = settled(&cluster).await?;
    Ok(Recording { fresh: State::of(&fresh), broken: State::of(&broken), solved: State::of(&solved), typed })
}

async fn part(cluster: &Embedded, console: &mut Console, context: &Context, typed: &mut Vec<String>) -> Result<(), CliError> {
    let size = if console.is_person() { context.terminal.size() } else { None };
    let link = Link::Local(cluster.open_shell("base", size));
    let mut shell = NodeShell::start(link, context.terminal).await?;
    match shell.lines_noted(console, &["done"], &mut |command| typed.push(command.to_owned())).await? {
        Left::Word(_) => Ok(()),
        Left::Exit(_) | Left::End(_) | Left::Lost => Err(CliError::usage("the shell ended before `done`: nothing was written")),
    }
}

/// The state a minute later: controllers have done their part then, and statuses say what will stay.
async fn settled(cluster: &Embedded) -> Result<Handover, CliError> {
    let now = cluster.handover().await?;
    let spec = Spec { seed: 1, workers: WORKERS, now: jiff::Timestamp::UNIX_EPOCH, time: Time::Stepped, open: false, journal: None };
    let ahead = Embedded::resume(&now, spec).await?;
    ahead.run(|_| async { tokio::time::sleep(std::time::Duration::from_secs(60)).await }).await?;
    Ok(ahead.handover().await?)
}

async fn proves(folder: &std::path::Path, context: &Context) -> Result<bool, CliError> {
    let catalog = load(Some(folder), context)?;
    let bases = Bases::new(context.now());
    let mut holds = true;
    for case in prove::cases(&catalog, Only::Own, 1) {
        let proof = prove::prove(&catalog, &case, &bases).await;
        super::test::print(&proof, 0.0, true, context);
        holds &= proof.holds();
    }
    Ok(holds)
}
