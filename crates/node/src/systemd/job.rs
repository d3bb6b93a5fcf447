//! Jobs: start, stop, restart, reload, boot.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;

use super::manager::{JobError, Systemd};
use super::state::{Active, UnitState, describe};
use crate::fs::Credentials;
use crate::journal::Priority;
use crate::machine::{ExitStatus, Pid, Process, RunState, Signal, StdioSpec, Usage};

impl Systemd {
    /// `start`: what the unit wants and requires first.
    pub fn start<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<(), JobError>> {
        Box::pin(async move {
            let state = self.fetch(name)?;
            let waits_for_restart = state.active == Active::Activating && state.restart_at.is_some();
            if matches!(state.active, Active::Active | Active::Activating | Active::Reloading) && !waits_for_restart {
                return Ok(());
            }
            self.cancel_supervisor(name);
            if state.unit.wants.iter().chain(&state.unit.requires).any(|other| other == name) {
                return Ok(());
            }
            for (list, required) in [(&state.unit.requires, true), (&state.unit.wants, false)] {
                for other in list {
                    if self.unit(other).active == Active::Active {
                        continue;
                    }
                    if self.start(other).await.is_err() && required {
                        return Err(JobError::Dependency(name.to_owned()));
                    }
                }
            }
            self.machine().write(|machine| {
                let mut state = (*state).clone();
                // A start by hand is no automatic restart.
                state.restarts = 0;
                state.restart_at = None;
                machine.systemd.units.insert(name.to_owned(), Arc::new(state));
            });
            self.run(name).await
        })
    }

    /// `stop`.
    pub async fn stop(&self, name: &str) -> Result<(), JobError> {
        let state = self.unit(name);
        if state.active == Active::Inactive || state.active == Active::Failed {
            return match self.fetch(name) {
                Err(JobError::NotFound(name)) => Err(JobError::NotFound(name)),
                _ => Ok(()),
            };
        }
        self.cancel_supervisor(name);
        self.update(name, |state| state.restart_at = None);
        if !name.ends_with(".service") {
            self.enter(name, Active::Inactive, "dead");
            self.log(Some(name), Priority::Info, &format!("Stopped target {}.", state.unit.title()));
            self.collect_garbage();
            return Ok(());
        }
        if state.restart_at.is_some() {
            // It only waited to be started again.
            self.enter(name, Active::Inactive, "dead");
            self.log(Some(name), Priority::Info, &format!("Stopped {}.", state.unit.title()));
            self.collect_garbage();
            return Ok(());
        }
        self.enter(name, Active::Deactivating, "stop-sigterm");
        self.log(Some(name), Priority::Info, &format!("Stopping {}...", state.unit.title()));
        self.finish_stop(name, &state).await;
        Ok(())
    }

    /// The rest of a stop: kills, waits, logs. A stop that a fork interrupted goes on here.
    pub(super) async fn finish_stop(&self, name: &str, state: &UnitState) {
        let machine = self.machine();
        let status = match state.main_pid {
            Some(pid) if machine.child(pid).is_some() => Some(self.end_process(name, pid, state.unit.service.timeout_stop_ms).await),
            _ => None,
        };
        if !state.unit.service.kill_main_only {
            for process in self.processes(name) {
                self.end_process(name, process.pid, state.unit.service.timeout_stop_ms).await;
            }
        }
        let now = machine.clock().now();
        self.update(name, |state| {
            state.main_pid = None;
            if let (Some(main), Some(status)) = (&mut state.main, status) {
                main.ended = Some((now, status));
            }
        });
        // TERM is what was asked for, and 0 is always well.
        let clean = matches!(
            status,
            None | Some(ExitStatus::Code(0) | ExitStatus::Signal(Signal::Term | Signal::Int | Signal::Hup | Signal::Pipe))
        );
        if clean {
            self.log(Some(name), Priority::Info, &format!("{name}: Deactivated successfully."));
            self.update(name, |state| "success".clone_into(&mut state.result));
            self.enter(name, Active::Inactive, "dead");
        } else if let Some(status) = status {
            let result = if matches!(status, ExitStatus::Code(_)) { "exit-code" } else { "signal" };
            self.log(Some(name), Priority::Notice, &format!("{name}: Main process exited, {}", describe(status)));
            self.log(Some(name), Priority::Warning, &format!("{name}: Failed with result '{result}'."));
            self.update(name, |state| result.clone_into(&mut state.result));
            self.enter(name, Active::Failed, "failed");
        }
        for process in self.processes(name) {
            let left = format!("{name}: Unit process {} ({}) remains running after unit stopped.", process.pid, process.comm());
            self.log(Some(name), Priority::Warning, &left);
        }
        self.log(Some(name), Priority::Info, &format!("Stopped {}.", state.unit.title()));
        self.collect_garbage();
    }

    /// TERM, and KILL when the time is up.
    async fn end_process(&self, name: &str, pid: Pid, timeout_ms: u64) -> ExitStatus {
        let machine = self.machine();
        let Some(child) = machine.child(pid) else { return ExitStatus::SUCCESS };
        let _ = machine.kill(pid, Signal::Term);
        // A stopped process could not act on TERM: systemd sends CONT after it.
        let _ = machine.kill(pid, Signal::Cont);
        let timeout = if timeout_ms == 0 { Duration::from_secs(u64::from(u32::MAX)) } else { Duration::from_millis(timeout_ms) };
        match tokio::time::timeout(timeout, child.wait()).await {
            Ok(status) => status,
            Err(_) => {
                self.log(Some(name), Priority::Warning, &format!("{name}: State 'stop-sigterm' timed out. Killing."));
                self.log(Some(name), Priority::Notice, &format!("{name}: Killing process {pid} with signal SIGKILL."));
                let _ = machine.kill(pid, Signal::Kill);
                ExitStatus::Signal(Signal::Kill)
            }
        }
    }

    /// `restart`: a stop, if it runs, and a start.
    pub async fn restart(&self, name: &str) -> Result<(), JobError> {
        self.fetch(name)?;
        let _ = self.stop(name).await;
        self.start(name).await
    }

    /// `reload`.
    pub async fn reload(&self, name: &str) -> Result<(), JobError> {
        let state = self.fetch(name)?;
        if state.unit.service.exec_reload.is_empty() {
            return Err(JobError::NoReload(name.to_owned()));
        }
        if state.active != Active::Active {
            return Err(JobError::NotActive(name.to_owned()));
        }
        self.enter(name, Active::Reloading, "reload");
        self.log(Some(name), Priority::Info, &format!("Reloading {}...", state.unit.title()));
        let done = self.run_control(name, "ExecReload", &state.unit.service.exec_reload).await;
        self.enter(name, Active::Active, "running");
        self.log(Some(name), Priority::Info, &format!("Reloaded {}.", state.unit.title()));
        done.map_err(|()| JobError::ControlProcess(name.to_owned()))
    }

    /// `kill`: a signal to the unit's processes.
    pub fn kill(&self, name: &str, signal: Signal, main_only: bool) -> Result<(), JobError> {
        let state = self.fetch(name)?;
        let machine = self.machine();
        for process in self.processes(name) {
            if !main_only || state.main_pid == Some(process.pid) {
                let _ = machine.kill(process.pid, signal);
            }
        }
        Ok(())
    }

    /// Starts the first process and what the default target wants.
    pub(crate) async fn boot(&self) {
        let machine = self.machine();
        let now = machine.clock().now();
        machine.write(|state| {
            let pid = state.next_pid();
            // Kernel threads and the generators of the early boot have the numbers up to here.
            state.last_pid = 240 + state.generator.below(60) as u32;
            state.processes.insert(
                pid,
                Arc::new(Process {
                    pid,
                    ppid: 0,
                    who: Credentials::ROOT,
                    argv: vec!["/sbin/init".to_owned()],
                    exe: "/usr/lib/systemd/systemd".to_owned(),
                    program: Arc::from("systemd"),
                    env: Default::default(),
                    cwd: "/".to_owned(),
                    namespace: Arc::new(crate::fs::Namespace::host()),
                    origin: component::Origin::Node(state.name.clone()),
                    started: now,
                    state: RunState::Running,
                    unit: Some("init.scope".to_owned()),
                    container: None,
                    init: false,
                    stdio: StdioSpec::Null,
                    tty: "?".to_owned(),
                    usage: Usage::typical("systemd"),
                }),
            );
        });
        self.log(
            None,
            Priority::Info,
            "systemd 252.36-1~deb12u1 running in system mode (+PAM +AUDIT +SELINUX +APPARMOR +IMA +SMACK +SECCOMP)",
        );
        let mut done = BTreeSet::new();
        for target in ["sysinit.target", "basic.target", "multi-user.target"] {
            self.start_target(target, &mut done).await;
        }
    }

    async fn start_target(&self, target: &str, done: &mut BTreeSet<String>) {
        let state = self.unit(target);
        let mut waiting: Vec<String> = state.unit.wants.iter().chain(&state.unit.requires).cloned().collect();
        waiting.retain(|name| !done.contains(name) && !name.ends_with(".target"));
        while !waiting.is_empty() {
            // The first that must not wait for another of those still to be started.
            let next = waiting
                .iter()
                .position(|name| {
                    let unit = self.unit(name);
                    !waiting
                        .iter()
                        .any(|other| other != name && (unit.unit.after.contains(other) || self.unit(other).unit.before.contains(name)))
                })
                .unwrap_or(0);
            let name = waiting.remove(next);
            done.insert(name.clone());
            // A unit that fails does not keep the machine from booting.
            let _ = self.start(&name).await;
        }
        let _ = self.start(target).await;
    }

    /// Stops everything, the youngest first.
    pub(crate) async fn shutdown(&self) {
        let mut units = self.units();
        units.sort_by_key(|unit| std::cmp::Reverse(unit.active_since));
        for unit in units {
            let _ = self.stop(&unit.unit.name).await;
        }
    }
}
