//! The practice shell around a session.

use crate::cli::commands::target;
use crate::cli::context::{Context, Format};
use crate::cli::error::CliError;
use crate::grade::{Outcome, Report};
use crate::render::document::{OutcomeDocument, TaskDocument};
use crate::render::text;
use crate::session::protocol::Request;
use crate::session::registry::Entry;
use crate::session::shell::{Practice, Script};
use crate::session::{Client, Directories, Folder, Record, launch};

use super::leave::{self, Decision, Leaving};

/// How the shell is run.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Read the user's own start-up file first.
    pub my_shell: bool,
    /// What leaving it means.
    pub leaving: Leaving,
    /// How the outcome is printed.
    pub format: Format,
}

/// 0 for full points, 1 below, 3 when a gate could not be observed.
pub fn exit_code(report: &Report) -> u8 {
    match report.outcome {
        Outcome::NotGraded => 3,
        _ if report.is_full() => 0,
        _ => 1,
    }
}

/// Shows the task and runs the shell until the user is done. Without a terminal, standard input is the script, and what
/// it leaves behind is graded.
pub async fn run(context: &Context, directories: &Directories, folder: &Folder, record: &Record, options: Options) -> Result<u8, CliError> {
    let script = if context.terminal.stdin { Script::Terminal } else { Script::Stdin };
    // With JSON asked for, standard output holds the outcome alone (and whatever the script prints).
    if options.format == Format::Text {
        show_task(context, folder, record).await?;
    }
    if script == Script::Stdin {
        let hold = hold(folder).await?;
        Practice::prepare(folder, record, script, options.my_shell)?.run().await?;
        drop(hold);
        return finish(context, directories, folder, options.format).await;
    }
    loop {
        if !folder.is_live() {
            if !folder.path().exists() {
                context.note("The session was stopped from elsewhere.");
                return Ok(0);
            }
            context.note("The session's process is gone; bringing the cluster back as it was.");
            launch::wake(directories, folder, &mut |_| {}).await?;
        }
        let hold = hold(folder).await?;
        let status = Practice::prepare(folder, record, script, options.my_shell)?.run().await?;
        drop(hold);
        if options.my_shell && status.code() == Some(3) {
            // The start-up file found that kubectl leads elsewhere, and said so.
            return Ok(3);
        }
        if !folder.path().exists() {
            context.note("The session was stopped from elsewhere.");
            return Ok(0);
        }
        match leave::ask(options.leaving)? {
            Decision::Continue => {}
            Decision::Leave => {
                goes_on(context, &record.id);
                return Ok(0);
            }
            Decision::Grade => {
                if !folder.is_live() {
                    launch::wake(directories, folder, &mut |_| {}).await?;
                }
                let graded = graded(context, directories, folder, options.format, true).await;
                let (code, kept) = graded.inspect_err(|_| goes_on(context, &record.id))?;
                if kept {
                    context.note("The attempt could not be recorded, so the session goes on. Mend that, then grade again.");
                    goes_on(context, &record.id);
                }
                return Ok(code);
            }
            Decision::Stop => {
                if folder.is_live() {
                    Client::stop(folder).await?;
                }
                folder.remove(directories)?;
                context.note("Stopped; nothing was recorded.");
                return Ok(0);
            }
        }
    }
}

fn goes_on(context: &Context, id: &str) {
    context.note(&format!("Session {id} goes on. `ckaprep attach {id}` joins it, `ckaprep stop {id}` ends it."));
}

/// Keeps the session awake while the shell is open, whatever the user does in it.
async fn hold(folder: &Folder) -> Result<Client, CliError> {
    let (mut client, _) = Client::connect(folder).await?;
    client.request(&Request::Hold).await?;
    Ok(client)
}

async fn show_task(context: &Context, folder: &Folder, record: &Record) -> Result<(), CliError> {
    let task: TaskDocument = target::ask(context, &entry(folder, record), Request::Task).await?;
    context.print(&text::task(&task, context.style(), context.width()));
    if context.terminal.stdin {
        context.print(&text::shell_help(context.style(), context.width()));
    }
    Ok(())
}

/// Grades for good, shows the outcome, stops the session. The exit code is the grade's.
pub async fn finish(context: &Context, directories: &Directories, folder: &Folder, format: Format) -> Result<u8, CliError> {
    graded(context, directories, folder, format, false).await.map(|(code, _)| code)
}

/// As [`finish`]; with `keep`, a session whose attempt should be in the history and is not goes on. A script's never does:
/// nobody is there to come back to it. The second value says whether it goes on.
async fn graded(context: &Context, directories: &Directories, folder: &Folder, format: Format, keep: bool) -> Result<(u8, bool), CliError> {
    let record = folder.record()?;
    let outcome: OutcomeDocument = target::ask(context, &entry(folder, &record), Request::Finish { record: true }).await?;
    match format {
        Format::Json => context.print_json(&outcome)?,
        Format::Text => context.print(&text::outcome(&outcome, context.style(), context.width())),
    }
    let code = exit_code(&outcome.check.report);
    if keep && outcome.not_recorded.is_some() && outcome.check.report.outcome != Outcome::NotGraded {
        return Ok((code, true));
    }
    Client::stop(folder).await?;
    folder.remove(directories)?;
    Ok((code, false))
}

fn entry(folder: &Folder, record: &Record) -> Entry {
    Entry { folder: folder.clone(), record: Some(record.clone()), live: true }
}
