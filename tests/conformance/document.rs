//! docs/conformance.md, made from the cases, the recordings of faults and the last run of upstream's tests.

use std::fmt::Write as _;
use std::path::Path;

use crate::shared::case::{self, Topic};
use crate::{cases, faults};

const INTRODUCTION: &str = "# How well the embedded cluster keeps to Kubernetes

<!-- Generated: UPDATE_CONFORMANCE=1 cargo test --test conformance document -->

What a real Kubernetes 1.35.4 answered is kept in `tests/conformance`, and every run of the tests asks the embedded cluster the same.
Uids, times, generated names and addresses are left out of the comparison; the rest must be equal, line by line.
`cargo xtask record --kubeconfig FILE [WORD]` asks a real cluster anew, `cargo xtask replay [WORD]` asks the embedded one with the
kubectl on your PATH.

";

fn render() -> String {
    let topics = case::topics(cases::root()).unwrap_or_else(|e| panic!("{e}"));
    let mut page = INTRODUCTION.to_owned();
    let count = |of: &dyn Fn(&case::Case) -> bool| topics.values().flat_map(|t| &t.cases).filter(|c| of(c)).count();
    let _ = writeln!(
        page,
        "{} cases, {} of them about being refused, {} with nodes; {} broken nodes.\n",
        count(&|_| true),
        count(&|case| case.refusal),
        count(&|case| case.nodes),
        faults::differences().len(),
    );
    page.push_str("| topic | cases | refusals | what |\n|---|---|---|---|\n");
    for (name, topic) in &topics {
        let refusals = topic.cases.iter().filter(|case| case.refusal).count();
        let _ = writeln!(page, "| {name} | {} | {refusals} | {} |", topic.cases.len(), topic.about);
    }
    page.push_str("\n## What differs, and why\n\n");
    let mut any = false;
    for (case, asked, reason) in differing(&topics) {
        any = true;
        let _ = writeln!(page, "* `{case}`, `{}`: {reason}", asked.lines().next().unwrap_or_default());
    }
    if !any {
        page.push_str("No case differs.\n");
    }
    page.push_str("\nOf broken nodes:\n\n");
    let mut reasons: Vec<(String, Vec<String>)> = Vec::new();
    for (fault, found) in faults::differences() {
        for reason in found {
            match reasons.iter_mut().find(|(known, _)| *known == reason) {
                Some((_, faults)) if !faults.contains(&fault) => faults.push(fault.clone()),
                Some(_) => {}
                None => reasons.push((reason, vec![fault.clone()])),
            }
        }
    }
    for (reason, faults) in reasons {
        let _ = writeln!(page, "* {reason} ({})", faults.join(", "));
    }
    let upstream = std::fs::read_to_string(cases::root().join("tests/conformance/upstream.md"));
    if let Ok(upstream) = upstream {
        page.push_str("\n## Upstream's own tests\n\n");
        page.push_str(&upstream);
    }
    page
}

fn differing(topics: &std::collections::BTreeMap<String, Topic>) -> impl Iterator<Item = (String, String, &str)> {
    topics
        .values()
        .flat_map(|topic| &topic.cases)
        .flat_map(|case| case.steps.iter().filter_map(|step| Some((case.name.clone(), step.asked(), step.differs.as_deref()?))))
}

#[test]
fn the_document_is_that_of_the_cases() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/conformance.md");
    let rendered = render();
    if std::env::var_os("UPDATE_CONFORMANCE").is_some() {
        std::fs::write(&path, &rendered).expect("docs/conformance.md is written");
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == rendered, "docs/conformance.md is out of date: run UPDATE_CONFORMANCE=1 cargo test --test conformance document");
}
