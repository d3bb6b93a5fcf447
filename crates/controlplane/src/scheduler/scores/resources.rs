//! NodeResourcesFit (LeastAllocated) and NodeResourcesBalancedAllocation, over cpu and memory.

use std::sync::Arc;

use super::MAX;
use crate::scheduler::snapshot::{NodeInfo, PodInfo};

const COUNTED: [&str; 2] = ["cpu", "memory"];

/// Nodes with more left are better.
pub fn least_allocated(pod: &PodInfo, feasible: &[Arc<NodeInfo>]) -> Vec<i64> {
    let score = |node: &NodeInfo| {
        let (mut sum, mut weights) = (0, 0);
        for name in COUNTED {
            let capacity = node.allocatable.get(name).copied().unwrap_or(0);
            if capacity == 0 {
                continue;
            }
            let wanted = node.counted.get(name).copied().unwrap_or(0) + pod.counted.get(name).copied().unwrap_or(0);
            sum += if wanted > capacity { 0 } else { (capacity - wanted) * MAX / capacity };
            weights += 1;
        }
        if weights == 0 { 0 } else { sum / weights }
    };
    feasible.iter().map(|n| score(n)).collect()
}

/// Nodes whose resources are used in equal shares are better. Pods without requests do not change shares and are not scored.
pub fn balanced(pod: &PodInfo, feasible: &[Arc<NodeInfo>]) -> Vec<i64> {
    if COUNTED.iter().all(|name| pod.requests.get(*name).copied().unwrap_or(0) == 0) {
        return vec![0; feasible.len()];
    }
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)] // shares
    let score = |node: &NodeInfo| {
        let fractions: Vec<f64> = COUNTED
            .iter()
            .filter_map(|name| {
                let capacity = node.allocatable.get(*name).copied().filter(|c| *c > 0)?;
                let wanted = node.requested.get(*name).copied().unwrap_or(0) + pod.requests.get(*name).copied().unwrap_or(0);
                Some((wanted as f64 / capacity as f64).min(1.0))
            })
            .collect();
        let deviation = match fractions.as_slice() {
            [a, b] => ((a - b) / 2.0).abs(),
            _ => 0.0,
        };
        ((1.0 - deviation) * MAX as f64) as i64
    };
    feasible.iter().map(|n| score(n)).collect()
}

#[cfg(test)]
mod tests {
    use super::{balanced, least_allocated};
    use crate::scheduler::snapshot::PodInfo;
    use crate::scheduler::snapshot::fixtures::{cluster, node, pod};
    use serde_json::json;

    #[test]
    fn emptier_and_better_balanced_nodes_win() {
        let asks = |cpu: &str, memory: &str, on: &str| json!({"spec": {"nodeName": on, "containers": [{"name": "c", "resources": {"requests": {"cpu": cpu, "memory": memory}}}]}});
        let snapshot = cluster(vec![node("a", json!({})), node("b", json!({}))], &[pod("x", asks("1", "0", "a"))]);
        let new = PodInfo::new(pod("new", asks("1", "2Gi", "")));
        // b: half of both left. a: no cpu left, half of memory.
        assert_eq!(least_allocated(&new, &snapshot.nodes), [25, 50]);
        assert_eq!(balanced(&new, &snapshot.nodes), [75, 100]);
        assert_eq!(balanced(&PodInfo::new(pod("empty", json!({}))), &snapshot.nodes), [0, 0]);
    }
}
