//! What an author does, with the program as it is: the tutorial of docs/authoring, `author new`, `author capture`, packs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// An author with an empty home.
struct Author {
    home: TempDir,
}

struct Run {
    code: i32,
    text: String,
}

impl Author {
    fn new() -> Self {
        Self { home: tempfile::Builder::new().prefix("ckaprep-author-").tempdir().expect("a temporary directory") }
    }

    fn path(&self) -> &Path {
        self.home.path()
    }

    fn run(&self, arguments: &[&str]) -> Run {
        self.run_with(arguments, "")
    }

    fn run_with(&self, arguments: &[&str], input: &str) -> Run {
        use std::io::Write;
        let mut child = Command::new(env!("CARGO_BIN_EXE_ckaprep"))
            .env_clear()
            .env("HOME", self.path())
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("TERM", "dumb")
            .args(arguments)
            .current_dir(self.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("ckaprep runs");
        // A program that ends early closes its input; that is its business.
        let _ = child.stdin.take().expect("standard input").write_all(input.as_bytes());
        let output = child.wait_with_output().expect("ckaprep ends");
        let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
        Run { code: output.status.code().unwrap_or(-1), text }
    }
}

impl Drop for Author {
    fn drop(&mut self) {
        let _ = self.run(&["stop", "--all"]);
    }
}

/// A block of a Markdown text: the words after its fence, and its lines.
fn blocks(text: &str) -> Vec<(Vec<String>, String)> {
    let mut found = Vec::new();
    let mut open: Option<(Vec<String>, String)> = None;
    for line in text.lines() {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(words)) => open = Some((words.split_whitespace().map(str::to_owned).collect(), String::new())),
            (Some(_), Some("")) => found.extend(open.take()),
            (Some((_, body)), _) => body.push_str(&format!("{line}\n")),
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a block is not closed");
    found
}

#[test]
fn the_tutorial_works_as_it_stands() {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/authoring/tutorial.md")).expect("the tutorial");
    let author = Author::new();
    let mut commands = 0;
    for (words, body) in blocks(&text) {
        let value = |key: &str| words.iter().find_map(|word| word.strip_prefix(key)).map(str::to_owned);
        if let Some(file) = value("file=") {
            let path = author.path().join(file);
            fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            fs::write(path, body).expect("written");
        } else if words.first().is_some_and(|word| word == "console") {
            let code: i32 = value("exit=").map_or(0, |code| code.parse().expect("a number"));
            commands += console(&author, &body, code);
        }
    }
    assert!(commands >= 8, "only {commands} commands were run");
}

/// Runs the commands of a block; every other line must stand in the output of the command before it.
fn console(author: &Author, block: &str, code: i32) -> usize {
    let mut commands = 0;
    let mut last = Run { code: 0, text: String::new() };
    let mut shown = String::new();
    for line in block.lines() {
        let Some(command) = line.strip_prefix("$ ") else {
            assert!(flat(&last.text).contains(&flat(line)), "`{line}` is not in what `{shown}` says:\n{}", last.text);
            continue;
        };
        let words: Vec<&str> = command.split_whitespace().collect();
        shown = command.to_owned();
        last = match words.as_slice() {
            ["ckaprep", arguments @ ..] => {
                commands += 1;
                author.run(arguments)
            }
            ["cp", "-r", from, to] => {
                copy(&author.path().join(from), &author.path().join(to));
                Run { code: 0, text: String::new() }
            }
            _ => panic!("the test cannot run `{command}`"),
        };
        assert_eq!(last.code, code, "`{command}`\n{}", last.text);
    }
    commands
}

/// Without the line breaks of the terminal's width.
fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("made");
    for entry in fs::read_dir(from).expect("a folder").flatten() {
        let target = to.join(entry.file_name());
        if entry.file_type().expect("a type").is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("copied");
        }
    }
}

#[test]
fn new_scenarios_lint_clean_and_prove() {
    let author = Author::new();
    for (from, variants) in [("workload", 2), ("answer", 3)] {
        let folder = format!("./{from}-one");
        let run = author.run(&[
            "author",
            "new",
            &format!("{from}-one"),
            "--from",
            from,
            "--exam",
            "ckad",
            "--domain",
            "application-observability-and-maintenance",
        ]);
        assert_eq!(run.code, 0, "{}", run.text);
        let lint = author.run(&["author", "lint", &folder]);
        assert!(lint.code == 0 && lint.text.contains("no errors, 0 warnings"), "{}", lint.text);
        let test = author.run(&["author", "test", &folder]);
        assert!(test.code == 0 && test.text.contains(&format!("{variants} proven, 0 not")), "{}", test.text);
        assert!(author.path().join(&folder).join("scenario.schema.json").is_file());
    }
    let again = author.run(&["author", "new", "workload-one"]);
    assert!(again.code == 2 && again.text.contains("there already"), "{}", again.text);
    let bad = author.run(&["author", "new", "Not An Id"]);
    assert_eq!(bad.code, 2, "{}", bad.text);
}

#[test]
fn what_is_shown_becomes_a_scenario() {
    let author = Author::new();
    let script = "\
kubectl create namespace shop
kubectl -n shop create deployment web --image=nginx:1.72
done
kubectl -n shop get pods
kubectl -n shop set image deployment/web nginx=nginx:1.27
kubectl -n shop rollout status deployment/web
done
";
    let run = author.run_with(&["author", "capture", "shown", "--exam", "cka"], script);
    assert_eq!(run.code, 0, "{}", run.text);
    let text = fs::read_to_string(author.path().join("shown/scenario.yaml")).expect("written");
    assert!(text.contains("set image deployment/web") && !text.contains("get pods"), "{text}");
    assert!(text.contains("workload") && author.path().join("shown/setup/objects.yaml").is_file(), "{text}");
    assert!(run.text.contains("it proves"), "{}\n{text}", run.text);
}

#[test]
fn a_save_is_proven_again() {
    use std::io::{BufRead, BufReader};
    let author = Author::new();
    assert_eq!(author.run(&["author", "new", "watched", "--exam", "cka"]).code, 0);
    let folder: PathBuf = author.path().join("watched");
    let mut child = Command::new(env!("CARGO_BIN_EXE_ckaprep"))
        .env_clear()
        .env("HOME", author.path())
        .env("TERM", "dumb")
        .args(["author", "test", "./watched", "--watch"])
        .current_dir(author.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("ckaprep runs");
    let (give, take) = std::sync::mpsc::channel();
    for stream in
        [Box::new(child.stdout.take().expect("piped")) as Box<dyn std::io::Read + Send>, Box::new(child.stderr.take().expect("piped"))]
    {
        let give = give.clone();
        std::thread::spawn(move || BufReader::new(stream).lines().map_while(Result::ok).try_for_each(|line| give.send(line)));
    }
    let wait_for = |part: &str| {
        let mut seen = String::new();
        loop {
            // Only how long a broken program is waited for.
            let line = take.recv_timeout(std::time::Duration::from_secs(120)).unwrap_or_else(|_| panic!("`{part}` never came:\n{seen}"));
            seen.push_str(&format!("{line}\n"));
            if line.contains(part) {
                return;
            }
        }
    };
    wait_for("waiting for a save");
    let path = folder.join("scenario.yaml");
    let text = fs::read_to_string(&path).expect("there");
    fs::write(&path, text.replace("replicas: 2}}", "replicas: 3}}")).expect("written");
    wait_for("does not score");
    wait_for("waiting for a save");
    fs::write(&path, text.replace("points: 3", "pints: 3")).expect("written");
    wait_for("yaml/unknown-key");
    fs::write(&path, text).expect("written");
    wait_for("proven");
    child.kill().expect("ended");
    child.wait().expect("ended");
}

#[test]
fn content_of_packs_stays_in_the_simulation() {
    let author = Author::new();
    assert_eq!(author.run(&["author", "new", "inner", "--exam", "cka", "--dir", "pack/scenarios/inner"]).code, 0);
    fs::write(
        author.path().join("pack/pack.yaml"),
        "apiVersion: ckaprep.dev/v1\nkind: Pack\nid: strangers\ntitle: Of strangers\nversion: '1'\n",
    )
    .expect("written");
    let run = author.run(&["pack", "add", "./pack"]);
    assert!(run.code == 0 && run.text.contains("strangers/inner"), "{}", run.text);
    assert_eq!(author.run(&["pack", "add", "./pack"]).code, 2, "it is there already");
    assert!(author.run(&["pack", "list"]).text.contains("Of strangers"));
    let refused = author.run(&["scenario", "strangers/inner", "--backend", "kind", "--detach"]);
    assert!(refused.code == 2 && refused.text.contains("embedded cluster only"), "{}", refused.text);
    let demo = author.run(&["scenario", "strangers/inner", "--demo"]);
    assert!(demo.code == 0, "{}", demo.text);
    assert_eq!(author.run(&["pack", "remove", "strangers"]).code, 0);
    assert_eq!(author.run(&["scenario", "strangers/inner", "--detach"]).code, 2);
}
