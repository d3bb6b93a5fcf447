//! `pods/eviction`: a deletion that asks the disruption budgets first (`pkg/registry/core/pod/storage/eviction.go`).

use std::sync::Arc;

use futures::future::BoxFuture;
use http::Response;
use serde_json::{Value, json};
use values::Selector;

use super::{body, write};
use crate::handlers::{Call, DeleteOptions, Propagation, delete};
use crate::json::Json;
use crate::lookup::Lookup;
use crate::registry::SubresourceCall;
use crate::server::Body;
use crate::status::{ApiError, Cause, Reason};
use crate::store::Object;

/// Evictions that a budget remembers until its controller has caught up.
const MAX_DISRUPTED: usize = 2000;

/// Answers an eviction.
pub(super) fn handle(call: SubresourceCall) -> BoxFuture<'static, Result<Response<Body>, ApiError>> {
    Box::pin(async move {
        let mut eviction = body::read(&call.request, "policy/v1", "Eviction")?;
        let verbs = body::call(&call);
        let name = call.context.info.name.clone();
        let named = eviction.text("metadata.name");
        if !named.is_empty() && named != name {
            return Err(ApiError::bad_request("name in URL does not match name in Eviction object"));
        }
        let options = options(&verbs, &eviction)?;
        body::admit(&verbs, &mut eviction, options.dry_run).await?;
        let namespace = call.context.info.namespace.clone();
        let pod = crate::handlers::get(&verbs, &namespace, &name)?;
        if !ignores_budgets(pod.value()) {
            ask_budget(&verbs, &pod, options.dry_run)?;
        }
        mark(&verbs, &namespace, &name, options.dry_run)?;
        delete(&verbs, &namespace, &name, &options).await?;
        Ok(body::success())
    })
}

fn options(call: &Call, eviction: &Value) -> Result<DeleteOptions, ApiError> {
    let given = eviction.at("deleteOptions");
    let text = |path: &str| Some(given.text(path)).filter(|t| !t.is_empty()).map(str::to_owned);
    let propagation = match given.text("propagationPolicy") {
        "Orphan" => Some(Propagation::Orphan),
        "Foreground" => Some(Propagation::Foreground),
        "Background" => Some(Propagation::Background),
        _ => None,
    };
    Ok(DeleteOptions {
        grace: given.int("gracePeriodSeconds"),
        uid: text("preconditions.uid"),
        resource_version: text("preconditions.resourceVersion"),
        propagation,
        dry_run: call.context.dry_run()? || given.list("dryRun").iter().any(|v| v == "All"),
    })
}

/// Pods that serve nobody (any more) are no disruption (`canIgnorePDB`).
fn ignores_budgets(pod: &Value) -> bool {
    matches!(pod.text("status.phase"), "Succeeded" | "Failed" | "Pending") || pod.has("metadata.deletionTimestamp")
}

fn is_ready(pod: &Value) -> bool {
    pod.list("status.conditions").iter().any(|c| c.text("type") == "Ready" && c.text("status") == "True")
}

fn ask_budget(call: &Call, pod: &Arc<Object>, dry_run: bool) -> Result<(), ApiError> {
    let pod = pod.value();
    let namespace = pod.text("metadata.namespace");
    let budgets: Vec<Arc<Object>> = Lookup::new(&call.core)
        .list("policy", "poddisruptionbudgets", namespace)
        .into_iter()
        .filter(|b| {
            let selector = Selector::from_json(b.value().at("spec.selector"));
            selector.is_ok_and(|s| s.matches_json(pod.at("metadata.labels")))
        })
        .collect();
    let budget = match budgets.as_slice() {
        [] => return Ok(()),
        [one] => one.value(),
        _ => {
            let message = "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.";
            return Err(ApiError::new(Reason::Unknown, message));
        }
    };
    if !is_ready(pod) {
        let (current, desired) = (budget.int("status.currentHealthy").unwrap_or(0), budget.int("status.desiredHealthy").unwrap_or(0));
        if budget.text("spec.unhealthyPodEvictionPolicy") == "AlwaysAllow" || (current >= desired && desired > 0) {
            return Ok(());
        }
    }
    let registry = call.core.registry();
    let row = registry.find("policy", "v1", "poddisruptionbudgets").cloned().ok_or_else(ApiError::no_such_resource)?;
    let name = budget.text("metadata.name").to_owned();
    let (pod_name, now) = (pod.text("metadata.name").to_owned(), call.core.now_text());
    write::change(&write::on(call, row), namespace, &name, dry_run, |budget| charge(budget, &pod_name, &now))?;
    Ok(())
}

/// Takes one allowed disruption (`checkAndDecrement`).
fn charge(budget: &mut Value, pod: &str, now: &str) -> Result<(), ApiError> {
    let name = budget.text("metadata.name").to_owned();
    let count = |budget: &Value, field: &str| budget.int(&format!("status.{field}")).unwrap_or(0);
    let refuse = |message: String, after: u32| {
        let cause = Cause { reason: "DisruptionBudget".into(), message, field: String::new() };
        Err(ApiError::too_many_requests("Cannot evict pod as it would violate the pod's disruption budget.", after)
            .with_causes(vec![cause]))
    };
    if budget.int("status.observedGeneration").unwrap_or(0) < budget.int("metadata.generation").unwrap_or(0) {
        return refuse(format!("The disruption budget {name} is still being processed by the server."), 10);
    }
    let allowed = count(budget, "disruptionsAllowed");
    if allowed < 0 {
        return Err(ApiError::forbidden("policy", "poddisruptionbudgets", &name, "pdb disruptions allowed is negative"));
    }
    if budget.object("status.disruptedPods").is_some_and(|m| m.len() > MAX_DISRUPTED) {
        return Err(ApiError::forbidden(
            "policy",
            "poddisruptionbudgets",
            &name,
            "DisruptedPods map too big - too many evictions not confirmed by PDB controller",
        ));
    }
    if allowed == 0 {
        let (desired, current) = (count(budget, "desiredHealthy"), count(budget, "currentHealthy"));
        return refuse(format!("The disruption budget {name} needs {desired} healthy pods and has {current} currently"), 0);
    }
    budget.put("status.disruptionsAllowed", allowed - 1);
    let conditions = budget.list("status.conditions").to_vec();
    if allowed == 1 {
        let conditions: Vec<Value> = conditions
            .into_iter()
            .map(|mut c| {
                if c.text("type") == "DisruptionAllowed" {
                    c.put("status", "False");
                    c.put("reason", "InsufficientPods");
                    c.put("lastTransitionTime", now);
                }
                c
            })
            .collect();
        budget.put("status.conditions", conditions);
    }
    let disrupted = budget.slot("status.disruptedPods");
    if !disrupted.is_object() {
        *disrupted = json!({});
    }
    disrupted[pod] = now.into();
    Ok(())
}

/// Says in the pod's status why it goes (`addConditionAndDeletePod`).
fn mark(call: &Call, namespace: &str, name: &str, dry_run: bool) -> Result<(), ApiError> {
    let now = call.core.now_text();
    write::change(call, namespace, name, dry_run, |pod| {
        let mut conditions = pod.list("status.conditions").to_vec();
        conditions.retain(|c| c.text("type") != "DisruptionTarget");
        conditions.push(json!({"type": "DisruptionTarget", "status": "True", "lastProbeTime": null, "lastTransitionTime": now,
            "reason": "EvictionByEvictionAPI", "message": "Eviction API: evicting"}));
        pod.put("status.conditions", conditions);
        Ok(())
    })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budget(status: Value) -> Value {
        json!({"metadata": {"name": "web", "generation": 1}, "status": status})
    }

    #[test]
    fn budgets_are_charged_or_refuse() {
        let mut enough = budget(json!({"observedGeneration": 1, "disruptionsAllowed": 1, "desiredHealthy": 1, "currentHealthy": 2}));
        charge(&mut enough, "p", "2026-01-01T00:00:00Z").expect("one is allowed");
        assert_eq!(
            (&enough["status"]["disruptionsAllowed"], &enough["status"]["disruptedPods"]["p"]),
            (&json!(0), &json!("2026-01-01T00:00:00Z"))
        );
        let error = charge(&mut enough, "q", "2026-01-01T00:00:00Z").expect_err("none is left");
        assert_eq!(error.code, 429);
        assert_eq!(error.message, "Cannot evict pod as it would violate the pod's disruption budget.");
        let details = error.details.expect("a cause");
        assert_eq!(details.causes[0].message, "The disruption budget web needs 1 healthy pods and has 2 currently");
    }

    #[test]
    fn a_budget_that_was_not_seen_yet_asks_to_come_again() {
        let mut fresh = budget(json!({}));
        let error = charge(&mut fresh, "p", "2026-01-01T00:00:00Z").expect_err("it is not processed");
        assert_eq!(error.details.expect("a cause").retry_after_seconds, 10);
    }
}
