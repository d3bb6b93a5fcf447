//! Gradings.

use super::clock::duration;
use crate::grade::report::{CheckResult, GateResult};
use crate::grade::{Outcome, Report};
use crate::model::{Evidence, Verdict};
use crate::render::document::CheckDocument;
use crate::render::style::Style;
use crate::render::wrap::wrap;

/// `ckaprep check`.
pub fn check(document: &CheckDocument, style: Style, width: usize) -> String {
    let mut out = report(&document.report, style, width, document.with_evidence);
    let late = document.elapsed_seconds > document.budget_seconds;
    let time = format!("{} of {}", duration(document.elapsed_seconds), duration(document.budget_seconds));
    out.push_str(&format!("time   {}\n", if late { style.unsure(&time) } else { time }));
    if !document.with_evidence && !document.report.is_full() {
        out.push_str(&style.dim(wrap("`ckaprep check --why` says what was found (it counts as a hint).", width, "", "").trim_end()));
        out.push('\n');
    }
    out
}

/// A grading: every check with its requirement, then gates that do not hold, then the points.
pub fn report(report: &Report, style: Style, width: usize, with_evidence: bool) -> String {
    let mut out = String::new();
    for check in &report.checks {
        out.push_str(&check_line(check, report, style, width));
        if with_evidence && !check.scored() {
            out.push_str(&evidence(&check.evidence, check.why.as_deref(), style, width));
        }
    }
    for gate in report.gates.iter().filter(|gate| gate.verdict != Verdict::Pass) {
        out.push_str(&gate_line(gate, style, width));
        if with_evidence {
            out.push_str(&evidence(&gate.evidence, gate.why.as_deref(), style, width));
        }
    }
    let score = report.score;
    let points = format!("{} of {} points", score.earned.0, score.maximum.0);
    out.push_str("score  ");
    out.push_str(&match report.outcome {
        Outcome::NotGraded => style.unsure("not graded: something that must hold could not be observed"),
        Outcome::GateClosed => style.bad(&format!("{points}: something that must hold does not")),
        Outcome::Graded if score.is_full() => style.good(&points),
        Outcome::Graded => style.bad(&points),
    });
    out.push('\n');
    out
}

/// A word, so that it is understood without colour.
fn word(verdict: Verdict, style: Style) -> String {
    match verdict {
        Verdict::Pass => style.good("pass"),
        Verdict::Fail => style.bad("FAIL"),
        Verdict::Indeterminate => style.unsure(" ?? "),
    }
}

fn check_line(check: &CheckResult, report: &Report, style: Style, width: usize) -> String {
    let shown = if check.waits_for.is_empty() { check.verdict } else { check.verdict.and(Verdict::Fail) };
    let first = format!("{}  {}. ", word(shown, style), check.requirement);
    let mut title = format!("{} ({}/{})", check.title, check.earned.0, check.points.0);
    if check.verdict == Verdict::Pass && !check.waits_for.is_empty() {
        // By the task's numbers: a check's id is the author's word.
        let mut numbers: Vec<String> = check
            .waits_for
            .iter()
            .map(|id| report.check(id.as_str()).map_or_else(|| id.to_string(), |c| c.requirement.to_string()))
            .collect();
        numbers.dedup();
        title.push_str(&format!(", counts once {} is passed", numbers.join(" and ")));
    }
    if check.verdict == Verdict::Indeterminate {
        title.push_str(", could not be observed");
    }
    wrap(&title, width, &first, "         ")
}

fn gate_line(gate: &GateResult, style: Style, width: usize) -> String {
    let said = if gate.verdict == Verdict::Fail { "must hold, and does not" } else { "must hold, and could not be observed" };
    wrap(&format!("{}: {said}", gate.title), width, &format!("{}  !  ", word(gate.verdict, style)), "         ")
}

fn evidence(evidence: &[Evidence], why: Option<&str>, style: Style, width: usize) -> String {
    let mut out = String::new();
    for item in evidence.iter().filter(|item| item.verdict != Verdict::Pass) {
        out.push_str(&wrap(&item.subject, width, "         ", "           "));
        out.push_str(&wrap(&item.expected, width, "           expected  ", "                     "));
        out.push_str(&wrap(&item.actual, width, "           found     ", "                     "));
        if let Some(why) = &item.why {
            out.push_str(&wrap(&style.dim(why), width, "           ", "           "));
        }
    }
    if let Some(why) = why {
        out.push_str(&wrap(why, width, "         ", "         "));
    }
    out
}
