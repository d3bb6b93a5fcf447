//! `exec`: a shell that gives its process to a program.
//!
//! bashkit runs the command of an `exec` as it runs any other, and ends the script after it. Where the shell's process is one that is
//! resumed (a container's first process, a service), that would not do: `ps` would show the shell, signals would go to it, and a fork
//! would begin the script again although it is long over. There the process itself becomes the program.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bashkit::hooks::{HookAction, Interceptor, ToolEvent};
use bashkit::parser::{Command, CompoundCommand, ListOperator, Parser, SimpleCommand, Word, WordPart};
use futures::future::BoxFuture;

use super::context::{ShellContext, locked};
use crate::machine::{self, ExecError, ExitStatus, Pid, StdioSpec};

/// A command that runs.
pub(super) struct Started {
    pub(super) pid: Pid,
    /// Its end. A child runs without being asked; the shell's own process runs in this.
    pub(super) ended: BoxFuture<'static, ExitStatus>,
}

impl ShellContext {
    /// Starts a command: as a child, or in the shell's place if an `exec` has asked for it.
    pub(super) fn start(&self, command: machine::Command) -> Result<Started, ExecError> {
        if self.replacing.swap(false, Ordering::Relaxed) && self.may_be_replaced() {
            let (program, context) = self.machine.replace(self.pid, command)?;
            return Ok(Started { pid: self.pid, ended: program.run(context) });
        }
        let child = self.machine.spawn(command)?;
        Ok(Started { pid: child.pid(), ended: Box::pin(async move { child.wait().await }) })
    }

    /// Nothing else may hang on the process: what it has started would not be there after a fork.
    fn may_be_replaced(&self) -> bool {
        self.machine.read(|state| {
            let resumed = state.processes.get(&self.pid).is_some_and(|process| process.stdio != StdioSpec::Attached);
            resumed && self.terminal.is_none() && state.children(self.pid).next().is_none()
        })
    }

    /// To be told of the script that the shell is about to run.
    pub(super) fn expect_execs(&self, script: &str) {
        self.replacing.store(false, Ordering::Relaxed);
        *locked(&self.execs) = own_execs(script);
    }
}

/// To be called before every command: says that the next one to be started takes the shell's place.
pub(super) fn hook(context: &Arc<ShellContext>) -> Interceptor<ToolEvent> {
    let context = context.clone();
    Box::new(move |event: ToolEvent| {
        if event.name == "exec" && event.args.first().is_some_and(|target| locked(&context.execs).contains(target)) {
            context.replacing.store(true, Ordering::Relaxed);
        }
        HookAction::Continue(event)
    })
}

/// The programs that a script's `exec`s run in the shell itself; none if one of them may be in a subshell, or redirects (a resumed
/// process has its outputs where they were at first).
fn own_execs(script: &str) -> BTreeSet<String> {
    let mut execs = Execs::default();
    if let Ok(parsed) = Parser::new(script).parse() {
        execs.commands(&parsed.commands);
    }
    let is_letter = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/');
    let written = script.split(|c| !is_letter(c)).filter(|word| *word == "exec").count();
    if execs.found == written { execs.targets } else { BTreeSet::new() }
}

#[derive(Default)]
struct Execs {
    found: usize,
    targets: BTreeSet<String>,
}

impl Execs {
    fn commands(&mut self, commands: &[Command]) {
        commands.iter().for_each(|command| self.command(command));
    }

    fn command(&mut self, command: &Command) {
        match command {
            Command::Simple(command) => self.simple(command),
            Command::List(list) => {
                // An operator says how the command before it is run.
                let before = std::iter::once(&*list.first).chain(list.rest.iter().map(|(_, command)| command));
                let after = list.rest.iter().map(|(operator, _)| Some(operator)).chain([None]);
                for (command, operator) in before.zip(after) {
                    if !matches!(operator, Some(ListOperator::Background)) {
                        self.command(command);
                    }
                }
            }
            Command::Compound(CompoundCommand::BraceGroup(body), redirects) if redirects.is_empty() => self.commands(body),
            Command::Compound(CompoundCommand::If(command), redirects) if redirects.is_empty() => {
                self.commands(&command.then_branch);
                command.elif_branches.iter().for_each(|(_, branch)| self.commands(branch));
                self.commands(command.else_branch.as_deref().unwrap_or_default());
            }
            Command::Pipeline(_) | Command::Compound(..) | Command::Function(_) => {}
        }
    }

    fn simple(&mut self, command: &SimpleCommand) {
        if literal(&command.name).as_deref() == Some("exec") && command.redirects.is_empty() {
            self.found += 1;
            self.targets.extend(command.args.first().and_then(literal));
        }
    }
}

/// A word that is not expanded.
fn literal(word: &Word) -> Option<String> {
    let part = |part: &WordPart| if let WordPart::Literal(text) = part { Some(text.clone()) } else { None };
    word.parts.iter().map(part).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::own_execs;
    use crate::machine::{Command, Machine, Signal, StdioSpec};

    #[tokio::test(start_paused = true)]
    async fn the_process_becomes_the_program_and_a_fork_goes_on_with_it() {
        let machine = crate::testing::machine().await;
        let mut command = Command::new(["sh", "-c", "sleep 40; exec tail -f /etc/hosts"]);
        command.stdio = StdioSpec::Null;
        let pid = machine.spawn(command).expect("a shell").pid();
        let line = |machine: &Machine| machine.read(|state| state.processes.get(&pid).map(|process| process.argv.join(" ")));
        tokio::time::sleep(Duration::from_secs(50)).await;
        assert_eq!(line(&machine).as_deref(), Some("tail -f /etc/hosts"));
        let fork = crate::testing::wake(machine.snapshot(), machine.clock().now());
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(line(&fork).as_deref(), Some("tail -f /etc/hosts"));
        machine.kill(pid, Signal::Term).expect("there");
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(line(&machine), None, "it is the program that gets the signal");
    }

    #[test]
    fn the_execs_of_the_shell_itself() {
        for (script, want) in [
            ("exec nginx -g 'daemon off;'", "nginx"),
            ("sleep 40\nexec /usr/sbin/nginx", "/usr/sbin/nginx"),
            ("a && exec b || exec c", "b c"),
            ("if a; then exec b; else { exec c; }; fi", "b c"),
            ("exec nginx > /tmp/out", ""),
            ("(exec a); exec b", ""),
            ("exec a | cat; exec b", ""),
            ("exec a & exec b", ""),
            ("x=$(exec a); exec b", ""),
            ("sh -c 'exec a'", ""),
            ("f() { exec a; }; f", ""),
            ("exec \"$@\"", ""),
        ] {
            assert_eq!(own_execs(script).into_iter().collect::<Vec<_>>().join(" "), want, "{script}");
        }
    }
}
