//! Running a service: the task that starts its processes, waits for the main one and decides what comes after.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;

use super::exec::{environment_file, expand};
use super::manager::{JobError, Systemd};
use super::state::{Active, ExecRecord, describe};
use super::unit::{Exec, Restart, ServiceType, Unit};
use crate::fs::{Credentials, Errno};
use crate::journal::{Entry, Priority};
use crate::machine::{Child, Command, ExitStatus, Machine, Pid, Signal, StdioSpec, Users};

type Started = Option<oneshot::Sender<Result<(), JobError>>>;

/// Where a supervisor takes up its work.
enum From {
    Start(Started),
    Running(Child),
    Waiting,
}

impl Systemd {
    pub(super) fn cancel_supervisor(&self, name: &str) {
        if let Some(task) = self.supervisors().remove(name) {
            task.abort();
        }
    }

    fn supervise(&self, name: &str, from: From) {
        let machine = self.machine();
        let unit = name.to_owned();
        let task = tokio::spawn(async move { machine.systemd().watch_over(&unit, from).await });
        self.supervisors().insert(name.to_owned(), task.abort_handle());
    }

    /// Starts a loaded unit's own job and waits until it is started.
    pub(super) async fn run(&self, name: &str) -> Result<(), JobError> {
        let state = self.unit(name);
        let machine = self.machine();
        let files = machine.host_files();
        for condition in &state.unit.condition_path_exists {
            let (negated, path) = condition.strip_prefix('!').map_or((false, condition.as_str()), |path| (true, path));
            if files.exists(path) == negated {
                self.log(
                    Some(name),
                    Priority::Info,
                    &format!("{} was skipped because of an unmet condition check (ConditionPathExists={condition}).", state.unit.title()),
                );
                return Ok(());
            }
        }
        if !name.ends_with(".service") {
            self.enter(name, Active::Active, if name.ends_with(".socket") { "listening" } else { "active" });
            if name.ends_with(".target") {
                self.log(Some(name), Priority::Info, &format!("Reached target {}.", state.unit.title()));
            }
            return Ok(());
        }
        self.check_start_limit(name, &state.unit)?;
        let (sender, receiver) = oneshot::channel();
        self.supervise(name, From::Start(Some(sender)));
        // A supervisor that is cancelled takes the job with it.
        receiver.await.unwrap_or(Ok(()))
    }

    /// Counts a start; too many in the interval are refused (unit_test_start_limit).
    fn check_start_limit(&self, name: &str, unit: &Unit) -> Result<(), JobError> {
        let now = self.machine().clock().now();
        let window = Duration::from_millis(unit.start_limit_interval_ms);
        let mut refused = false;
        self.update(name, |state| {
            state.starts.retain(|start| Duration::try_from(now.duration_since(*start)).is_ok_and(|age| age < window));
            refused = unit.start_limit_interval_ms > 0 && state.starts.len() as u32 >= unit.start_limit_burst;
            if !refused {
                state.starts.push(now);
            }
        });
        if !refused {
            return Ok(());
        }
        self.log(Some(name), Priority::Warning, &format!("{name}: Start request repeated too quickly."));
        self.fail(name, None, "start-limit-hit");
        self.log(Some(name), Priority::Err, &format!("Failed to start {}.", unit.title()));
        Err(JobError::StartLimit(name.to_owned()))
    }

    /// Puts a unit into the failed state; an earlier reason is kept when the start limit is hit.
    fn fail(&self, name: &str, status: Option<ExitStatus>, result: &str) {
        let mut shown = result.to_owned();
        self.update(name, |state| {
            if result != "start-limit-hit" || state.result == "success" {
                result.clone_into(&mut state.result);
            }
            shown.clone_from(&state.result);
            state.main_pid = None;
            state.restart_at = None;
        });
        let _ = status;
        self.log(Some(name), Priority::Warning, &format!("{name}: Failed with result '{shown}'."));
        self.enter(name, Active::Failed, "failed");
    }

    async fn watch_over(&self, name: &str, from: From) {
        let mut from = from;
        loop {
            let waiting = matches!(from, From::Waiting);
            let (status, started) = match from {
                From::Start(started) => match self.start_once(name, started).await {
                    Ok(Some(child)) => (self.wait_main(name, &child).await, true),
                    Ok(None) => return,
                    Err(status) => (status, false),
                },
                From::Running(child) => (self.wait_main(name, &child).await, true),
                From::Waiting => (ExitStatus::FAILURE, true),
            };
            if !waiting && !self.after_exit(name, status, started) {
                self.collect_garbage();
                return;
            }
            self.wait_restart(name).await;
            let unit = self.unit(name).unit.clone();
            self.log(Some(name), Priority::Info, &format!("Stopped {}.", unit.title()));
            if self.check_start_limit(name, &unit).is_err() {
                return;
            }
            from = From::Start(None);
        }
    }

    /// Waits for the deadline in the data, then counts the restart.
    async fn wait_restart(&self, name: &str) {
        let machine = self.machine();
        if let Some(deadline) = self.unit(name).restart_at {
            tokio::time::sleep_until(machine.clock().instant_at(deadline)).await;
        }
        let mut count = 0;
        self.update(name, |state| {
            state.restart_at = None;
            state.restarts += 1;
            count = state.restarts;
        });
        self.log(Some(name), Priority::Info, &format!("{name}: Scheduled restart job, restart counter is at {count}."));
    }

    /// Runs the start-up; the main process if there is one to wait for.
    async fn start_once(&self, name: &str, started: Started) -> Result<Option<Child>, ExitStatus> {
        let unit = self.unit(name).unit.clone();
        let service = &unit.service;
        let tell = |started: Started, result| {
            if let Some(started) = started {
                let _ = started.send(result);
            }
        };
        self.update(name, |state| {
            state.control.clear();
            state.main = None;
            state.main_pid = None;
            "success".clone_into(&mut state.result);
        });
        if !service.exec_start_pre.is_empty() || matches!(service.kind, ServiceType::Notify | ServiceType::Oneshot | ServiceType::Forking) {
            let sub = if service.exec_start_pre.is_empty() { "start" } else { "start-pre" };
            self.enter(name, Active::Activating, sub);
            self.log(Some(name), Priority::Info, &format!("Starting {}...", unit.title()));
        }
        if self.run_control(name, "ExecStartPre", &service.exec_start_pre).await.is_err() {
            let status = self.unit(name).control.last().and_then(|record| record.ended).map_or(ExitStatus::FAILURE, |(_, status)| status);
            self.log(Some(name), Priority::Notice, &format!("{name}: Control process exited, {}", describe(status)));
            tell(started, Err(JobError::ControlProcess(name.to_owned())));
            return Err(status);
        }
        if service.kind == ServiceType::Oneshot {
            let (last, earlier) = match service.exec_start.split_last() {
                Some((last, earlier)) => (Some(last), earlier),
                None => (None, &[][..]),
            };
            let mut done = self.run_control(name, "ExecStart", earlier).await;
            if let (Ok(()), Some(last)) = (done, last) {
                done = match self.spawn_main(name, &unit, last) {
                    Ok(child) => {
                        let status = child.wait().await;
                        self.main_ended(name, status);
                        if status.success() || last.ignore_failure { Ok(()) } else { Err(()) }
                    }
                    Err(_) => Err(()),
                };
            }
            if done.is_err() {
                let status =
                    self.unit(name).main.as_ref().and_then(|record| record.ended).map_or(ExitStatus::FAILURE, |(_, status)| status);
                self.log(Some(name), Priority::Notice, &format!("{name}: Main process exited, {}", describe(status)));
                tell(started, Err(JobError::ControlProcess(name.to_owned())));
                return Err(status);
            }
            if service.remain_after_exit {
                self.enter(name, Active::Active, "exited");
                self.log(Some(name), Priority::Info, &format!("Finished {}.", unit.title()));
            } else {
                self.log(Some(name), Priority::Info, &format!("{name}: Deactivated successfully."));
                self.enter(name, Active::Inactive, "dead");
                self.log(Some(name), Priority::Info, &format!("Finished {}.", unit.title()));
            }
            tell(started, Ok(()));
            return Ok(None);
        }
        let Some(exec) = service.exec_start.first() else { return Ok(None) };
        let child = match self.spawn_main(name, &unit, exec) {
            Ok(child) => child,
            Err(status) => {
                // With Type=simple the job is done when the process is forked, whatever becomes of it.
                let simple = service.kind == ServiceType::Simple;
                if simple {
                    self.enter(name, Active::Active, "running");
                    self.log(Some(name), Priority::Info, &format!("Started {}.", unit.title()));
                }
                self.log(Some(name), Priority::Notice, &format!("{name}: Main process exited, {}", describe(status)));
                tell(started, if simple { Ok(()) } else { Err(JobError::ControlProcess(name.to_owned())) });
                return Err(status);
            }
        };
        if service.kind == ServiceType::Notify {
            self.enter(name, Active::Activating, "start");
            let machine = self.machine();
            let limit = if service.timeout_start_ms == 0 { u64::from(u32::MAX) * 1000 } else { service.timeout_start_ms };
            let early = tokio::select! {
                biased;
                status = child.wait() => Some(Ok(status)),
                () = machine.wait_ready(child.pid()) => None,
                () = tokio::time::sleep(Duration::from_millis(limit)) => Some(Err(())),
            };
            match early {
                None => {}
                Some(Ok(status)) => {
                    self.main_ended(name, status);
                    self.log(Some(name), Priority::Notice, &format!("{name}: Main process exited, {}", describe(status)));
                    tell(started, Err(JobError::ControlProcess(name.to_owned())));
                    return Err(status);
                }
                Some(Err(())) => {
                    self.log(Some(name), Priority::Warning, &format!("{name}: start operation timed out. Terminating."));
                    let _ = machine.kill(child.pid(), Signal::Kill);
                    self.main_ended(name, ExitStatus::Signal(Signal::Kill));
                    self.update(name, |state| "timeout".clone_into(&mut state.result));
                    tell(started, Err(JobError::Timeout(name.to_owned())));
                    return Err(ExitStatus::Signal(Signal::Kill));
                }
            }
        }
        self.enter(name, Active::Active, "running");
        self.log(Some(name), Priority::Info, &format!("Started {}.", unit.title()));
        let _ = self.run_control(name, "ExecStartPost", &service.exec_start_post).await;
        tell(started, Ok(()));
        Ok(Some(child))
    }

    async fn wait_main(&self, name: &str, child: &Child) -> ExitStatus {
        let status = child.wait().await;
        self.main_ended(name, status);
        status
    }

    fn main_ended(&self, name: &str, status: ExitStatus) {
        let now = self.machine().clock().now();
        self.update(name, |state| {
            state.main_pid = None;
            if let Some(main) = &mut state.main {
                main.ended = Some((now, status));
            }
        });
    }

    /// Logs the end of the main process and decides whether it is started again: then its deadline is in the data.
    fn after_exit(&self, name: &str, status: ExitStatus, was_running: bool) -> bool {
        let unit = self.unit(name).unit.clone();
        let clean = matches!(status, ExitStatus::Code(0) | ExitStatus::Signal(Signal::Term | Signal::Int | Signal::Hup | Signal::Pipe));
        let result = match status {
            _ if clean => "success",
            ExitStatus::Code(_) => "exit-code",
            ExitStatus::Signal(_) => "signal",
        };
        if was_running && !matches!(status, ExitStatus::Code(0)) {
            self.log(Some(name), Priority::Notice, &format!("{name}: Main process exited, {}", describe(status)));
        }
        if clean {
            self.log(Some(name), Priority::Info, &format!("{name}: Deactivated successfully."));
        } else {
            self.update(name, |state| result.clone_into(&mut state.result));
            self.log(Some(name), Priority::Warning, &format!("{name}: Failed with result '{result}'."));
        }
        if !was_running && !matches!(unit.service.kind, ServiceType::Simple) {
            self.log(Some(name), Priority::Err, &format!("Failed to start {}.", unit.title()));
        }
        let signalled = matches!(status, ExitStatus::Signal(_)) && !clean;
        let again = match unit.service.restart {
            Restart::No => false,
            Restart::Always => true,
            Restart::OnSuccess => clean,
            Restart::OnFailure => !clean,
            Restart::OnAbnormal | Restart::OnAbort => signalled,
        };
        if !again {
            let (active, sub) = if clean { (Active::Inactive, "dead") } else { (Active::Failed, "failed") };
            self.enter(name, active, sub);
            self.supervisors().remove(name);
            return false;
        }
        self.enter(name, Active::Activating, "auto-restart");
        let machine = self.machine();
        let deadline = machine.clock().now() + Duration::from_millis(unit.service.restart_ms);
        self.update(name, |state| state.restart_at = Some(deadline));
        true
    }

    /// Runs commands one after the other and waits for each; the first that fails ends it.
    pub(super) async fn run_control(&self, name: &str, setting: &str, commands: &[Exec]) -> Result<(), ()> {
        let machine = self.machine();
        let unit = self.unit(name).unit.clone();
        for exec in commands {
            let mut env = self.environment(&unit).map_err(|_| ())?;
            if let Some(pid) = self.unit(name).main_pid {
                env.insert("MAINPID".to_owned(), pid.to_string());
            }
            let (pid, status) = match self.spawn(&unit, exec, env) {
                Ok(child) => {
                    self.control_record(name, setting, exec, child.pid(), None);
                    (child.pid(), child.wait().await)
                }
                Err((pid, status)) => (pid, status),
            };
            self.control_record(name, setting, exec, pid, Some((machine.clock().now(), status)));
            if !status.success() && !exec.ignore_failure {
                return Err(());
            }
        }
        Ok(())
    }

    fn control_record(&self, name: &str, setting: &str, exec: &Exec, pid: Pid, ended: Option<(jiff::Timestamp, ExitStatus)>) {
        let started = self.machine().clock().now();
        self.update(name, |state| match state.control.iter_mut().find(|record| record.pid == pid) {
            Some(record) => record.ended = ended,
            None => state.control.push(ExecRecord { setting: setting.to_owned(), command: exec.shown.clone(), pid, started, ended }),
        });
    }

    fn spawn_main(&self, name: &str, unit: &Arc<Unit>, exec: &Exec) -> Result<Child, ExitStatus> {
        let started = self.machine().clock().now();
        let record = |pid, ended| ExecRecord { setting: "ExecStart".to_owned(), command: exec.shown.clone(), pid, started, ended };
        let env = match self.environment(unit) {
            Ok(env) => env,
            Err((path, errno)) => {
                self.log(Some(name), Priority::Warning, &format!("{name}: Failed to load environment files: {errno}"));
                self.log(Some(name), Priority::Warning, &format!("{name}: Failed to run 'start' task: {errno}"));
                let _ = path;
                self.update(name, |state| "resources".clone_into(&mut state.result));
                return Err(ExitStatus::FAILURE);
            }
        };
        match self.spawn(unit, exec, env) {
            Ok(child) => {
                self.update(name, |state| {
                    state.main_pid = Some(child.pid());
                    state.main = Some(record(child.pid(), None));
                });
                Ok(child)
            }
            Err((pid, status)) => {
                self.update(name, |state| state.main = Some(record(pid, Some((started, status)))));
                Err(status)
            }
        }
    }

    /// Environment of the unit's processes; a missing file without `-` is an error.
    fn environment(&self, unit: &Unit) -> Result<BTreeMap<String, String>, (String, Errno)> {
        let files = self.machine().host_files();
        let mut env = BTreeMap::from([
            ("LANG".to_owned(), "C.UTF-8".to_owned()),
            ("PATH".to_owned(), crate::machine::DEFAULT_PATH.replace(":/sbin:/bin", "")),
        ]);
        env.extend(unit.service.environment.iter().cloned());
        for (path, optional) in &unit.service.environment_files {
            match files.read_text(path) {
                Ok(text) => env.extend(environment_file(&text)),
                Err(_) if *optional => {}
                Err(errno) => return Err((path.clone(), errno)),
            }
        }
        Ok(env)
    }

    /// Forks and executes; what cannot be executed has a number and an exit status all the same.
    fn spawn(&self, unit: &Unit, exec: &Exec, env: BTreeMap<String, String>) -> Result<Child, (Pid, ExitStatus)> {
        let machine = self.machine();
        let argv = expand(&exec.words, &env);
        let path = argv.first().cloned().unwrap_or_default();
        let base = path.rsplit('/').next().unwrap_or(&path).to_owned();
        let mut command = Command::new(argv);
        command.env = env;
        command.unit = Some(unit.name.clone());
        command.stdio = StdioSpec::Journal { identifier: base.clone() };
        if let Some(dir) = &unit.service.working_directory {
            command.cwd.clone_from(dir);
        }
        if let Some(user) = &unit.service.user {
            match Users::of(&machine.host_files()).user(user) {
                Some(user) => command.who = Credentials { uid: user.uid, gid: user.gid },
                None => {
                    let pid = machine.write(crate::machine::MachineState::next_pid);
                    self.log_step(&machine, unit, &base, pid, &format!("Failed to determine user credentials: {}", Errno::NoProcess));
                    self.log_step(&machine, unit, &base, pid, &format!("Failed at step USER spawning {path}: {}", Errno::NoProcess));
                    return Err((pid, ExitStatus::Code(217)));
                }
            }
        }
        machine.spawn(command).map_err(|error| {
            let pid = machine.write(crate::machine::MachineState::next_pid);
            self.log_step(&machine, unit, &base, pid, &format!("Failed to locate executable {path}: {}", error.errno));
            self.log_step(&machine, unit, &base, pid, &format!("Failed at step EXEC spawning {path}: {}", error.errno));
            (pid, ExitStatus::Code(203))
        })
    }

    /// A message of the forked process before it executes: it is called `(name)`.
    fn log_step(&self, machine: &Machine, unit: &Unit, base: &str, pid: Pid, message: &str) {
        machine.log(Entry {
            time: machine.clock().now(),
            identifier: format!("({base})").into(),
            pid: Some(pid),
            unit: Some(unit.name.as_str().into()),
            priority: Priority::Err,
            message: format!("{}: {message}", unit.name).into(),
        });
    }

    /// Goes on with what the data says: running services, restarts that wait for their time, jobs that were under way.
    pub(crate) fn resume(&self) {
        let machine = self.machine();
        for state in self.units() {
            let name = state.unit.name.clone();
            match (state.active, state.main_pid) {
                (Active::Deactivating, _) => {
                    let machine = machine.clone();
                    let task = tokio::spawn(async move { machine.systemd().finish_stop(&state.unit.name.clone(), &state).await });
                    self.supervisors().insert(name, task.abort_handle());
                }
                (_, Some(pid)) => match machine.child(pid) {
                    Some(child) => self.supervise(&name, From::Running(child)),
                    None => self.supervise(&name, From::Start(None)),
                },
                (Active::Activating, None) if state.restart_at.is_some() => self.supervise(&name, From::Waiting),
                (Active::Activating, None) => self.supervise(&name, From::Start(None)),
                _ => {}
            }
        }
    }
}
