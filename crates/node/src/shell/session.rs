//! One bash: its variables, functions and working directory live as long as it does.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use bashkit::{
    Bash, Builtin, BuiltinRegistry, CommandResolver, ExecOptions, ExecutionLimits, MemoryLimits, SessionLimits, hooks::HookAction,
};

use super::context::{ShellContext, locked};
use super::external::{ByPath, Constant, External, NotFound, Umask};
use super::files::{EXEC_BY_PATH, ShellFiles};
use super::idle::{Idle, Inside, Simulation};
use super::input::{Read, Readers, whole};
use super::job::{JobsCommand, Kill};
use super::replace;
use super::utility::UTILITIES;
use crate::fs::{Executable, View};
use crate::machine::{DEFAULT_PATH, ExitStatus, Output, ProcessContext, Signal};

/// Words that are bash's own; every other of bashkit's commands must be a file to be found.
const BASH_WORDS: &[&str] = &[
    ".",
    ":",
    "[",
    "alias",
    "bg",
    "break",
    "builtin",
    "caller",
    "cd",
    "command",
    "compgen",
    "complete",
    "compopt",
    "continue",
    "declare",
    "dirs",
    "disown",
    "echo",
    "enable",
    "eval",
    "exec",
    "exit",
    "export",
    "false",
    "fc",
    "fg",
    "getopts",
    "hash",
    "help",
    "history",
    "jobs",
    "let",
    "local",
    "logout",
    "mapfile",
    "popd",
    "printf",
    "pushd",
    "pwd",
    "read",
    "readarray",
    "readonly",
    "return",
    "set",
    "shift",
    "shopt",
    "source",
    "test",
    "times",
    "trap",
    "true",
    "type",
    "typeset",
    "ulimit",
    "unalias",
    "unset",
    "wait",
];

/// A script may loop this often before it is taken for one that never ends and would hold up everything else.
const MAX_LOOPS: usize = 1_000_000;

/// A shell could not be made.
#[derive(Debug, thiserror::Error)]
#[error("cannot start a shell: {0}")]
pub struct SessionError(#[from] std::io::Error);

/// A bash with its state.
pub struct Session {
    pub(super) context: Arc<ShellContext>,
    bash: Bash,
    registry: BuiltinRegistry,
    programs: BTreeSet<String>,
    /// How the last script ended: `$?`.
    last: ExitStatus,
    cancelled: Arc<AtomicBool>,
    idle: Idle,
}

impl Session {
    /// A shell for a process. Must be called on the simulation's runtime.
    pub fn new(process: &ProcessContext, interactive: bool) -> Result<Self, SessionError> {
        let context = Arc::new(ShellContext::of(process, interactive));
        Ok(Self::build(context, process.env.clone(), &process.cwd)?)
    }

    pub(super) fn build(context: Arc<ShellContext>, env: BTreeMap<String, String>, cwd: &str) -> std::io::Result<Self> {
        let idle = Idle::new()?;
        let files = context.files();
        let path = env.get("PATH").cloned().unwrap_or_else(|| DEFAULT_PATH.to_owned());
        let found: BTreeSet<String> = executables(&files, &path).map(|(name, _)| name).collect();
        let present: BTreeSet<&str> = UTILITIES.iter().copied().filter(|name| found.contains(*name)).collect();
        let registry = BuiltinRegistry::new();
        registry.insert_command(EXEC_BY_PATH, ByPath(context.clone()));
        for (name, code) in [("true", 0), (":", 0), ("false", 1)] {
            registry.insert(name, Arc::new(Constant { code, context: context.clone(), calls: AtomicU32::new(0) }));
        }
        registry.insert("umask", Arc::new(Umask(context.clone())));
        registry.insert_command("kill", Kill(context.clone()));
        registry.insert_command("jobs", JobsCommand(context.clone()));
        let name = context.name.clone();
        let user = crate::machine::Users::of(&files).user_name(context.who.uid);
        let exited = context.clone();
        let before = Read::install(&context, &registry);
        let limits = ExecutionLimits::cli()
            .max_work_units(u64::MAX)
            .max_aggregate_input_bytes(u64::MAX)
            .max_live_intermediate_bytes(256_000_000)
            .max_loop_iterations(MAX_LOOPS)
            .max_total_loop_iterations(MAX_LOOPS)
            .max_stdout_bytes(256_000_000)
            .max_stderr_bytes(16_000_000);
        let mut builder = Bash::builder()
            .fs(Arc::new(ShellFiles(context.clone())))
            .rootfs(false)
            .follow_symlinks(false)
            .limits(limits)
            .session_limits(SessionLimits::unlimited())
            .memory_limits(MemoryLimits::default())
            .builtin_filter(move |name| BASH_WORDS.contains(&name) || present.contains(name))
            .builtin_registry(registry.clone())
            .command_resolver(Arc::new(Missing(name)))
            .username(user)
            .hostname(context.machine.name())
            .cwd(PathBuf::from(cwd))
            .before_tool(before)
            .before_tool(replace::hook(&context))
            .on_exit(Box::new(move |event| {
                *locked(&exited.exited) = Some(event.code & 0xff);
                HookAction::Continue(event)
            }));
        for (name, value) in env {
            builder = builder.env(name, value);
        }
        let mut bash = builder.build();
        bash.set_interactive(context.interactive);
        let cancelled = bash.cancellation_token();
        Ok(Self { context, bash, registry, programs: BTreeSet::new(), last: ExitStatus::SUCCESS, cancelled, idle })
    }

    /// Registers every program in the directories of `PATH`, and forgets those that are gone.
    fn find_programs(&mut self) {
        let files = self.context.files();
        let path = self.variable("PATH").unwrap_or_else(|| DEFAULT_PATH.to_owned());
        let programs = executables(&files, &path).filter(|(_, found)| matches!(found, Executable::Program(_))).map(|(name, _)| name);
        let own = |name: &str| UTILITIES.contains(&name) || SHELL_OWN.contains(&name);
        let found: BTreeSet<String> = programs.filter(|name| !own(name)).collect();
        for name in self.programs.difference(&found) {
            self.registry.remove(name);
        }
        for name in found.difference(&self.programs) {
            self.registry.insert_command(name.clone(), External(self.context.clone()));
        }
        self.programs = found;
    }

    /// A variable's value.
    pub fn variable(&self, name: &str) -> Option<String> {
        let view = self.bash.shell_state();
        view.variables.get(name).or_else(|| view.env.get(name)).cloned()
    }

    /// Working directory.
    pub fn cwd(&self) -> String {
        self.bash.shell_state().cwd.to_string_lossy().into_owned()
    }

    /// Exported variables.
    pub(super) fn environment(&self) -> BTreeMap<String, String> {
        self.bash.shell_state().env.into_iter().collect()
    }

    /// Names of aliases and functions, for completion.
    pub(super) fn own_words(&self) -> Vec<String> {
        let state = self.bash.shell_state();
        state.aliases.keys().cloned().chain(self.programs.iter().cloned()).collect()
    }

    /// The code given to `exit`, if it was called.
    pub fn exited(&self) -> Option<i32> {
        *locked(&self.context.exited)
    }

    /// What ends the running script from outside.
    pub(super) fn interrupter(&self) -> Interrupter {
        Interrupter { cancelled: self.cancelled.clone(), context: self.context.clone() }
    }

    /// Runs a script whose commands may read the shell's own input.
    pub(super) async fn run_reading(&mut self, script: &str, options: ExecOptions, stdout: &Output, stderr: &Output) -> ExitStatus {
        let mut readers = Readers::of(script);
        *locked(&self.context.fed) = std::mem::take(&mut readers.fed);
        let mut options = options;
        if readers.whole {
            let stdin = self.context.stdin.clone();
            match whole(&self.context, &stdin).await {
                Some(bytes) => options = options.stdin(bytes),
                None => {
                    self.last = ExitStatus::Signal(Signal::Int);
                    return self.last;
                }
            }
        }
        let (files, path) = (self.context.files(), self.variable("PATH").unwrap_or_else(|| DEFAULT_PATH.to_owned()));
        readers.utilities.retain(|name| files.which(name, &path).is_some());
        for name in &readers.utilities {
            self.registry.insert_command(*name, External(self.context.clone()));
        }
        let status = self.run(script, options, stdout, stderr).await;
        for name in &readers.utilities {
            self.registry.remove(name);
        }
        status
    }

    /// Runs a script with its output going out as it comes.
    pub async fn run(&mut self, script: &str, options: ExecOptions, stdout: &Output, stderr: &Output) -> ExitStatus {
        self.find_programs();
        self.cancelled.store(false, Ordering::Relaxed);
        Read::restore(&self.context, &self.registry);
        self.context.expect_execs(script);
        stderr.clone_into(&mut locked(&self.context.stderr));
        let (out, err) = (stdout.clone(), stderr.clone());
        let simulation = self.context.simulation.clone();
        let script = carrying(self.last, script);
        let execution = self
            .bash
            .execute(&script)
            .options(options)
            .stdout_fn(sink(simulation.clone(), out))
            .stderr_fn(sink(simulation.clone(), err))
            .into_future();
        let result = self.idle.run(&simulation, execution).await;
        let cancelled = self.cancelled.swap(false, Ordering::Relaxed);
        let status = match result {
            Ok(result) => ExitStatus::from(self.exited().unwrap_or(result.exit_code)),
            Err(_) if cancelled => ExitStatus::Signal(Signal::Int),
            Err(bashkit::Error::Cancelled) => ExitStatus::Signal(Signal::Int),
            Err(bashkit::Error::Io(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => ExitStatus::Signal(Signal::Pipe),
            Err(error) => {
                let _ = stderr.line(format!("{}: {error}", self.context.name)).await;
                ExitStatus::Code(2)
            }
        };
        self.last = status;
        status
    }
}

/// The script with `$?` as the one before left it: bashkit begins every script with 0.
fn carrying(last: ExitStatus, script: &str) -> Cow<'_, str> {
    if last.success() || !(script.contains("$?") || script.contains("${?") || script.trim() == "exit") {
        return Cow::Borrowed(script);
    }
    Cow::Owned(format!("(exit {}); {script}", last.code()))
}

/// Programs whose name is a word of our shell.
const SHELL_OWN: &[&str] = &["kill", "bash", "sh"];

/// What the directories of a `PATH` have that may be executed.
fn executables(files: &View, path: &str) -> impl Iterator<Item = (String, Executable)> {
    path.split(':').filter(|dir| !dir.is_empty()).flat_map(|dir| files.executables(dir))
}

fn sink(
    simulation: Simulation,
    output: Output,
) -> impl FnMut(Vec<u8>) -> Inside<futures::future::BoxFuture<'static, bashkit::Result<()>>> + Send {
    move |bytes| {
        let output = output.clone();
        let write: futures::future::BoxFuture<'static, bashkit::Result<()>> =
            Box::pin(async move { output.write(bytes).await.map_err(|_| std::io::Error::from(std::io::ErrorKind::BrokenPipe).into()) });
        simulation.run(write)
    }
}

/// Ends what a session runs.
#[derive(Clone)]
pub(super) struct Interrupter {
    cancelled: Arc<AtomicBool>,
    context: Arc<ShellContext>,
}

impl Interrupter {
    pub(super) fn interrupt(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
        self.context.signal_foreground(Signal::Int);
    }
}

struct Missing(String);

impl CommandResolver for Missing {
    fn resolve(&self, name: &str) -> Option<Arc<dyn Builtin>> {
        Some(Arc::new(NotFound { shell: self.0.clone(), name: name.to_owned() }))
    }
}
