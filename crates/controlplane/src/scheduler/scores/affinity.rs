//! InterPodAffinity's score: preferred terms of the pod, and of the pods already there.

use std::collections::BTreeMap;
use std::sync::Arc;

use k8s_openapi::api::core::v1::{Node, Pod};

use super::MAX;
use crate::machinery::Meta;
use crate::scheduler::filters::affinity::{Term, required_affinity};
use crate::scheduler::snapshot::{NodeInfo, PodInfo, Snapshot};

/// Weighted terms: positive to be together, negative to be apart.
fn preferred(pod: &Pod) -> Vec<(Term, i64)> {
    let affinity = pod.spec.as_ref().and_then(|s| s.affinity.as_ref());
    let with = affinity.and_then(|a| a.pod_affinity.as_ref()?.preferred_during_scheduling_ignored_during_execution.as_ref());
    let away = affinity.and_then(|a| a.pod_anti_affinity.as_ref()?.preferred_during_scheduling_ignored_during_execution.as_ref());
    let with = with.into_iter().flatten().map(|w| (Term::read(&w.pod_affinity_term, pod), i64::from(w.weight)));
    let away = away.into_iter().flatten().map(|w| (Term::read(&w.pod_affinity_term, pod), -i64::from(w.weight)));
    with.chain(away).collect()
}

/// `interpodaffinity.HardPodAffinityWeight`: a required term of a pod that is there already draws others a little.
const HARD_WEIGHT: i64 = 1;

/// Scores by the domains that terms favour.
#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)] // weights
pub fn score(pod: &PodInfo, feasible: &[Arc<NodeInfo>], snapshot: &Snapshot) -> Vec<i64> {
    let own = preferred(&pod.pod);
    let mut domains: BTreeMap<(String, String), i64> = BTreeMap::new();
    let mut add = |term: &Term, weight: i64, node: &Node| {
        if let Some(value) = node.label(&term.key) {
            *domains.entry((term.key.clone(), value.to_owned())).or_default() += weight;
        }
    };
    for (node, existing) in snapshot.placed() {
        for (term, weight) in own.iter().filter(|(t, _)| t.matches(&existing.pod, snapshot)) {
            add(term, *weight, &node.node);
        }
        for (term, weight) in preferred(&existing.pod).iter().filter(|(t, _)| t.matches(&pod.pod, snapshot)) {
            add(term, *weight, &node.node);
        }
        for term in required_affinity(&existing.pod).iter().filter(|t| t.matches(&pod.pod, snapshot)) {
            add(term, HARD_WEIGHT, &node.node);
        }
    }
    if domains.is_empty() {
        return vec![0; feasible.len()];
    }
    let sum = |node: &NodeInfo| domains.iter().filter(|((k, v), _)| node.node.label(k) == Some(v)).map(|(_, w)| w).sum::<i64>();
    let sums: Vec<i64> = feasible.iter().map(|n| sum(n)).collect();
    let (min, max) = (sums.iter().copied().min().unwrap_or(0), sums.iter().copied().max().unwrap_or(0));
    sums.iter().map(|s| if max == min { 0 } else { (MAX as f64 * (s - min) as f64 / (max - min) as f64) as i64 }).collect()
}
