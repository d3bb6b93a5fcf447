//! What `ssh node` gives.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

use bashkit::ExecOptions;
use component::Origin;

use super::context::{Nested, ShellContext, locked};
use super::program::incomplete;
use super::session::{Interrupter, Session, SessionError};
use crate::fs::{Credentials, Namespace};
use crate::machine::{Child, Command, ExitStatus, Input, Machine, Output, Terminal, Users};

/// Where a line's output goes, and what it reads.
#[derive(Clone)]
pub struct Io {
    /// Standard output.
    pub stdout: Output,
    /// Standard error.
    pub stderr: Output,
}

/// A login on a machine.
pub struct Shell {
    machine: Arc<Machine>,
    levels: Vec<Level>,
    stdin: Input,
    terminal: Option<Arc<Terminal>>,
    history: Vec<String>,
    current: Arc<Mutex<Option<Interrupter>>>,
    last: ExitStatus,
}

/// One shell of those that are nested in each other.
struct Level {
    session: Session,
    process: Child,
    user: String,
    home: String,
}

impl Machine {
    /// Logs a user in. Without a terminal the shell is what `ssh node < script` gives.
    pub async fn open_shell(&self, user: &str, stdin: Input, terminal: Option<Arc<Terminal>>) -> Result<Shell, SessionError> {
        let users = Users::of(&self.host_files());
        let who = users.user(user).map_or(Credentials::ROOT, |user| Credentials { uid: user.uid, gid: user.gid });
        let mut shell = Shell {
            machine: self.arc(),
            levels: Vec::new(),
            stdin,
            terminal,
            history: Vec::new(),
            current: Arc::default(),
            last: ExitStatus::SUCCESS,
        };
        shell.enter(&Nested { who, login: true }).await?;
        let home = shell.levels.first().map_or("/root", |level| &level.home);
        let saved = self.host_files().read_text(&format!("{home}/.bash_history")).unwrap_or_default();
        shell.history = saved.lines().map(str::to_owned).collect();
        Ok(shell)
    }
}

impl Shell {
    async fn enter(&mut self, nested: &Nested) -> Result<(), SessionError> {
        let files = self.machine.host_files();
        let users = Users::of(&files);
        let user = users.by_uid(nested.who.uid).cloned();
        let (name, home, program) =
            user.map_or_else(|| ("root".to_owned(), "/root".to_owned(), "/bin/bash".to_owned()), |user| (user.name, user.home, user.shell));
        let mut command = Command::new([program.clone()]);
        let outer = self.levels.last();
        if let (Some(outer), false) = (outer, nested.login) {
            command.env = outer.session.environment();
            command.cwd = outer.session.cwd();
        } else {
            command.name = Some("-bash".to_owned());
            command.cwd = if files.is_dir(&home) { home.clone() } else { "/".to_owned() };
        }
        for (key, value) in [
            ("HOME", home.as_str()),
            ("USER", &name),
            ("LOGNAME", &name),
            ("SHELL", &program),
            ("LANG", "C.UTF-8"),
            ("TERM", if self.terminal.is_some() { "xterm-256color" } else { "dumb" }),
            ("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
        ] {
            command.env.insert(key.to_owned(), value.to_owned());
        }
        command.who = nested.who;
        command.terminal.clone_from(&self.terminal);
        command.stdin = self.stdin.clone();
        command.namespace = Arc::new(Namespace::host());
        command.origin = Some(Origin::Node(self.machine.name()));
        command.parent = outer.map_or(1, |outer| outer.process.pid());
        let (process, context) =
            self.machine.register(command).map_err(|error| std::io::Error::other(format!("{}: {}", error.path, error.errno)))?;
        let session = Session::new(&context, true)?;
        let mut level = Level { session, process, user: name, home };
        let null = Output::null();
        let start = "shopt -s expand_aliases; [ -r /etc/profile ] && . /etc/profile; [ -r ~/.bashrc ] && . ~/.bashrc; true";
        level.session.run(start, ExecOptions::new(), &null, &null).await;
        self.levels.push(level);
        Ok(())
    }

    /// What a login prints before its first prompt.
    pub fn greeting(&self) -> String {
        self.machine.host_files().read_text("/etc/motd").unwrap_or_default()
    }

    /// `root@worker-2:~# `.
    pub fn prompt(&self) -> String {
        let Some(level) = self.levels.last() else { return String::new() };
        let cwd = level.session.cwd();
        let shown = match cwd.strip_prefix(&level.home) {
            Some("") => "~".to_owned(),
            Some(rest) if rest.starts_with('/') => format!("~{rest}"),
            _ => cwd,
        };
        let sign = if level.user == "root" { '#' } else { '$' };
        format!("{}@{}:{shown}{sign} ", level.user, self.machine.name())
    }

    /// Whether a line needs more lines (the next prompt is `> `).
    pub fn needs_more(&self, line: &str) -> bool {
        incomplete(line)
    }

    /// Executes a line (or a whole script) and gives its exit status. Output comes while it runs.
    pub async fn execute(&mut self, line: &str, io: &Io) -> ExitStatus {
        let script = line.trim();
        if script.is_empty() {
            return self.last;
        }
        self.history.extend(script.lines().filter(|line| !line.starts_with(' ')).map(str::to_owned));
        let who = self.levels.last().map_or(Credentials::ROOT, |level| level.session.context.who);
        if let Some(nested) = nested_shell(script, who).filter(|nested| self.terminal.is_some() || nested.login) {
            if let Err(error) = self.enter(&nested).await {
                let _ = io.stderr.line(error.to_string()).await;
                return ExitStatus::FAILURE;
            }
            return ExitStatus::SUCCESS;
        }
        let Some(level) = self.levels.last_mut() else { return ExitStatus::SUCCESS };
        let context = level.session.context.clone();
        context.on_terminal.store(self.terminal.is_some() && writes_to_terminal(script), Ordering::Relaxed);
        *locked(&self.current) = Some(level.session.interrupter());
        let status = if self.terminal.is_some() && script.ends_with('&') && !script.ends_with("&&") {
            background(&context, &level.session, script.trim_end_matches('&').trim_end(), io).await
        } else if matches!(script, "fg" | "fg %1" | "fg %%") {
            foreground(&context, io).await
        } else if script == "logout" {
            *locked(&context.exited) = Some(self.last.code());
            self.last
        } else if script == "history" || (script.starts_with("history ") && !script.contains(['|', '>'])) {
            history(&mut self.history, script, io).await
        } else if self.terminal.is_none() && shell_of_stdin(script) {
            let script = String::from_utf8_lossy(&self.stdin.read_to_end().await).into_owned();
            level.session.run_reading(&script, ExecOptions::new(), &io.stdout, &io.stderr).await
        } else {
            level.session.run_reading(script, ExecOptions::new(), &io.stdout, &io.stderr).await
        };
        *locked(&self.current) = None;
        if self.terminal.is_some() {
            let report = locked(&context.jobs).report();
            let _ = io.stderr.write(report).await;
        }
        self.last = status;
        if level_ended(self.levels.last()) {
            self.leave();
        }
        status
    }

    fn leave(&mut self) {
        if let Some(level) = self.levels.pop() {
            let code = level.session.exited().unwrap_or(0);
            self.machine.finish(level.process.pid(), ExitStatus::from(code));
        }
    }

    /// Runs a script without a terminal and collects its output: status, standard output, standard error.
    pub async fn run(&mut self, script: &str) -> (ExitStatus, String, String) {
        let (stdout, out) = Output::buffer();
        let (stderr, err) = Output::buffer();
        let status = self.execute(script, &Io { stdout, stderr }).await;
        let text = |buffer: &Mutex<Vec<u8>>| String::from_utf8_lossy(&locked(buffer)).into_owned();
        (status, text(&out), text(&err))
    }

    /// Whether the login is over (`exit`, `logout`), and with which code.
    pub fn exited(&self) -> Option<i32> {
        self.levels.is_empty().then(|| self.last.code())
    }

    /// Waits until the login is ended from outside: its machine goes down, or its first process is killed.
    pub fn gone(&self) -> impl Future<Output = ()> + Send + use<> {
        let first = self.levels.first().map(|level| level.process.clone());
        async move {
            if let Some(process) = first {
                process.wait().await;
            }
        }
    }

    /// What ends the running line from outside (Ctrl-C); can be kept while [`Shell::execute`] runs.
    pub fn interrupter(&self) -> impl Fn() + Send + Sync + 'static {
        let current = self.current.clone();
        move || {
            let running = locked(&current).clone();
            if let Some(running) = running {
                running.interrupt();
            }
        }
    }

    /// Earlier lines, oldest first.
    pub fn history(&self) -> &[String] {
        &self.history
    }

    pub(super) fn session(&self) -> Option<&Session> {
        self.levels.last().map(|level| &level.session)
    }

    pub(crate) fn machine(&self) -> &Arc<Machine> {
        &self.machine
    }

    /// Ends the login as closing the connection does: an interactive shell's history is saved, its process is gone.
    pub fn close(&mut self) {
        if let Some(level) = self.levels.first().filter(|level| level.session.context.interactive) {
            let text = self.history.iter().fold(String::new(), |text, line| text + line + "\n");
            let _ = self.machine.host_files().write_mode(&format!("{}/.bash_history", level.home), text, 0o600);
        }
        while !self.levels.is_empty() {
            self.leave();
        }
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        while !self.levels.is_empty() {
            self.leave();
        }
    }
}

fn level_ended(level: Option<&Level>) -> bool {
    level.is_some_and(|level| level.session.exited().is_some() || level.process.try_wait().is_some())
}

/// Whether a line's commands write to the terminal: nothing is piped, redirected or captured. bashkit does not tell its commands.
fn writes_to_terminal(script: &str) -> bool {
    let mut quote = None;
    let mut previous = ' ';
    for c in script.chars() {
        match (quote, c) {
            (None, '\'' | '"') if previous != '\\' => quote = Some(c),
            (Some(q), c) if c == q => quote = None,
            (None, '|' | '>' | '`') => return false,
            (_, '(') if previous == '$' && quote != Some('\'') => return false,
            _ => {}
        }
        previous = c;
    }
    true
}

/// `sudo -i`, `sudo -s`, `sudo su -`, `su`, `bash` and the like, alone on a line: a shell inside the shell.
fn nested_shell(script: &str, who: Credentials) -> Option<Nested> {
    let words: Vec<&str> = script.split_whitespace().collect();
    let (who, words) = match words.split_first() {
        Some((&"sudo", rest)) => (Credentials::ROOT, rest),
        _ => (who, &words[..]),
    };
    match words {
        ["-i" | "--login"] => Some(Nested { who: Credentials::ROOT, login: true }),
        ["-s"] | ["bash" | "sh" | "/bin/bash" | "/bin/sh"] => Some(Nested { who, login: false }),
        ["bash", "-l" | "--login"] => Some(Nested { who, login: true }),
        ["su"] | ["su", "root"] => Some(Nested { who: Credentials::ROOT, login: false }),
        ["su", "-" | "-l" | "--login"] | ["su", "-", "root"] => Some(Nested { who: Credentials::ROOT, login: true }),
        _ => None,
    }
}

/// `bash`, `sh -s` and the like without a terminal: the script is what comes on standard input.
fn shell_of_stdin(script: &str) -> bool {
    let mut words = script.split_whitespace().skip_while(|word| *word == "sudo");
    matches!(words.next(), Some("bash" | "sh" | "/bin/bash" | "/bin/sh")) && words.all(|word| matches!(word, "-s" | "-l" | "--login" | "-"))
}

async fn background(context: &Arc<ShellContext>, session: &Session, command: &str, io: &Io) -> ExitStatus {
    let argv = vec!["bash".to_owned(), "-c".to_owned(), command.to_owned()];
    let mut spawned = context.command(argv, session.environment(), &session.cwd());
    spawned.stdout = io.stdout.clone();
    spawned.stderr = io.stderr.clone();
    match context.machine.spawn(spawned) {
        Ok(child) => {
            let pid = child.pid();
            let number = locked(&context.jobs).add(child, command);
            let _ = io.stderr.line(format!("[{number}] {pid}")).await;
            ExitStatus::SUCCESS
        }
        Err(error) => {
            let _ = io.stderr.line(format!("bash: {}: {}", error.path, error.errno)).await;
            ExitStatus::Code(126)
        }
    }
}

async fn foreground(context: &Arc<ShellContext>, io: &Io) -> ExitStatus {
    let job = locked(&context.jobs).last();
    let Some(child) = job else {
        let _ = io.stderr.line("bash: fg: current: no such job").await;
        return ExitStatus::FAILURE;
    };
    context.foreground().insert(child.pid());
    let status = child.wait().await;
    context.foreground().remove(&child.pid());
    status
}

async fn history(lines: &mut Vec<String>, script: &str, io: &Io) -> ExitStatus {
    let argument = script.strip_prefix("history").unwrap_or_default().trim();
    if argument == "-c" {
        lines.clear();
        return ExitStatus::SUCCESS;
    }
    let count = argument.parse().unwrap_or(lines.len());
    let skip = lines.len().saturating_sub(count);
    for (index, line) in lines.iter().enumerate().skip(skip) {
        let _ = io.stdout.line(format!("{:5}  {line}", index + 1)).await;
    }
    ExitStatus::SUCCESS
}

#[cfg(test)]
mod tests {
    use super::shell_of_stdin;

    #[test]
    fn a_shell_without_a_script_takes_it_from_standard_input() {
        for (script, want) in [("bash", true), ("sudo bash -s", true), ("sh -", true), ("bash -c id", false), ("bash /root/a.sh", false)] {
            assert_eq!(shell_of_stdin(script), want, "{script}");
        }
    }
}
