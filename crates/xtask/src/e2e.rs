//! `e2e`: Kubernetes' own end-to-end tests against the embedded cluster or any other, and a table of what became of them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use regex::Regex;

use crate::arguments::Arguments;
use crate::embedded;
use crate::record::root;

type Outcome<T> = Result<T, String>;

/// Reasons of failure that are shown.
const REASONS: usize = 3;

/// Names of tests about what the embedded cluster does not have (docs/limits.md). They are counted, not run: each would wait for minutes.
const LACKING: &str = "CustomResource|CRD|Webhook|AdmissionPolicy|Aggregator|APIService|ReplicationController|replication controller|FlowSchema|priority and fairness|RuntimeClass|ResourceClaim|DRA|DynamicResource";

/// What became of one test.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Verdict {
    Passed,
    Failed(String),
    /// It needs what is not there, skipped itself, or was running when the time for all was up.
    NotRun(String),
}

/// Runs and prints; `--save yes` keeps the table for docs/conformance.md.
pub fn run(arguments: &Arguments) -> Outcome<ExitCode> {
    let option = |name: &str| arguments.options.get(name).map(String::as_str);
    let program = option("program").map(str::to_owned).or_else(|| std::env::var("E2E_TEST").ok()).unwrap_or_else(|| "e2e.test".to_owned());
    let focus = match (option("focus"), option("sig")) {
        (Some(focus), _) => focus.to_owned(),
        (None, Some(sig)) => format!(r"\[sig-({sig})\].*\[Conformance\]"),
        (None, None) => r"\[Conformance\]".to_owned(),
    };
    let skip = option("skip").unwrap_or(r"\[Serial\]|\[Disruptive\]|\[Slow\]").to_owned();
    let minutes = option("minutes").unwrap_or("30");
    let own;
    let (kubeconfig, lacking) = match option("kubeconfig") {
        Some(path) => (PathBuf::from(path), option("lacking")),
        None => {
            own = embedded::start()?;
            (own.kubeconfig.clone(), option("lacking").or(Some(LACKING)))
        }
    };
    let lacking = lacking.map(|text| Regex::new(text).map_err(|e| e.to_string())).transpose()?;
    let chosen =
        Chosen { focus: Regex::new(&focus).map_err(|e| e.to_string())?, skip: Regex::new(&skip).map_err(|e| e.to_string())?, lacking };
    let skipped = chosen.lacking.iter().fold(skip.clone(), |skip, lacking| format!("{skip}|{lacking}"));
    let directory = tempfile::tempdir().map_err(|e| e.to_string())?;
    let report = directory.path().join("junit.xml");
    let mut command = Command::new(&program);
    command
        .arg(format!("--kubeconfig={}", kubeconfig.display()))
        .args(["--provider=skeleton", "--kube-api-content-type=application/json", "--ginkgo.no-color", "--dump-logs-on-failure=false"])
        .arg(format!("--ginkgo.focus={focus}"))
        .arg(format!("--ginkgo.skip={skipped}"))
        .arg(format!("--ginkgo.timeout={minutes}m"))
        .arg(format!("--ginkgo.junit-report={}", report.display()))
        .current_dir(directory.path());
    let status = command.status().map_err(|e| format!("{program}: {e}; name Kubernetes' e2e.test with --program or E2E_TEST"))?;
    let text = std::fs::read_to_string(&report).map_err(|e| format!("{program} left no report ({status}): {e}"))?;
    let verdicts = verdicts(&text, &chosen);
    let table = table(&verdicts);
    println!("{table}");
    for (name, verdict) in &verdicts {
        if let Verdict::Failed(reason) = verdict {
            println!("FAILED {name}\n       {reason}");
        }
    }
    if option("save").is_some() {
        let path = root().join("tests/conformance/upstream.md");
        let text = format!("`cargo xtask e2e`, tests whose name matches `{focus}` and not `{skip}`:\n\n{table}");
        std::fs::write(&path, text).map_err(|e| format!("{}: {e}", path.display()))?;
    }
    let failed = verdicts.iter().any(|(_, verdict)| matches!(verdict, Verdict::Failed(_)));
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Which tests are asked for, and which of them make no sense here.
struct Chosen {
    focus: Regex,
    skip: Regex,
    lacking: Option<Regex>,
}

impl Chosen {
    fn lacks(&self, name: &str) -> bool {
        self.focus.is_match(name) && !self.skip.is_match(name) && self.lacking.as_ref().is_some_and(|lacking| lacking.is_match(name))
    }
}

/// Reads Ginkgo's JUnit report; tests that were not chosen are left out.
fn verdicts(report: &str, chosen: &Chosen) -> Vec<(String, Verdict)> {
    let expression = |text: &str| Regex::new(text).unwrap_or_else(|e| panic!("{text}: {e}"));
    let case = expression(r#"(?s)<testcase name="([^"]*)"[^>]*status="([^"]*)"[^>]*?(?:/>|>(.*?)</testcase>)"#);
    let said = expression(r#"<(?:failure|skipped|error)(?: message="([^"]*)")?"#);
    case.captures_iter(report)
        .filter_map(|found| {
            let name = plain(&found[1]);
            let name = name.strip_prefix("[It] ")?.to_owned();
            let body = found.get(3).map_or("", |body| body.as_str());
            let message = said.captures(body).and_then(|m| Some(plain(m.get(1)?.as_str()))).unwrap_or_default();
            let verdict = match &found[2] {
                "skipped" | "pending" if chosen.lacks(&name) => Verdict::NotRun("not in the embedded cluster".to_owned()),
                "passed" => Verdict::Passed,
                // Ginkgo's own reason for a test that was not chosen is empty or "skipped".
                "skipped" | "pending" if message.is_empty() || message == "skipped" || message == "pending" => return None,
                "skipped" | "interrupted" | "aborted" | "timedout" => Verdict::NotRun(message),
                _ => Verdict::Failed(message),
            };
            Some((name, verdict))
        })
        .collect()
}

/// Text without XML's entities, on one line.
fn plain(text: &str) -> String {
    let mut text = text.replace("&#xA;", " ").replace("&#x9;", " ");
    for (entity, character) in [("&lt;", "<"), ("&gt;", ">"), ("&#34;", "\""), ("&#39;", "'"), ("&quot;", "\""), ("&amp;", "&")] {
        text = text.replace(entity, character);
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn table(verdicts: &[(String, Verdict)]) -> String {
    let mut sigs: BTreeMap<String, [usize; 3]> = BTreeMap::new();
    let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
    for (name, verdict) in verdicts {
        let sig = name.strip_prefix('[').and_then(|rest| rest.split_once(']')).map_or("other", |(sig, _)| sig);
        let counts = sigs.entry(sig.to_owned()).or_default();
        match verdict {
            Verdict::Passed => counts[0] += 1,
            Verdict::Failed(reason) => {
                counts[1] += 1;
                *reasons.entry(kind_of(reason)).or_default() += 1;
            }
            Verdict::NotRun(_) => counts[2] += 1,
        }
    }
    let mut out = "| SIG | passed | failed | cannot run |\n|---|---|---|---|\n".to_owned();
    let mut all = [0; 3];
    for (sig, counts) in &sigs {
        for (sum, count) in all.iter_mut().zip(counts) {
            *sum += count;
        }
        let _ = writeln!(out, "| {sig} | {} | {} | {} |", counts[0], counts[1], counts[2]);
    }
    let _ = writeln!(out, "| all | {} | {} | {} |", all[0], all[1], all[2]);
    let mut reasons: Vec<_> = reasons.into_iter().collect();
    reasons.sort_by_key(|(reason, count)| (std::cmp::Reverse(*count), reason.clone()));
    if !reasons.is_empty() {
        out.push_str("\nThe commonest reasons of failure:\n\n");
        for (reason, count) in reasons.iter().take(REASONS) {
            let _ = writeln!(out, "* {count} times: {reason}");
        }
    }
    out
}

/// A failure without the names of its run.
fn kind_of(reason: &str) -> String {
    let rules = [
        (r"[a-z0-9]{8}-[a-z0-9]{4}-[a-z0-9]{4}-[a-z0-9]{4}-[a-z0-9]{12}", "…"),
        (r#""[^"]*""#, "…"),
        (r"\b\d+(?:\.\d+)?(?:ms|s|m)\b", "…"),
        (r"-\d+\b", "-…"),
    ];
    let mut text = reason.split(": [").next().unwrap_or(reason).to_owned();
    for (from, to) in rules {
        if let Ok(rule) = Regex::new(from) {
            text = rule.replace_all(&text, to).into_owned();
        }
    }
    text.chars().take(120).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_are_read_and_counted() {
        let report = r#"<testsuite>
            <testcase name="[It] [sig-apps] A &#34;b&#34; [Conformance]" classname="x" status="passed" time="1"><system-err>log</system-err></testcase>
            <testcase name="[It] [sig-apps] C" classname="x" status="skipped" time="0"><skipped message="skipped"></skipped></testcase>
            <testcase name="[It] [sig-node] D" classname="x" status="failed" time="3"><failure message="pod &#34;x&#34; not found" type="failed">trace</failure></testcase>
            <testcase name="[It] [sig-node] E" classname="x" status="skipped" time="3"><skipped message="skipped - needs 2 nodes"></skipped></testcase>
            <testcase name="[It] [sig-apps] CRD" classname="x" status="skipped" time="0"><skipped message="skipped"></skipped></testcase>
            <testcase name="[It] [sig-apps] CRD [Serial]" classname="x" status="skipped" time="0"><skipped message="skipped"></skipped></testcase>
            <testcase name="[SynchronizedBeforeSuite]" classname="x" status="passed" time="0"></testcase>
            </testsuite>"#;
        let expression = |text: &str| Regex::new(text).expect("an expression");
        let chosen = Chosen { focus: expression("sig-"), skip: expression("Serial"), lacking: Some(expression("CRD")) };
        let found = verdicts(report, &chosen);
        assert_eq!(found.len(), 4, "{found:?}");
        assert_eq!(found[0], ("[sig-apps] A \"b\" [Conformance]".to_owned(), Verdict::Passed));
        let table = table(&found);
        assert!(table.contains("| sig-apps | 1 | 0 | 1 |\n| sig-node | 0 | 1 | 1 |\n| all | 1 | 1 | 2 |"), "{table}");
        assert!(table.contains("* 1 times: pod … not found"), "{table}");
    }
}
