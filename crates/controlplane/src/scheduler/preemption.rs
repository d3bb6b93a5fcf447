//! DefaultPreemption: which pods must go so that a more important one fits.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use values::Selector;

use super::cycle::Cycle;
use super::diagnosis::{Diagnosis, Refusal, histogram};
use super::snapshot::{NodeInfo, PodInfo, Snapshot, priority};
use crate::machinery::{Meta, pods};

/// A node and who must leave it, most important first.
#[derive(Clone, Debug)]
pub struct Victims {
    /// The node.
    pub node: String,
    /// The pods.
    pub pods: Vec<Arc<PodInfo>>,
    violations: usize,
}

/// Decides: victims, or what to say about their absence.
pub fn preempt(pod: &PodInfo, snapshot: &Snapshot, diagnosis: &Diagnosis) -> Result<Victims, String> {
    if let Some(reason) = ineligible(&pod.pod, snapshot, diagnosis) {
        return Err(reason.to_owned());
    }
    let mut refusals: BTreeMap<&str, Refusal> = BTreeMap::new();
    let mut candidates = Vec::new();
    for node in &snapshot.nodes {
        let helpful = diagnosis.before.is_none() && diagnosis.nodes.get(node.name()).is_some_and(|r| r.resolvable);
        let result = if helpful {
            victims_on(pod, node, snapshot)
        } else {
            Err(Refusal::unresolvable("DefaultPreemption", "Preemption is not helpful for scheduling"))
        };
        match result {
            Ok(victims) => candidates.push(victims),
            Err(refusal) => {
                refusals.insert(node.name(), refusal);
            }
        }
    }
    best(candidates).ok_or_else(|| {
        let reasons = histogram(refusals.values().flat_map(|r| r.reasons.iter().map(String::as_str)));
        format!("0/{} nodes are available: {reasons}.", snapshot.nodes.len())
    })
}

/// `PodEligibleToPreemptOthers`.
fn ineligible(pod: &Pod, snapshot: &Snapshot, diagnosis: &Diagnosis) -> Option<&'static str> {
    if pod.spec.as_ref().and_then(|s| s.preemption_policy.as_deref()) == Some("Never") {
        return Some("not eligible due to preemptionPolicy=Never.");
    }
    let nominated = pod.status.as_ref().and_then(|s| s.nominated_node_name.as_deref()).filter(|n| !n.is_empty())?;
    // If the node became impossible in the meantime, look for another.
    if diagnosis.nodes.get(nominated).is_some_and(|r| !r.resolvable) {
        return None;
    }
    let leaving = |p: &Arc<PodInfo>| {
        p.pod.deleting()
            && p.priority() < priority(pod)
            && pods::condition(&p.pod, "DisruptionTarget").is_some_and(|c| c.reason.as_deref() == Some("PreemptionByScheduler"))
    };
    snapshot.node(nominated)?.pods.iter().any(leaving).then_some("not eligible due to a terminating pod on the nominated node.")
}

/// The fewest and least important pods whose absence lets the pod fit (`SelectVictimsOnNode`).
fn victims_on(pod: &PodInfo, node: &NodeInfo, snapshot: &Snapshot) -> Result<Victims, Refusal> {
    let (mut lower, rest): (Vec<_>, Vec<_>) = node.pods.iter().cloned().partition(|p| p.priority() < pod.priority());
    if lower.is_empty() {
        return Err(Refusal::unresolvable("DefaultPreemption", "No preemption victims found for incoming pod"));
    }
    let fits = |pods: Vec<Arc<PodInfo>>| {
        let changed = node.with_pods(pods);
        let snapshot = snapshot.with_node(changed.clone());
        match Cycle::new(pod, &snapshot).filter(&changed) {
            None => Ok(()),
            Some(refusal) => Err(refusal),
        }
    };
    fits(rest.clone())?;
    // The most important are spared first; those whose budget would be violated before all others.
    lower.sort_by(|a, b| {
        Reverse(a.priority())
            .cmp(&Reverse(b.priority()))
            .then_with(|| started(&a.pod).cmp(&started(&b.pod)))
            .then_with(|| a.pod.name().cmp(b.pod.name()))
    });
    let (violating, harmless) = split_by_budget(&lower, snapshot.budgets.values());
    let (mut kept, mut victims, mut violations) = (rest, Vec::new(), 0);
    for (group, violates) in [(violating, true), (harmless, false)] {
        for candidate in group {
            let mut with = kept.clone();
            with.push(candidate.clone());
            if fits(with.clone()).is_ok() {
                kept = with;
            } else {
                violations += usize::from(violates);
                victims.push(candidate);
            }
        }
    }
    victims.sort_by(|a, b| Reverse(a.priority()).cmp(&Reverse(b.priority())).then_with(|| started(&a.pod).cmp(&started(&b.pod))));
    Ok(Victims { node: node.name().to_owned(), pods: victims, violations })
}

fn started(pod: &Pod) -> Option<jiff::Timestamp> {
    pod.status.as_ref().and_then(|s| s.start_time.as_ref()).map(|t| t.0)
}

type Group = Vec<Arc<PodInfo>>;

/// Pods whose eviction a budget does not allow, and the others (`filterPodsWithPDBViolation`).
fn split_by_budget<'a>(pods: &[Arc<PodInfo>], budgets: impl Iterator<Item = &'a Arc<PodDisruptionBudget>>) -> (Group, Group) {
    let mut allowed: Vec<(Arc<PodDisruptionBudget>, i32)> =
        budgets.map(|b| (b.clone(), b.status.as_ref().map_or(0, |s| s.disruptions_allowed))).collect();
    let (mut violating, mut harmless) = (Vec::new(), Vec::new());
    for pod in pods {
        let mut violates = false;
        for (budget, left) in &mut allowed {
            let selector = budget.spec.as_ref().and_then(|s| Selector::from_label_selector(s.selector.as_ref()?).ok());
            let covers = budget.ns() == pod.pod.ns() && selector.is_some_and(|s| !s.is_everything() && s.matches(pod.pod.label_map()));
            if covers {
                *left -= 1;
                violates |= *left < 0;
            }
        }
        if violates { violating.push(pod.clone()) } else { harmless.push(pod.clone()) }
    }
    (violating, harmless)
}

/// `pickOneNodeForPreemption`: fewest violations, least important victims, smallest sum, fewest, started latest.
fn best(candidates: Vec<Victims>) -> Option<Victims> {
    candidates.into_iter().min_by_key(|v| {
        let highest = v.pods.iter().map(|p| p.priority()).max().unwrap_or(i32::MIN);
        // Priorities are shifted so that many low ones do not look better than none.
        let sum: i64 = v.pods.iter().map(|p| i64::from(p.priority()) + i64::from(i32::MAX) + 1).sum();
        let earliest = v.pods.iter().filter(|p| p.priority() == highest).filter_map(|p| started(&p.pod)).min();
        (v.violations, highest, sum, v.pods.len(), Reverse(earliest), v.node.clone())
    })
}

#[cfg(test)]
mod tests {
    use super::preempt;
    use crate::machinery::Meta;
    use crate::scheduler::cycle::Cycle;
    use crate::scheduler::snapshot::PodInfo;
    use crate::scheduler::snapshot::fixtures::{cluster, node, pod};
    use serde_json::{Value, json};

    fn asks(cpu: &str, on: &str, priority: i32) -> Value {
        json!({"spec": {"nodeName": on, "priority": priority, "containers": [{"name": "c", "resources": {"requests": {"cpu": cpu}}}]}})
    }

    #[test]
    fn the_least_important_pods_go_and_no_more_than_needed() {
        let pods = [
            pod("a-low", asks("1", "a", 1)),
            pod("a-mid", asks("1", "a", 5)),
            pod("b-low", asks("1", "b", 1)),
            pod("b-lower", asks("1", "b", 0)),
        ];
        let snapshot = cluster(vec![node("a", json!({})), node("b", json!({}))], &pods);
        let new = PodInfo::new(pod("new", asks("1", "", 10)));
        let diagnosis = Cycle::new(&new, &snapshot).feasible().unwrap_err();
        let victims = preempt(&new, &snapshot, &diagnosis).unwrap();
        assert_eq!((victims.node.as_str(), victims.pods.len(), victims.pods[0].pod.name()), ("b", 1, "b-lower"));
    }

    #[test]
    fn what_is_said_when_nobody_can_go() {
        let tainted = node("m", json!({"spec": {"taints": [{"key": "x", "effect": "NoSchedule"}]}}));
        let snapshot = cluster(vec![node("a", json!({})), tainted], &[pod("same", asks("2", "a", 0))]);
        let new = PodInfo::new(pod("new", asks("1", "", 0)));
        let diagnosis = Cycle::new(&new, &snapshot).feasible().unwrap_err();
        assert_eq!(
            preempt(&new, &snapshot, &diagnosis).unwrap_err(),
            "0/2 nodes are available: 1 No preemption victims found for incoming pod, 1 Preemption is not helpful for scheduling."
        );
        let never = PodInfo::new(pod("never", json!({"spec": {"preemptionPolicy": "Never"}})));
        assert_eq!(preempt(&never, &snapshot, &diagnosis).unwrap_err(), "not eligible due to preemptionPolicy=Never.");
    }
}
