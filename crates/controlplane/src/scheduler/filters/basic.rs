//! NodeUnschedulable, NodeName, TaintToleration, NodeAffinity: filters that look at the node alone.

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::{Node, PodSpec, Taint};

use crate::machinery::Meta;
use crate::machinery::placement::{selects_node, tolerates, untolerated};
use crate::scheduler::diagnosis::Refusal;

/// Runs them in upstream's order.
pub fn check(spec: &PodSpec, node: &Node) -> Option<Refusal> {
    unschedulable(spec, node).or_else(|| name(spec, node)).or_else(|| taints(spec, node)).or_else(|| affinity(spec, node))
}

fn unschedulable(spec: &PodSpec, node: &Node) -> Option<Refusal> {
    if node.spec.as_ref()?.unschedulable != Some(true) {
        return None;
    }
    // A pod that tolerates the taint of cordoned nodes may go there.
    let taint = Taint { key: "node.kubernetes.io/unschedulable".to_owned(), effect: "NoSchedule".to_owned(), ..Taint::default() };
    let tolerated = spec.tolerations.iter().flatten().any(|t| tolerates(t, &taint));
    (!tolerated).then(|| Refusal::unresolvable("NodeUnschedulable", "node(s) were unschedulable"))
}

fn name(spec: &PodSpec, node: &Node) -> Option<Refusal> {
    let asked = spec.node_name.as_deref().unwrap_or_default();
    (!asked.is_empty() && asked != node.name()).then(|| Refusal::unresolvable("NodeName", "node(s) didn't match the requested node name"))
}

fn taints(spec: &PodSpec, node: &Node) -> Option<Refusal> {
    let taints = node.spec.as_ref()?.taints.as_deref()?;
    untolerated(taints, spec.tolerations.as_deref().unwrap_or_default(), &["NoSchedule", "NoExecute"])
        .map(|_| Refusal::unresolvable("TaintToleration", "node(s) had untolerated taint(s)"))
}

fn affinity(spec: &PodSpec, node: &Node) -> Option<Refusal> {
    (!selects_node(spec, node)).then(|| Refusal::unresolvable("NodeAffinity", "node(s) didn't match Pod's node affinity/selector"))
}

/// The only nodes that the pod's affinity names, if every term names some (NodeAffinity's PreFilter): DaemonSet pods.
pub fn named_nodes(spec: &PodSpec) -> Option<BTreeSet<String>> {
    let required = spec.affinity.as_ref()?.node_affinity.as_ref()?.required_during_scheduling_ignored_during_execution.as_ref()?;
    let mut names = BTreeSet::new();
    for term in &required.node_selector_terms {
        let mut of_term: Option<BTreeSet<String>> = None;
        for field in term.match_fields.iter().flatten().filter(|f| f.key == "metadata.name" && f.operator == "In") {
            let values: BTreeSet<String> = field.values.iter().flatten().cloned().collect();
            of_term = Some(match of_term {
                Some(before) => before.intersection(&values).cloned().collect(),
                None => values,
            });
        }
        names.extend(of_term?);
    }
    (!required.node_selector_terms.is_empty()).then_some(names)
}
