//! Grading: observe, evaluate, wait for what converges, hold what must stay.
//!
//! Where the backend forks, all of it happens on a fork in fast time and the learner's cluster is not touched; elsewhere time passes.

use std::time::Duration;

use jiff::SignedDuration;

use super::error::RunError;
use super::event::{Event, Sink};
use crate::backend::{Environment, on_fork};
use crate::content::Instance;
use crate::grade::evaluate::settle;
use crate::grade::{Check, Gate, Report, Scope, evaluate};
use crate::model::{Evidence, Verdict};
use crate::observe;

/// How often to look while something converges or is held.
const LOOK: Duration = Duration::from_secs(2);

/// Everything that a grading needs, filled in.
#[derive(Clone, Debug)]
struct Plan {
    checks: Vec<Check>,
    gates: Vec<Gate>,
    scope: Scope,
    within: Duration,
}

impl Plan {
    fn of(instance: &Instance, within_seconds: u32) -> Result<Self, RunError> {
        Ok(Self {
            checks: instance.checks()?,
            gates: instance.gates()?,
            scope: instance.scope(),
            within: Duration::from_secs(u64::from(within_seconds)),
        })
    }
}

/// Grades what is there now; what must stay is held.
pub async fn check(environment: &Environment, instance: &Instance) -> Result<Report, RunError> {
    check_telling(environment, instance, &mut |_| {}).await
}

/// As [`check`]; says when time passes.
pub async fn check_telling(environment: &Environment, instance: &Instance, events: Sink<'_>) -> Result<Report, RunError> {
    away(environment, Plan::of(instance, 0)?, events).await
}

/// Grades for good: waits first, up to the exercise's `withinSeconds`, for what is still converging.
pub async fn finish(environment: &Environment, instance: &Instance, events: Sink<'_>) -> Result<Report, RunError> {
    away(environment, Plan::of(instance, instance.exercise.within_seconds)?, events).await
}

/// Like [`finish`], in this environment itself: for those that are forks already.
pub(super) async fn finish_here(environment: &Environment, instance: &Instance) -> Result<Report, RunError> {
    Ok(here(environment, &Plan::of(instance, instance.exercise.within_seconds)?, &mut |_| {}).await)
}

/// Like [`check`], in this environment itself.
pub(super) async fn check_here(environment: &Environment, instance: &Instance) -> Result<Report, RunError> {
    Ok(here(environment, &Plan::of(instance, 0)?, &mut |_| {}).await)
}

async fn away(environment: &Environment, plan: Plan, events: Sink<'_>) -> Result<Report, RunError> {
    match &environment.forks {
        Some(forks) => Ok(on_fork(&**forks, move |fork| Box::pin(async move { here(&fork, &plan, &mut |_| {}).await })).await?),
        None => Ok(here(environment, &plan, events).await),
    }
}

async fn here(environment: &Environment, plan: &Plan, events: Sink<'_>) -> Report {
    let started = tokio::time::Instant::now();
    let mut report = look(environment, plan).await;
    let mut told = false;
    while !converged(&report) && started.elapsed() < plan.within {
        if !told {
            events(Event::Waiting { seconds: seconds(plan.within) });
            told = true;
        }
        tokio::time::sleep(LOOK.min(plan.within.saturating_sub(started.elapsed()))).await;
        report = look(environment, plan).await;
    }
    hold(environment, plan, report, events).await
}

async fn look(environment: &Environment, plan: &Plan) -> Report {
    let snapshot = observe::observe(environment, &plan.checks, &plan.gates, &plan.scope).await;
    evaluate(&plan.checks, &plan.gates, &plan.scope, &snapshot)
}

/// Whether waiting can bring nothing more.
fn converged(report: &Report) -> bool {
    report.checks.iter().all(|c| c.verdict == Verdict::Pass) && report.gates.iter().all(|g| g.verdict == Verdict::Pass)
}

/// Looks again and again at checks that must stay true until their windows are over, counted from when they became so.
async fn hold(environment: &Environment, plan: &Plan, mut report: Report, events: Sink<'_>) -> Report {
    let now = (environment.now)();
    let left = |check: &crate::grade::CheckResult| {
        let since = check.since.map_or(SignedDuration::ZERO, |since| now.duration_since(since).max(SignedDuration::ZERO));
        Duration::from_secs(u64::from(check.hold_seconds)).saturating_sub(Duration::try_from(since).unwrap_or_default())
    };
    let held = report.checks.iter().filter(|c| c.hold_seconds > 0 && c.verdict == Verdict::Pass);
    let windows: Vec<_> = held.map(|c| (c.id.clone(), left(c))).filter(|(_, left)| !left.is_zero()).collect();
    let Some(longest) = windows.iter().map(|(_, left)| *left).max() else { return report };
    events(Event::Waiting { seconds: seconds(longest) });
    // Only these are looked at again: the others may be costly to observe.
    let checks = plan.checks.iter().filter(|c| windows.iter().any(|(id, _)| *id == c.id)).cloned().collect();
    let held = Plan { checks, gates: Vec::new(), scope: plan.scope.clone(), within: plan.within };
    let started = tokio::time::Instant::now();
    while started.elapsed() < longest {
        tokio::time::sleep(LOOK.min(longest - started.elapsed())).await;
        let again = look(environment, &held).await;
        for (id, window) in &windows {
            let open = started.elapsed() <= *window + LOOK;
            let Some(later) = again.check(id.as_str()).filter(|_| open) else { continue };
            let Some(check) = report.checks.iter_mut().find(|c| c.id == *id && c.verdict == Verdict::Pass) else { continue };
            if later.verdict != Verdict::Pass {
                check.verdict = later.verdict;
                check.evidence = later.evidence.iter().map(|e| not_kept(e, check.hold_seconds)).collect();
            } else if let (Some(before), Some(now)) = (check.since, later.since)
                && now > before
            {
                // It was otherwise between two looks: whatever restarts is back within a second.
                check.verdict = Verdict::Fail;
                check.evidence = vec![Evidence::compared(
                    &check.title,
                    format!("so for {} s", check.hold_seconds),
                    format!("it began anew at {now}"),
                    false,
                )];
            }
        }
    }
    settle(report, &plan.checks)
}

fn not_kept(evidence: &Evidence, seconds: u32) -> Evidence {
    let mut evidence = evidence.clone();
    if evidence.verdict != Verdict::Pass {
        evidence.expected = format!("{} for {seconds} s", evidence.expected);
    }
    evidence
}

fn seconds(duration: Duration) -> u32 {
    u32::try_from(duration.as_secs()).unwrap_or(u32::MAX).saturating_add(u32::from(duration.subsec_nanos() > 0))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{FakeNodes, environment};
    use super::*;

    fn plan(within: u64, hold: u32) -> Plan {
        let checks = json!([
            {"id": "up", "points": 4, "title": "up", "holdSeconds": hold, "expect": {"units": {"node": "worker-1", "active": ["kubelet"]}}},
            {"id": "boot", "points": 2, "title": "boot", "after": ["up"], "expect": {"units": {"node": "worker-1", "enabled": ["kubelet"]}}},
        ]);
        Plan {
            checks: serde_json::from_value(checks).expect("checks"),
            gates: Vec::new(),
            scope: Scope::default(),
            within: Duration::from_secs(within),
        }
    }

    /// A kubelet that is active between two seconds.
    async fn graded(from: u64, until: u64, plan: Plan) -> (u32, Vec<Event>, Duration) {
        let environment = environment(FakeNodes::with_unit("kubelet", from..until));
        let started = tokio::time::Instant::now();
        let mut events = Vec::new();
        let report = here(&environment, &plan, &mut |e| events.push(e)).await;
        (report.score.earned.0, events, started.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn what_converges_is_waited_for_and_what_must_stay_is_held() {
        let (earned, events, _) = graded(0, 1000, plan(0, 0)).await;
        assert_eq!((earned, events), (6, vec![]));
        assert_eq!(graded(30, 1000, plan(0, 0)).await.0, 0, "a check does not wait");
        let (earned, events, took) = graded(30, 1000, plan(60, 20)).await;
        assert_eq!(earned, 6);
        assert_eq!(events, [Event::Waiting { seconds: 60 }, Event::Waiting { seconds: 20 }]);
        assert!(took >= Duration::from_secs(50) && took < Duration::from_secs(56), "{took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn what_does_not_stay_loses_its_points_and_those_that_wait_for_it() {
        assert_eq!(graded(0, 15, plan(0, 20)).await.0, 0);
        assert_eq!(graded(0, 25, plan(0, 20)).await.0, 6, "after the window it may end");
    }

    #[tokio::test(start_paused = true)]
    async fn waiting_ends() {
        let (earned, _, took) = graded(100, 1000, plan(60, 0)).await;
        assert_eq!(earned, 0);
        assert!(took >= Duration::from_secs(60) && took < Duration::from_secs(63), "{took:?}");
    }
}
