//! Which session a command is about, and asking it for a document.

use serde::de::DeserializeOwned;

use crate::cli::complete;
use crate::cli::context::{Context, Format};
use crate::cli::error::CliError;
use crate::session::Client;
use crate::session::protocol::Request;
use crate::session::registry::{self, Entry};
use crate::tui::progress::Progress;

/// Options of commands that are about a session.
#[derive(Clone, Debug, clap::Args)]
pub struct SessionArgs {
    /// The session; not needed inside its shell, or when only one is running
    #[arg(long, value_name = "ID", env = "CKAPREP_SESSION", hide_env = true, add = complete::sessions())]
    pub session: Option<String>,
}

impl SessionArgs {
    /// The session that is meant.
    pub fn find(&self, context: &Context) -> Result<Entry, CliError> {
        Ok(registry::find(&context.directories()?, self.session.as_deref())?)
    }
}

/// Options of commands that print one document of a session.
#[derive(Clone, Debug, clap::Args)]
pub struct Target {
    #[command(flatten)]
    session: SessionArgs,
    /// How to print the result
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

impl Target {
    /// The session that is meant.
    pub fn session(&self, context: &Context) -> Result<Entry, CliError> {
        self.session.find(context)
    }
}

/// Asks a session for a document and decodes it; progress is shown meanwhile.
pub async fn ask<T: DeserializeOwned>(context: &Context, entry: &Entry, request: Request) -> Result<T, CliError> {
    let (mut client, _) = Client::connect(&entry.folder).await?;
    let progress = Progress::new(context.terminal);
    let document = client.document(&request, &mut |message, remaining| progress.say(message, remaining)).await?;
    drop(progress);
    for notice in client.take_notices() {
        context.note(&notice);
    }
    let document = document.ok_or_else(|| CliError::bug("the session answered without a result"))?;
    serde_json::from_value(document).map_err(|e| CliError::bug("the session's answer could not be understood").because(e))
}
