//! Commands that are processes, and the words that belong to our shell rather than to bashkit's.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bashkit::{Builtin, BuiltinContext, Command, CommandContext, CommandOutput, CommandStatus, ExecResult, Result};

use super::context::{ShellContext, locked};
use super::replace::Started;
use crate::fs::Errno;
use crate::machine::{ExecError, Input, Output};

/// Runs an executable as a process of the machine.
pub(super) struct External(pub(super) Arc<ShellContext>);

#[async_trait]
impl Command for External {
    async fn execute(&self, ctx: CommandContext<'_>) -> Result<CommandStatus> {
        self.0.simulation.run(self.run(&ctx, std::iter::once(ctx.name.to_owned()).chain(ctx.args.iter().cloned()).collect())).await
    }
}

/// Runs an executable by the path in its first argument.
pub(super) struct ByPath(pub(super) Arc<ShellContext>);

#[async_trait]
impl Command for ByPath {
    async fn execute(&self, ctx: CommandContext<'_>) -> Result<CommandStatus> {
        let external = External(self.0.clone());
        self.0.simulation.run(external.run(&ctx, ctx.args.to_vec())).await
    }
}

impl External {
    async fn run(&self, ctx: &CommandContext<'_>, argv: Vec<String>) -> Result<CommandStatus> {
        let shell = &self.0;
        let env: BTreeMap<String, String> = ctx.env.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        let name = argv.first().cloned().unwrap_or_default();
        let mut command = shell.command(argv, env, &ctx.cwd.to_string_lossy());
        let (writer, piped) = Input::channel();
        // What is typed goes to the command only if nothing is piped into it. bashkit does not tell an empty pipe from none.
        command.stdin = if locked(&shell.fed).contains(&name) { piped } else { piped.or(shell.stdin.clone()) };
        let (out, from_out) = Output::pipe();
        let (err, from_err) = Output::pipe();
        command.stdout = out;
        command.stderr = err;
        let Started { pid, mut ended } = match shell.start(command) {
            Ok(started) => started,
            Err(error) => {
                let (text, code) = exec_failure(&shell.name, &name, &error);
                ctx.stderr.write_all(text.as_bytes()).await?;
                return Ok(CommandStatus::with_code(code));
            }
        };
        shell.foreground().insert(pid);
        let feed = async {
            while let Ok(Some(chunk)) = ctx.stdin.read_chunk().await {
                if writer.send(chunk.into()).await.is_err() {
                    break;
                }
            }
            drop(writer);
        };
        let drain = async { tokio::join!(copy(&from_out, &ctx.stdout), copy(&from_err, &ctx.stderr)) };
        let mut feed = std::pin::pin!(feed);
        let mut drain = std::pin::pin!(drain);
        let mut fed = false;
        let mut status = None;
        // The end of both outputs is the end of the process (and of what it left behind with its outputs).
        let broken = loop {
            tokio::select! {
                biased;
                (out, err) = &mut drain => break out.is_err() || err.is_err(),
                () = &mut feed, if !fed => fed = true,
                end = &mut ended, if status.is_none() => status = Some(end),
            }
        };
        if broken && status.is_none() {
            let _ = shell.machine.kill(pid, crate::machine::Signal::Pipe);
        }
        let status = match status {
            Some(status) => status,
            None => ended.await,
        };
        shell.foreground().remove(&pid);
        Ok(CommandStatus::with_code(status.code()))
    }
}

/// Copies until the end, or until nobody reads any more.
async fn copy(from: &Input, to: &CommandOutput) -> std::result::Result<(), ()> {
    while let Some(chunk) = from.read().await {
        to.write_all(&chunk).await.map_err(|_| ())?;
    }
    Ok(())
}

/// What bash says when a command cannot be executed, and its exit code.
pub(super) fn exec_failure(shell: &str, name: &str, error: &ExecError) -> (String, i32) {
    match error.errno {
        Errno::NotFound if !name.contains('/') => (format!("{shell}: {name}: command not found\n"), 127),
        Errno::NotFound => (format!("{shell}: {}: {}\n", error.path, error.errno), 127),
        Errno::ExecFormat => (format!("{shell}: {name}: cannot execute: required file not found\n"), 126),
        Errno::Unsupported => (format!("{shell}: {name}: this program is not simulated\n"), 126),
        errno => (format!("{shell}: {name}: {errno}\n"), 126),
    }
}

/// `command not found`, without bashkit's suggestions.
pub(super) struct NotFound {
    pub(super) shell: String,
    pub(super) name: String,
}

#[async_trait]
impl Builtin for NotFound {
    async fn execute(&self, _: BuiltinContext<'_>) -> Result<ExecResult> {
        // ash and dash say it their own way.
        let text = if self.shell == "sh" {
            format!("sh: {}: not found\n", self.name)
        } else {
            format!("{}: {}: command not found\n", self.shell, self.name)
        };
        Ok(ExecResult::err(text, 127))
    }
}

/// `true`, `:` and `false`: as bash's, but they let others run, and now and then take a moment of simulated time, so that
/// `while true` alone neither stops the simulation nor stands still in it.
pub(super) struct Constant {
    pub(super) code: i32,
    pub(super) context: Arc<ShellContext>,
    pub(super) calls: AtomicU32,
}

/// So many calls take a millisecond.
const CALLS_PER_MILLISECOND: u32 = 32;

#[async_trait]
impl Builtin for Constant {
    async fn execute(&self, _: BuiltinContext<'_>) -> Result<ExecResult> {
        let pause = self.calls.fetch_add(1, Ordering::Relaxed) % CALLS_PER_MILLISECOND == CALLS_PER_MILLISECOND - 1;
        self.context
            .simulation
            .run(async move { if pause { tokio::time::sleep(Duration::from_millis(1)).await } else { tokio::task::yield_now().await } })
            .await;
        Ok(ExecResult { exit_code: self.code, ..ExecResult::default() })
    }
}

/// `umask`.
pub(super) struct Umask(pub(super) Arc<ShellContext>);

#[async_trait]
impl Builtin for Umask {
    async fn execute(&self, ctx: BuiltinContext<'_>) -> Result<ExecResult> {
        let mut umask = locked(&self.0.umask);
        match ctx.args.first().map(String::as_str) {
            None => Ok(ExecResult::ok(format!("{:04o}\n", *umask))),
            Some("-S") => {
                let class = |shift: u32| {
                    let bits = !(*umask >> shift) & 7;
                    [(4, 'r'), (2, 'w'), (1, 'x')].iter().filter(|(bit, _)| bits & bit != 0).map(|(_, c)| *c).collect::<String>()
                };
                Ok(ExecResult::ok(format!("u={},g={},o={}\n", class(6), class(3), class(0))))
            }
            Some(text) => match u32::from_str_radix(text, 8) {
                Ok(mask) if mask <= 0o777 => {
                    *umask = mask;
                    Ok(ExecResult::ok(String::new()))
                }
                _ => Ok(ExecResult::err(format!("{}: umask: {text}: octal number out of range\n", self.0.name), 1)),
            },
        }
    }
}
