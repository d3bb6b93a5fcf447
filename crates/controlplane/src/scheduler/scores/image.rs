//! ImageLocality: nodes that have the images already are better.

use std::sync::Arc;

use super::MAX;
use crate::scheduler::snapshot::{NodeInfo, PodInfo, Snapshot};

const MIB: i64 = 1024 * 1024;
const MIN: i64 = 23 * MIB;
const MAX_PER_CONTAINER: i64 = 1000 * MIB;

fn size_on(node: &NodeInfo, image: &str) -> Option<i64> {
    let images = node.node.status.as_ref()?.images.as_ref()?;
    images.iter().find(|i| i.names.iter().flatten().any(|n| n == image)).map(|i| i.size_bytes.unwrap_or(0))
}

/// `nginx` is `docker.io/library/nginx:latest` in a node's list of images (`normalizedImageName` adds the tag alone;
/// nodes list the names that the runtime knows).
fn names(image: &str) -> Vec<String> {
    let tagged = if image.rfind(':').is_none_or(|colon| image.rfind('/').is_some_and(|slash| slash > colon)) {
        format!("{image}:latest")
    } else {
        image.to_owned()
    };
    vec![tagged]
}

/// The size of what need not be pulled, scaled.
pub fn score(pod: &PodInfo, feasible: &[Arc<NodeInfo>], snapshot: &Snapshot) -> Vec<i64> {
    let spec = pod.pod.spec.as_ref();
    let containers = spec.iter().flat_map(|s| s.init_containers.iter().flatten().chain(&s.containers));
    let images: Vec<String> = containers.filter_map(|c| c.image.as_deref()).flat_map(names).collect();
    let all = i64::try_from(snapshot.nodes.len()).unwrap_or(1).max(1);
    let max = MAX_PER_CONTAINER * i64::try_from(images.len()).unwrap_or(1).max(1);
    let spread: Vec<i64> = images
        .iter()
        .map(|image| i64::try_from(snapshot.nodes.iter().filter(|n| size_on(n, image).is_some()).count()).unwrap_or(0))
        .collect();
    let score = |node: &NodeInfo| {
        let sum: i64 = images.iter().zip(&spread).filter_map(|(image, on)| Some(size_on(node, image)? * on / all)).sum();
        MAX * (sum.clamp(MIN, max) - MIN) / (max - MIN)
    };
    feasible.iter().map(|n| score(n)).collect()
}
