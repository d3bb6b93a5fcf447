//! Quizzes to their end, study sessions, the history and what can be done with it.

use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;

use ckaprep::content::{Catalog, QuestionBody};
use serde_json::Value;

use super::{Run, User};

/// A seed whose draw of `count` fits, with the ids that it draws.
fn seed_where(user: &User, count: usize, fits: impl Fn(&[Value]) -> bool) -> (String, Vec<String>) {
    let count = count.to_string();
    for seed in 0..200 {
        let seed = seed.to_string();
        let draw =
            user.run(&["quiz", "--exam", "cka", "--count", &count, "--seed", &seed, "--draw-only", "--format", "json"]).expect_code(0);
        let document = draw.json();
        let questions = document["questions"].as_array().expect("questions");
        if fits(questions) {
            return (seed, questions.iter().map(|q| q["id"].as_str().expect("an id").to_owned()).collect());
        }
    }
    panic!("no seed of 200 draws that");
}

/// What to type for a question that is no command question.
fn right(catalog: &Catalog, id: &str) -> String {
    match catalog.question(id).expect("it was drawn").body() {
        QuestionBody::Single(options) | QuestionBody::Multiple(options) => {
            options.iter().zip('a'..).filter(|(option, _)| option.correct).map(|(_, letter)| letter).collect()
        }
        QuestionBody::Short(answer) => answer.and_then(|a| a.accept.first()).expect("an answer").clone(),
        QuestionBody::Open(_) => "it depends".to_owned(),
        QuestionBody::Command => panic!("{id} wants commands"),
    }
}

/// What to type for a wrong answer.
fn wrong(catalog: &Catalog, id: &str) -> String {
    match catalog.question(id).expect("it was drawn").body() {
        QuestionBody::Single(options) | QuestionBody::Multiple(options) => {
            options.iter().zip('a'..).filter(|(option, _)| !option.correct).map(|(_, letter)| letter).take(1).collect()
        }
        QuestionBody::Short(_) | QuestionBody::Open(_) | QuestionBody::Command => "nonsense".to_owned(),
    }
}

fn attempts(user: &User) -> Vec<Value> {
    user.run(&["history", "--format", "json"]).expect_code(0).json()["attempts"].as_array().expect("a list").clone()
}

#[test]
fn the_exit_code_of_a_quiz_is_the_exams_pass_mark() {
    let user = User::new();
    let catalog = Catalog::built_in().expect("the built-in content");
    let (seed, ids) = seed_where(&user, 3, |drawn| drawn.iter().all(|q| q["type"] != "command"));
    let quiz = |answers: &str| user.run_with(&["quiz", "--exam", "cka", "--count", "3", "--seed", &seed, "--format", "json"], answers);
    let answers: Vec<String> = ids.iter().map(|id| right(&catalog, id)).collect();
    let all = quiz(&answers.join("\n")).expect_code(0).json();
    assert_eq!((all["percent"].as_i64(), all["passed"].as_bool()), (Some(100), Some(true)));
    let wrongs: Vec<String> = ids.iter().map(|id| wrong(&catalog, id)).collect();
    let none = quiz(&wrongs.join("\n")).expect_code(1).json();
    assert_eq!((none["percent"].as_i64(), none["passed"].as_bool()), (Some(0), Some(false)));
    let _ = user.run(&["quiz", "--exam", "cka", "--count", "0"]).expect_code(2);
    let _ = user.run(&["quiz", "--exam", "cka", "--domain", "cooking"]).expect_code(2);

    // What was wrong is asked once more, once each, without complaints about the other domains.
    let wrong = user.run(&["quiz", "--exam", "cka", "--wrong", "--draw-only", "--format", "json"]).expect_code(0);
    assert_eq!(wrong.stderr, "");
    let document = wrong.json();
    let mut asked: Vec<&str> = document["questions"].as_array().expect("a list").iter().filter_map(|q| q["id"].as_str()).collect();
    let mut expected: Vec<&str> = ids.iter().map(String::as_str).collect();
    asked.sort_unstable();
    expected.sort_unstable();
    assert_eq!(asked, expected);
    let _ = quiz(&answers.join("\n")).expect_code(0);
    let nothing = user.run(&["quiz", "--exam", "cka", "--wrong"]).expect_code(3);
    assert!(nothing.stderr.contains("none of your last answers was wrong"), "{}", nothing.stderr);
}

#[test]
fn a_quiz_killed_in_a_command_question_says_that_its_cluster_is_gone() {
    let user = User::new();
    let (seed, _) = seed_where(&user, 1, |drawn| drawn[0]["type"] == "command");
    let mut child = user
        .command()
        .args(["quiz", "--exam", "cka", "--count", "1", "--seed", &seed])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("ckaprep runs");
    let mut input = child.stdin.take().expect("standard input");
    input.write_all(b"kubectl create namespace mine-alone\nkubectl get namespace -o name\n").expect("it reads");
    let mut lines = BufReader::new(child.stdout.take().expect("standard output")).lines();
    // The second command has run when it shows what the first one made; by then the first is stored.
    assert!(lines.any(|line| line.expect("text") == "namespace/mine-alone"), "the commands ran");
    child.kill().expect("it was running");
    let _ = child.wait();

    let run = user.run_with(&["quiz", "resume"], "kubectl get namespace mine-alone\nsubmit\n").expect_code(1);
    for part in ["The cluster of then is gone", "kubectl create namespace mine-alone"] {
        assert!(run.stdout.contains(part), "no {part:?} in {}", run.stdout);
    }
    assert!(run.stderr.contains("NotFound"), "{}{}", run.stdout, run.stderr);
}

#[test]
fn json_results_of_command_questions_stand_alone_on_standard_output() {
    let user = User::new();
    let (seed, _) = seed_where(&user, 1, |drawn| drawn[0]["type"] == "command");
    let arguments = ["quiz", "--exam", "cka", "--count", "1", "--seed", &seed, "--format", "json"];
    let run = user.run_with(&arguments, "kubectl get nodes\nsubmit\n").expect_code(1);
    assert_eq!(run.json()["questions"][0]["answer"], "kubectl get nodes");
    assert!(run.stderr.contains("control-plane"), "{}", run.stderr);
    let shown = user.run(&["history", "show", "last", "--format", "json"]).expect_code(0).json();
    assert!(shown["details"]["report"]["checks"].as_array().is_some_and(|checks| !checks.is_empty()), "{shown}");
}

#[test]
fn a_reset_does_not_unsee_the_solution() {
    let user = User::new();
    let _ = user.run(&["scenario", "unhealthy-node", "--detach", "--seed", "1", "--format", "json"]).expect_code(0);
    let _ = user.run(&["hint"]).expect_code(0);
    let _ = user.run(&["solution"]).expect_code(0);
    let after = user.run(&["reset", "--format", "json"]).expect_code(0).json();
    assert_eq!((after["assisted"].as_bool(), after["hints"].as_i64()), (Some(true), Some(1)));
}

#[test]
fn a_study_session_plans_asks_and_schedules() {
    let user = User::new();
    let catalog = Catalog::built_in().expect("the built-in content");
    let plan =
        user.run(&["study", "--exam", "cka", "--minutes", "60", "--plan-only", "--seed", "3", "--format", "json"]).expect_code(0).json();
    let kinds: Vec<&str> = plan["plan"].as_array().expect("a plan").iter().filter_map(|item| item["kind"].as_str()).collect();
    assert!(kinds.contains(&"scenario") && kinds.contains(&"question"), "{kinds:?}");
    assert!(plan["plannedSeconds"].as_u64().is_some_and(|seconds| seconds <= 3600));

    // Without a terminal there are questions only. Commands are skipped here; open ones get their rating in the next line.
    let arguments = ["study", "--exam", "cka", "--minutes", "10", "--seed", "3"];
    let planned = user.run(&[arguments.as_slice(), &["--plan-only", "--format", "json"]].concat()).expect_code(0).json();
    assert_ne!(planned, plan);
    let mut input = String::new();
    let all = user.run_with(&arguments, "");
    assert_eq!(all.code, 0, "{}", all.stderr);
    // The same plan is made until something is answered.
    let ids: Vec<String> = questions_of(&user, &arguments);
    for id in &ids {
        match catalog.question(id).expect("planned").body() {
            QuestionBody::Command => input.push_str("skip\n"),
            QuestionBody::Open(_) => input.push_str("it depends\nhard\n"),
            _ => input.push_str(&format!("{}\n", right(&catalog, id))),
        }
    }
    let done = user.run_with(&[arguments.as_slice(), &["--format", "json"]].concat(), &input).expect_code(0).json();
    let done = done["done"].as_array().expect("a list").clone();
    assert!(!done.is_empty());
    for item in &done {
        let open = matches!(catalog.question(item["id"].as_str().expect("an id")).expect("asked").body(), QuestionBody::Open(_));
        assert_eq!(item["rating"], if open { "hard" } else { "good" }, "{item}");
        assert_eq!(item["score"].is_null(), open, "{item}");
    }
    // What was just known is not due, and is not new any more.
    let next = questions_of(&user, &arguments);
    assert!(done.iter().all(|item| !next.contains(&item["id"].as_str().expect("an id").to_owned())), "{next:?}");
    let stats = user.run(&["stats", "--format", "json"]).expect_code(0).json();
    let graded = done.iter().filter(|item| !item["score"].is_null()).count();
    assert_eq!(stats["readiness"]["restsOn"].as_u64(), Some(graded as u64));
    assert_eq!(stats["exam"], "cka");
    let text = user.run(&["stats"]).expect_code(0);
    assert!(text.stdout.contains("with 95 % certainty"), "{}", text.stdout);
}

/// Ids that a session without a terminal would ask, in order.
fn questions_of(user: &User, arguments: &[&str]) -> Vec<String> {
    let run: Run = user.run_with(&[arguments, &["--format", "json"]].concat(), "");
    run.json()["plan"].as_array().expect("a plan").iter().filter_map(|item| Some(item["id"].as_str()?.to_owned())).collect()
}

#[test]
fn a_history_is_carried_to_another_machine_and_merged_once() {
    let (here, there) = (User::new(), User::new());
    let (seed, _) = seed_where(&here, 2, |drawn| drawn.iter().all(|q| q["type"] != "command"));
    let _ = here.run_with(&["quiz", "--exam", "cka", "--count", "2", "--seed", &seed], "a\nb\n");
    let file = there.path().join("attempts.jsonl");
    let file = file.to_str().expect("a path");
    let _ = here.run(&["history", "export", file]).expect_code(0);
    let taken = here.run(&["history", "export", file]).expect_code(3);
    assert!(taken.stderr.contains("exists"), "{}", taken.stderr);
    let import = |name: &str| there.run(&["history", "import", name, "--format", "json"]);
    assert_eq!(import(file).expect_code(0).json()["new"], 2);
    let again = import(file).expect_code(0).json();
    assert_eq!((again["new"].as_i64(), again["known"].as_i64()), (Some(0), Some(2)));
    assert_eq!(attempts(&there), attempts(&here));
    // And through a pipe.
    let piped = there.run_with(&["history", "import", "-"], &here.run(&["history", "export"]).expect_code(0).stdout).expect_code(0);
    assert!(piped.stdout.contains("0 attempts new, 2 attempts known"), "{}", piped.stdout);

    let text = std::fs::read_to_string(file).expect("the export");
    let broken = format!("{text}{{\"format\":\"x\"}}\n{}", text.replace("\"seconds\":", "\"seconds\":-"));
    std::fs::write(there.path().join("broken.jsonl"), broken).expect("a file");
    let refused = import("broken.jsonl").expect_code(2);
    for part in ["line 3", "line 4", "nothing was imported"] {
        assert!(refused.stderr.contains(part), "no {part:?} in {}", refused.stderr);
    }
    assert_eq!(attempts(&there).len(), 2);
}

#[test]
fn a_replay_brings_back_exactly_that_variant() {
    let user = User::new();
    let _ = user.run_with(&["scenario", "unhealthy-node"], "true\n").expect_code(1);
    let first = user.run(&["history", "show", "last", "--format", "json"]).expect_code(0).json();
    let id = first["attempt"]["id"].as_str().expect("an id").to_owned();
    // A detour, so that it is not the latest.
    let started = user.run(&["replay", &id[..6], "--detach", "--format", "json"]).expect_code(0).json();
    assert_eq!(started["seed"], first["attempt"]["seed"]);
    let _ = user.run(&["stop"]).expect_code(0);
    let _ = user.run_with(&["replay", &id], "true\n").expect_code(1);
    let second = user.run(&["history", "show", "last", "--format", "json"]).expect_code(0).json();
    assert_ne!(second["attempt"]["id"], first["attempt"]["id"]);
    assert_eq!(second["details"]["bindings"], first["details"]["bindings"]);
    for part in ["variant", "seed", "content", "item"] {
        assert_eq!(second["attempt"][part], first["attempt"][part], "{part}");
    }
    let unknown = user.run(&["replay", "ffffffffffff"]).expect_code(2);
    assert!(unknown.stderr.contains("no attempt"), "{}", unknown.stderr);
}
