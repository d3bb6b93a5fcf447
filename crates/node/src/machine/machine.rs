//! A machine that lives: the data, and a task for each process in its table.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use component::watch;
use component::{Clock, Origin};
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use super::child::{Child, ExecError, ExitStatus};
use super::command::{Command, DEFAULT_PATH};
use super::process::{Pid, Process, RunState, StdioSpec};
use super::program::{ProcessContext, Program, Programs};
use super::resources::Usage;
use super::shared::Shared;
use super::signal::{Signal, Signals};
use super::state::MachineState;
use super::stdio::{Input, Output};
use super::task::Stoppable;
use crate::fs::{Credentials, Errno, Executable, Namespace, View};
use crate::journal::Entry;
use crate::network::Network;
use crate::systemd::Systemd;

/// What a machine is given.
#[derive(Clone)]
pub struct MachineEnv {
    /// The time.
    pub clock: Clock,
    /// The network that it is attached to.
    pub network: Arc<Network>,
    /// What its executables do.
    pub programs: Arc<Programs>,
}

/// A living machine. Its tasks run on the runtime that it was started on.
pub struct Machine {
    shared: Arc<Shared>,
    env: MachineEnv,
    running: Mutex<BTreeMap<Pid, Running>>,
    systemd: Systemd,
    ready: watch::Sender<BTreeSet<Pid>>,
    me: Weak<Machine>,
}

/// The living half of a process.
struct Running {
    abort: Option<AbortHandle>,
    program: Arc<str>,
    handled: Arc<Mutex<BTreeSet<Signal>>>,
    signals: mpsc::UnboundedSender<Signal>,
    stopped: watch::Sender<bool>,
    status: watch::Sender<Option<ExitStatus>>,
}

/// A script's interpreters may be scripts themselves, so deep (`BINPRM` of Linux).
const MAX_INTERPRETERS: usize = 4;

impl Machine {
    /// Brings a machine's data to life: what its process table and units say is running goes on. Processes that were attached to a
    /// pipe or a terminal are gone, as after a hang-up. Must be called on the simulation's runtime.
    pub fn start(state: MachineState, env: MachineEnv) -> Arc<Self> {
        let machine = Arc::new_cyclic(|me| Self {
            shared: Arc::new(Shared::new(state, env.clock)),
            env,
            running: Mutex::default(),
            systemd: Systemd::new(me.clone()),
            ready: watch::Sender::default(),
            me: me.clone(),
        });
        machine.env.network.attach(&machine.shared);
        machine.resume();
        machine.systemd.resume();
        machine
    }

    /// Begins to start the enabled units of a machine on which nothing runs yet, as booting does.
    pub fn boot(&self) {
        let machine = self.arc();
        tokio::spawn(async move { machine.systemd.boot().await });
    }

    /// As [`Machine::boot`], and waits until the units are started.
    pub async fn boot_and_wait(&self) {
        self.systemd.boot().await;
    }

    /// Stops all units and processes and starts the enabled units again: `reboot(8)`.
    pub async fn reboot(&self) {
        self.systemd.shutdown().await;
        self.halt();
        let now = self.clock().now();
        self.shared.write(|state| {
            state.booted = now;
            state.processes = imbl::OrdMap::new();
            state.last_pid = 0;
            state.systemd.forget_runtime();
            state.kernel = super::kernel::Kernel::default();
            state.network.lose_power();
            state.containers.lose_power(now);
            state.kubelet = crate::kubelet::KubeletState::default();
            // What lives in memory only.
            for dir in ["/run", "/tmp"] {
                for name in state.files.names(dir).unwrap_or_default() {
                    state.files.remove(&format!("{dir}/{name}"), now);
                }
            }
            // What systemd-tmpfiles makes anew; constants below a directory that exists.
            for dir in ["/run/lock", "/run/systemd"] {
                let _ = state.files.make_dir(dir, now);
            }
        });
        self.env.network.attach(&self.shared);
        self.systemd.boot().await;
    }

    /// Ends all tasks at once without changing the data: the machine is not simulated any more.
    pub fn halt(&self) {
        self.env.network.detach(&self.name());
        self.systemd.halt();
        for (_, running) in std::mem::take(&mut *self.lock()) {
            if let Some(abort) = running.abort {
                abort.abort();
            }
            // Whoever waits for it (a login, say) is told.
            running.status.send_replace(Some(ExitStatus::Signal(Signal::Kill)));
        }
    }

    /// This machine, to be kept by a task.
    pub fn arc(&self) -> Arc<Self> {
        // `self` is only ever reachable through the `Arc` that `start` made.
        self.me.upgrade().unwrap_or_else(|| unreachable!("a machine is always in its Arc"))
    }

    /// The time.
    pub fn clock(&self) -> Clock {
        self.env.clock
    }

    /// The network.
    pub fn network(&self) -> &Arc<Network> {
        &self.env.network
    }

    /// The program table.
    pub fn programs(&self) -> &Arc<Programs> {
        &self.env.programs
    }

    /// The service manager.
    pub fn systemd(&self) -> &Systemd {
        &self.systemd
    }

    /// Host name.
    pub fn name(&self) -> String {
        self.read(|state| state.name.clone())
    }

    /// A look at the state; short, not nested.
    pub fn read<T>(&self, look: impl FnOnce(&MachineState) -> T) -> T {
        self.shared.read(look)
    }

    /// A change of the state; short, not nested. Wakes those who follow [`Machine::changes`].
    pub fn write<T>(&self, change: impl FnOnce(&mut MachineState) -> T) -> T {
        self.shared.write(change)
    }

    /// Counts changes of the state.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.shared.changes()
    }

    /// Waits until a look at the state finds something.
    pub async fn wait_for<T>(&self, mut look: impl FnMut(&MachineState) -> Option<T>) -> T {
        let mut changes = self.changes();
        loop {
            changes.mark_unchanged();
            if let Some(found) = self.read(&mut look) {
                return found;
            }
            if changes.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    /// The data as it is now.
    pub fn snapshot(&self) -> MachineState {
        self.read(MachineState::clone)
    }

    /// The machine's own files as root sees them.
    pub fn host_files(&self) -> View {
        self.view(Arc::new(Namespace::host()), Credentials::ROOT)
    }

    /// Files of a mount namespace as `who` sees them.
    pub fn view(&self, namespace: Arc<Namespace>, who: Credentials) -> View {
        View::new(self.shared.clone(), namespace, who)
    }

    /// Adds an entry to the journal.
    pub fn log(&self, entry: Entry) {
        self.write(|state| state.journal.push(entry));
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<Pid, Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts a process.
    pub fn spawn(&self, command: Command) -> Result<Child, ExecError> {
        let (child, context, hold) = self.prepare(command)?;
        self.run(context, hold);
        Ok(child)
    }

    /// Makes a process that the caller runs himself (a login); it must be ended by [`Machine::finish`].
    pub fn register(&self, command: Command) -> Result<(Child, ProcessContext), ExecError> {
        self.prepare(command).map(|(child, context, _)| (child, context))
    }

    /// Ends a process made by [`Machine::register`].
    pub fn finish(&self, pid: Pid, status: ExitStatus) {
        self.ended(pid, status);
    }

    fn prepare(&self, command: Command) -> Result<(Child, ProcessContext, watch::Receiver<bool>), ExecError> {
        let files = self.view(command.namespace.clone(), command.who).with_umask(command.umask);
        let resolved = self.resolve(&files, &command)?;
        let now = self.clock().now();
        let origin = command.origin.clone().unwrap_or_else(|| Origin::Node(self.name()));
        let mut argv = resolved.argv;
        if let (Some(name), Some(first)) = (&command.name, argv.first_mut()) {
            first.clone_from(name);
        }
        let process = self.write(|state| {
            let process = Arc::new(Process {
                pid: state.next_pid(),
                ppid: command.parent,
                who: command.who,
                argv,
                exe: resolved.exe,
                usage: Usage::typical(&resolved.program),
                program: resolved.program,
                env: command.env,
                cwd: command.cwd,
                namespace: command.namespace,
                origin,
                started: now,
                state: RunState::Running,
                unit: command.unit,
                container: command.container,
                init: command.init,
                stdio: command.stdio,
                tty: command.terminal.as_ref().map_or_else(|| "?".to_owned(), |terminal| terminal.name.clone()),
            });
            state.processes.insert(process.pid, process.clone());
            process
        });
        let (stdout, stderr) = self.outputs(&process, command.stdout, command.stderr);
        Ok(self.context(&process, files, command.stdin, (stdout, stderr), command.terminal, false))
    }

    /// Output as the process's data says, where nothing else was given.
    fn outputs(&self, process: &Process, stdout: Output, stderr: Output) -> (Output, Output) {
        if !stdout.is_null() || !stderr.is_null() {
            return (stdout, stderr);
        }
        let machine = self.arc();
        match &process.stdio {
            StdioSpec::Null | StdioSpec::Attached => (stdout, stderr),
            StdioSpec::Journal { identifier } => {
                let output = Output::journal(&machine, identifier.clone(), process.pid, process.unit.clone());
                (output.clone(), output)
            }
            StdioSpec::CriLog { path } => (Output::cri_log(&machine, path, "stdout"), Output::cri_log(&machine, path, "stderr")),
        }
    }

    /// `execve(2)` in a running process: another program takes its place; its number, its parent and whoever waits for it stay. The
    /// caller runs the program, and ends the process with its status.
    pub(crate) fn replace(&self, pid: Pid, command: Command) -> Result<(Arc<dyn Program>, ProcessContext), ExecError> {
        let files = self.view(command.namespace.clone(), command.who).with_umask(command.umask);
        let resolved = self.resolve(&files, &command)?;
        let fail = |errno| ExecError { path: resolved.exe.clone(), errno };
        let program = self.env.programs.get(&resolved.program).ok_or_else(|| fail(Errno::Unsupported))?;
        let process = self.write(|state| {
            let process = Arc::make_mut(state.processes.get_mut(&pid)?);
            process.argv.clone_from(&resolved.argv);
            process.exe.clone_from(&resolved.exe);
            process.usage = Usage::typical(&resolved.program);
            process.program = resolved.program.clone();
            process.env = command.env;
            process.cwd = command.cwd;
            Some(process.clone())
        });
        let process = process.ok_or_else(|| fail(Errno::NoProcess))?;
        let outputs = (command.stdout, command.stderr);
        let (context, signals) = self.given(&Arc::new(process), files, command.stdin, outputs, command.terminal, false);
        if let Some(running) = self.lock().get_mut(&pid) {
            running.program = resolved.program;
            running.handled = context.signals.handled.clone();
            running.signals = signals;
        }
        Ok((program, context))
    }

    /// The living half of a process: its row in `running`, and what its program is given.
    fn context(
        &self,
        process: &Arc<Process>,
        files: View,
        stdin: Input,
        outputs: (Output, Output),
        terminal: Option<Arc<super::stdio::Terminal>>,
        resumed: bool,
    ) -> (Child, ProcessContext, watch::Receiver<bool>) {
        let pid = process.pid;
        let (context, signals) = self.given(process, files, stdin, outputs, terminal, resumed);
        let handled = context.signals.handled.clone();
        let stopped = watch::Sender::new(process.state == RunState::Stopped);
        let status = watch::Sender::new(None);
        let child = Child { pid, status: status.subscribe() };
        let hold = stopped.subscribe();
        self.lock().insert(pid, Running { abort: None, program: process.program.clone(), handled, signals, stopped, status });
        (child, context, hold)
    }

    /// What a program is given, and the way by which it gets signals.
    fn given(
        &self,
        process: &Arc<Process>,
        files: View,
        stdin: Input,
        (stdout, stderr): (Output, Output),
        terminal: Option<Arc<super::stdio::Terminal>>,
        resumed: bool,
    ) -> (ProcessContext, mpsc::UnboundedSender<Signal>) {
        let (signals, queue) = mpsc::unbounded_channel();
        let context = ProcessContext {
            machine: self.arc(),
            pid: process.pid,
            argv: process.argv.clone(),
            env: process.env.clone(),
            cwd: process.cwd.clone(),
            files,
            stdin,
            stdout,
            stderr,
            signals: Signals { handled: Arc::default(), queue },
            origin: process.origin.clone(),
            terminal,
            unit: process.unit.clone(),
            container: process.container.clone(),
            resumed,
        };
        (context, signals)
    }

    /// Gives a process its task. Its row exists already, so that a program that ends at once finds it.
    fn run(&self, context: ProcessContext, hold: watch::Receiver<bool>) {
        let pid = context.pid;
        let name = self.lock().get(&pid).map(|running| running.program.clone());
        let program = name.and_then(|name| self.env.programs.get(&name));
        let machine = self.me.clone();
        let task = tokio::spawn(async move {
            let status = match program {
                Some(program) => Stoppable::new(program.run(context), hold).await,
                // `resolve` has looked; a table that lost a program since then is as good as a crash.
                None => ExitStatus::Signal(Signal::Segv),
            };
            if let Some(machine) = machine.upgrade() {
                machine.ended(pid, status);
            }
        });
        if let Some(running) = self.lock().get_mut(&pid) {
            running.abort = Some(task.abort_handle());
        }
        // A program that panics is a bug of ours; the process must not stay in the table as if it ran.
        let machine = self.me.clone();
        tokio::spawn(async move {
            if task.await.is_err_and(|error| error.is_panic())
                && let Some(machine) = machine.upgrade()
            {
                machine.ended(pid, ExitStatus::Signal(Signal::Abrt));
            }
        });
    }

    /// Takes a process out of the table, gives its children to the first process and tells its parent. A container's processes
    /// end with its first one.
    fn ended(&self, pid: Pid, status: ExitStatus) {
        let Some(running) = self.lock().remove(&pid) else { return };
        let now = self.clock().now();
        let orphans = self.write(|state| {
            let process = state.processes.remove(&pid);
            if let Some(container) = process.as_ref().filter(|process| process.init).and_then(|process| process.container.as_deref()) {
                // Noted by the container's shim, whether containerd runs or not.
                state.containers.exited(container, status, now);
            }
            let children: Vec<Pid> = state.children(pid).map(|child| child.pid).collect();
            for child in &children {
                if let Some(child) = state.processes.get_mut(child) {
                    Arc::make_mut(child).ppid = 1;
                }
            }
            match process {
                Some(process) if process.init => state
                    .processes
                    .values()
                    .filter(|other| process.container.is_some() && other.container == process.container)
                    .map(|other| other.pid)
                    .collect(),
                _ => Vec::new(),
            }
        });
        for orphan in orphans {
            self.end(orphan, Signal::Kill);
        }
        self.ready.send_if_modified(|ready| ready.remove(&pid));
        running.status.send_replace(Some(status));
    }

    fn end(&self, pid: Pid, signal: Signal) {
        let abort = self.lock().get(&pid).and_then(|running| running.abort.clone());
        self.ended(pid, ExitStatus::Signal(signal));
        if let Some(abort) = abort {
            abort.abort();
        }
    }

    /// Sends a signal.
    pub fn kill(&self, pid: Pid, signal: Signal) -> Result<(), Errno> {
        let Some(init) = self.read(|state| state.processes.get(&pid).map(|process| process.init)) else {
            return Err(Errno::NoProcess);
        };
        match signal {
            Signal::Kill => {
                self.end(pid, signal);
                return Ok(());
            }
            Signal::Stop | Signal::Cont => {
                let stop = signal == Signal::Stop;
                if let Some(running) = self.lock().get(&pid) {
                    running.stopped.send_replace(stop);
                }
                self.write(|state| {
                    if let Some(process) = state.processes.get_mut(&pid) {
                        Arc::make_mut(process).state = if stop { RunState::Stopped } else { RunState::Running };
                    }
                });
                if stop {
                    return Ok(());
                }
            }
            _ => {}
        }
        let delivered = match self.lock().get(&pid) {
            // A row without a task: systemd and other parts of the machine that are no programs here.
            None => return Err(Errno::NotPermitted),
            Some(running) => {
                let handled = running.handled.lock().unwrap_or_else(PoisonError::into_inner).contains(&signal);
                handled && running.signals.send(signal).is_ok()
            }
        };
        if !delivered && !init && !signal.ignored_by_default() {
            self.end(pid, signal);
        }
        Ok(())
    }

    /// The parent's handle of a process that runs, `None` if there is none.
    pub fn child(&self, pid: Pid) -> Option<Child> {
        self.lock().get(&pid).map(|running| Child { pid, status: running.status.subscribe() })
    }

    pub(crate) fn notify_ready(&self, pid: Pid) {
        self.ready.send_if_modified(|ready| ready.insert(pid));
    }

    /// Waits until a process says that it is ready. Never ends if it does not.
    pub(crate) async fn wait_ready(&self, pid: Pid) {
        if self.ready.subscribe().wait_for(|ready| ready.contains(&pid)).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Goes on with what the process table says is running.
    fn resume(&self) {
        let processes: Vec<Arc<Process>> = self.read(|state| state.processes.values().cloned().collect());
        for process in processes {
            if self.env.programs.get(&process.program).is_none() {
                continue; // a row of the machine's own, such as systemd
            }
            if process.stdio == StdioSpec::Attached {
                self.write(|state| state.processes.remove(&process.pid));
                continue;
            }
            let files = self.view(process.namespace.clone(), process.who);
            let (stdout, stderr) = self.outputs(&process, Output::null(), Output::null());
            let (stdin, stdout, stderr, terminal) =
                crate::containerd::resumed(&self.arc(), &process).unwrap_or_else(|| (Input::empty(), stdout, stderr, None));
            let (_, context, hold) = self.context(&process, files, stdin, (stdout, stderr), terminal, true);
            self.run(context, hold);
        }
    }

    /// `execve(2)`: finds the file, and the interpreter of a script.
    fn resolve(&self, files: &View, command: &Command) -> Result<Resolved, ExecError> {
        let name = command.argv.first().cloned().unwrap_or_default();
        let fail = |errno| ExecError { path: name.clone(), errno };
        let mut path = if name.contains('/') {
            View::absolute(&command.cwd, &name)
        } else {
            let dirs = command.env.get("PATH").map_or(DEFAULT_PATH, String::as_str);
            files.which(&name, dirs).ok_or_else(|| fail(Errno::NotFound))?
        };
        if !files.is_dir(&command.cwd) {
            return Err(ExecError { path: command.cwd.clone(), errno: Errno::NotFound });
        }
        let mut argv = command.argv.clone();
        for _ in 0..MAX_INTERPRETERS {
            match files.executable(&path).map_err(fail)? {
                Executable::Program(program) => {
                    if self.env.programs.get(&program).is_none() {
                        return Err(fail(Errno::Unsupported));
                    }
                    return Ok(Resolved { exe: files.canonical(&path).map_err(fail)?, program, argv });
                }
                Executable::Script(text) => {
                    let text = String::from_utf8_lossy(&text);
                    let line = text.lines().next().unwrap_or_default();
                    let interpreter = line.strip_prefix("#!").ok_or_else(|| fail(Errno::ExecFormat))?.trim();
                    let (program, argument) = match interpreter.split_once(char::is_whitespace) {
                        Some((program, argument)) => (program, Some(argument.trim())),
                        None => (interpreter, None),
                    };
                    let mut with = vec![program.to_owned()];
                    with.extend(argument.map(str::to_owned));
                    with.push(path);
                    with.extend(argv.drain(1..));
                    argv = with;
                    path = program.to_owned();
                }
            }
        }
        Err(fail(Errno::Loop))
    }
}

struct Resolved {
    exe: String,
    program: Arc<str>,
    argv: Vec<String>,
}
