//! Programs: what the executables in the trees do.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;

use component::{Klog, Origin};
use futures::future::BoxFuture;

use super::child::ExitStatus;
use super::process::Pid;
use super::running::Machine;
use super::signal::Signals;
use super::stdio::{Input, Output, Terminal};
use crate::fs::View;

/// All that a program is given.
pub struct ProcessContext {
    /// The machine that it runs on.
    pub machine: Arc<Machine>,
    /// Its number.
    pub pid: Pid,
    /// Arguments, the name first.
    pub argv: Vec<String>,
    /// Environment.
    pub env: BTreeMap<String, String>,
    /// Working directory.
    pub cwd: String,
    /// Its files, with its credentials.
    pub files: View,
    /// Standard input.
    pub stdin: Input,
    /// Standard output.
    pub stdout: Output,
    /// Standard error.
    pub stderr: Output,
    /// Signals.
    pub signals: Signals,
    /// Where its connections start.
    pub origin: Origin,
    /// Terminal that it is attached to.
    pub terminal: Option<Arc<Terminal>>,
    /// systemd unit.
    pub unit: Option<String>,
    /// Container.
    pub container: Option<String>,
    /// It ran before this machine was brought to life from data: nothing is announced or initialised a second time.
    pub resumed: bool,
}

impl ProcessContext {
    /// `path` seen from the working directory.
    pub fn path(&self, path: &str) -> String {
        View::absolute(&self.cwd, path)
    }

    /// Whether the file that runs is this one: a program that two packages have in two places can tell whose it is.
    pub fn is_file(&self, path: &str) -> bool {
        self.machine.read(|state| state.processes.get(&self.pid).is_some_and(|process| process.exe == path))
    }

    /// The log of a Go component, on its standard error.
    pub fn klog(&self) -> Klog {
        // A container's main program is number 1 of its own process namespace.
        let pid = if self.container.is_some() { 1 } else { self.pid };
        let stderr = self.stderr.clone();
        Klog::new(self.machine.clock(), pid, Arc::new(move |line| stderr.write_now(format!("{line}\n").as_bytes())))
    }

    /// Tells systemd that the start-up is complete (`sd_notify(3)`, for `Type=notify`).
    pub fn notify_ready(&self) {
        self.machine.notify_ready(self.pid);
    }
}

/// A program. Implemented for `async fn(ProcessContext) -> ExitStatus`.
pub trait Program: Send + Sync + 'static {
    /// Runs to its end. Being dropped is being killed.
    fn run(&self, context: ProcessContext) -> BoxFuture<'static, ExitStatus>;
}

impl<F, Fut> Program for F
where
    F: Fn(ProcessContext) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = ExitStatus> + Send + 'static,
{
    fn run(&self, context: ProcessContext) -> BoxFuture<'static, ExitStatus> {
        Box::pin(self(context))
    }
}

/// The program table: names in executables to what they do.
#[derive(Clone, Default)]
pub struct Programs(BTreeMap<String, Arc<dyn Program>>);

impl Programs {
    /// An empty table.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds (or replaces) a program.
    pub fn register(&mut self, name: impl Into<String>, program: impl Program) {
        self.0.insert(name.into(), Arc::new(program));
    }

    /// The program of that name.
    pub fn get(&self, name: &str) -> Option<Arc<dyn Program>> {
        self.0.get(name).cloned()
    }
}
