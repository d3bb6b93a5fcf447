//! What a shell's commands and files share.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use component::Origin;
use tokio::sync::Notify;

use super::idle::Simulation;
use super::job::Jobs;
use crate::fs::{Credentials, Namespace, View};
use crate::machine::{Input, Machine, Output, Pid, ProcessContext, Signal, StdioSpec, Terminal};

/// A shell's place on its machine.
pub(super) struct ShellContext {
    pub(super) machine: Arc<Machine>,
    /// The simulation's runtime.
    pub(super) simulation: Simulation,
    pub(super) pid: Pid,
    /// `bash`, `sh`, `-bash`: how it calls itself in errors.
    pub(super) name: String,
    pub(super) namespace: Arc<Namespace>,
    pub(super) who: Credentials,
    pub(super) origin: Origin,
    pub(super) unit: Option<String>,
    pub(super) container: Option<String>,
    pub(super) terminal: Option<Arc<Terminal>>,
    pub(super) stdin: Input,
    /// Where the script being run writes its errors.
    pub(super) stderr: Mutex<Output>,
    /// Commands of the script being run whose input is a pipe or a file, even an empty one, and not the shell's.
    pub(super) fed: Mutex<BTreeSet<String>>,
    /// Told of every Ctrl-C.
    pub(super) interrupted: Notify,
    pub(super) interactive: bool,
    /// Whether the line being executed writes to the terminal (and not into a pipe or file).
    pub(super) on_terminal: AtomicBool,
    pub(super) umask: Mutex<u32>,
    foreground: Mutex<BTreeSet<Pid>>,
    pub(super) jobs: Mutex<Jobs>,
    /// Exit code that `exit` was given.
    pub(super) exited: Mutex<Option<i32>>,
    /// What the script being run gives the shell's process to.
    pub(super) execs: Mutex<BTreeSet<String>>,
    /// Whether the next command takes the shell's place.
    pub(super) replacing: AtomicBool,
}

/// A shell inside a shell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Nested {
    pub(super) who: Credentials,
    pub(super) login: bool,
}

impl ShellContext {
    pub(super) fn of(context: &ProcessContext, interactive: bool) -> Self {
        let name = context.argv.first().map_or("sh", String::as_str);
        Self {
            machine: context.machine.clone(),
            simulation: Simulation::current(),
            pid: context.pid,
            name: name.trim_start_matches('-').rsplit('/').next().unwrap_or(name).to_owned(),
            namespace: context.files.namespace().clone(),
            who: context.files.credentials(),
            origin: context.origin.clone(),
            unit: context.unit.clone(),
            container: context.container.clone(),
            terminal: context.terminal.clone(),
            stdin: context.stdin.clone(),
            stderr: Mutex::new(context.stderr.clone()),
            fed: Mutex::default(),
            interrupted: Notify::new(),
            interactive,
            on_terminal: AtomicBool::new(context.terminal.is_some()),
            umask: Mutex::new(context.files.umask()),
            foreground: Mutex::default(),
            jobs: Mutex::default(),
            exited: Mutex::default(),
            execs: Mutex::default(),
            replacing: AtomicBool::new(false),
        }
    }

    pub(super) fn files(&self) -> View {
        let umask = *locked(&self.umask);
        self.machine.view(self.namespace.clone(), self.who).with_umask(umask)
    }

    /// Starts a command as this shell's child.
    pub(super) fn command(&self, argv: Vec<String>, env: BTreeMap<String, String>, cwd: &str) -> crate::machine::Command {
        let mut command = crate::machine::Command::new(argv);
        command.env = env;
        cwd.clone_into(&mut command.cwd);
        command.who = self.who;
        command.umask = *locked(&self.umask);
        command.namespace = self.namespace.clone();
        command.origin = Some(self.origin.clone());
        command.parent = self.pid;
        command.unit.clone_from(&self.unit);
        command.container.clone_from(&self.container);
        command.stdio = StdioSpec::Attached;
        command.terminal = self.terminal.clone().filter(|_| self.on_terminal.load(Ordering::Relaxed));
        command
    }

    pub(super) fn foreground(&self) -> MutexGuard<'_, BTreeSet<Pid>> {
        locked(&self.foreground)
    }

    /// Ctrl-C: INT to what runs in the foreground.
    pub(super) fn signal_foreground(&self, signal: Signal) {
        self.interrupted.notify_waiters();
        let pids: Vec<Pid> = self.foreground().iter().copied().collect();
        for pid in pids {
            let _ = self.machine.kill(pid, signal);
        }
    }
}

pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
