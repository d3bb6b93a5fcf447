//! Indexed jobs: which indexes are done (`indexed_job_utils.go`).

use std::collections::BTreeSet;
use std::sync::Arc;

use k8s_openapi::api::core::v1::Pod;

use crate::machinery::{Meta, pods};

/// Annotation and label of a pod with its index.
pub const INDEX: &str = "batch.kubernetes.io/job-completion-index";

/// The index of a pod.
pub fn of(pod: &Pod) -> Option<i32> {
    pod.annotation(INDEX)?.parse().ok()
}

/// Reads `1,3-5`.
pub fn parse(text: &str) -> BTreeSet<i32> {
    let range = |part: &str| {
        let (from, to) = part.split_once('-').unwrap_or((part, part));
        Some((from.parse::<i32>().ok()?, to.parse::<i32>().ok()?))
    };
    text.split(',').filter_map(range).flat_map(|(from, to)| from..=to).collect()
}

/// Writes `1,3-5`.
pub fn format(indexes: &BTreeSet<i32>) -> String {
    let mut ranges: Vec<(i32, i32)> = Vec::new();
    for &index in indexes {
        match ranges.last_mut() {
            Some((_, to)) if *to + 1 == index => *to = index,
            _ => ranges.push((index, index)),
        }
    }
    // Two neighbours are a list, three a range, as upstream writes them.
    let part = |(from, to): &(i32, i32)| match to - from {
        0 => from.to_string(),
        1 => format!("{from},{to}"),
        _ => format!("{from}-{to}"),
    };
    ranges.iter().map(part).collect::<Vec<_>>().join(",")
}

/// Indexes that succeeded: those written down, and those of pods that just did.
pub fn succeeded(before: &str, pods: &[Arc<Pod>], completions: i32) -> BTreeSet<i32> {
    let mut all: BTreeSet<i32> = parse(before).into_iter().filter(|i| *i < completions).collect();
    all.extend(pods.iter().filter(|p| pods::phase(p) == "Succeeded").filter_map(|p| of(p)).filter(|i| *i < completions));
    all
}

/// The first `count` indexes that have neither succeeded nor a pod.
pub fn first_pending(done: &BTreeSet<i32>, active: &BTreeSet<i32>, completions: i32, count: usize) -> Vec<i32> {
    (0..completions).filter(|i| !done.contains(i) && !active.contains(i)).take(count).collect()
}

#[cfg(test)]
mod tests {
    use super::{first_pending, format, parse};

    #[test]
    fn ranges_are_read_and_written() {
        for text in ["", "0", "0,1", "0-2", "1,3-5,7,8"] {
            assert_eq!(format(&parse(text)), text);
        }
        assert_eq!(first_pending(&parse("0,2"), &parse("1"), 6, 2), [3, 4]);
    }
}
