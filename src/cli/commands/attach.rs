//! `ckaprep attach`: join a session from another terminal, or bring one back whose process is gone.

use crate::cli::complete;
use crate::cli::context::{Context, Format};
use crate::cli::error::CliError;
use crate::cli::practice::{self, Leaving};
use crate::session::{launch, registry};
use crate::tui::progress::Progress;

/// Options of `ckaprep attach`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The session; not needed when there is only one
    #[arg(value_name = "SESSION", add = complete::sessions())]
    session: Option<String>,
    /// Read your own shell's start-up file first
    #[arg(long)]
    my_shell: bool,
}

/// Opens the practice shell of a session that exists.
pub fn run(args: Args, context: &Context) -> Result<u8, CliError> {
    let directories = context.directories()?;
    let entry = registry::find(&directories, args.session.as_deref())?;
    context.block_on(async {
        let mut leaving = Leaving::GoesOn;
        let record = match entry.record {
            Some(record) if entry.live => record,
            _ => {
                let progress = Progress::new(context.terminal);
                progress.say("bringing the cluster back from its journal", None);
                leaving = Leaving::Ask;
                launch::wake(&directories, &entry.folder, &mut |message| progress.say(message, None)).await?
            }
        };
        if leaving == Leaving::Ask {
            context.note(&format!("session {}: the cluster is back as it was", record.id));
        }
        // In a practice shell of this session another one inside it would only have to be left twice.
        if std::env::var("CKAPREP_SESSION").is_ok_and(|inside| inside == record.id) {
            context.note("This is its practice shell: go on here. `ckaprep task` shows the task.");
            return Ok(0);
        }
        practice::run(
            context,
            &directories,
            &entry.folder,
            &record,
            practice::Options { my_shell: args.my_shell, leaving, format: Format::Text },
        )
        .await
    })
}
