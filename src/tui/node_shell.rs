//! The terminal side of a shell on a node: like `ssh`.

use std::io::{self, Write};

use tokio::io::AsyncReadExt;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;

use super::console::Console;
use super::line::{Completion, Line};
use super::link::Link;
use super::stdin::TerminalInput;
use super::{Terminal, editor, pager};
use crate::session::SessionError;
use crate::session::protocol::{Bytes, ShellInput, ShellOutput, Stdio};

/// Prompt of a line that continues the one before, as bash's PS2.
const CONTINUED: &str = "> ";

/// Why a shell was left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Left {
    /// `exit`, the end of input, or the shell's own end, with its exit status.
    Exit(i32),
    /// One of the words that the caller listens for, alone on a line.
    Word(String),
    /// The input ended.
    End(i32),
    /// The far end hung up: its cluster was put back or stopped.
    Lost,
}

/// What became of one execution.
enum Executed {
    /// It ended; what was typed ahead is the next input.
    Exited { status: i32, ahead: Vec<u8> },
    /// It needs more lines.
    Incomplete,
    /// The shell ended.
    Closed(i32),
    /// The far end hung up.
    Lost,
}

/// A shell, seen from the user's side.
pub struct NodeShell {
    link: Link,
    terminal: Terminal,
    prompt: String,
    // Standard output of commands goes to standard error: a result comes on standard output, alone.
    aside: bool,
    interrupt: Signal,
    resize: Signal,
    // Held so that Ctrl-Z and Ctrl-\ do not stop the client under a running command.
    _ignored: [Option<Signal>; 2],
}

impl NodeShell {
    /// Waits until the shell is ready; its greeting is shown.
    pub async fn start(link: Link, terminal: Terminal) -> Result<Self, SessionError> {
        let listen = |kind| signal(kind).map_err(SessionError::file("listen for", "signals"));
        let (interrupt, resize) = (listen(SignalKind::interrupt())?, listen(SignalKind::window_change())?);
        let ignore =
            |kind: nix::sys::signal::Signal| terminal.is_interactive().then(|| signal(SignalKind::from_raw(kind as i32)).ok()).flatten();
        let ignored = [ignore(nix::sys::signal::Signal::SIGTSTP), ignore(nix::sys::signal::Signal::SIGQUIT)];
        let mut shell = Self { link, terminal, prompt: String::new(), aside: false, interrupt, resize, _ignored: ignored };
        loop {
            match shell.link.receive().await? {
                Some(ShellOutput::Ready { prompt }) => {
                    shell.prompt = prompt;
                    return Ok(shell);
                }
                Some(output) => show(&output, false),
                None => return Err(SessionError::Refused { message: "the node closed the connection".into(), next: None, code: 3 }),
            }
        }
    }

    /// Keeps standard output free for a result: what commands write goes to standard error.
    pub fn leave_stdout(&mut self) {
        self.aside = true;
    }

    /// `ssh node command`: standard input is the command's, if it reads any. ssh reads it in any case, which is how a script
    /// loses its remaining lines to the first ssh in it. The result is the command's exit status.
    pub async fn single(&mut self, command: &str) -> Result<i32, SessionError> {
        match self.execute(command, Source::Lent).await? {
            Executed::Exited { status, .. } | Executed::Closed(status) => Ok(status),
            // ssh's own failures are 255.
            Executed::Lost => Ok(255),
            Executed::Incomplete => {
                eprintln!("bash: -c: line 1: syntax error: unexpected end of file");
                Ok(2)
            }
        }
    }

    /// Line after line from a console, until the shell is left or one of `words` stands alone on a line.
    pub async fn lines(&mut self, console: &mut Console, words: &[&str]) -> Result<Left, SessionError> {
        self.lines_noted(console, words, &mut |_| {}).await
    }

    /// As [`Self::lines`]; each command is told to `note` when it has run.
    pub async fn lines_noted(&mut self, console: &mut Console, words: &[&str], note: &mut dyn FnMut(&str)) -> Result<Left, SessionError> {
        let broken = |error| SessionError::file("read", "the terminal")(error);
        let (mut buffer, mut ahead, mut last) = (String::new(), String::new(), 0);
        loop {
            let prompt = if buffer.is_empty() { self.prompt.clone() } else { CONTINUED.to_owned() };
            // What was typed while the last command ran and was not for it comes first, as in a real terminal.
            let line = match ahead.split_once('\n').map(|(line, rest)| (line.to_owned(), rest.to_owned())) {
                Some((line, rest)) => {
                    if !self.aside {
                        println!("{prompt}{line}");
                    }
                    ahead = rest;
                    Line::Text(line)
                }
                None => {
                    let link = &mut self.link;
                    console.read(&prompt, async |completion| complete(link, completion).await).await.map_err(broken)?
                }
            };
            match line {
                Line::Text(text) if buffer.is_empty() && words.contains(&text.trim()) => return Ok(Left::Word(text.trim().to_owned())),
                Line::Text(text) => {
                    if !buffer.is_empty() {
                        buffer.push('\n');
                    }
                    buffer.push_str(&text);
                }
                Line::Interrupted => {
                    buffer.clear();
                    last = 130;
                    continue;
                }
                Line::End if !buffer.is_empty() => {
                    eprintln!("bash: syntax error: unexpected end of file");
                    if !console.is_person() {
                        return Ok(Left::End(2));
                    }
                    buffer.clear();
                    continue;
                }
                Line::End => return Ok(Left::End(last)),
            }
            if buffer.trim().is_empty() {
                buffer.clear();
                continue;
            }
            // A pipe's next lines are the next commands, so a command of a script has no input of its own.
            let source = if console.is_person() { Source::Lent } else { Source::Nothing };
            match self.execute(&buffer, source).await? {
                Executed::Exited { status, ahead: more } => {
                    last = status;
                    ahead.push_str(&String::from_utf8_lossy(&more));
                }
                Executed::Incomplete => continue,
                Executed::Closed(status) => return Ok(Left::Exit(status)),
                Executed::Lost => return Ok(Left::Lost),
            }
            console.remember(&buffer);
            note(&buffer);
            buffer.clear();
        }
    }

    /// Runs one command to its end, with its standard input, Ctrl-C, editor and pager.
    async fn execute(&mut self, script: &str, mut source: Source) -> Result<Executed, SessionError> {
        if let Err(error) = self.link.send(ShellInput::Execute { script: script.to_owned() }).await {
            // It may have hung up in good order while the line was being typed, a node's reboot for one.
            return loop {
                match self.link.receive().await {
                    Ok(None | Some(ShellOutput::Closed { .. })) => break Ok(Executed::Lost),
                    Ok(Some(late)) => show(&late, self.aside),
                    Err(_) => break Err(error),
                }
            };
        }
        if matches!(source, Source::Nothing) {
            self.link.send(ShellInput::StdinEnd).await?;
        }
        // What was sent to the command, and what was read for it and not sent: not all may be for it.
        let (mut sent, mut rest) = (Vec::new(), Vec::new());
        loop {
            tokio::select! {
                biased;
                output = self.link.receive() => match output? {
                    Some(ShellOutput::Exited { status, prompt, read }) => {
                        self.prompt = prompt;
                        rest.extend(source.take());
                        let mut ahead = sent.split_off(read.min(sent.len()));
                        ahead.append(&mut rest);
                        return Ok(Executed::Exited { status, ahead });
                    }
                    // Only now is it read: until then what is typed stays where it is for whoever reads next.
                    Some(ShellOutput::Reading) => source = source.reopened(self.terminal),
                    Some(ShellOutput::Incomplete) => return Ok(Executed::Incomplete),
                    Some(ShellOutput::Closed { status }) => return Ok(Executed::Closed(status)),
                    Some(ShellOutput::Edit { path, content, program, line }) => {
                        // The thread that reads the terminal has to stop: it is the editor's alone.
                        rest.extend(source.take());
                        self.edit(&path, content, &program, line).await?;
                    }
                    Some(ShellOutput::Page { content, at_end }) => {
                        rest.extend(source.take());
                        let status = i32::from(pager::show(&content.0, at_end).await.is_err());
                        self.link.send(ShellInput::ViewerClosed { status }).await?;
                    }
                    Some(other) => show(&other, self.aside),
                    None => return Ok(Executed::Lost),
                },
                _ = self.interrupt.recv() => {
                    if self.terminal.is_interactive() {
                        println!();
                    }
                    self.link.send(ShellInput::Interrupt).await?;
                }
                _ = self.resize.recv() => {
                    if let Some(size) = self.terminal.size() {
                        self.link.send(ShellInput::Resize { size }).await?;
                    }
                }
                data = source.read() => match data {
                    Ok(data) if !data.is_empty() => {
                        if matches!(source, Source::Terminal(_)) {
                            sent.extend_from_slice(&data);
                        }
                        self.link.send(ShellInput::Stdin { data: Bytes(data) }).await?;
                    }
                    _ => {
                        // Ctrl-D at a terminal ends one input, not the terminal.
                        rest.extend(source.take());
                        if !matches!(source, Source::Lent) {
                            source = Source::Nothing;
                        }
                        self.link.send(ShellInput::StdinEnd).await?;
                    }
                },
            }
        }
    }

    /// A program on the node asked for an editor.
    async fn edit(&mut self, path: &str, content: Option<Bytes>, program: &str, line: Option<u32>) -> Result<(), SessionError> {
        let Some(command) = editor::called(program, line) else {
            eprintln!("ckaprep: no editor: set EDITOR, or install vi or nano");
            return self.link.send(ShellInput::ViewerClosed { status: 1 }).await;
        };
        let (saved, mut versions) = mpsc::unbounded_channel();
        let content = content.map(|content| content.0);
        let mut editing = Box::pin(editor::edit(&command, path, content.as_deref(), saved));
        let status = loop {
            tokio::select! {
                biased;
                Some(version) = versions.recv() => self.link.send(ShellInput::Saved { content: Bytes(version) }).await?,
                status = &mut editing => break status,
            }
        };
        // The last save and the end of the editor come together.
        while let Ok(version) = versions.try_recv() {
            self.link.send(ShellInput::Saved { content: Bytes(version) }).await?;
        }
        let status = status.unwrap_or_else(|error| {
            eprintln!("ckaprep: cannot run the editor `{command}`: {error}");
            1
        });
        self.link.send(ShellInput::ViewerClosed { status }).await
    }
}

/// Writes output where it belongs, or all of it to standard error. A closed standard output is the reader's choice and no error.
fn show(output: &ShellOutput, aside: bool) {
    match output {
        ShellOutput::Output { stream: Stdio::Stdout, data } if !aside => {
            let mut out = io::stdout().lock();
            let _ = out.write_all(&data.0).and_then(|()| out.flush());
        }
        ShellOutput::Output { data, .. } => {
            let _ = io::stderr().lock().write_all(&data.0);
        }
        ShellOutput::SaveFailed { message } => eprintln!("ckaprep: not saved: {message}"),
        _ => {}
    }
}

/// Tab: asks the far end; output that comes meanwhile is shown.
async fn complete(link: &mut Link, asked: Completion) {
    let Completion { line, position, answer } = asked;
    let mut found = (position, Vec::new());
    if link.send(ShellInput::Complete { line, position }).await.is_ok() {
        while let Ok(Some(output)) = link.receive().await {
            if let ShellOutput::Completions { start, candidates } = output {
                found = (start, candidates);
                break;
            }
            show(&output, false);
        }
    }
    // The line editor may have given up meanwhile.
    let _ = answer.send(found);
}

/// Where a command's standard input comes from.
enum Source {
    Terminal(TerminalInput),
    Pipe(Box<tokio::io::Stdin>),
    /// Not read: it belongs to somebody else, or nobody wants it yet.
    Lent,
    Nothing,
}

impl Source {
    /// Stops reading a terminal; gives what was read and not taken.
    fn take(&mut self) -> Vec<u8> {
        match std::mem::replace(self, Self::Nothing) {
            Self::Terminal(terminal) => {
                *self = Self::Lent;
                terminal.close()
            }
            other => {
                *self = other;
                Vec::new()
            }
        }
    }

    /// Reads standard input.
    fn reopened(self, terminal: Terminal) -> Self {
        match self {
            Self::Lent if terminal.stdin => TerminalInput::open().map_or(Self::Nothing, Self::Terminal),
            Self::Lent => Self::Pipe(Box::new(tokio::io::stdin())),
            other => other,
        }
    }

    async fn read(&mut self) -> io::Result<Vec<u8>> {
        match self {
            Self::Terminal(terminal) => terminal.line().await,
            Self::Pipe(pipe) => {
                let mut buffer = vec![0; 16 << 10];
                let read = pipe.read(&mut buffer).await?;
                buffer.truncate(read);
                Ok(buffer)
            }
            Self::Lent | Self::Nothing => std::future::pending().await,
        }
    }
}
