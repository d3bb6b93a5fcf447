//! `ckaprep session-serve` (hidden): the session's own process.

use std::path::PathBuf;
use std::time::Duration;

use crate::backend::Backend;
use crate::backend::kind::KindOptions;
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::serve::run::StartPlan;
use crate::cli::serve::{Plan, serve};

/// Options of the session's process. All that it knows it knows from here and from the environment.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The session, whose folder exists
    #[arg(long)]
    session: String,
    /// Bring back what the folder holds
    #[arg(long, conflicts_with_all = ["scenario", "seed", "variant", "bindings", "backend", "detached", "content"])]
    recover: bool,
    /// Scenario
    #[arg(long, required_unless_present = "recover")]
    scenario: Option<String>,
    /// Seed
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Hidden variables
    #[arg(long)]
    variant: Vec<String>,
    /// Variables, as a JSON object
    #[arg(long)]
    bindings: Option<String>,
    /// Backend
    #[arg(long, default_value = "embedded")]
    backend: String,
    /// No shell belongs to it
    #[arg(long)]
    detached: bool,
    /// The user's choices for the backend, as JSON
    #[arg(long)]
    backend_options: Option<String>,
    /// The user's own content
    #[arg(long)]
    content: Option<PathBuf>,
    /// Seconds without a connection after which it goes to sleep
    #[arg(long, env = "CKAPREP_IDLE_SECONDS")]
    idle_seconds: Option<u64>,
}

/// Serves.
pub fn run(args: Args, context: &Context) -> Result<u8, CliError> {
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::try_from_env("CKAPREP_LOG").unwrap_or_else(|_| "warn".into()))
        .with_writer(std::io::stderr)
        .with_ansi(false)
        // Its own complaint would go to the same stream and panic there: a full disk must not end the session.
        .log_internal_errors(false)
        .init();
    let bindings = args.bindings.as_deref().map(serde_json::from_str).transpose();
    let bindings = bindings.map_err(|e| CliError::usage("--bindings takes a JSON object").because(e))?.unwrap_or_default();
    let start = args.scenario.map(|scenario| StartPlan {
        scenario,
        seed: args.seed,
        variant: args.variant,
        bindings,
        backend: args.backend,
        detached: args.detached,
        content: args.content,
    });
    let existing = start.as_ref().is_some_and(|start| start.backend == Backend::Existing.as_str());
    let (kind, existing) = match (args.backend_options.as_deref(), existing) {
        (Some(text), true) => (KindOptions::default(), Some(backend_options(text)?)),
        (Some(text), false) => (backend_options(text)?, None),
        (None, _) => (KindOptions::default(), None),
    };
    let plan = Plan { session: args.session, start, idle: args.idle_seconds.map(Duration::from_secs), kind, existing };
    context.block_on(serve(plan, context)).map(|()| 0)
}

fn backend_options<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, CliError> {
    serde_json::from_str(text).map_err(|e| CliError::usage("--backend-options takes the backend's options as JSON").because(e))
}
