//! Scores, one file per plugin, and how they are weighed together (default profile of the component configuration).

mod affinity;
mod image;
mod node;
mod resources;
mod spread;

use std::sync::Arc;

use super::snapshot::{NodeInfo, PodInfo, Snapshot};

/// The largest score of a plugin.
const MAX: i64 = 100;

/// The weighted sum for every feasible node, in their order.
pub fn total(pod: &PodInfo, feasible: &[Arc<NodeInfo>], snapshot: &Snapshot) -> Vec<i64> {
    let plugins: [(i64, Vec<i64>); 7] = [
        (3, node::taints(pod, feasible)),
        (2, node::affinity(pod, feasible)),
        (1, resources::least_allocated(pod, feasible)),
        (2, spread::score(pod, feasible, snapshot)),
        (2, affinity::score(pod, feasible, snapshot)),
        (1, resources::balanced(pod, feasible)),
        (1, image::score(pod, feasible, snapshot)),
    ];
    (0..feasible.len()).map(|i| plugins.iter().map(|(weight, scores)| weight * scores.get(i).copied().unwrap_or(0)).sum()).collect()
}

/// Scales scores to 0..=100; `reverse` makes the smallest the best (`helper.DefaultNormalizeScore`).
fn normalize(mut scores: Vec<i64>, reverse: bool) -> Vec<i64> {
    let max = scores.iter().copied().max().unwrap_or(0);
    for score in &mut scores {
        let scaled = if max == 0 { 0 } else { MAX * *score / max };
        *score = if reverse { MAX - scaled } else { scaled };
    }
    scores
}
