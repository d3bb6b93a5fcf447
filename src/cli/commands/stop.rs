//! `ckaprep stop`: end a session and remove what it made.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::cli::complete;
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::serve::existing;
use crate::session::registry::{self, Entry};
use crate::session::{Client, Directories};

/// Options of `ckaprep stop`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The session; not needed inside its shell, or when there is only one
    #[arg(value_name = "SESSION", add = complete::sessions())]
    session: Option<String>,
    /// All sessions
    #[arg(long, conflicts_with = "session")]
    all: bool,
    /// Kill a process that does not answer
    #[arg(long)]
    force: bool,
}

/// Stops without grading.
pub fn run(args: Args, context: &Context) -> Result<u8, CliError> {
    let directories = context.directories()?;
    let inside = std::env::var("CKAPREP_SESSION").ok().filter(|id| !id.is_empty());
    let entries = match (args.all, args.session.or(inside)) {
        (true, _) => registry::sessions(&directories),
        (false, Some(id)) if args.force => {
            // A damaged or foreign record must not keep its folder.
            registry::sessions(&directories).into_iter().filter(|entry| entry.folder.id() == id).collect()
        }
        (false, id) => vec![registry::find(&directories, id.as_deref())?],
    };
    context.block_on(async {
        for entry in entries {
            stop(&directories, &entry, args.force, context).await?;
            context.print(&format!("stopped {}\n", entry.folder.id()));
        }
        Ok(0)
    })
}

async fn stop(directories: &Directories, entry: &Entry, force: bool, context: &Context) -> Result<(), CliError> {
    if entry.live && force {
        // The lock is held, so the pid of the record is that process and no other.
        if let Some(pid) = entry.record.as_ref().and_then(|r| i32::try_from(r.pid).ok()).filter(|pid| *pid > 1) {
            let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
        }
    } else if entry.live {
        Client::stop(&entry.folder).await?;
        return Ok(entry.folder.remove(directories)?);
    }
    // Nobody else will remove what it made on the user's own cluster.
    existing::remove_left(&entry.folder, context).await?;
    Ok(entry.folder.remove(directories)?)
}
