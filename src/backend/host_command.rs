//! Programs of the host (docker, podman, kind): the only place that starts one for a backend. Each has a time limit, and an
//! error that says what to do next. Tests give [`Commands`] of their own, so that they need no daemon.

use std::process::Stdio as Pipe;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;
use tokio::sync::mpsc;

use super::interactive::Stdio;

/// Most of an output that is kept.
const MOST: usize = 256 << 20;

/// One program to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostCommand {
    /// Program: a name on the PATH or a path.
    pub program: String,
    /// Arguments.
    pub args: Vec<String>,
    /// Variables beyond our own environment.
    pub env: Vec<(String, String)>,
    /// Standard input.
    pub stdin: Vec<u8>,
    /// How long it may take.
    pub limit: Duration,
}

impl HostCommand {
    /// A command without input that may take half a minute.
    pub fn new<I, S>(program: &str, args: I) -> Self
    where
        I: IntoIterator<Item = S>,
        S: Into<String>,
    {
        let args = args.into_iter().map(Into::into).collect();
        Self { program: program.to_owned(), args, env: Vec::new(), stdin: Vec::new(), limit: Duration::from_secs(30) }
    }

    /// With a time limit.
    #[must_use]
    pub fn limit(self, limit: Duration) -> Self {
        Self { limit, ..self }
    }

    /// With standard input.
    #[must_use]
    pub fn stdin(self, stdin: impl Into<Vec<u8>>) -> Self {
        Self { stdin: stdin.into(), ..self }
    }

    /// With variables.
    #[must_use]
    pub fn env(mut self, env: impl IntoIterator<Item = (String, String)>) -> Self {
        self.env.extend(env);
        self
    }

    /// The command line as a person would type it, cut short.
    pub fn line(&self) -> String {
        let words = std::iter::once(&self.program).chain(&self.args);
        let line = words.map(|word| word.lines().next().unwrap_or_default()).collect::<Vec<_>>().join(" ");
        if line.chars().count() > 120 { line.chars().take(119).chain(['…']).collect() } else { line }
    }
}

/// What a program did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Finished {
    /// Exit status; 128 + the signal that killed it.
    pub status: i32,
    /// Standard output.
    pub stdout: Vec<u8>,
    /// Standard error.
    pub stderr: Vec<u8>,
}

impl Finished {
    /// Standard output as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// Standard error as text, without white space around it.
    pub fn complaint(&self) -> String {
        String::from_utf8_lossy(&self.stderr).trim().to_owned()
    }
}

/// Why a program could not be run to its end.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HostError {
    /// It is not installed.
    #[error("{program} is not installed, or not on the PATH")]
    Missing {
        /// The program.
        program: String,
    },
    /// It took too long.
    #[error("`{line}` gave no result within {} s", .limit.as_secs())]
    Slow {
        /// The command line.
        line: String,
        /// The limit.
        limit: Duration,
    },
    /// It could not be started or talked to.
    #[error("`{line}`: {reason}")]
    Broken {
        /// The command line.
        line: String,
        /// The system's words.
        reason: String,
    },
    /// It ended with an error.
    #[error("`{line}` ended with status {status}: {complaint}")]
    Failed {
        /// The command line.
        line: String,
        /// Exit status.
        status: i32,
        /// What it said.
        complaint: String,
    },
}

/// A piece of what a running program says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Output.
    Output(Stdio, Vec<u8>),
    /// It ended, with this status. The last piece.
    Ended(i32),
}

/// A program that runs. Dropping it kills it.
#[derive(Debug)]
pub struct Started {
    /// Its standard input; dropping it is its end.
    pub stdin: Option<mpsc::UnboundedSender<Vec<u8>>>,
    /// What it says.
    pub pieces: mpsc::Receiver<Piece>,
    task: Option<tokio::task::JoinHandle<()>>,
}

impl Started {
    /// One whose pieces somebody else sends.
    pub fn of(pieces: mpsc::Receiver<Piece>) -> Self {
        Self { stdin: None, pieces, task: None }
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            // The task owns the child, which is killed when dropped.
            task.abort();
        }
    }
}

/// Starts programs.
pub trait Commands: Send + Sync {
    /// Starts one; its input stays open until [`Started::stdin`] is dropped.
    fn start(&self, command: &HostCommand) -> Result<Started, HostError>;

    /// Whether a program can be found.
    fn has(&self, program: &str) -> bool;
}

/// Commands, shared.
pub type SharedCommands = Arc<dyn Commands>;

/// Runs a program to its end. That it fails is no error here.
pub async fn finish(commands: &dyn Commands, command: HostCommand) -> Result<Finished, HostError> {
    finish_telling(commands, command, &mut |_| {}).await
}

/// Runs a program that must end with status 0.
pub async fn succeed(commands: &dyn Commands, command: HostCommand) -> Result<Finished, HostError> {
    let line = command.line();
    let finished = finish(commands, command).await?;
    check(line, finished)
}

/// An error unless the status is 0.
pub fn check(line: String, finished: Finished) -> Result<Finished, HostError> {
    if finished.status == 0 {
        return Ok(finished);
    }
    Err(HostError::Failed { line, status: finished.status, complaint: finished.complaint() })
}

/// As [`finish`]; each line that it writes on standard error is told at once.
pub async fn finish_telling(
    commands: &dyn Commands,
    command: HostCommand,
    told: &mut (dyn FnMut(&str) + Send),
) -> Result<Finished, HostError> {
    let (line, limit) = (command.line(), command.limit);
    let mut started = commands.start(&command)?;
    if let (Some(stdin), false) = (&started.stdin, command.stdin.is_empty()) {
        // It may have ended without reading; that is its business.
        let _ = stdin.send(command.stdin);
    }
    started.stdin = None;
    let collect = async {
        let (mut finished, mut partial) = (Finished::default(), Vec::new());
        while let Some(piece) = started.pieces.recv().await {
            match piece {
                Piece::Output(Stdio::Stdout, bytes) => keep(&mut finished.stdout, &bytes),
                Piece::Output(Stdio::Stderr, bytes) => {
                    keep(&mut finished.stderr, &bytes);
                    partial.extend_from_slice(&bytes);
                    while let Some(end) = partial.iter().position(|b| matches!(b, b'\n' | b'\r')) {
                        let whole: Vec<u8> = partial.drain(..=end).collect();
                        told(String::from_utf8_lossy(&whole).trim_end());
                    }
                }
                Piece::Ended(status) => {
                    finished.status = status;
                    return Ok(finished);
                }
            }
        }
        Err(HostError::Broken { line: line.clone(), reason: "it went away without a status".to_owned() })
    };
    match tokio::time::timeout(limit, collect).await {
        Ok(result) => result,
        Err(_) => Err(HostError::Slow { line, limit }),
    }
}

fn keep(into: &mut Vec<u8>, bytes: &[u8]) {
    let room = MOST.saturating_sub(into.len());
    into.extend_from_slice(&bytes[..bytes.len().min(room)]);
}

/// The host's own programs.
#[derive(Clone, Copy, Debug, Default)]
pub struct HostPrograms;

impl Commands for HostPrograms {
    fn start(&self, command: &HostCommand) -> Result<Started, HostError> {
        let line = command.line();
        let mut process = Command::new(&command.program);
        process.args(&command.args).stdin(Pipe::piped()).stdout(Pipe::piped()).stderr(Pipe::piped()).kill_on_drop(true);
        process.envs(command.env.iter().map(|(name, value)| (name, value)));
        // kind starts clients of the container runtime, which would go on making containers after it was killed.
        process.process_group(0);
        let mut child = process.spawn().map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => HostError::Missing { program: command.program.clone() },
            _ => HostError::Broken { line: line.clone(), reason: error.to_string() },
        })?;
        let (send, pieces) = mpsc::channel(64);
        let (input, mut inputs) = mpsc::unbounded_channel::<Vec<u8>>();
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let group = Group(child.id().and_then(|id| i32::try_from(id).ok()));
        let task = tokio::spawn(async move {
            let feed = async {
                let Some(mut stdin) = stdin else { return };
                while let Some(bytes) = inputs.recv().await {
                    if stdin.write_all(&bytes).await.is_err() {
                        return;
                    }
                }
            };
            let out = pass(stdout, Stdio::Stdout, &send);
            let err = pass(stderr, Stdio::Stderr, &send);
            let end = async {
                // Outputs first: what it wrote before it ended comes before its status.
                tokio::join!(out, err);
                child.wait().await.map_or(255, status_of)
            };
            tokio::pin!(feed, end);
            let mut fed = false;
            let status = loop {
                tokio::select! {
                    biased;
                    status = &mut end => break status,
                    () = &mut feed, if !fed => fed = true,
                }
            };
            // It ended by itself: its number may be another's soon.
            group.ended();
            let _ = send.send(Piece::Ended(status)).await;
        });
        Ok(Started { stdin: Some(input), pieces, task: Some(task) })
    }

    fn has(&self, program: &str) -> bool {
        if program.contains('/') {
            return std::path::Path::new(program).is_file();
        }
        let path = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&path).any(|dir| dir.join(program).is_file())
    }
}

/// A program with all that it started, killed together when this goes away.
struct Group(Option<i32>);

impl Group {
    /// Whole, by value: a field alone would leave the guard outside of the task.
    fn ended(mut self) {
        self.0 = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(id) = self.0 {
            let _ = nix::sys::signal::killpg(nix::unistd::Pid::from_raw(id), nix::sys::signal::Signal::SIGKILL);
        }
    }
}

async fn pass(stream: Option<impl tokio::io::AsyncRead + Unpin>, which: Stdio, to: &mpsc::Sender<Piece>) {
    let Some(mut stream) = stream else { return };
    let mut buffer = vec![0; 16 << 10];
    while let Ok(count @ 1..) = stream.read(&mut buffer).await {
        if to.send(Piece::Output(which, buffer[..count].to_vec())).await.is_err() {
            return;
        }
    }
}

fn status_of(status: std::process::ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt;
    status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(255)
}

#[cfg(test)]
pub(crate) mod testing {
    //! Programs that do not exist.

    use std::sync::{Arc, Mutex, PoisonError};

    use super::{Commands, Finished, HostCommand, HostError, Piece, Started};
    use crate::backend::interactive::Stdio;

    type Answer = dyn Fn(&HostCommand) -> Result<Finished, HostError> + Send + Sync;

    /// Answers commands by a function and remembers them.
    #[derive(Clone)]
    pub struct FakeCommands {
        answer: Arc<Answer>,
        lines: Arc<Mutex<Vec<String>>>,
    }

    impl FakeCommands {
        /// Commands that `answer` answers.
        pub fn new(answer: impl Fn(&HostCommand) -> Result<Finished, HostError> + Send + Sync + 'static) -> Self {
            Self { answer: Arc::new(answer), lines: Arc::default() }
        }

        /// Command lines so far.
        pub fn lines(&self) -> Vec<String> {
            self.lines.lock().unwrap_or_else(PoisonError::into_inner).clone()
        }
    }

    /// A success that says this.
    pub fn says(stdout: &str) -> Result<Finished, HostError> {
        Ok(Finished { status: 0, stdout: stdout.as_bytes().to_vec(), stderr: Vec::new() })
    }

    /// A failure that says this.
    pub fn fails(stderr: &str) -> Result<Finished, HostError> {
        Ok(Finished { status: 1, stdout: Vec::new(), stderr: stderr.as_bytes().to_vec() })
    }

    impl Commands for FakeCommands {
        fn start(&self, command: &HostCommand) -> Result<Started, HostError> {
            self.lines.lock().unwrap_or_else(PoisonError::into_inner).push(command.line());
            let finished = (self.answer)(command)?;
            let (send, pieces) = tokio::sync::mpsc::channel(4);
            for piece in [
                Piece::Output(Stdio::Stdout, finished.stdout),
                Piece::Output(Stdio::Stderr, finished.stderr),
                Piece::Ended(finished.status),
            ] {
                let _ = send.try_send(piece);
            }
            Ok(Started::of(pieces))
        }

        fn has(&self, program: &str) -> bool {
            (self.answer)(&HostCommand::new(program, ["--version"])).is_ok()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn programs_run_fail_hang_and_are_missing() {
        let sh = |script: &str| HostCommand::new("sh", ["-c", script]);
        let mut told = Vec::new();
        let command = sh("cat; echo one >&2; echo two >&2; exit 3").stdin("in");
        let all = finish_telling(&HostPrograms, command, &mut |l| told.push(l.to_owned())).await.unwrap();
        assert_eq!((all.status, all.text().as_str(), told), (3, "in", vec!["one".to_owned(), "two".to_owned()]));
        let failed = succeed(&HostPrograms, sh("echo no >&2; exit 1")).await.unwrap_err();
        assert_eq!(failed.to_string(), "`sh -c echo no >&2; exit 1` ended with status 1: no");
        let missing = finish(&HostPrograms, HostCommand::new("no-such-program-of-ours", ["x"])).await.unwrap_err();
        assert!(matches!(missing, HostError::Missing { .. }), "{missing}");
        let slow = finish(&HostPrograms, sh("read forever < /dev/zero").limit(Duration::from_millis(20))).await.unwrap_err();
        assert!(matches!(slow, HostError::Slow { .. }), "{slow}");
    }
}
