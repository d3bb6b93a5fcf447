//! One attempt to find a node for a pod.

use std::sync::Arc;

use super::diagnosis::{Diagnosis, Refusal};
use super::filters::affinity::Affinities;
use super::filters::spread::Counts;
use super::filters::{basic, fit, ports};
use super::snapshot::{NodeInfo, PodInfo, Snapshot};
use super::volumes::Volumes;
use crate::machinery::Meta;

/// A pod, the cluster, and what is computed once for all nodes.
pub struct Cycle<'a> {
    /// The pod.
    pub pod: &'a PodInfo,
    /// The cluster.
    pub snapshot: &'a Snapshot,
    /// Its volumes, or why no node can have them.
    pub volumes: Result<Volumes, Refusal>,
    spread: Counts,
    affinities: Affinities,
}

impl<'a> Cycle<'a> {
    /// Prepares the filters.
    pub fn new(pod: &'a PodInfo, snapshot: &'a Snapshot) -> Self {
        Self {
            volumes: Volumes::of(&pod.pod, snapshot),
            spread: Counts::of(&pod.pod, snapshot),
            affinities: Affinities::of(&pod.pod, snapshot),
            pod,
            snapshot,
        }
    }

    /// Runs the filters on one node in the order of the default profile; the first refusal counts.
    pub fn filter(&self, node: &NodeInfo) -> Option<Refusal> {
        let spec = self.pod.pod.spec.as_ref()?;
        basic::check(spec, &node.node)
            .or_else(|| ports::check(&self.pod.pod, node))
            .or_else(|| fit::check(self.pod, node))
            .or_else(|| match &self.volumes {
                Ok(volumes) => volumes.check(&self.pod.pod, node, self.snapshot),
                Err(refusal) => Some(refusal.clone()),
            })
            .or_else(|| self.spread.check(&self.pod.pod, &node.node))
            .or_else(|| self.affinities.check(&node.node))
    }

    /// Like [`Cycle::filter`], also with the pods for which preemption has made room there
    /// (`RunFilterPluginsWithNominatedPods`).
    fn filter_with_nominated(&self, node: &NodeInfo) -> Option<Refusal> {
        let nominated: Vec<_> = self
            .snapshot
            .nominated
            .get(node.name())
            .into_iter()
            .flatten()
            .filter(|p| p.priority() >= self.pod.priority() && p.pod.uid() != self.pod.pod.uid())
            .cloned()
            .collect();
        if !nominated.is_empty() {
            let fuller = node.with_pods(node.pods.iter().cloned().chain(nominated).collect());
            let snapshot = self.snapshot.with_node(fuller.clone());
            if let Some(refusal) = Cycle::new(self.pod, &snapshot).filter(&fuller) {
                return Some(refusal);
            }
        }
        self.filter(node)
    }

    /// The nodes that can take the pod, or why there is none.
    pub fn feasible(&self) -> Result<Vec<Arc<NodeInfo>>, Diagnosis> {
        let mut diagnosis = Diagnosis { all_nodes: self.snapshot.nodes.len(), ..Diagnosis::default() };
        if let Err(refusal) = &self.volumes {
            diagnosis.before = Some(refusal.clone());
            return Err(diagnosis);
        }
        let named = self.pod.pod.spec.as_ref().and_then(basic::named_nodes);
        let mut feasible = Vec::new();
        for node in &self.snapshot.nodes {
            let refusal = if named.as_ref().is_some_and(|n| !n.contains(node.name())) {
                Some(Refusal::unresolvable("NodeAffinity", "node(s) didn't satisfy plugin(s) [NodeAffinity]"))
            } else {
                self.filter_with_nominated(node)
            };
            match refusal {
                None => feasible.push(node.clone()),
                Some(refusal) => {
                    diagnosis.nodes.insert(node.name().to_owned(), refusal);
                }
            }
        }
        if feasible.is_empty() { Err(diagnosis) } else { Ok(feasible) }
    }
}

#[cfg(test)]
mod tests {
    use super::Cycle;
    use crate::scheduler::snapshot::PodInfo;
    use crate::scheduler::snapshot::fixtures::{cluster, node, pod};
    use serde_json::json;

    #[test]
    fn each_refusal_is_counted_in_upstreams_words() {
        let nodes = vec![
            node("control-plane", json!({"spec": {"taints": [{"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}]}})),
            node("cordoned", json!({"spec": {"unschedulable": true}})),
            node("full", json!({})),
            node("small", json!({"status": {"allocatable": {"cpu": "100m"}}})),
        ];
        let big = json!({"spec": {"nodeName": "full", "containers": [{"name": "c", "resources": {"requests": {"cpu": "1900m"}}}]}});
        let snapshot = cluster(nodes, &[pod("big", big)]);
        let new = PodInfo::new(pod("new", json!({"spec": {"containers": [{"name": "c", "resources": {"requests": {"cpu": "200m"}}}]}})));
        let diagnosis = Cycle::new(&new, &snapshot).feasible().unwrap_err();
        assert_eq!(
            diagnosis.message(),
            "0/4 nodes are available: 1 node(s) had untolerated taint(s), 1 node(s) were unschedulable, 2 Insufficient cpu."
        );
        assert!(diagnosis.nodes["full"].resolvable && !diagnosis.nodes["small"].resolvable);
    }

    #[test]
    fn a_missing_claim_is_said_once() {
        let claim = json!({"spec": {"volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "data"}}]}});
        let snapshot = cluster(vec![node("a", json!({})), node("b", json!({}))], &[]);
        let new = PodInfo::new(pod("new", claim));
        let diagnosis = Cycle::new(&new, &snapshot).feasible().unwrap_err();
        assert_eq!(diagnosis.message(), "0/2 nodes are available: persistentvolumeclaim \"data\" not found.");
    }
}
