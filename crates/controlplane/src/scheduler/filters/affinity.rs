//! InterPodAffinity: pods that want to be with, or away from, other pods.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::core::v1::{Node, Pod, PodAffinityTerm};
use values::{Operator, Requirement, Selector};

use crate::machinery::Meta;
use crate::scheduler::diagnosis::Refusal;
use crate::scheduler::snapshot::Snapshot;

const PLUGIN: &str = "InterPodAffinity";

/// A term, read.
#[derive(Clone, Debug)]
pub struct Term {
    /// Label of nodes whose values are the domains.
    pub key: String,
    selector: Selector,
    namespaces: BTreeSet<String>,
    namespace_selector: Option<Selector>,
}

impl Term {
    /// Reads a term of a pod.
    pub fn read(term: &PodAffinityTerm, of: &Pod) -> Self {
        let read = |s| Selector::from_label_selector(s).unwrap_or_else(|_| Selector::nothing());
        let mut selector = term.label_selector.as_ref().map_or_else(Selector::nothing, read);
        let mut require = |keys: &Option<Vec<String>>, operator: Operator| {
            for key in keys.iter().flatten() {
                if let Some(value) = of.label(key) {
                    selector.requirements.push(Requirement { key: key.clone(), operator, values: vec![value.to_owned()] });
                }
            }
        };
        require(&term.match_label_keys, Operator::In);
        require(&term.mismatch_label_keys, Operator::NotIn);
        let mut namespaces: BTreeSet<String> = term.namespaces.iter().flatten().cloned().collect();
        if namespaces.is_empty() && term.namespace_selector.is_none() {
            namespaces.insert(of.ns().to_owned());
        }
        Self { key: term.topology_key.clone(), selector, namespaces, namespace_selector: term.namespace_selector.as_ref().map(read) }
    }

    /// Whether it means this pod.
    pub fn matches(&self, pod: &Pod, snapshot: &Snapshot) -> bool {
        let by_label = || {
            let selector = self.namespace_selector.as_ref()?;
            let labels = snapshot.namespaces.get(pod.ns())?;
            Some(selector.matches(labels.label_map()))
        };
        (self.namespaces.contains(pod.ns()) || by_label().unwrap_or(false)) && self.selector.matches(pod.label_map())
    }
}

/// Required terms of pod affinity.
pub fn required_affinity(pod: &Pod) -> Vec<Term> {
    let affinity = pod.spec.as_ref().and_then(|s| s.affinity.as_ref()?.pod_affinity.as_ref());
    affinity
        .iter()
        .flat_map(|a| a.required_during_scheduling_ignored_during_execution.iter().flatten())
        .map(|t| Term::read(t, pod))
        .collect()
}

/// Required terms of pod anti-affinity.
pub fn required_anti_affinity(pod: &Pod) -> Vec<Term> {
    let affinity = pod.spec.as_ref().and_then(|s| s.affinity.as_ref()?.pod_anti_affinity.as_ref());
    affinity
        .iter()
        .flat_map(|a| a.required_during_scheduling_ignored_during_execution.iter().flatten())
        .map(|t| Term::read(t, pod))
        .collect()
}

type Domains = BTreeMap<(String, String), usize>;

/// What holds in which domain, computed once a cycle.
pub struct Affinities {
    wanted: Vec<Term>,
    unwanted: Vec<Term>,
    with: Domains,
    away: Domains,
    /// Domains that pods already there keep to themselves.
    closed: Domains,
    /// The first pod of a group that wants to be together may start anywhere.
    first_of_group: bool,
}

fn count(domains: &mut Domains, key: &str, node: &Node) {
    if let Some(value) = node.label(key) {
        *domains.entry((key.to_owned(), value.to_owned())).or_default() += 1;
    }
}

impl Affinities {
    /// Computes them.
    pub fn of(pod: &Pod, snapshot: &Snapshot) -> Self {
        let (wanted, unwanted) = (required_affinity(pod), required_anti_affinity(pod));
        let (mut with, mut away, mut closed) = (Domains::new(), Domains::new(), Domains::new());
        for (node, existing) in snapshot.placed() {
            if !wanted.is_empty() && wanted.iter().all(|t| t.matches(&existing.pod, snapshot)) {
                wanted.iter().for_each(|t| count(&mut with, &t.key, &node.node));
            }
            for term in unwanted.iter().filter(|t| t.matches(&existing.pod, snapshot)) {
                count(&mut away, &term.key, &node.node);
            }
            for term in required_anti_affinity(&existing.pod).iter().filter(|t| t.matches(pod, snapshot)) {
                count(&mut closed, &term.key, &node.node);
            }
        }
        let first_of_group = with.is_empty() && wanted.iter().all(|t| t.matches(pod, snapshot));
        Self { wanted, unwanted, with, away, closed, first_of_group }
    }

    /// Whether the pod may go to this node.
    pub fn check(&self, node: &Node) -> Option<Refusal> {
        let has = |domains: &Domains, key: &str| node.label(key).is_some_and(|v| domains.contains_key(&(key.to_owned(), v.to_owned())));
        let labelled = self.wanted.iter().all(|t| node.label(&t.key).is_some());
        let together = self.wanted.iter().all(|t| has(&self.with, &t.key));
        if !self.wanted.is_empty() && !(labelled && (together || self.first_of_group)) {
            return Some(Refusal::unresolvable(PLUGIN, "node(s) didn't match pod affinity rules"));
        }
        if self.unwanted.iter().any(|t| has(&self.away, &t.key)) {
            return Some(Refusal::resolvable(PLUGIN, "node(s) didn't match pod anti-affinity rules"));
        }
        let taken = self.closed.keys().any(|(key, value)| node.label(key) == Some(value));
        taken.then(|| Refusal::resolvable(PLUGIN, "node(s) didn't satisfy existing pods anti-affinity rules"))
    }
}

#[cfg(test)]
mod tests {
    use super::Affinities;
    use crate::scheduler::snapshot::fixtures::{cluster, node, pod};
    use serde_json::{Value, json};

    fn rule(kind: &str, app: &str) -> Value {
        json!({kind: {"requiredDuringSchedulingIgnoredDuringExecution": [
            {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"app": app}}}]}})
    }

    #[test]
    fn together_apart_and_kept_away() {
        let loner = pod(
            "loner",
            json!({"metadata": {"labels": {"app": "loner"}}, "spec": {"nodeName": "b", "affinity": rule("podAntiAffinity", "web")}}),
        );
        let db = pod("db", json!({"metadata": {"labels": {"app": "db"}}, "spec": {"nodeName": "a"}}));
        let snapshot = cluster(vec![node("a", json!({})), node("b", json!({})), node("c", json!({}))], &[db, loner]);
        let web = |affinity: Value| pod("web", json!({"metadata": {"labels": {"app": "web"}}, "spec": {"affinity": affinity}}));
        let cases = [
            (
                web(rule("podAffinity", "db")),
                [None, Some("node(s) didn't match pod affinity rules"), Some("node(s) didn't match pod affinity rules")],
            ),
            (
                web(rule("podAntiAffinity", "db")),
                [
                    Some("node(s) didn't match pod anti-affinity rules"),
                    Some("node(s) didn't satisfy existing pods anti-affinity rules"),
                    None,
                ],
            ),
            (web(rule("podAffinity", "web")), [None, Some("node(s) didn't satisfy existing pods anti-affinity rules"), None]),
            (web(rule("podAffinity", "nobody")), [Some("node(s) didn't match pod affinity rules"); 3]),
        ];
        for (pod, expected) in cases {
            let state = Affinities::of(&pod, &snapshot);
            let found: Vec<_> = snapshot.nodes.iter().map(|n| state.check(&n.node).map(|r| r.reasons[0].clone())).collect();
            assert_eq!(found.iter().map(Option::as_deref).collect::<Vec<_>>(), expected);
        }
    }
}
