//! The life of a session's process: up, ready, serving, down.

use std::io::Write;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::attempt::Attempt;
use super::engine::{Engine, Start};
use super::service::Practice;
use super::{existing, kind};
use crate::backend::Backend;
use crate::backend::existing::Options;
use crate::backend::kind::KindOptions;
use crate::cli::catalog;
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::content::Bindings;
use crate::session::launch::Notice;
use crate::session::server::{Ended, Socket};
use crate::session::{Directories, Folder, Record, protocol};

/// How long a session that nobody is connected to stays awake, when a shell once belonged to it.
const GRACE: Duration = Duration::from_secs(60 * 60);
/// The same for one that was started with `--detach`: kubectl alone does not connect to the session.
const GRACE_DETACHED: Duration = Duration::from_secs(24 * 60 * 60);

/// What to serve.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The session.
    pub session: String,
    /// What to start; `None` brings back what the folder holds.
    pub start: Option<StartPlan>,
    /// Overrides the grace period.
    pub idle: Option<Duration>,
    /// The user's choices for kind.
    pub kind: KindOptions,
    /// The user's own cluster, where that is the backend.
    pub existing: Option<Options>,
}

/// What to start.
#[derive(Clone, Debug)]
pub struct StartPlan {
    /// Scenario.
    pub scenario: String,
    /// Seed.
    pub seed: u64,
    /// Hidden variables, `name=value`.
    pub variant: Vec<String>,
    /// Variables of an earlier attempt, by value.
    pub bindings: Bindings,
    /// Backend.
    pub backend: String,
    /// No shell belongs to it.
    pub detached: bool,
    /// The user's own content.
    pub content: Option<PathBuf>,
}

/// Serves a session until it is stopped, put to sleep, or terminated. Failures before it is ready go to the readiness pipe.
pub async fn serve(plan: Plan, context: &Context) -> Result<(), CliError> {
    // A session of its own: neither the terminal's Ctrl-C nor its hang-up is for us. It fails only for a group's leader,
    // which a freshly started child is not.
    let _ = nix::unistd::setsid();
    // Everything that this process writes is its owner's alone.
    nix::sys::stat::umask(nix::sys::stat::Mode::from_bits_truncate(0o077));
    let prepared = tokio::select! {
        biased;
        () = interrupted() => Err(abandon(&plan, context).await),
        prepared = prepare(&plan, context) => prepared,
    };
    match prepared {
        Ok((practice, socket, lock)) => {
            if say(&Notice::Ready).is_err() {
                // Whoever started us is gone: nobody would know of a new session. One that was woken goes back to sleep.
                return if plan.start.is_some() { over(&practice).await } else { Ok(()) };
            }
            let result = up(practice, socket, plan.idle).await;
            drop(lock);
            result
        }
        Err(error) => {
            let (message, next) = error.in_one_line();
            let _ = say(&Notice::Failed { message, next, code: error.code() });
            Err(error)
        }
    }
}

/// Resolves when the process that started us wants us to give up.
async fn interrupted() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => {
            terminate.recv().await;
        }
        Err(_) => std::future::pending().await,
    }
}

/// Removes what was being made outside the session's folder.
async fn abandon(plan: &Plan, context: &Context) -> CliError {
    let removed = async {
        let directories = Directories::from_environment()?;
        match plan.start.as_ref().and_then(|start| start.backend.parse().ok()).unwrap_or_default() {
            Backend::Kind => kind::hosts(context, &directories).await?.abandon(plan.kind.keep).await?,
            Backend::Existing => {
                let folder = Folder::at(directories.sessions().join(&plan.session));
                existing::remove(&existing::reconnect(&folder, context.wall()).await?).await;
            }
            Backend::Embedded => {}
        }
        Ok::<_, CliError>(())
    };
    match removed.await {
        Ok(()) => CliError::environment("interrupted"),
        Err(error) => error,
    }
}

async fn prepare(plan: &Plan, context: &Context) -> Result<(Practice, Socket, crate::session::folder::Lock), CliError> {
    let directories = Directories::from_environment()?;
    let folder = Folder::at(directories.sessions().join(&plan.session));
    let lock = folder
        .lock()?
        .ok_or_else(|| CliError::environment(format!("session {} is served by another process", plan.session)).hint("`ckaprep status`"))?;
    let progress = |message: &str| {
        // The other end may have been killed; that is noticed when we are ready.
        let _ = say(&Notice::Progress { message: message.to_owned() });
    };
    let before = if plan.start.is_some() { None } else { Some(folder.record()?) };
    let content = plan.start.as_ref().map_or_else(|| before.as_ref().and_then(|r| r.content.clone()), |start| start.content.clone());
    let scenario = plan.start.as_ref().map(|start| start.scenario.as_str()).or(before.as_ref().map(|record| record.scenario.as_str()));
    let catalog = catalog::load_for(scenario.unwrap_or_default(), content.as_deref(), context)?;
    let now = context.now();
    let (engine, attempt) = match &plan.start {
        Some(start) => {
            let exercise = Arc::clone(&catalog::scenario(&catalog, &start.scenario)?.exercise);
            let shelf = context.shelf();
            let (journal, handover) = (folder.journal(), folder.handover());
            let wanted =
                Start { exercise, seed: start.seed, variant: &start.variant, bindings: &start.bindings, journal, handover, now, shelf };
            let engine = match start.backend.parse().unwrap_or_default() {
                Backend::Kind => {
                    let hosts = kind::hosts(context, &directories).await?;
                    Engine::start_on_kind(catalog, wanted, &hosts, &plan.kind, &folder, &progress).await?
                }
                Backend::Existing => {
                    let options = plan.existing.as_ref().ok_or_else(|| CliError::bug("a session without its cluster's name"))?;
                    let cluster = existing::connect(options, &folder, context.wall()).await?;
                    Engine::start_on_existing(catalog, wanted, cluster, &folder, &progress).await?
                }
                Backend::Embedded => Engine::start(catalog, wanted, &progress).await?,
            };
            let attempt = Attempt::new(engine.instance().record(), context.now());
            (engine, attempt)
        }
        None => {
            progress("bringing the cluster back");
            let attempt = Attempt::resume(&folder, now)?;
            let port = before.as_ref().and_then(|record| record.server.rsplit(':').next()?.parse().ok());
            let backend = before.as_ref().and_then(|record| record.backend.parse().ok()).unwrap_or_default();
            let engine = match backend {
                Backend::Kind => {
                    let hosts = kind::hosts(context, &directories).await?;
                    Engine::recover_on_kind(catalog, &attempt.instance, &hosts, &folder, &progress).await?
                }
                Backend::Existing => {
                    let cluster = existing::reconnect(&folder, context.wall()).await?;
                    Engine::recover_on_existing(catalog, &attempt.instance, cluster, &folder)?
                }
                Backend::Embedded => Engine::recover(catalog, &attempt.instance, &folder, now, port).await?,
            };
            (engine, attempt)
        }
    };
    folder.write("kubeconfig", engine.kubeconfig().as_bytes())?;
    attempt.save(&folder, now)?;
    let socket_path = folder.socket(&directories);
    let socket =
        Socket::bind(&socket_path).map_err(|e| CliError::environment(format!("cannot listen on {}", socket_path.display())).because(e))?;
    let record = record(plan, before, &folder, socket_path, &engine, &attempt)?;
    folder.write_record(&record)?;
    let practice = Practice {
        context: *context,
        directories,
        folder,
        record,
        engine,
        attempt: Mutex::new(attempt),
        busy: tokio::sync::Mutex::new(()),
    };
    Ok((practice, socket, lock))
}

fn record(
    plan: &Plan,
    before: Option<Record>,
    folder: &Folder,
    socket: PathBuf,
    engine: &Engine,
    attempt: &Attempt,
) -> Result<Record, CliError> {
    let instance = engine.instance();
    let (pid, server) = (std::process::id(), engine.server());
    if let Some(before) = before {
        // Containers that were started again may have other addresses.
        return Ok(Record { pid, socket, server, nodes: engine.nodes(), ..before });
    }
    let start = plan.start.as_ref();
    Ok(Record {
        protocol: protocol::VERSION,
        id: folder.id(),
        scenario: instance.exercise.id.clone(),
        title: instance.title()?,
        seed: instance.seed,
        backend: start.map_or_else(String::new, |s| s.backend.clone()),
        started: attempt.started,
        pid,
        socket,
        server,
        nodes: engine.nodes(),
        detached: start.is_some_and(|s| s.detached),
        content: start.and_then(|s| s.content.clone()),
    })
}

async fn up(practice: Practice, socket: Socket, idle: Option<Duration>) -> Result<(), CliError> {
    let grace = idle.unwrap_or(if practice.record.detached { GRACE_DETACHED } else { GRACE });
    let practice = Arc::new(practice);
    let ended =
        socket.serve(Arc::clone(&practice), grace).await.map_err(|e| CliError::environment("the session's socket failed").because(e))?;
    match ended {
        Ended::Stopped => over(&practice).await?,
        // The journal is there: `ckaprep attach` goes on from here.
        Ended::Idle | Ended::Signalled => practice.save()?,
    }
    Ok(())
}

/// Ends a session for good: its cluster is given back, what it made on somebody's cluster is removed, and it is forgotten.
async fn over(practice: &Practice) -> Result<(), CliError> {
    kind::release(practice.engine.cluster());
    if let Some(cluster) = practice.engine.cluster().existing() {
        existing::remove(cluster).await;
    }
    Ok(practice.folder.remove(&practice.directories)?)
}

/// Says one line on the readiness pipe.
fn say(notice: &Notice) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    serde_json::to_writer(&mut out, notice)?;
    writeln!(out)?;
    out.flush()
}
