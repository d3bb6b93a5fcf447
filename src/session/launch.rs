//! Starting (or waking) a session's process: this same binary as `ckaprep session-serve`, told everything by arguments
//! and environment, saying on a pipe how far it is.

use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::process::Stdio;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use super::directories::OVERRIDE;
use super::error::SessionError;
use super::folder::{Folder, Record};
use super::{Directories, entropy, registry};
use crate::model::readable_suffix;

/// What to start.
#[derive(Clone, Debug)]
pub struct Start {
    /// Scenario.
    pub scenario: String,
    /// Seed of variant and cluster.
    pub seed: u64,
    /// Backend.
    pub backend: String,
    /// Value of hidden variables, `name=value`, when not left to the seed.
    pub variant: Vec<String>,
    /// Values of variables as a JSON object, those of an earlier attempt; nothing when left to the seed.
    pub bindings: Option<String>,
    /// The user's choices for the backend as JSON; nothing where it has none.
    pub backend_options: Option<String>,
    /// No practice shell belongs to it.
    pub detached: bool,
    /// The user's own content.
    pub content: Option<PathBuf>,
}

/// One line on the readiness pipe.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase")]
pub enum Notice {
    /// Setup is at this point.
    Progress {
        /// For people.
        message: String,
    },
    /// The record is written and the socket listens.
    Ready,
    /// It ends without having become ready.
    Failed {
        /// What is wrong.
        message: String,
        /// What to do next.
        next: Option<String>,
        /// Exit code that this failure deserves.
        code: u8,
    },
}

/// Starts a new session and waits until it is ready. On failure or Ctrl-C nothing is left behind.
pub async fn start(directories: &Directories, start: &Start, progress: &mut dyn FnMut(&str)) -> Result<(Folder, Record), SessionError> {
    registry::sweep(directories);
    let folder = Folder::create(directories, &new_id(&start.scenario))?;
    let mut command = serve_command(directories, &folder)?;
    command.arg("--scenario").arg(&start.scenario).arg("--seed").arg(start.seed.to_string()).arg("--backend").arg(&start.backend);
    for value in &start.variant {
        command.arg("--variant").arg(value);
    }
    if let Some(bindings) = &start.bindings {
        command.arg("--bindings").arg(bindings);
    }
    if let Some(options) = &start.backend_options {
        command.arg("--backend-options").arg(options);
    }
    if start.detached {
        command.arg("--detached");
    }
    if let Some(content) = &start.content {
        command.arg("--content").arg(content);
    }
    let outcome = run_until_ready(command, &folder, progress).await;
    match outcome.and_then(|()| folder.record()) {
        Ok(record) => Ok((folder, record)),
        Err(error) => {
            let error = keep_log(directories, &folder, error);
            // The setup's own error is the one to show.
            let _ = folder.remove(directories);
            Err(error)
        }
    }
}

/// The log of a process that broke outlives its session's folder; there is only ever the latest.
fn keep_log(directories: &Directories, folder: &Folder, error: SessionError) -> SessionError {
    let SessionError::Start { reason, code: code @ 70, .. } = error else { return error };
    let kept = directories.failed_start_log();
    let next = std::fs::rename(folder.log(), &kept)
        .ok()
        .map(|()| format!("this is a bug in ckaprep: please report what you did, with the log {}", kept.display()));
    SessionError::Start { reason, next, code }
}

/// Wakes a session whose process is gone: the cluster is brought back from its journal. On failure the folder stays.
pub async fn wake(directories: &Directories, folder: &Folder, progress: &mut dyn FnMut(&str)) -> Result<Record, SessionError> {
    let mut command = serve_command(directories, folder)?;
    command.arg("--recover");
    run_until_ready(command, folder, progress).await?;
    folder.record()
}

/// `unhealthy-node-4k2p`: readable, and new every time.
fn new_id(scenario: &str) -> String {
    format!("{}-{}", scenario.replace('/', "-"), readable_suffix(entropy::seed()))
}

fn serve_command(directories: &Directories, folder: &Folder) -> Result<Command, SessionError> {
    let program = std::env::current_exe().map_err(SessionError::file("find", "ckaprep"))?;
    let log = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(folder.log())
        .map_err(SessionError::file("create", folder.log()))?;
    let mut command = Command::new(program);
    command
        .arg("session-serve")
        .arg("--session")
        .arg(folder.id())
        .env(OVERRIDE, directories.state())
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(log);
    Ok(command)
}

async fn run_until_ready(mut command: Command, folder: &Folder, progress: &mut dyn FnMut(&str)) -> Result<(), SessionError> {
    // A woken session's log begins with what its earlier processes said.
    let log_before = std::fs::metadata(folder.log()).map_or(0, |log| usize::try_from(log.len()).unwrap_or(usize::MAX));
    let mut child = command.spawn().map_err(SessionError::file("start", "ckaprep session-serve"))?;
    let told = tokio::select! {
        biased;
        interrupted = tokio::signal::ctrl_c() => interrupted.map_err(SessionError::file("wait for", "Ctrl-C")).and(Err(SessionError::Interrupted)),
        told = listen(&mut child, folder, log_before, progress) => told,
    };
    if told.is_err() {
        end(child, progress).await;
        return told;
    }
    // From here on the process is its own: dropping the handle leaves it running, and tokio reaps it should it end while
    // we run.
    Ok(())
}

/// Ends a process that did not become ready: gently, because what a backend makes outside the folder (containers) is removed by it.
async fn end(mut child: Child, progress: &mut dyn FnMut(&str)) {
    /// Removing a cluster's containers takes seconds; a daemon that hangs must not hold the user for ever.
    const PATIENCE: std::time::Duration = std::time::Duration::from_secs(90);
    if let Some(pid) = child.id().and_then(|pid| i32::try_from(pid).ok()) {
        progress("removing what was made");
        let _ = nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGTERM);
        if tokio::time::timeout(PATIENCE, child.wait()).await.is_ok() {
            return;
        }
    }
    let _ = child.kill().await;
}

async fn listen(child: &mut Child, folder: &Folder, log_before: usize, progress: &mut dyn FnMut(&str)) -> Result<(), SessionError> {
    let broken = |reason: String| SessionError::Start { reason, next: Some(format!("its log is {}", folder.log().display())), code: 3 };
    let Some(stdout) = child.stdout.take() else { return Err(broken("it has no output".into())) };
    let mut lines = BufReader::new(stdout).lines();
    loop {
        let line = lines.next_line().await.map_err(|e| broken(e.to_string()))?;
        match line.as_deref().map(serde_json::from_str::<Notice>) {
            Some(Ok(Notice::Progress { message })) => progress(&message),
            Some(Ok(Notice::Ready)) => return Ok(()),
            Some(Ok(Notice::Failed { message, next, code })) => return Err(SessionError::Start { reason: message, next, code }),
            Some(Err(error)) => return Err(broken(format!("it said something unexpected: {error}"))),
            None => return Err(died(child, folder, log_before).await),
        }
    }
}

/// The process ended without a word: what it wrote to its log since it was started is the explanation.
async fn died(child: &mut Child, folder: &Folder, log_before: usize) -> SessionError {
    let status = child.wait().await.map_or_else(|e| e.to_string(), |s| s.to_string());
    let log = std::fs::read(folder.log()).unwrap_or_default();
    let said = last_words(&String::from_utf8_lossy(log.get(log_before..).unwrap_or_default()));
    let reason = format!("its process ended ({status})");
    let reason = if said.is_empty() { format!("{reason} and said nothing") } else { format!("{reason}:\n{said}") };
    SessionError::Start { reason, next: Some(format!("its log is {}", folder.log().display())), code: 70 }
}

/// The lines of a log that say what went wrong: from the last error or panic on, without its next step, which is not the
/// user's; else its last lines.
fn last_words(log: &str) -> String {
    const SHOWN: usize = 8;
    let lines: Vec<&str> = log.lines().filter(|line| !line.trim().is_empty() && !line.starts_with(" next:")).collect();
    let last = |what: fn(&str) -> bool| lines.iter().rposition(|line| what(line));
    // A panic comes first: the error that follows it only says that there was one.
    let start = last(|line| line.contains("panicked at")).or_else(|| last(|line| line.starts_with("error:")));
    let start = start.unwrap_or(lines.len().saturating_sub(SHOWN));
    let shown: Vec<String> = lines[start..].iter().take(SHOWN).map(|line| format!("       {}", line.trim_end())).collect();
    shown.join("\n")
}

#[cfg(test)]
mod tests {
    use super::{last_words, new_id};

    #[test]
    fn a_dead_process_is_explained_by_its_error_and_not_by_its_next_step() {
        let cases = [
            ("", ""),
            ("error: the disk is full: /x\n next: free some\n", "       error: the disk is full: /x"),
            (
                "old\nthread 'a' panicked at b.rs:1:2:\nboom\nerror: ckaprep ran into something\n",
                "       thread 'a' panicked at b.rs:1:2:\n       boom\n       error: ckaprep ran into something",
            ),
            ("WARN one\n\nWARN two\n", "       WARN one\n       WARN two"),
        ];
        for (log, want) in cases {
            assert_eq!(last_words(log), want, "{log:?}");
        }
    }

    #[test]
    fn ids_are_new_and_make_good_file_names() {
        let (a, b) = (new_id("pack/x"), new_id("pack/x"));
        assert!(a.starts_with("pack-x-") && !a.contains('/'));
        assert_ne!(a, b);
    }
}
