//! From checks and a snapshot to a report.

use std::collections::BTreeMap;

use super::fact::Fact;
use super::judge::{Judge, Judgement, Scope};
use super::report::{CheckResult, GateResult, Outcome, Report};
use super::snapshot::Snapshot;
use super::spec::{Check, Gate};
use crate::model::{CheckId, Points, Score, Verdict};

/// Facts that the checks and gates still miss.
pub fn missing_facts(checks: &[Check], gates: &[Gate], scope: &Scope, snapshot: &Snapshot) -> Vec<Fact> {
    let expectations = checks.iter().map(|c| &c.expect).chain(gates.iter().map(|g| &g.expect));
    let mut facts: Vec<Fact> = expectations.flat_map(|e| e.facts(scope, snapshot)).filter(|f| snapshot.get(f).is_none()).collect();
    facts.sort();
    facts.dedup();
    facts
}

/// Judges everything on one snapshot.
pub fn evaluate(checks: &[Check], gates: &[Gate], scope: &Scope, snapshot: &Snapshot) -> Report {
    let judged: Vec<Judgement> = checks.iter().map(|c| c.expect.judge(scope, snapshot)).collect();
    let gates: Vec<GateResult> = gates
        .iter()
        .map(|gate| {
            let judgement = gate.expect.judge(scope, snapshot);
            GateResult {
                id: gate.id.clone(),
                title: gate.title.clone(),
                verdict: judgement.verdict,
                evidence: judgement.evidence,
                why: gate.why.clone(),
            }
        })
        .collect();
    let results = checks.iter().zip(judged).map(|(check, judgement)| CheckResult {
        id: check.id.clone(),
        requirement: check.requirement,
        title: check.title.clone(),
        points: check.points,
        earned: Points(0),
        verdict: judgement.verdict,
        waits_for: check.after.clone(),
        evidence: judgement.evidence,
        why: check.why.clone(),
        hold_seconds: check.hold_seconds,
        since: judgement.since,
    });
    settle(Report { at: snapshot.now, outcome: Outcome::Graded, score: Score::default(), checks: results.collect(), gates }, checks)
}

/// Works out who waits for whom, what is earned and what it means: also after a hold window has changed verdicts.
pub fn settle(mut report: Report, checks: &[Check]) -> Report {
    let verdicts: BTreeMap<CheckId, Verdict> = report.checks.iter().map(|c| (c.id.clone(), c.verdict)).collect();
    let after: BTreeMap<&CheckId, &[CheckId]> = checks.iter().map(|c| (&c.id, c.after.as_slice())).collect();
    let passed = |id: &CheckId| passes(id, &verdicts, &after, &mut Vec::new());
    let gates = report.gates.iter().fold(Verdict::Pass, |sum, g| sum.and(g.verdict));
    report.outcome = match gates {
        Verdict::Pass => Outcome::Graded,
        Verdict::Fail => Outcome::GateClosed,
        Verdict::Indeterminate => Outcome::NotGraded,
    };
    for check in &mut report.checks {
        let earlier = after.get(&check.id).copied().unwrap_or_default();
        check.waits_for = earlier.iter().filter(|id| !passed(id)).cloned().collect();
        let earns = check.scored() && report.outcome == Outcome::Graded;
        check.earned = if earns { check.points } else { Points(0) };
    }
    report.score = Score { earned: report.checks.iter().map(|c| c.earned).sum(), maximum: report.checks.iter().map(|c| c.points).sum() };
    report
}

/// Whether a check passes, and everything that it waits for. A circle (which the linter reports) passes nothing.
fn passes(id: &CheckId, verdicts: &BTreeMap<CheckId, Verdict>, after: &BTreeMap<&CheckId, &[CheckId]>, walked: &mut Vec<CheckId>) -> bool {
    if walked.contains(id) || verdicts.get(id) != Some(&Verdict::Pass) {
        return false;
    }
    walked.push(id.clone());
    let all = after.get(id).copied().unwrap_or_default().iter().all(|earlier| passes(earlier, verdicts, after, walked));
    walked.pop();
    all
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::testing::{scope, snapshot, with, with_object};
    use super::super::{Observation, target::object_fact};
    use super::*;

    fn checks(json: Value) -> Vec<Check> {
        serde_json::from_value(json).expect("checks")
    }

    fn gates(json: Value) -> Vec<Gate> {
        serde_json::from_value(json).expect("gates")
    }

    fn known() -> Snapshot {
        let map = |name: &str| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "default"}});
        with(with_object(snapshot(), map("here")), object_fact("ConfigMap", None, None, "gone"), Observation::Absent)
    }

    fn exists(name: &str) -> Value {
        json!({"resource": {"kind": "ConfigMap", "name": name}})
    }

    #[test]
    fn points_need_a_pass_and_everything_before_it() {
        let checks = checks(json!([
            {"id": "a", "points": 4, "title": "a", "expect": exists("here")},
            {"id": "b", "points": 2, "title": "b", "after": ["a"], "expect": exists("here")},
            {"id": "c", "points": 1, "title": "c", "requirement": 2, "expect": exists("gone")},
            {"id": "d", "points": 1, "title": "d", "after": ["c"], "expect": exists("here")},
            {"id": "e", "points": 1, "title": "e", "after": ["d"], "expect": exists("here")},
            {"id": "f", "points": 1, "title": "f", "expect": exists("unread")},
        ]));
        let report = evaluate(&checks, &[], &scope(), &known());
        let earned: Vec<u32> = report.checks.iter().map(|c| c.earned.0).collect();
        assert_eq!(earned, [4, 2, 0, 0, 0, 0]);
        assert_eq!((report.score.earned.0, report.score.maximum.0, report.is_full()), (6, 10, false));
        assert_eq!(report.check("e").map(|c| c.waits_for.len()), Some(1), "what it waits for waits itself");
        assert_eq!(report.requirements(), [(1, Verdict::Fail), (2, Verdict::Fail)]);
        assert_eq!(missing_facts(&checks, &[], &scope(), &known()), [object_fact("ConfigMap", None, None, "unread")]);
    }

    #[test]
    fn gates_decide_whether_anything_counts() {
        let checks = checks(json!([{"id": "a", "points": 4, "title": "a", "expect": exists("here")}]));
        for (name, outcome, earned) in [("here", Outcome::Graded, 4), ("gone", Outcome::GateClosed, 0), ("unread", Outcome::NotGraded, 0)] {
            let report = evaluate(&checks, &gates(json!([{"id": "g", "title": "g", "expect": exists(name)}])), &scope(), &known());
            assert_eq!((report.outcome, report.score.earned.0), (outcome, earned), "{name}");
        }
    }

    #[test]
    fn circles_pass_nothing() {
        let checks = checks(json!([
            {"id": "a", "points": 1, "title": "a", "after": ["b"], "expect": exists("here")},
            {"id": "b", "points": 1, "title": "b", "after": ["a"], "expect": exists("here")},
        ]));
        assert_eq!(evaluate(&checks, &[], &scope(), &known()).score.earned.0, 0);
    }
}
