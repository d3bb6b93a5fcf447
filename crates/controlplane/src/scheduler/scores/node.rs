//! TaintToleration (PreferNoSchedule) and NodeAffinity (preferred terms).

use std::sync::Arc;

use super::normalize;
use crate::machinery::placement::{matches_term, tolerates};
use crate::scheduler::snapshot::{NodeInfo, PodInfo};

/// Fewer PreferNoSchedule taints that the pod does not tolerate are better.
pub fn taints(pod: &PodInfo, feasible: &[Arc<NodeInfo>]) -> Vec<i64> {
    let tolerations: Vec<_> = pod.pod.spec.iter().flat_map(|s| s.tolerations.iter().flatten()).collect();
    let count = |node: &NodeInfo| {
        let soft = node.node.spec.iter().flat_map(|s| s.taints.iter().flatten()).filter(|t| t.effect == "PreferNoSchedule");
        i64::try_from(soft.filter(|t| !tolerations.iter().any(|tol| tolerates(tol, t))).count()).unwrap_or(0)
    };
    normalize(feasible.iter().map(|n| count(n)).collect(), true)
}

/// The sum of the weights of preferred terms that match.
pub fn affinity(pod: &PodInfo, feasible: &[Arc<NodeInfo>]) -> Vec<i64> {
    let affinity = pod.pod.spec.as_ref().and_then(|s| s.affinity.as_ref()?.node_affinity.as_ref());
    let preferred: Vec<_> = affinity.iter().flat_map(|a| a.preferred_during_scheduling_ignored_during_execution.iter().flatten()).collect();
    let sum = |node: &NodeInfo| preferred.iter().filter(|p| matches_term(&p.preference, &node.node)).map(|p| i64::from(p.weight)).sum();
    normalize(feasible.iter().map(|n| sum(n)).collect(), false)
}
