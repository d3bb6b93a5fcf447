//! `ckaprep doctor`: what this machine has, and whether anything stands in the way.

use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;

use crate::backend::host_command::HostPrograms;
use crate::backend::kind::{Examined, Fitness, HostSettings, examine};
use crate::cli::context::{Context, Format};
use crate::cli::error::CliError;
use crate::cli::kind_args::KindArgs;
use crate::content::Catalog;
use crate::render::document::{DoctorDocument, FindingDocument, Health};
use crate::render::text;
use crate::session::shell::{Program, find};
use crate::session::{Directories, private, registry};
use crate::store::{self, Trouble};
use crate::tui::editor;

/// Options of `ckaprep doctor`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    kind: KindArgs,
    /// How to print the result
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Prints findings; 3 if something will not work.
pub fn run(args: Args, context: &Context) -> Result<u8, CliError> {
    let mut findings = vec![content(), shell(), kubectl(), editors(), network()];
    findings.extend(kind(&args.kind, context)?);
    match Directories::from_environment() {
        Ok(directories) => {
            findings.push(state(&directories));
            findings.push(history(&directories, context));
            findings.push(sessions(&directories));
        }
        Err(error) => findings.push(bad("state", error.to_string(), error.hint().unwrap_or_default())),
    }
    let broken = findings.iter().any(|f| f.health == Health::Bad);
    let document = DoctorDocument { version: env!("CARGO_PKG_VERSION").to_owned(), findings };
    match args.format {
        Format::Json => context.print_json(&document)?,
        Format::Text => context.print(&text::doctor(&document, context.style(), context.width())),
    }
    Ok(if broken { 3 } else { 0 })
}

/// What the kind backend needs. Nothing of it keeps the embedded cluster from working, so a lack without which kind cannot work is bad
/// only where its runtime is there.
fn kind(args: &KindArgs, context: &Context) -> Result<Vec<FindingDocument>, CliError> {
    let settings = HostSettings::from_environment();
    let examined = context.block_on(async { Ok(examine(Arc::new(HostPrograms), &settings, args.image(), Path::new("/")).await) })?;
    let health = |fitness| match fitness {
        Fitness::Good => Health::Good,
        Fitness::Remark => Health::Remark,
        Fitness::Bad => Health::Bad,
    };
    let finding = |e: Examined| FindingDocument { subject: e.subject.to_owned(), health: health(e.fitness), found: e.found, next: e.next };
    Ok(examined.into_iter().map(finding).collect())
}

fn good(subject: &str, found: impl Into<String>) -> FindingDocument {
    FindingDocument { subject: subject.into(), health: Health::Good, found: found.into(), next: None }
}

fn remark(subject: &str, found: impl Into<String>, next: impl Into<String>) -> FindingDocument {
    FindingDocument { subject: subject.into(), health: Health::Remark, found: found.into(), next: Some(next.into()) }
}

fn bad(subject: &str, found: impl Into<String>, next: impl Into<String>) -> FindingDocument {
    FindingDocument { subject: subject.into(), health: Health::Bad, found: found.into(), next: Some(next.into()) }
}

fn content() -> FindingDocument {
    match Catalog::built_in() {
        Ok(catalog) => good("content", format!("{} scenarios, {} questions", catalog.scenarios().count(), catalog.questions().count())),
        Err(error) => bad("content", error.to_string(), "this build is broken: build ckaprep again"),
    }
}

fn shell() -> FindingDocument {
    match Program::choose(true) {
        Ok(program) => good("practice shell", program.path.display().to_string()),
        Err(error) => bad("practice shell", error.to_string(), "install bash; --detach works without"),
    }
}

fn kubectl() -> FindingDocument {
    match find::on_path("kubectl", None) {
        Some(path) => good("kubectl", path.display().to_string()),
        None => good("kubectl", "not on the PATH; the built-in one stands in"),
    }
}

fn editors() -> FindingDocument {
    match editor::command() {
        Some(command) => good("editor", command),
        None => remark("editor", "none found", "set EDITOR, or install vi or nano, to edit files on nodes"),
    }
}

fn network() -> FindingDocument {
    match TcpListener::bind(("127.0.0.1", 0)) {
        Ok(_) => good("network", "ports on 127.0.0.1 can be opened"),
        Err(error) => bad("network", format!("no port on 127.0.0.1 can be opened: {error}"), "allow this program to listen on 127.0.0.1"),
    }
}

fn state(directories: &Directories) -> FindingDocument {
    let path = directories.state();
    match writable(directories) {
        Ok(()) => good("state", path.display().to_string()),
        Err(error) => bad(
            "state",
            format!("{} cannot be written: {error}", path.display()),
            "check permissions and free space, or name another directory with CKAPREP_STATE_DIR",
        ),
    }
}

fn writable(directories: &Directories) -> std::io::Result<()> {
    private::directory(&directories.sessions())?;
    let probe = directories.state().join(format!(".probe-{}", std::process::id()));
    private::write(&probe, b"probe").and_then(|()| std::fs::remove_file(&probe))
}

fn history(directories: &Directories, context: &Context) -> FindingDocument {
    let path: &Path = &directories.history();
    if !path.exists() {
        return good("history", "nothing recorded yet");
    }
    match store::open(path, context.now()).map(|opened| opened.trouble) {
        Ok(None) => good("history", path.display().to_string()),
        Ok(Some(trouble @ Trouble::PutAside { .. })) => remark("history", trouble.to_string(), "nothing: practice goes on"),
        Ok(Some(trouble)) => bad("history", trouble.to_string(), "make the file writable, or free some space"),
        Err(error) => bad("history", error.to_string(), "move the file away"),
    }
}

fn sessions(directories: &Directories) -> FindingDocument {
    let entries = registry::sessions(directories);
    let live = entries.iter().filter(|entry| entry.live).count();
    let asleep = entries.len() - live;
    let found = format!("{live} running, {asleep} asleep");
    if asleep > 0 {
        remark("sessions", found, "`ckaprep status` lists them, `ckaprep stop ID` removes one")
    } else {
        good("sessions", found)
    }
}
