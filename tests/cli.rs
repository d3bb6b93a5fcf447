//! The program as its user meets it: arguments in, text and exit code out. Every test has a HOME of its own and an
//! environment that is cleared.

use std::ffi::OsStr;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

#[path = "cli/kind.rs"]
mod kind;
#[path = "cli/learning.rs"]
mod learning;

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
    insta::assert_snapshot!(shown(&user, &run), @r#"
    exit 2
    --- stdout
    --- stderr
    error: there is no scenario "unhealty-node"
     next: did you mean `unhealthy-node`? `ckaprep list scenarios` shows all.
    "#);
}

#[test]
fn unknown_exams_name_those_that_exist() {
    let user = User::new();
    let run = user.run(&["quiz", "--exam", "kca"]).expect_code(2);
    assert!(run.stderr.contains("cka, cka-2018, ckad, ckad-2018"), "{}", run.stderr);
}

#[test]
fn errors_have_a_json_form() {
    let user = User::new();
    let run = user.run(&["scenario", "unhealty-node", "--format", "json"]).expect_code(2);
    let error: Value = serde_json::from_str(&run.stderr).expect("the error is JSON");
    assert_eq!((error["error"]["kind"].as_str(), error["error"]["exitCode"].as_i64()), (Some("usage"), Some(2)));
}

#[test]
fn an_existing_cluster_is_named_and_is_not_production() {
    let user = User::new();
    let start = ["scenario", "no-answer", "--backend", "existing"];
    let run = user.run(&start).expect_code(2);
    assert!(run.stderr.contains("--context NAME") && run.stderr.contains(" next: "), "{}", run.stderr);
    let own = "apiVersion: v1\nkind: Config\ncurrent-context: lab\nclusters: [{name: c, cluster: {server: 'https://prod.example:6443'}}]\n\
               users: [{name: u, user: {token: x}}]\ncontexts: [{name: lab, context: {cluster: c, user: u}}]\n";
    let path = user.path().join("own");
    std::fs::write(&path, own).expect("a kubeconfig");
    let kubeconfig = path.to_string_lossy().into_owned();
    let named = |context| [&start[..], &["--kubeconfig", &kubeconfig, "--context", context]].concat();
    let run = user.run(&named("lab")).expect_code(2);
    assert!(run.stderr.contains("looks like production: its server is"), "{}", run.stderr);
    let run = user.run(&named("labb")).expect_code(2);
    assert!(run.stderr.contains("there is no context \"labb\"") && run.stderr.contains("contexts: lab"), "{}", run.stderr);
    assert_eq!(std::fs::read_to_string(&path).expect("it is there"), own);
    let role = user.run(&["backend", "permissions"]).expect_code(0);
    assert!(role.stdout.contains("kind: ClusterRole\n"), "{}", role.stdout);
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
    // A quiz goes on without a history, and says so.
    let run = user.run(&["list"]).expect_code(0);
    assert!(run.stderr.contains("not recorded"), "{}", run.stderr);
}

#[test]
fn alone_it_says_what_to_do_next() {
    let user = User::new();
    let run = user.run(&[] as &[&str]).expect_code(0);
    assert!(run.stdout.contains("ckaprep scenario ") && run.stdout.contains("ckaprep quiz --exam cka"), "{}", run.stdout);
}

#[test]
fn completions_know_ids() {
    let user = User::new();
    let script = user.run(&["completions", "bash"]).expect_code(0);
    assert!(script.stdout.contains("COMPLETE"), "{}", script.stdout);
    let output = user
        .command()
        .env("COMPLETE", "bash")
        .env("_CLAP_COMPLETE_INDEX", "2")
        .args(["--", "ckaprep", "scenario", "unh"])
        .output()
        .expect("ckaprep runs");
    assert!(String::from_utf8_lossy(&output.stdout).contains("unhealthy-node"), "{output:?}");
}

#[test]
fn draws_keep_the_published_proportion_and_a_seed_repeats_them() {
    let user = User::new();
    let draw = || user.run(&["quiz", "--exam", "cka", "--draw-only", "--seed", "7", "--format", "json"]).expect_code(0).json();
    let (first, second) = (draw(), draw());
    assert_eq!(first, second);
    let questions = first["questions"].as_array().expect("questions");
    assert_eq!(questions.len(), 20);
    let in_domain = |domain: &str| questions.iter().filter(|q| q["domain"] == domain).count();
    assert_eq!((in_domain("troubleshooting"), in_domain("storage")), (6, 2), "30 % and 10 % of 20");
    assert!(questions.iter().all(|q| q["id"].is_string() && q["type"].is_string()));
}

#[test]
fn a_quiz_takes_answers_from_a_pipe_and_resumes() {
    let user = User::new();
    // `quit` leaves it; choices are answered blindly, so the grade is whatever it is.
    let run = user.run_with(&["quiz", "--exam", "cka", "--domain", "storage", "--count", "3", "--seed", "1"], "quit\n").expect_code(0);
    assert!(run.stdout.contains("quiz resume"), "{}", run.stdout);
    let run = user.run_with(&["quiz", "resume", "--format", "json"], "");
    assert!([0, 1].contains(&run.code), "{}", run.stderr);
    let result = run.json();
    assert_eq!(result["exam"], "cka");
    assert_eq!(result["questions"].as_array().map(Vec::len), Some(3));
    let run = user.run(&["quiz", "resume"]).expect_code(3);
    assert!(run.stderr.contains("no quiz to resume"), "{}", run.stderr);
}

/// One session from its start to its end, as somebody with scripts uses it.
#[test]
fn a_detached_session_is_checked_entered_killed_brought_back_and_stopped() {
    let user = User::new();
    let started = user.run(&["scenario", "unhealthy-node", "--detach", "--seed", "1", "--format", "json"]).expect_code(0).json();
    let session = started["session"].as_str().expect("an id").to_owned();
    let kubeconfig = PathBuf::from(started["kubeconfig"].as_str().expect("a path"));
    assert_eq!(started["nodes"].as_array().map(Vec::len), Some(4));
    private(&kubeconfig);

    let nodes = user.run(&["kubectl", "get", "nodes", "--no-headers"]).expect_code(0);
    assert_eq!(nodes.stdout.lines().filter(|line| line.contains("NotReady")).count(), 1, "{}", nodes.stdout);

    let check = user.run(&["check", "--format", "json"]).expect_code(1).json();
    assert_eq!(check["report"]["score"]["earned"], 0);
    let evidence =
        check["report"]["checks"].as_array().expect("checks").iter().any(|c| c["evidence"].as_array().is_some_and(|e| !e.is_empty()));
    assert!(!evidence, "evidence is for --why: it often is the answer");

    let exit = user.run(&["ssh", "worker-1", "--", "echo kept > /root/kept; exit 7"]).expect_code(7);
    assert_eq!(exit.stderr, "");
    for (command, want) in [
        ("cat", "a\nb\n"),
        ("grep b", "b\n"),
        ("while read line; do echo \"<$line>\"; done", "<a>\n<b>\n"),
        ("head -n 1; echo done", "a\ndone\n"),
    ] {
        assert_eq!(user.run_with(&["ssh", "worker-1", "--", command], "a\nb\n").expect_code(0).stdout, want, "{command}");
    }
    let script = user.run_with(&["ssh", "worker-1", "--", "bash", "-s"], "hostname\nexit 3\n").expect_code(3);
    assert_eq!(script.stdout, "worker-1\n");

    kill(&user);
    // Somebody takes its port meanwhile.
    let port: u16 = started["server"].as_str().and_then(|url| url.rsplit(':').next()?.parse().ok()).expect("a port");
    let taken = std::net::TcpListener::bind(("127.0.0.1", port));
    let gone = user.run(&["check"]).expect_code(3);
    assert!(gone.stderr.contains(&format!("ckaprep attach {session}")), "{}", gone.stderr);

    // What was acknowledged is there again; the script's end is graded.
    let back = user.run_with(&["attach", &session], "ssh worker-1 cat /root/kept\nkubectl get nodes\n").expect_code(1);
    drop(taken);
    assert!(back.stdout.contains("kept") && back.stdout.contains("NotReady"), "{}{}", back.stdout, back.stderr);
    assert!(user.run(&["status", "--format", "json"]).expect_code(0).json()["sessions"].as_array().expect("a list").is_empty());
    assert!(!kubeconfig.exists(), "nothing is left behind");
    let history = user.run(&["history", "--format", "json"]).expect_code(0).json();
    assert_eq!(history["attempts"][0]["item"], "unhealthy-node");
}

#[test]
fn two_sessions_do_not_meet() {
    let user = User::new();
    let start = || user.run(&["scenario", "unhealthy-node", "--detach", "--format", "json"]).expect_code(0).json();
    let (a, b) = (start(), start());
    let name = |session: &Value| session["session"].as_str().expect("an id").to_owned();
    assert_ne!(a["server"], b["server"]);
    let run = user.run(&["check"]).expect_code(2);
    assert!(run.stderr.contains("--session"), "{}", run.stderr);
    let _ = user.run(&["ssh", "--session", &name(&a), "worker-1", "--", "touch /root/only-here"]).expect_code(0);
    let _ = user.run(&["ssh", "--session", &name(&b), "worker-1", "--", "test -e /root/only-here"]).expect_code(1);
    let _ = user.run(&["stop", &name(&a)]).expect_code(0);
    let _ = user.run(&["task", "--session", &name(&b)]).expect_code(0);
}

#[test]
fn the_demonstration_scores_nothing_and_then_everything() {
    let user = User::new();
    let demo = user.run(&["scenario", "unhealthy-node", "--demo", "--seed", "1", "--format", "json"]).expect_code(0).json();
    assert_eq!(demo["before"]["score"]["earned"], 0);
    assert_eq!(demo["after"]["check"]["report"]["score"]["earned"], demo["after"]["check"]["report"]["score"]["maximum"]);
    let history = user.run(&["history", "--format", "json"]).expect_code(0).json();
    assert!(history["attempts"].as_array().expect("a list").is_empty(), "a demonstration is no attempt");
}

#[test]
fn the_practice_shell_knows_only_its_cluster_and_works_without_a_kubectl() {
    // A PATH with a shell and nothing that is called kubectl.
    let user = User::new();
    let bin = user.path().join("tools");
    std::fs::create_dir(&bin).expect("a directory");
    for tool in ["bash", "sh", "cat", "env"] {
        let real = std::env::split_paths(&std::env::var_os("PATH").expect("a PATH")).map(|dir| dir.join(tool)).find(|file| file.exists());
        std::os::unix::fs::symlink(real.expect("the tool is installed"), bin.join(tool)).expect("a link");
    }
    std::fs::write(user.path().join(".bashrc"), "export KUBECONFIG=/elsewhere; echo user-file-was-read\n").expect("a file");
    let user = user.with("PATH", bin);
    let script = "echo KUBECONFIG=$KUBECONFIG\nkubectl get nodes --no-headers\nk config current-context\nckaprep task\n\
                  ssh worker-1 true\nssh worker-1\ncat <<X\nin $(hostname)\nX\nexit\necho last line\n";
    let run = user.run_with(&["scenario", "unhealthy-node", "--seed", "1"], script).expect_code(1);
    assert!(!run.stdout.contains("user-file-was-read") && !run.stdout.contains("/elsewhere"), "{}", run.stdout);
    for part in ["NotReady", "kubernetes-admin@kubernetes", "in worker-1\n", "last line"] {
        assert!(run.stdout.contains(part), "no {part:?} in {}{}", run.stdout, run.stderr);
    }
}

#[test]
fn a_reset_gives_the_cluster_back_at_the_same_address() {
    let user = User::new();
    let _ = user.run(&["scenario", "unhealthy-node", "--detach", "--seed", "1", "--format", "json"]).expect_code(0);
    // Somebody is at work on a node meanwhile.
    let mut busy =
        user.command().args(["ssh", "worker-2", "--", "echo here; sleep 1000"]).stdout(Stdio::piped()).spawn().expect("ckaprep runs");
    let mut said = [0; 5];
    std::io::Read::read_exact(busy.stdout.as_mut().expect("standard output"), &mut said).expect("the shell is open");
    let _ = user.run(&["ssh", "worker-1", "--", "touch /root/mine"]).expect_code(0);
    let _ = user.run(&["kubectl", "create", "namespace", "mine"]).expect_code(0);
    let _ = user.run(&["reset"]).expect_code(0);
    assert_eq!(busy.wait().expect("its shell was closed").code(), Some(255));
    let _ = user.run(&["ssh", "worker-1", "--", "test -e /root/mine"]).expect_code(1);
    let gone = user.run(&["kubectl", "get", "namespace", "mine"]).expect_code(1);
    assert!(gone.stderr.contains("NotFound"), "{}", gone.stderr);
    // What happens after a reset is journalled like what came before.
    let _ = user.run(&["ssh", "worker-1", "--", "touch /root/after"]).expect_code(0);
    kill(&user);
    let back = user.run_with(&["attach"], "ssh worker-1 'test -e /root/after && echo kept'\n").expect_code(1);
    assert!(back.stdout.contains("kept"), "{}{}", back.stdout, back.stderr);
}

#[test]
fn a_start_that_fails_leaves_nothing_behind() {
    let user = User::new();
    let run = user.run(&["scenario", "unhealthy-node", "--detach", "--variant", "nonsense=1"]).expect_code(2);
    assert!(run.stderr.contains("hidden variable"), "{}", run.stderr);
    let sessions = user.path().join(".local/state/ckaprep/sessions");
    assert_eq!(std::fs::read_dir(sessions).map(Iterator::count).unwrap_or(0), 0);
}

/// Kills the process of the only session.
fn kill(user: &User) {
    let sessions = std::fs::read_dir(user.path().join(".local/state/ckaprep/sessions")).expect("sessions");
    let folder = sessions.flatten().next().expect("a session").path();
    let record: Value = serde_json::from_slice(&std::fs::read(folder.join("session.json")).expect("a record")).expect("JSON");
    let pid = i32::try_from(record["pid"].as_i64().expect("a pid")).expect("a pid");
    let pid = nix::unistd::Pid::from_raw(pid);
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL).expect("it was running");
    // The system takes a moment to take it apart; until then its socket is there.
    while nix::sys::signal::kill(pid, None).is_ok() {
        std::thread::yield_now();
    }
}

/// Readable by its owner only.
fn private(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::metadata(path).expect("it is there").permissions().mode();
    assert_eq!(mode & 0o077, 0, "{} has mode {mode:o}", path.display());
}
