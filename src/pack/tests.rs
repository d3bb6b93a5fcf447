//! Hostile packs: each is refused, leaves nothing behind, and touches nothing outside.

use std::fs;
use std::io::Write;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use tar::{Builder, EntryType, Header};

use super::{Files, PackError, Shelf, open};
use crate::content::source::{Origin, Source};
use crate::content::{Catalog, ExerciseKind};

const MANIFEST: &str = "apiVersion: ckaprep.dev/v1\nkind: Pack\nid: team\ntitle: A team's own\nversion: '1'\n";

const QUESTION: &str = "apiVersion: ckaprep.dev/v1
kind: Question
id: q
placements: [{exam: ex, domain: one, competency: c-one}]
type: single
prompt: p
options: [{text: a, correct: true, why: w}, {text: b, why: w}]
explanation: e
link: https://kubernetes.io/docs/b
";

const CURRICULUM: &str = "apiVersion: ckaprep.dev/v1
kind: Curriculum
id: ex
title: t
version: v
asOf: '2026-01-01'
source: s
attribution: a
format: {minutes: 1, tasksMin: 1, tasksMax: 1, passPercent: 66}
domains: [{id: one, title: One, weight: 100, competencies: [{id: c-one, summary: s}]}]
";

const SCENARIO: &str = "apiVersion: ckaprep.dev/v1
kind: Scenario
id: sick
title: A thing
placements: [{exam: ex, domain: one, competency: c-one}]
difficulty: easy
minutes: 2
host: control-plane
variables: {fault: {hidden: true, oneOf: [stopped]}, node: {node: {role: worker}}}
setup: [{fault: {id: '{{ fault }}', node: '{{ node }}'}}]
task: task.md
checks: [{id: up, points: 1, title: Up, onlyFault: [stopped], expect: {units: {active: [kubelet]}}}]
hints: [look]
solution: {fromFault: true}
wrong:
- {id: nothing, loses: [up], steps: [{on: shell, run: 'true'}]}
- {id: less, loses: [up], onlyFault: [stopped], steps: [{on: shell, run: 'true'}]}
debrief: {fromFault: true}
";

const FAULT: &str = "apiVersion: ckaprep.dev/v1
kind: Fault
id: stopped
title: t
do: [{stopUnit: kubelet}]
undo: [{startUnit: kubelet}]
visibleWhen: {expect: {node: {conditions: {Ready: 'Unknown'}}}}
solution: {steps: [{on: node, run: systemctl start kubelet}]}
debrief: {text: x, fastest: [{run: a, shows: b}], link: 'https://kubernetes.io/docs/a'}
";

fn catalog() -> Catalog {
    let question = QUESTION.replace("id: q", "id: mine");
    let (catalog, findings) =
        Catalog::load(&[Source::of_files(Origin::BuiltIn, [("curricula/ex.yaml", CURRICULUM), ("questions/mine.yaml", &question)])]);
    assert!(!findings.has_errors(), "{findings:?}");
    catalog
}

/// A good pack's files.
fn good() -> Vec<(String, String)> {
    [
        ("pack.yaml", MANIFEST),
        ("questions/q.yaml", QUESTION),
        ("scenarios/sick/scenario.yaml", SCENARIO),
        ("scenarios/sick/task.md", "1. Mend `{{ node }}`.\n"),
        ("faults/stopped.yaml", FAULT),
    ]
    .map(|(path, text)| (path.to_owned(), text.to_owned()))
    .to_vec()
}

fn with(path: &str, text: &str) -> Vec<(String, String)> {
    let mut files = good();
    files.retain(|(there, _)| there != path);
    files.push((path.to_owned(), text.to_owned()));
    files
}

/// An archive whose paths are written as they are, whatever a decent writer would say.
fn archive(folder: &Path, build: impl FnOnce(&mut Builder<GzEncoder<fs::File>>)) -> std::path::PathBuf {
    let path = folder.join("pack.tar.gz");
    let mut builder = Builder::new(GzEncoder::new(fs::File::create(&path).expect("made"), Compression::best()));
    build(&mut builder);
    builder.into_inner().expect("written").finish().expect("written").flush().expect("written");
    path
}

fn raw(builder: &mut Builder<GzEncoder<fs::File>>, path: &[u8], of_type: EntryType, link: &str, size: u64, data: impl std::io::Read) {
    let mut header = Header::new_gnu();
    header.as_gnu_mut().expect("a GNU header").name[..path.len()].copy_from_slice(path);
    if !link.is_empty() {
        header.set_link_name_literal(link).expect("fits");
    }
    header.set_entry_type(of_type);
    header.set_size(size);
    header.set_mode(0o644);
    header.set_cksum();
    builder.append(&header, data).expect("written");
}

fn put(builder: &mut Builder<GzEncoder<fs::File>>, path: &str, text: &str) {
    raw(builder, path.as_bytes(), EntryType::Regular, "", text.len() as u64, text.as_bytes());
}

fn put_all(builder: &mut Builder<GzEncoder<fs::File>>, files: &[(String, String)]) {
    files.iter().for_each(|(path, text)| put(builder, path, text));
}

/// What becomes of an archive: nothing may be left where it was refused, and nothing may be outside.
fn outcome(build: impl FnOnce(&mut Builder<GzEncoder<fs::File>>)) -> Result<(), String> {
    let home = tempfile::tempdir().expect("a folder");
    let state = home.path().join("state/packs");
    let path = archive(home.path(), build);
    let result = open(&path).and_then(|files| Shelf::at(state.clone()).add(&files, &catalog(), false));
    let outside: Vec<_> =
        fs::read_dir(home.path()).expect("there").flatten().map(|e| e.file_name()).filter(|n| n != "state" && n != "pack.tar.gz").collect();
    assert!(outside.is_empty(), "written outside: {outside:?}");
    match result {
        Ok(_) => Ok(()),
        Err(error) => {
            assert!(!state.exists() || fs::read_dir(&state).expect("there").count() == 0, "a refused pack left something");
            Err(match error {
                PackError::Content(findings) => findings.iter().map(|f| f.code).collect::<Vec<_>>().join(" "),
                other => other.to_string(),
            })
        }
    }
}

#[test]
fn a_good_pack_is_kept_listed_and_removed() {
    let home = tempfile::tempdir().expect("a folder");
    let shelf = Shelf::at(home.path().join("packs"));
    // As `tar czf` of a folder writes it: one folder around everything, and what is no content of ours.
    let path = archive(home.path(), |builder| {
        raw(builder, b"./", EntryType::Directory, "", 0, std::io::empty());
        for (path, text) in good() {
            put(builder, &format!("./team-1.0/{path}"), &text);
        }
        put(builder, "team-1.0/LICENSE", "as you like");
    });
    let files = open(&path).expect("a pack");
    let installed = shelf.add(&files, &catalog(), false).expect("kept");
    assert_eq!((installed.pack.id.as_str(), shelf.list().len()), ("team", 1));
    assert!(!installed.folder.join("LICENSE").exists());
    let (with, findings) = shelf.over(catalog());
    assert!(findings.is_empty(), "{findings:?}");
    assert!(with.scenario("team/sick").is_some() && with.question("team/q").is_some() && with.question("mine").is_some());
    // Its own fault is found by its own name, and checks that name it count.
    let exercise = with.exercise(ExerciseKind::Scenario, "team/sick").expect("there");
    let inventory = std::sync::Arc::new(crate::model::Inventory::example(3));
    let instance = crate::content::Instance::bind(&with, &exercise, &inventory, 1, &Default::default()).expect("bound");
    assert_eq!((instance.checks().expect("filled").len(), instance.wrong().expect("filled").len()), (1, 2));
    assert_eq!(instance.fault_ids()[0].as_str(), "team/stopped");

    assert!(matches!(shelf.add(&files, &catalog(), false), Err(PackError::Exists { .. })));
    assert!(shelf.add(&files, &catalog(), true).is_ok());
    shelf.remove("team").expect("gone");
    assert!(shelf.list().is_empty() && matches!(shelf.remove("team"), Err(PackError::Unknown(_))));
    assert!(matches!(shelf.remove("../packs"), Err(PackError::Unknown(_))));
}

#[test]
fn a_folder_is_a_pack_too_and_its_links_are_refused() {
    let home = tempfile::tempdir().expect("a folder");
    let pack = home.path().join("mine");
    for (path, text) in good() {
        let path = pack.join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(path, text).expect("written");
    }
    fs::create_dir(pack.join(".git")).expect("made");
    std::os::unix::fs::symlink("/etc", pack.join(".git/link")).expect("made");
    let shelf = Shelf::at(home.path().join("packs"));
    shelf.add(&open(&pack).expect("read"), &catalog(), false).expect("kept");
    std::os::unix::fs::symlink("/etc/passwd", pack.join("scenarios/sick/passwd.txt")).expect("made");
    assert!(open(&pack).expect_err("a link").to_string().contains("links have no place"));
    fs::remove_file(pack.join("scenarios/sick/passwd.txt")).expect("gone");
    nix::unistd::mkfifo(&pack.join("scenarios/sick/pipe.txt"), nix::sys::stat::Mode::S_IRUSR).expect("made");
    assert!(open(&pack).expect_err("a pipe").to_string().contains("neither a file nor a folder"));
}

#[test]
fn archives_that_reach_outside_or_pretend_are_refused() {
    type Build = Box<dyn FnOnce(&mut Builder<GzEncoder<fs::File>>)>;
    let entry = |path: &'static [u8], of_type: EntryType, link: &'static str| -> Build {
        Box::new(move |b| {
            put_all(b, &good());
            raw(b, path, of_type, link, 0, std::io::empty());
        })
    };
    let file = |path: &'static str| -> Build {
        Box::new(move |b| {
            put_all(b, &good());
            put(b, path, "x");
        })
    };
    let cases: Vec<(&str, Build, &str)> = vec![
        ("parents", file("../../evil.txt"), "leaves the pack"),
        ("parents inside", file("scenarios/../../evil.txt"), "leaves the pack"),
        ("absolute", file("/tmp/evil.txt"), "absolute"),
        ("backslashes", file("scenarios\\..\\evil.txt"), "letters, digits"),
        ("a drive", file("C:evil.txt"), "letters, digits"),
        ("hidden", file("scenarios/.ssh/config.txt"), "hidden"),
        ("escape sequence in a name", file("scenarios/\u{1b}[2J.md"), "letters, digits"),
        ("another alphabet", file("scenarios/а.md"), "letters, digits"),
        ("not text as a name", entry(b"scenarios/\xff.md", EntryType::Regular, ""), "not text"),
        ("a link to a file", entry(b"scenarios/sick/l.md", EntryType::Symlink, "/etc/passwd"), "links"),
        ("a link to a folder", entry(b"faults2", EntryType::Symlink, "/etc"), "links"),
        ("a hard link", entry(b"scenarios/sick/l.md", EntryType::Link, "/etc/passwd"), "links"),
        ("a device", entry(b"scenarios/sick/d.md", EntryType::Char, ""), "neither a file"),
        ("a block device", entry(b"scenarios/sick/d.md", EntryType::Block, ""), "neither a file"),
        ("a pipe", entry(b"scenarios/sick/p.md", EntryType::Fifo, ""), "neither a file"),
        ("a sparse file", entry(b"scenarios/sick/s.md", EntryType::GNUSparse, ""), ""),
        ("a path twice", file("scenarios/sick/task.md"), "twice"),
        ("a path twice but for case", file("scenarios/sick/TASK.md"), "twice"),
        ("too deep", file("a/b/c/d/e/f/g/h/i/j.md"), "nested too deeply"),
        (
            "link first, then through it",
            Box::new(|b| {
                raw(b, b"scenarios", EntryType::Symlink, "/tmp", 0, std::io::empty());
                put_all(b, &good());
            }),
            "links",
        ),
        (
            "a long name by an extension header",
            Box::new(|b| {
                put_all(b, &good());
                let mut header = Header::new_gnu();
                header.set_size(1);
                header.set_mode(0o644);
                b.append_data(&mut header, format!("scenarios/{}.md", "x".repeat(400)), &b"x"[..]).expect("written");
            }),
            "too long",
        ),
        (
            "many entries",
            Box::new(|b| {
                (0..6000).for_each(|n| put(b, &format!("faults/f{n}.txt"), ""));
                put_all(b, &good());
            }),
            "files and folders",
        ),
        (
            "a huge file",
            Box::new(|b| {
                put_all(b, &good());
                raw(b, b"scenarios/big.md", EntryType::Regular, "", 3 << 20, std::io::Read::take(std::io::repeat(b'a'), 3 << 20));
            }),
            "too large",
        ),
        (
            "a bomb of many files",
            Box::new(|b| {
                for n in 0..40 {
                    let path = format!("scenarios/big{n}.md");
                    raw(b, path.as_bytes(), EntryType::Regular, "", 1 << 20, std::io::Read::take(std::io::repeat(b'a'), 1 << 20));
                }
                put_all(b, &good());
            }),
            "",
        ),
        ("no manifest", Box::new(|b| put_all(b, &good()[1..])), "does not say who it is"),
    ];
    for (name, build, part) in cases {
        let error = outcome(build).expect_err(name);
        assert!(error.contains(part), "{name}: {error}");
    }
}

#[test]
fn archives_that_are_none_are_refused() {
    let home = tempfile::tempdir().expect("a folder");
    let refuse = |bytes: &[u8]| {
        let path = home.path().join("x.tar.gz");
        fs::write(&path, bytes).expect("written");
        open(&path).expect_err("refused").to_string()
    };
    assert!(refuse(b"").contains("neither a folder nor"));
    assert!(refuse(b"PK\x03\x04zip").contains("neither a folder nor"));
    refuse(b"\x1f\x8b\x08garbage that is no gzip");
    let good = archive(home.path(), |b| put_all(b, &good()));
    let bytes = fs::read(good).expect("read");
    refuse(&bytes[..bytes.len() / 2]);
    // Zeroes without end: a megabyte of gzip that would be a gigabyte.
    let mut bomb = GzEncoder::new(Vec::new(), Compression::best());
    std::io::copy(&mut std::io::Read::take(std::io::repeat(b'a'), 256 << 20), &mut bomb).expect("written");
    refuse(&bomb.finish().expect("written"));
    assert!(open(Path::new("/dev/zero")).expect_err("a device").to_string().contains("neither a folder nor"));
    assert!(open(&home.path().join("none")).is_err());
}

#[test]
fn content_that_is_hostile_is_refused() {
    let bomb = {
        let mut text = String::from("a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n");
        for n in 1..12 {
            let refs = vec![format!("*a{}", n - 1); 10].join(",");
            text.push_str(&format!("a{n}: &a{n} [{refs}]\n"));
        }
        text
    };
    let deep = format!("{QUESTION}x: {}{}\n", "[".repeat(20_000), "]".repeat(20_000));
    let huge_loop = "1. {% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %} {{ node }}\n";
    /// What it is, the pack, the code of the finding.
    type Case = (&'static str, Vec<(String, String)>, &'static str);
    let cases: &[Case] = &[
        ("an anchors bomb", with("questions/q.yaml", &format!("{QUESTION}{bomb}")), "yaml/"),
        ("an anchors bomb in a manifest of its own", with("pack.yaml", &format!("{MANIFEST}{bomb}")), "yaml/"),
        ("nested without end", with("questions/q.yaml", &deep), "yaml/"),
        ("the id of another pack", with("questions/q.yaml", &QUESTION.replace("id: q", "id: other/q")), "id/format"),
        ("a path as an id", with("questions/q.yaml", &QUESTION.replace("id: q", "id: ../../q")), "id/format"),
        ("an exam of its own", with("curricula/cka.yaml", &CURRICULUM.replace("id: ex", "id: cka")), "pack/curriculum"),
        ("the built-in exam", with("curricula/ex.yaml", CURRICULUM), "pack/curriculum"),
        ("an id twice", with("questions/r.yaml", QUESTION), "id/duplicate"),
        ("a pack that is named by a path", with("pack.yaml", &MANIFEST.replace("id: team", "id: ../team")), "not a word"),
        ("a pack that claims another's place", with("pack.yaml", &MANIFEST.replace("id: team", "id: team/sub")), "not a word"),
        ("a file outside", with("scenarios/sick/scenario.yaml", &SCENARIO.replace("task: task.md", "task: ../../../../etc/passwd.md")), "file/missing"),
        (
            "a manifest outside",
            with("scenarios/sick/scenario.yaml", &SCENARIO.replace("setup: [", "setup: [{apply: /etc/passwd}, ")),
            "file/missing",
        ),
        ("an escape sequence as such", with("scenarios/sick/task.md", "1. Mend \u{1b}]52;c;aGk=\u{7} {{ node }}\n"), "control characters"),
        (
            "an escape sequence in YAML's clothes",
            with("questions/q.yaml", &QUESTION.replace("prompt: p", "prompt: \"p \\e]52;c;aGk=\\a\"")),
            "text/control",
        ),
        ("letters that turn around", with("questions/q.yaml", &QUESTION.replace("prompt: p", "prompt: \"p \\u202e\"")), "text/control"),
        ("an include", with("scenarios/sick/task.md", "1. Mend {% include '/etc/passwd' %} {{ node }}\n"), "template/"),
        (
            "an expression without end",
            with(
                "scenarios/sick/scenario.yaml",
                &SCENARIO.replace(
                    "expect: {units: {active: [kubelet]}}",
                    "expect: {cel: {list: {kind: Pod}, expr: 'size(objects.map(a, objects.map(b, objects.map(c, objects.map(d, d))))) > 0'}}",
                ),
            ),
            "check/expression",
        ),
        ("not text", with("scenarios/sick/task.md", "1. \u{0}{{ node }}\n"), "control characters"),
    ];
    for (name, files, part) in cases {
        let error = outcome(|b| put_all(b, files)).expect_err(name);
        assert!(error.contains(part), "{name}: {error}");
    }
    // A loop that would not end is refused when the text is filled in, if not before.
    let mut shelf_files = Files::default();
    for (path, text) in with("scenarios/sick/task.md", huge_loop) {
        shelf_files.add(&path, text.into_bytes()).expect("plain");
    }
    let shelf = tempfile::tempdir().expect("a folder");
    let shelf = Shelf::at(shelf.path().to_owned());
    if shelf.add(&shelf_files, &catalog(), false).is_ok() {
        let (with, _) = shelf.over(catalog());
        let exercise = with.exercise(ExerciseKind::Scenario, "team/sick").expect("there");
        let inventory = std::sync::Arc::new(crate::model::Inventory::example(3));
        let instance = crate::content::Instance::bind(&with, &exercise, &inventory, 1, &Default::default()).expect("bound");
        assert!(instance.task().expect_err("no fuel").to_string().contains("fuel"));
    }
}
