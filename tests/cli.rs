//! The program as its user meets it: arguments in, text and exit code out. Every test has a HOME of its own and an
//! environment that is cleared.

use std::ffi::OsStr;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// A user with an empty home.
struct User {
    home: TempDir,
    env: Vec<(String, String)>,
}

/// What a run came to.
#[must_use]
struct Run {
    code: i32,
    stdout: String,
    stderr: String,
}

impl User {
    fn new() -> Self {
        let home = tempfile::Builder::new().prefix("ckaprep-test-").tempdir().expect("a temporary directory");
        Self { home, env: Vec::new() }
    }

    fn with(mut self, name: &str, value: impl AsRef<Path>) -> Self {
        self.env.push((name.to_owned(), value.as_ref().to_string_lossy().into_owned()));
        self
    }

    fn path(&self) -> &Path {
        self.home.path()
    }

    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ckaprep"));
        command.env_clear().env("HOME", self.path()).env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("TERM", "dumb");
        command.envs(self.env.iter().map(|(k, v)| (k, v))).current_dir(self.path());
        command
    }

    fn run(&self, arguments: &[impl AsRef<OsStr>]) -> Run {
        self.run_with(arguments, "")
    }

    /// Runs with `input` on standard input, which is never a terminal here.
    fn run_with(&self, arguments: &[impl AsRef<OsStr>], input: &str) -> Run {
        let mut child = self
            .command()
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("ckaprep runs");
        // A program that ends early closes its input; that is its business.
        let _ = child.stdin.take().expect("standard input").write_all(input.as_bytes());
        let output = child.wait_with_output().expect("ckaprep ends");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("output is text");
        Run { code: output.status.code().unwrap_or(-1), stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

/// However a test ends, its sessions do not outlive it.
impl Drop for User {
    fn drop(&mut self) {
        let _ = self.command().args(["stop", "--all"]).output();
    }
}

impl Run {
    fn expect_code(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|e| panic!("{e}: {}", self.stdout))
    }
}

/// Both streams with what differs between runs taken out.
fn shown(user: &User, run: &Run) -> String {
    let text = format!("exit {}\n--- stdout\n{}--- stderr\n{}", run.code, run.stdout, run.stderr);
    text.replace(&*user.path().to_string_lossy(), "~")
}

#[test]
fn unknown_scenarios_are_suggested() {
    let user = User::new();
    let run = user.run(&["scenario", "unhealty-node"]).expect_code(2);
    insta::assert_snapshot!(shown(&user, &run), @"");
}

#[test]
fn errors_have_a_json_form() {
    let user = User::new();
    let run = user.run(&["scenario", "unhealty-node", "--format", "json"]).expect_code(2);
    let error: Value = serde_json::from_str(&run.stderr).expect("the error is JSON");
    assert_eq!((error["error"]["kind"].as_str(), error["error"]["exitCode"].as_i64()), (Some("usage"), Some(2)));
}

#[test]
fn without_home_the_error_says_what_to_set() {
    let user = User::new();
    let run = user.command().env_remove("HOME").args(["scenario", "unhealthy-node", "--detach"]).output().expect("ckaprep runs");
    assert_eq!(run.status.code(), Some(3));
    let text = String::from_utf8_lossy(&run.stderr).into_owned();
    assert!(text.contains("HOME is not set") && text.contains("CKAPREP_STATE_DIR"), "{text}");
}

#[test]
fn a_state_directory_that_cannot_be_made_is_named() {
    // A file stands where the directory should be: that stops root too.
    let user = User::new();
    std::fs::write(user.path().join("taken"), "").expect("a file");
    let blocked: PathBuf = user.path().join("taken/state");
    let user = user.with("CKAPREP_STATE_DIR", blocked);
    let run = user.run(&["scenario", "unhealthy-node", "--detach"]).expect_code(3);
    assert!(run.stderr.contains("taken/state") && run.stderr.contains(" next: "), "{}", run.stderr);
}
