//! Why a pod fits nowhere, in the words of the FailedScheduling event (`framework.FitError`).

use std::collections::{BTreeMap, BTreeSet};

/// A filter's refusal of one node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Plugin that refused.
    pub plugin: &'static str,
    /// Its reasons.
    pub reasons: Vec<String>,
    /// Whether removing pods from the node could help (`Unschedulable`, not `UnschedulableAndUnresolvable`).
    pub resolvable: bool,
}

impl Refusal {
    /// A refusal that removing pods could lift.
    pub fn resolvable(plugin: &'static str, reason: &str) -> Self {
        Self { plugin, reasons: vec![reason.to_owned()], resolvable: true }
    }

    /// A refusal that removing pods cannot lift.
    pub fn unresolvable(plugin: &'static str, reason: &str) -> Self {
        Self { plugin, reasons: vec![reason.to_owned()], resolvable: false }
    }
}

/// Result of a cycle in which no node was found.
#[derive(Clone, Debug, Default)]
pub struct Diagnosis {
    /// Nodes in the cluster.
    pub all_nodes: usize,
    /// A refusal that holds for every node alike, found before any was looked at.
    pub before: Option<Refusal>,
    /// Refusals by node.
    pub nodes: BTreeMap<String, Refusal>,
    /// What preemption had to say.
    pub after: String,
}

impl Diagnosis {
    /// Plugins that refused, for deciding which events make a retry worthwhile.
    pub fn plugins(&self) -> BTreeSet<String> {
        self.nodes.values().chain(&self.before).map(|r| r.plugin.to_owned()).collect()
    }

    /// `0/4 nodes are available: …`
    pub fn message(&self) -> String {
        let mut text = format!("0/{} nodes are available:", self.all_nodes);
        match &self.before {
            Some(refusal) => text += &format!(" {}.", refusal.reasons.join(", ")),
            None => {
                let histogram = histogram(self.nodes.values().flat_map(|r| r.reasons.iter().map(String::as_str)));
                if !histogram.is_empty() {
                    text += &format!(" {histogram}.");
                }
            }
        }
        if !self.after.is_empty() {
            text += &format!(" {}", self.after);
        }
        text
    }
}

/// `1 node(s) had untolerated taint(s), 3 Insufficient cpu`: sorted as texts.
pub fn histogram<'a>(reasons: impl Iterator<Item = &'a str>) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for reason in reasons {
        *counts.entry(reason).or_default() += 1;
    }
    let mut parts: Vec<String> = counts.iter().map(|(reason, count)| format!("{count} {reason}")).collect();
    parts.sort();
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::{Diagnosis, Refusal};

    #[test]
    fn the_message_is_upstreams() {
        let taint = Refusal::unresolvable("TaintToleration", "node(s) had untolerated taint(s)");
        let cpu = Refusal::resolvable("NodeResourcesFit", "Insufficient cpu");
        let mut diagnosis = Diagnosis { all_nodes: 4, ..Diagnosis::default() };
        diagnosis.nodes = [("a", &cpu), ("b", &cpu), ("c", &cpu), ("m", &taint)].map(|(n, r)| (n.to_owned(), r.clone())).into();
        diagnosis.after = "no new claims to deallocate, preemption: 0/4 nodes are available: 1 Preemption is not helpful for scheduling, 3 No preemption victims found for incoming pod.".to_owned();
        assert_eq!(
            diagnosis.message(),
            "0/4 nodes are available: 1 node(s) had untolerated taint(s), 3 Insufficient cpu. no new claims to deallocate, preemption: \
             0/4 nodes are available: 1 Preemption is not helpful for scheduling, 3 No preemption victims found for incoming pod."
        );
    }
}
