//! Figures of the finished binary, measured from outside as a user meets it.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Output};
use std::time::{Duration, Instant};

/// Runs of each measurement; the median is printed.
const RUNS: usize = 7;

type Outcome<T> = Result<T, String>;

/// Builds, measures, prints.
pub fn run() -> ExitCode {
    match measure() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn measure() -> Outcome<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    check(Command::new(env!("CARGO")).args(["build", "--release", "--locked"]).current_dir(&root))?;
    let binary = target(&root).join("release/ckaprep");
    let size = std::fs::metadata(&binary).map_err(|e| format!("{}: {e}", binary.display()))?.len();
    let state = std::env::temp_dir().join(format!("ckaprep-bench-{}", std::process::id()));
    let ckaprep = |arguments: &[&str]| {
        let mut command = Command::new(&binary);
        command.args(arguments).env("CKAPREP_STATE_DIR", &state);
        command
    };
    let (mut start, mut grade, mut memory) = (Vec::new(), Vec::new(), Vec::new());
    for run in 0..RUNS {
        let seed = (run + 1).to_string();
        let (elapsed, output) = timed(&mut ckaprep(&["scenario", "unhealthy-node", "--detach", "--format", "json", "--seed", &seed]))?;
        start.push(elapsed);
        let session = field(&output, "session")?;
        // A wrong answer grades as slowly as a right one; exit code 1 says "below full points".
        let begun = now();
        let checked = ckaprep(&["check", "--session", &session]).output().map_err(|e| e.to_string())?;
        grade.push(begun.elapsed());
        if checked.status.code() != Some(1) {
            return Err(format!("check said: {}", String::from_utf8_lossy(&checked.stderr)));
        }
        memory.extend(resident(&session));
        check(&mut ckaprep(&["stop", &session]))?;
    }
    // Only this run's own folder.
    let _ = std::fs::remove_dir_all(&state);
    println!("process start to hand-over of unhealthy-node   {:>8.1} ms   (median of {RUNS}; aim 100)", millis(median(start)));
    println!("one grading, holds on a fork included          {:>8.1} ms   (aim 30)", millis(median(grade)));
    if !memory.is_empty() {
        println!("resident memory of the cluster process         {:>8.1} MB   (aim 60)", median(memory) as f64 / 1024.0);
    }
    println!("size of the binary                             {:>8.1} MB   (aim 40)", size as f64 / 1e6);
    Ok(())
}

fn target(root: &Path) -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from)
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures the wall clock")]
fn now() -> Instant {
    Instant::now()
}

fn timed(command: &mut Command) -> Outcome<(Duration, Output)> {
    let begun = now();
    let output = check(command)?;
    Ok((begun.elapsed(), output))
}

fn check(command: &mut Command) -> Outcome<Output> {
    let output = command.output().map_err(|e| format!("{:?}: {e}", command.get_program()))?;
    if output.status.success() { Ok(output) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
}

fn field(output: &Output, name: &str) -> Outcome<String> {
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

fn median<T: Ord + Copy>(mut values: Vec<T>) -> T {
    values.sort();
    values[values.len() / 2]
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}
