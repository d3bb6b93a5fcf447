//! Standard input of what runs in a shell itself.
//!
//! A command that is a process reads the shell's input as any process does. bashkit's own commands are given their input as a whole,
//! and none where nothing is piped or redirected. Two things make up for it: `read` asks for its line when it comes to it, and a
//! utility of the line that would read the shell's input runs as a process while the line does.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bashkit::hooks::{HookAction, Interceptor, ToolEvent};
use bashkit::parser::{Command, CompoundCommand, Parser, Redirect, RedirectKind, SimpleCommand, Word, WordPart};
use bashkit::{Builtin, BuiltinContext, BuiltinRegistry, Error, ExecResult, ExecutionPlan, Result, SubCommand};

use super::context::{ShellContext, locked};
use super::utility::{UTILITIES, reads_stdin};
use crate::machine::Input;

/// The word that is ours and bashkit's.
const READ: &str = "read";

/// `read` in front of bashkit's: finds the line, and lets bashkit's split it and set the variables.
pub(super) struct Read(Arc<ShellContext>);

impl Read {
    /// Takes the place of bashkit's `read`. The hook is to be called before every command.
    ///
    /// bashkit looks a command up, calls the hook, and then asks the command for its plan. The plan of ours is `read` again, and
    /// this time bashkit's must be found: the hook takes ours out of the registry as it comes by and puts it back the next time.
    pub(super) fn install(context: &Arc<ShellContext>, registry: &BuiltinRegistry) -> Interceptor<ToolEvent> {
        let ours: Arc<dyn Builtin> = Arc::new(Self(context.clone()));
        registry.insert(READ, ours.clone());
        let registry = registry.clone();
        Box::new(move |event: ToolEvent| {
            if event.name == READ && registry.remove(READ).is_none() {
                registry.insert(READ, ours.clone());
            }
            HookAction::Continue(event)
        })
    }

    /// Puts it back after a script that was ended in the middle of a `read`.
    pub(super) fn restore(context: &Arc<ShellContext>, registry: &BuiltinRegistry) {
        registry.insert(READ, Arc::new(Self(context.clone())));
    }

    /// A record of the shell's input: `None` when the time is over.
    async fn record(&self, options: &Options) -> Result<Option<Vec<u8>>> {
        let shell = &self.0;
        if shell.terminal.is_some()
            && let Some(prompt) = &options.prompt
        {
            let stderr = locked(&shell.stderr).clone();
            let _ = stderr.write(prompt).await;
        }
        let record = async {
            let mut record = Vec::new();
            while let Some(line) = shell.stdin.read_line().await {
                record.extend_from_slice(&line);
                if options.ends(&record) {
                    break;
                }
            }
            record
        };
        let record = async {
            match options.timeout {
                Some(timeout) => tokio::time::timeout(timeout, record).await.ok(),
                None => Some(record.await),
            }
        };
        tokio::select! {
            biased;
            () = shell.interrupted.notified() => Err(Error::Cancelled),
            record = record => Ok(record),
        }
    }
}

#[async_trait]
impl Builtin for Read {
    /// Only what has no plan comes here: a `read` whose time is over.
    async fn execute(&self, _: BuiltinContext<'_>) -> Result<ExecResult> {
        Ok(ExecResult::err(String::new(), TIMED_OUT))
    }

    async fn execution_plan(&self, ctx: &BuiltinContext<'_>) -> Result<Option<ExecutionPlan>> {
        let options = Options::of(ctx.args);
        let stdin = match ctx.stdin {
            Some(given) => Some(given.clone()),
            None if options.elsewhere => None,
            None => match self.0.simulation.run(self.record(&options)).await? {
                Some(record) => Some(record.into()),
                None => return Ok(None),
            },
        };
        let command = SubCommand { name: READ.to_owned(), args: ctx.args.to_vec(), stdin, assignments: Vec::new() };
        Ok(Some(ExecutionPlan::Batch { commands: vec![command] }))
    }
}

/// What `read -t` gives when the time is over (128 and SIGALRM).
const TIMED_OUT: i32 = 142;

/// Those of `read`'s options that say how much is read, and from where.
#[derive(Debug, Default, PartialEq)]
struct Options {
    prompt: Option<String>,
    timeout: Option<Duration>,
    delimiter: Option<char>,
    /// `-u`: another descriptor; or `-t 0`, which reads nothing.
    elsewhere: bool,
    raw: bool,
}

impl Options {
    fn of(args: &[String]) -> Self {
        let mut options = Self::default();
        let mut args = args.iter();
        while let Some(letters) = args.next().and_then(|arg| arg.strip_prefix('-')).filter(|letters| !matches!(*letters, "" | "-")) {
            for (at, letter) in letters.char_indices() {
                if letter == 'r' {
                    options.raw = true;
                }
                if !"adinNptu".contains(letter) {
                    continue;
                }
                let value = match &letters[at + letter.len_utf8()..] {
                    "" => args.next().cloned().unwrap_or_default(),
                    rest => rest.to_owned(),
                };
                match letter {
                    'p' => options.prompt = Some(value),
                    'd' => options.delimiter = Some(value.chars().next().unwrap_or('\0')),
                    'u' => options.elsewhere = true,
                    't' => match value.parse::<f64>().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()) {
                        Some(Duration::ZERO) => options.elsewhere = true,
                        timeout => options.timeout = timeout,
                    },
                    _ => {}
                }
                break;
            }
        }
        options
    }

    /// Whether a record is whole: at a newline that no backslash hides, or at the delimiter.
    fn ends(&self, record: &[u8]) -> bool {
        match self.delimiter {
            Some(delimiter) => {
                let mut bytes = [0; 4];
                let delimiter = delimiter.encode_utf8(&mut bytes).as_bytes();
                record.windows(delimiter.len()).any(|window| window == delimiter)
            }
            None => self.raw || record.iter().rev().skip(1).take_while(|byte| **byte == b'\\').count() % 2 == 0,
        }
    }
}

/// What of a script reads the input of the shell that runs it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Readers {
    /// Utilities that a process must run.
    pub(super) utilities: BTreeSet<&'static str>,
    /// Whether `mapfile` does, which bashkit gives the whole input or none.
    pub(super) whole: bool,
    /// Commands that have an input of their own wherever they stand: a pipe, a file.
    pub(super) fed: BTreeSet<String>,
}

impl Readers {
    /// Looks at what is written, not at functions, substitutions and sourced files.
    pub(super) fn of(script: &str) -> Self {
        let mut found = Search::default();
        if let Ok(script) = Parser::new(script).parse() {
            found.commands(&script.commands, false);
        }
        let Search { mut readers, lent } = found;
        readers.fed.retain(|name| !lent.contains(name));
        readers
    }
}

/// What has been found so far.
#[derive(Default)]
struct Search {
    readers: Readers,
    /// Commands that have the shell's input.
    lent: BTreeSet<String>,
}

/// `fed`: what is looked at has an input of its own.
impl Search {
    fn commands(&mut self, commands: &[Command], fed: bool) {
        commands.iter().for_each(|command| self.command(command, fed));
    }

    fn command(&mut self, command: &Command, fed: bool) {
        match command {
            Command::Simple(command) => self.simple(command, fed),
            // Only the first of a pipeline has the shell's input.
            Command::Pipeline(pipeline) => {
                for (place, command) in pipeline.commands.iter().enumerate() {
                    self.command(command, fed || place > 0);
                }
            }
            Command::List(list) => {
                self.command(&list.first, fed);
                list.rest.iter().for_each(|(_, command)| self.command(command, fed));
            }
            Command::Compound(compound, redirects) => self.compound(compound, fed || names_input(redirects)),
            Command::Function(_) => {}
        }
    }

    fn compound(&mut self, compound: &CompoundCommand, fed: bool) {
        match compound {
            CompoundCommand::If(command) => {
                self.commands(&command.condition, fed);
                self.commands(&command.then_branch, fed);
                for (condition, branch) in &command.elif_branches {
                    self.commands(condition, fed);
                    self.commands(branch, fed);
                }
                self.commands(command.else_branch.as_deref().unwrap_or_default(), fed);
            }
            CompoundCommand::For(command) => self.commands(&command.body, fed),
            CompoundCommand::ArithmeticFor(command) => self.commands(&command.body, fed),
            CompoundCommand::While(command) => {
                self.commands(&command.condition, fed);
                self.commands(&command.body, fed);
            }
            CompoundCommand::Until(command) => {
                self.commands(&command.condition, fed);
                self.commands(&command.body, fed);
            }
            CompoundCommand::Case(command) => command.cases.iter().for_each(|case| self.commands(&case.commands, fed)),
            CompoundCommand::Select(command) => self.commands(&command.body, fed),
            CompoundCommand::Subshell(commands) | CompoundCommand::BraceGroup(commands) => self.commands(commands, fed),
            CompoundCommand::Time(command) => {
                if let Some(command) = &command.command {
                    self.command(command, fed);
                }
            }
            CompoundCommand::Arithmetic(_) | CompoundCommand::Conditional(_) | CompoundCommand::Coproc(_) => {}
        }
    }

    fn simple(&mut self, command: &SimpleCommand, fed: bool) {
        let name = text(&command.name);
        if fed || names_input(&command.redirects) {
            self.readers.fed.insert(name);
            return;
        }
        self.lent.insert(name.clone());
        if matches!(name.as_str(), "mapfile" | "readarray") {
            self.readers.whole = true;
            return;
        }
        if let ("sh" | "bash", [option, script, ..]) = (name.as_str(), &command.args[..])
            && text(option) == "-c"
        {
            let inner = Readers::of(&text(script));
            self.readers.utilities.extend(inner.utilities);
            self.readers.whole |= inner.whole;
            return;
        }
        let Some(name) = UTILITIES.iter().find(|utility| **utility == name) else { return };
        let args: Vec<String> = command.args.iter().map(text).collect();
        if reads_stdin(name, &args) {
            self.readers.utilities.insert(name);
        }
    }
}

/// Whether standard input is named: a file, a here-document, another descriptor.
fn names_input(redirects: &[Redirect]) -> bool {
    redirects.iter().any(|redirect| {
        let input = matches!(
            redirect.kind,
            RedirectKind::Input
                | RedirectKind::HereDoc
                | RedirectKind::HereDocStrip
                | RedirectKind::HereString
                | RedirectKind::DupInput
                | RedirectKind::ReadWrite
        );
        input && redirect.fd.unwrap_or(0) == 0 && redirect.fd_var.is_none()
    })
}

/// A word as far as it is known before it is expanded: what will be expanded counts as some text.
fn text(word: &Word) -> String {
    word.parts
        .iter()
        .map(|part| match part {
            WordPart::Literal(text) => text.as_str(),
            _ => "x",
        })
        .collect()
}

/// The whole input up to its end, unless Ctrl-C comes first.
pub(super) async fn whole(context: &ShellContext, stdin: &Input) -> Option<Vec<u8>> {
    tokio::select! {
        biased;
        () = context.interrupted.notified() => None,
        bytes = stdin.read_to_end() => Some(bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::{Options, Readers};

    #[test]
    fn what_reads_the_shells_input_is_told_from_what_does_not() {
        for (script, want) in [
            ("grep b", "grep"),
            ("true && grep b; echo a | sort", "grep"),
            ("grep -c b | wc -l", "grep"),
            ("sed s/a/b/ > /tmp/x", "sed"),
            ("head -n 1", "head"),
            ("while true; do tr a b; done", "tr"),
            ("if wc -l; then sort; fi", "sort wc"),
            ("x=1 jq .a", "jq"),
            ("grep -q x /etc/hosts && echo yes", ""),
            ("grep -rn x", ""),
            ("grep -- -x /etc/hosts", ""),
            ("grep --help", ""),
            ("sed -i s/a/b/ /etc/hosts", ""),
            ("sed -i -e s/a/b/ /etc/hosts", ""),
            ("awk 'BEGIN { print 1 }'", ""),
            ("jq -n '{}'", ""),
            ("tar xzf a.tgz", ""),
            ("head -n 1 /etc/hosts", ""),
            ("head -n 1 $file", ""),
            ("wc -l < /etc/hosts", ""),
            ("{ wc -l; } < /etc/hosts", ""),
            ("grep a <<< abc", ""),
            ("grep a <<EOF\nabc\nEOF", ""),
            ("echo a | grep a", ""),
            ("f() { grep a; }", ""),
            ("sh -c 'read x; wc -l'", "wc"),
            ("sh -c 'wc -l' < /etc/hosts", ""),
        ] {
            let readers = Readers::of(script);
            assert_eq!(readers.utilities.into_iter().collect::<Vec<_>>().join(" "), want, "{script}");
            assert!(!readers.whole, "{script}");
        }
        assert!(Readers::of("mapfile -t lines").whole);
        assert!(!Readers::of("mapfile -t lines < /etc/hosts").whole);
    }

    #[test]
    fn an_input_of_ones_own_is_told_from_the_shells_even_if_nothing_is_in_it() {
        for (script, want) in [
            ("true | tail -1", "tail"),
            ("tail -1", ""),
            ("tail -1 < /tmp/x", "tail"),
            ("kubectl apply -f - && true | sudo tail", "sudo"),
            ("tail -f /x | tail -1", ""),
            ("true | while read x; do kubectl get $x; done", "kubectl read"),
            ("true | /usr/bin/tail", "/usr/bin/tail"),
        ] {
            assert_eq!(Readers::of(script).fed.into_iter().collect::<Vec<_>>().join(" "), want, "{script}");
        }
    }

    #[test]
    fn reads_options() {
        let of = |line: &str| Options::of(&line.split(' ').map(str::to_owned).collect::<Vec<_>>());
        let named = |prompt: &str| Options { prompt: Some(prompt.to_owned()), ..Options::default() };
        assert_eq!(of("x"), Options::default());
        assert_eq!(of("-p Name: x"), named("Name:"));
        assert_eq!(of("-rpName: x"), Options { raw: true, ..named("Name:") });
        assert_eq!(of("-u 3 x"), Options { elsewhere: true, ..Options::default() });
        assert!(of("-t 0").elsewhere);
        assert_eq!(of("-t 1.5").timeout, Some(std::time::Duration::from_millis(1500)));
        assert!(of("-d : x").ends(b"a:"));
        assert!(!of("-d : x").ends(b"a\n"));
        assert!(of("x").ends(b"a\n"));
        assert!(!of("x").ends(b"a\\\n"), "the backslash continues the line");
        assert!(of("-r x").ends(b"a\\\n"));
    }
}
