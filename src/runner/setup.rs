//! Making the cluster what the learner finds.

use std::time::Duration;

use super::event::{Event, Sink};
use super::{RunError, actions, apply, script};
use crate::backend::Environment;
use crate::content::instance::PlacedFault;
use crate::content::step::{Capture, Step};
use crate::content::{Instance, template};
use crate::grade::expression::Expression;
use crate::grade::{Expect, Judge, Scope, Snapshot};
use crate::model::Verdict;
use crate::observe;
use crate::observe::rest;

/// How often to look whether something has come: at first, and after a while.
const LOOK: Duration = Duration::from_millis(500);
const LOOK_LATER: Duration = Duration::from_secs(2);

/// Runs the setup to the hand-over. The instance comes back with what was captured.
pub async fn set_up(environment: &Environment, mut instance: Instance, events: Sink<'_>) -> Result<Instance, RunError> {
    let steps = instance.exercise.setup.clone();
    let mut faults = instance.faults.clone().into_iter();
    for (index, step) in steps.iter().enumerate() {
        events(Event::SetupStep { number: index + 1, of: steps.len() });
        match step {
            Step::Apply(_) | Step::Manifest(_) => {
                if let Some((file, text)) = instance.manifest(step)? {
                    apply::apply(environment, file, &text, events).await?;
                }
            }
            Step::Capture(captures) => {
                for (name, wanted) in captures {
                    let value = capture(environment, &instance, name, wanted).await?;
                    instance.captured.insert(name.clone(), value);
                }
            }
            Step::Fault(_) => {
                // Binding put one in the list for each step, in the same order.
                if let Some(placed) = faults.next() {
                    put_in(environment, &instance, &placed).await?;
                }
            }
            Step::Node(step) => {
                let step = instance.fill(step)?;
                actions::perform(environment, &step.name, &step.actions).await?;
            }
            Step::Run(step) => {
                for step in instance.steps(std::slice::from_ref(step), &instance.context())? {
                    let output = script::run(environment, &step).await?;
                    if !output.success() {
                        return Err(RunError::Script { script: step.run, status: output.status, stderr: output.stderr });
                    }
                }
            }
            Step::Wait(wait) => {
                let wait = instance.fill(wait)?;
                wait_for(environment, &wait.expect, &instance.scope(), wait.within_seconds, "what the setup waits for").await?;
            }
        }
    }
    events(Event::Ready);
    Ok(instance)
}

async fn capture(environment: &Environment, instance: &Instance, name: &str, wanted: &Capture) -> Result<serde_json::Value, RunError> {
    let failed = |reason: String| RunError::Capture { name: name.to_owned(), reason };
    let wanted = instance.fill(wanted)?;
    let crate::grade::Fact::Object { resource, namespace, name: object } = wanted.get.fact() else {
        return Err(failed("an object query asks for an object".to_owned()));
    };
    let path =
        rest::path_of(&environment.client, &resource, namespace.as_deref(), Some(&object)).await.map_err(|e| failed(e.to_string()))?;
    let object = rest::get(&environment.client, &path).await.map_err(|e| failed(e.to_string()))?;
    let expression = Expression::compile(&wanted.expr).map_err(|e| failed(e.to_string()))?;
    expression.evaluate(&[("object", &object)]).map_err(|e| failed(e.to_string()))
}

/// Breaks a node and waits until it shows.
async fn put_in(environment: &Environment, instance: &Instance, placed: &PlacedFault) -> Result<(), RunError> {
    let context = instance.fault_context(placed);
    let actions = template::render_all(&placed.fault.break_it, &context)?;
    actions::perform(environment, &placed.node, &actions).await?;
    let visible = template::render_all(&placed.fault.visible_when, &context)?;
    let scope = Scope { node: Some(placed.node.clone()), ..instance.scope() };
    wait_for(environment, &visible.expect, &scope, visible.within_seconds, &format!("the fault {}", placed.fault.id)).await
}

/// Waits until something passes.
pub async fn wait_for(environment: &Environment, expect: &Expect, scope: &Scope, seconds: u32, what: &str) -> Result<(), RunError> {
    let started = tokio::time::Instant::now();
    let until = started + Duration::from_secs(u64::from(seconds));
    loop {
        let judgement = expect.judge(scope, &look(environment, expect, scope).await);
        if judgement.verdict == Verdict::Pass {
            return Ok(());
        }
        if tokio::time::Instant::now() >= until {
            let actual = judgement.evidence.iter().filter(|e| e.verdict != Verdict::Pass).map(|e| format!("{} is {}", e.subject, e.actual));
            return Err(RunError::NotVisible { what: what.to_owned(), seconds, actual: actual.collect::<Vec<_>>().join("; ") });
        }
        // A kubelet that went silent shows after most of a minute.
        let pause = (started.elapsed() / 4).clamp(LOOK, LOOK_LATER);
        tokio::time::sleep_until(until.min(tokio::time::Instant::now() + pause)).await;
    }
}

async fn look(environment: &Environment, expect: &Expect, scope: &Scope) -> Snapshot {
    let gate = crate::grade::Gate { id: crate::model::CheckId::unchecked("wait"), title: String::new(), why: None, expect: expect.clone() };
    observe::observe(environment, &[], &[gate], scope).await
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::{Value, json};

    use super::super::testing::{FakeNodes, environment_with};
    use super::*;
    use crate::content::source::{Origin, Source};
    use crate::content::{Bindings, Catalog, ExerciseKind};
    use crate::model::Inventory;
    use crate::observe::testing::FakeApi;

    /// Backends ship set-ups to the runtime that a cluster lives on.
    #[test]
    fn a_set_up_can_be_sent_to_another_thread() {
        fn sent<T: Send>(_: impl FnOnce(&'static Environment, Instance, Sink<'static>) -> T) {}
        sent(set_up);
    }

    const SCENARIO: &str = "apiVersion: ckaprep.dev/v1
kind: Scenario
id: small
title: t
placements: []
difficulty: easy
minutes: 1
host: control-plane
variables:
  node: {node: {role: worker}}
  fault: {hidden: true, oneOf: [stopped]}
setup:
- apply: shop.yaml
- capture: {uid: {get: {kind: Namespace, name: shop}, expr: object.metadata.labels.uid}}
- fault: {id: '{{ fault }}', node: '{{ node }}'}
task: task.md
checks: [{id: up, points: 1, title: t, expect: {units: {active: [app]}}}]
gates:
- {id: same, title: t, expect: {cel: {get: {kind: Namespace, name: shop}, expr: object.metadata.labels.uid == captured.uid}}}
solution: {fromFault: true}
debrief: {fromFault: true}
";

    const FAULT: &str = "apiVersion: ckaprep.dev/v1
kind: Fault
id: stopped
title: t
do: [{stopUnit: app}]
undo: [{startUnit: app}]
visibleWhen: {expect: {units: {inactive: [app]}}, withinSeconds: 5}
solution: {steps: [{on: node, run: systemctl start app}]}
debrief: {text: 'on {{ node }}'}
";

    const MANIFEST: &str = "{apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {uid: 'on-{{ node }}'}}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: shop}}
";

    async fn run(fault: &str) -> (Result<Instance, RunError>, FakeNodes, FakeApi, Environment, Vec<Event>) {
        let files = [
            ("scenarios/small/scenario.yaml", SCENARIO),
            ("scenarios/small/task.md", "1. x"),
            ("scenarios/small/shop.yaml", MANIFEST),
            ("faults/stopped.yaml", fault),
        ];
        let (catalog, _) = Catalog::load(&[Source::of_files(Origin::BuiltIn, files)]);
        let exercise = catalog.exercise(ExerciseKind::Scenario, "small").expect("decodes");
        let instance = Instance::bind(&catalog, &exercise, &Arc::new(Inventory::example(1)), 1, &Bindings::new()).expect("binds");
        let (nodes, api) = (FakeNodes::with_units(&["app"]), FakeApi::default());
        let environment = environment_with(nodes.clone(), &api);
        let mut events = Vec::new();
        let result = set_up(&environment, instance, &mut |e| events.push(e)).await;
        (result, nodes, api, environment, events)
    }

    #[tokio::test(start_paused = true)]
    async fn a_setup_applies_captures_breaks_and_hands_over() {
        let (instance, nodes, api, environment, events) = run(FAULT).await;
        let instance = instance.expect("set up");
        assert_eq!(api.object("/api/v1/namespaces/shop").map(|o| o["metadata"]["labels"]["uid"].clone()), Some(json!("on-worker-1")));
        assert!(api.requests().contains(&"PATCH /api/v1/namespaces/shop/configmaps/a".to_owned()), "{:?}", api.requests());
        assert_eq!(instance.captured.get("uid"), Some(&Value::from("on-worker-1")));
        assert_eq!(nodes.scripts(), ["systemctl stop 'app'"]);
        assert_eq!((events.first(), events.last()), (Some(&Event::SetupStep { number: 1, of: 3 }), Some(&Event::Ready)));
        let report = super::super::check(&environment, &instance).await.expect("graded");
        assert_eq!((report.score.earned.0, report.gates[0].verdict), (0, Verdict::Pass));
        super::super::solve(&environment, &instance, &mut |_| {}).await.expect("solved");
        assert!(super::super::check(&environment, &instance).await.expect("graded").is_full());
        assert_eq!(instance.debrief().expect("filled in")[0].cause, "on worker-1");
        api.break_down();
        let report = super::super::check(&environment, &instance).await.expect("graded");
        assert_eq!(report.outcome, crate::grade::Outcome::NotGraded, "a gate that cannot be observed grades nothing");
    }

    #[tokio::test(start_paused = true)]
    async fn a_fault_that_never_shows_is_an_error_of_the_content() {
        let (result, ..) = run(&FAULT.replace("stopUnit: app", "daemonReload: {}")).await;
        let error = result.expect_err("it never shows");
        assert!(error.is_content());
        assert!(error.to_string().starts_with("the fault stopped did not show within 5 s: unit app on worker-1 is active"), "{error}");
    }
}
