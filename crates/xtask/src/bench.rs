//! Figures of the finished binary, measured from outside as a user meets it.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Output};
use std::time::{Duration, Instant};

use crate::inside;

/// Runs of each measurement; the median is printed.
const RUNS: usize = 7;

type Outcome<T> = Result<T, String>;

/// Runs of what takes long.
const FEW: usize = 3;

/// Builds, measures, prints. `builds`: from a fresh clone, too.
pub fn run(builds: bool) -> ExitCode {
    match measure(builds) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn measure(builds: bool) -> Outcome<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    check(Command::new("cargo").args(["build", "--release", "--locked"]).current_dir(&root))?;
    let binary = target(&root).join("release/ckaprep");
    let size = std::fs::metadata(&binary).map_err(|e| format!("{}: {e}", binary.display()))?.len();
    let state = std::env::temp_dir().join(format!("ckaprep-bench-{}", std::process::id()));
    let result = sessions(&binary, &state);
    // Only this run's own folder.
    let _ = std::fs::remove_dir_all(&state);
    let sessions = result?;
    let inside = inside::measure()?;
    let milliseconds = |what: &str, values: Vec<Duration>, aim: &str| {
        let (runs, value) = (values.len(), median(values).as_secs_f64() * 1000.0);
        println!("{what:<58} {value:>8.2} ms   (median of {runs}{aim})");
    };
    milliseconds("process start to hand-over of unhealthy-node", sessions.start, "; aim 100");
    milliseconds("the same on a machine that never started one", sessions.first, "");
    milliseconds("`ckaprep check`, from process to process", sessions.check, "");
    milliseconds("one grading, holds on a fork included", inside.grade, "; aim 30");
    milliseconds("World::fork() of 4 nodes to its first answer", inside.fork, "; aim 10");
    milliseconds("a simulated second of an idle cluster", inside.idle_second, "");
    milliseconds("draw of 20 from 10,000 questions", inside.draw, "; aim 1");
    if !sessions.memory.is_empty() {
        let megabytes = median(sessions.memory) as f64 / 1024.0;
        println!("{:<58} {megabytes:>8.1} MB   (aim 60)", "resident memory of the cluster process");
    }
    println!("{:<58} {:>8.1} MB   (aim 40)", "size of the binary", size as f64 / 1e6);
    if builds { self::builds(&root) } else { Ok(()) }
}

/// Measured with the finished binary.
#[derive(Default)]
struct Sessions {
    first: Vec<Duration>,
    start: Vec<Duration>,
    check: Vec<Duration>,
    memory: Vec<u64>,
}

fn sessions(binary: &Path, state: &Path) -> Outcome<Sessions> {
    let ckaprep = |arguments: &[&str]| {
        let mut command = Command::new(binary);
        command.args(arguments).env("CKAPREP_STATE_DIR", state);
        command
    };
    let mut figures = Sessions::default();
    for run in 0..FEW + RUNS {
        let seed = (run + 1).to_string();
        let mut start = ckaprep(&["scenario", "unhealthy-node", "--detach", "--format", "json", "--seed", &seed]);
        if run < FEW {
            // As if there were none; the last of them leaves one behind.
            let _ = std::fs::remove_dir_all(state.join("clusters"));
        }
        let (elapsed, output) = timed(&mut start)?;
        if run < FEW {
            figures.first.push(elapsed)
        } else {
            figures.start.push(elapsed)
        }
        let session = field(&output, "session")?;
        // A wrong answer grades as slowly as a right one; exit code 1 says "below full points".
        let begun = now();
        let checked = ckaprep(&["check", "--session", &session]).output().map_err(|e| e.to_string())?;
        figures.check.push(begun.elapsed());
        if checked.status.code() != Some(1) {
            return Err(format!("check said: {}", String::from_utf8_lossy(&checked.stderr)));
        }
        figures.memory.extend(resident(&session));
        check(&mut ckaprep(&["stop", &session]))?;
    }
    Ok(figures)
}

/// What a newcomer waits for, and a developer.
fn builds(root: &Path) -> Outcome<()> {
    let clone = std::env::temp_dir().join(format!("ckaprep-clone-{}", std::process::id()));
    let result = in_a_clone(root, &clone);
    let _ = std::fs::remove_dir_all(&clone);
    result
}

fn in_a_clone(root: &Path, clone: &Path) -> Outcome<()> {
    check(Command::new("git").arg("clone").arg("--quiet").arg(root).arg(clone))?;
    let cargo = |arguments: &[&str]| {
        let mut command = Command::new("cargo");
        command.args(arguments).current_dir(clone).env_remove("CARGO_TARGET_DIR").env("CKAPREP_STATE_DIR", clone.join("state"));
        command
    };
    let (first, output) = timed(&mut cargo(&["run", "--release", "--", "scenario", "unhealthy-node", "--detach", "--format", "json"]))?;
    check(&mut cargo(&["run", "--release", "--", "stop", &field(&output, "session")?]))?;
    let (second, _) = timed(&mut cargo(&["test", "--release", "--workspace"]))?;
    check(&mut cargo(&["build"]))?;
    let touched = clone.join("src/runner/grade.rs");
    let text = std::fs::read(&touched).map_err(|e| e.to_string())?;
    std::fs::write(&touched, text).map_err(|e| e.to_string())?;
    let (again, _) = timed(&mut cargo(&["build"]))?;
    for (what, duration, aim) in [
        ("from a fresh clone to the first prompt", first, ""),
        ("both commands of the README", first + second, " (aim 12)"),
        ("debug rebuild after touching one file of src/", again, ""),
    ] {
        println!("{what:<58} {:>8.1} min{aim}", duration.as_secs_f64() / 60.0);
    }
    Ok(())
}

fn target(root: &Path) -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from)
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures the wall clock")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// Runs a command to its end, and how long it took.
pub(crate) fn timed(command: &mut Command) -> Outcome<(Duration, Output)> {
    let begun = now();
    let output = check(command)?;
    Ok((begun.elapsed(), output))
}

/// Runs a command to its end; what it says of a failure is the error.
pub(crate) fn check(command: &mut Command) -> Outcome<Output> {
    let output = command.output().map_err(|e| format!("{:?}: {e}", command.get_program()))?;
    if output.status.success() { Ok(output) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
}

/// A text of the document that a command printed.
pub(crate) fn field(output: &Output, name: &str) -> Outcome<String> {
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).map_err(|e| e.to_string())?;
    document[name].as_str().map(str::to_owned).ok_or_else(|| format!("no `{name}` in the answer"))
}

/// kB of the process that serves a session, from /proc; nothing on other systems.
fn resident(session: &str) -> Option<u64> {
    let mut entries = std::fs::read_dir("/proc").ok()?.flatten();
    let serving = entries.find(|entry| {
        let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let words: Vec<&[u8]> = line.split(|byte| *byte == 0).collect();
        words.contains(&b"session-serve".as_slice()) && words.contains(&session.as_bytes())
    })?;
    let status = std::fs::read_to_string(serving.path().join("status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB")?.trim().parse().ok())
}

pub(crate) fn median<T: Ord + Copy>(mut values: Vec<T>) -> T {
    values.sort();
    values[values.len() / 2]
}
