//! `ckaprep status`: the sessions and where they stand.

use crate::cli::context::{Context, Format};
use crate::cli::error::CliError;
use crate::render::document::{SessionState, SessionsDocument, StatusDocument};
use crate::render::text;
use crate::session::protocol::Request;
use crate::session::registry::{self, Entry};

use super::target::ask;

/// Options of `ckaprep status`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only this session
    #[arg(long, value_name = "ID", add = crate::cli::complete::sessions())]
    session: Option<String>,
    /// How to print the result
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Prints all sessions, or one.
pub fn run(args: Args, context: &Context) -> Result<u8, CliError> {
    let directories = context.directories()?;
    let entries = match &args.session {
        Some(id) => vec![registry::find(&directories, Some(id))?],
        None => registry::sessions(&directories),
    };
    context.block_on(async {
        let mut sessions = Vec::new();
        for entry in &entries {
            if let Some(status) = status(context, entry).await {
                sessions.push(status);
            }
        }
        let document = SessionsDocument { sessions };
        match args.format {
            Format::Json => context.print_json(&document)?,
            Format::Text => context.print(&text::sessions(&document, context.style(), context.width())),
        }
        Ok(0)
    })
}

/// The live session's own word, or what its record says. Nothing for one that is being set up.
async fn status(context: &Context, entry: &Entry) -> Option<StatusDocument> {
    let record = entry.record.as_ref()?;
    if entry.live
        && let Ok(status) = ask(context, entry, Request::Status).await
    {
        return Some(status);
    }
    Some(StatusDocument {
        session: record.id.clone(),
        scenario: record.scenario.clone(),
        title: record.title.clone(),
        state: if entry.live { SessionState::Unresponsive } else { SessionState::Asleep },
        seed: record.seed,
        backend: record.backend.clone(),
        kubeconfig: entry.folder.kubeconfig(),
        nodes: record.nodes.iter().map(Into::into).collect(),
        started: record.started,
        elapsed_seconds: None,
        budget_seconds: None,
        hints: None,
        assisted: None,
    })
}
