//! Background jobs of an interactive shell: processes of their own that outlive the line that started them.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use bashkit::{Command, CommandContext, CommandStatus, Result};

use super::context::{ShellContext, locked};
use super::external::exec_failure;
use crate::machine::{Child, Input, Output};

/// The job table.
#[derive(Default)]
pub(super) struct Jobs {
    next: u32,
    running: BTreeMap<u32, Job>,
}

#[derive(Clone)]
struct Job {
    child: Child,
    command: String,
}

impl Jobs {
    /// Adds a job: its number.
    pub(super) fn add(&mut self, child: Child, command: &str) -> u32 {
        if self.running.is_empty() {
            self.next = 0;
        }
        self.next += 1;
        self.running.insert(self.next, Job { child, command: command.to_owned() });
        self.next
    }

    /// What bash prints before a prompt about jobs that have ended; they are forgotten.
    pub(super) fn report(&mut self) -> String {
        let mut text = String::new();
        let last = self.running.keys().next_back().copied();
        self.running.retain(|number, job| match job.child.try_wait() {
            None => true,
            Some(status) => {
                let state = match status.code() {
                    0 => "Done".to_owned(),
                    code if code > 128 => match status {
                        crate::machine::ExitStatus::Signal(signal) => signal.description().to_owned(),
                        crate::machine::ExitStatus::Code(code) => format!("Exit {code}"),
                    },
                    code => format!("Exit {code}"),
                };
                let mark = if Some(*number) == last { '+' } else { '-' };
                text.push_str(&format!("[{number}]{mark}  {state:<22}  {}\n", job.command));
                false
            }
        });
        text
    }

    fn list(&self) -> String {
        let last = self.running.keys().next_back().copied();
        self.running.iter().fold(String::new(), |text, (number, job)| {
            let mark = if Some(*number) == last { '+' } else { '-' };
            format!("{text}[{number}]{mark}  {:<22}  {} &\n", "Running", job.command)
        })
    }

    /// The process of `%n` (`%%`, `%+`: the last).
    fn pid(&self, text: &str) -> Option<u32> {
        let job = match text.strip_prefix('%')? {
            "" | "%" | "+" => self.running.values().next_back(),
            number => self.running.get(&number.parse().ok()?),
        };
        job.map(|job| job.child.pid())
    }

    /// The last job, for `fg`.
    pub(super) fn last(&self) -> Option<Child> {
        self.running.values().next_back().map(|job| job.child.clone())
    }
}

/// `jobs`.
pub(super) struct JobsCommand(pub(super) Arc<ShellContext>);

#[async_trait]
impl Command for JobsCommand {
    async fn execute(&self, ctx: CommandContext<'_>) -> Result<CommandStatus> {
        let text = locked(&self.0.jobs).list();
        ctx.stdout.write_all(text.as_bytes()).await?;
        Ok(CommandStatus::success())
    }
}

/// `kill`: bash's own, because it knows jobs; the signals are sent by the program.
pub(super) struct Kill(pub(super) Arc<ShellContext>);

#[async_trait]
impl Command for Kill {
    async fn execute(&self, ctx: CommandContext<'_>) -> Result<CommandStatus> {
        self.0.simulation.run(self.run(&ctx)).await
    }
}

impl Kill {
    async fn run(&self, ctx: &CommandContext<'_>) -> Result<CommandStatus> {
        let mut argv = vec!["kill".to_owned()];
        for arg in ctx.args {
            if !arg.starts_with('%') {
                argv.push(arg.clone());
                continue;
            }
            let pid = locked(&self.0.jobs).pid(arg);
            match pid {
                Some(pid) => argv.push(pid.to_string()),
                None => {
                    ctx.stderr.write_all(format!("{}: kill: {arg}: no such job\n", self.0.name).as_bytes()).await?;
                    return Ok(CommandStatus::with_code(1));
                }
            }
        }
        let env = ctx.env.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        let mut command = self.0.command(argv, env, &ctx.cwd.to_string_lossy());
        let (out, from_out) = Output::pipe();
        let (err, from_err): (Output, Input) = Output::pipe();
        command.stdout = out;
        command.stderr = err;
        match self.0.machine.spawn(command) {
            Ok(child) => {
                ctx.stdout.write_all(&from_out.read_to_end().await).await?;
                let text = from_err.read_to_end().await;
                ctx.stderr.write_all(&text).await?;
                Ok(CommandStatus::with_code(child.wait().await.code()))
            }
            Err(error) => {
                let (text, code) = exec_failure(&self.0.name, "kill", &error);
                ctx.stderr.write_all(text.as_bytes()).await?;
                Ok(CommandStatus::with_code(code))
            }
        }
    }
}
