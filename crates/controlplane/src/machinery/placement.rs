//! Whether a pod may stand on a node: tolerations, node selectors and node affinity (component-helpers, `corev1`).

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Node, NodeSelector, NodeSelectorRequirement, NodeSelectorTerm, PodSpec, Taint, Toleration};

use super::object::Meta;

/// Whether one toleration covers a taint (`Toleration.ToleratesTaint`).
pub fn tolerates(toleration: &Toleration, taint: &Taint) -> bool {
    let effect = toleration.effect.as_deref().unwrap_or_default();
    let key = toleration.key.as_deref().unwrap_or_default();
    if !effect.is_empty() && effect != taint.effect {
        return false;
    }
    if !key.is_empty() && key != taint.key {
        return false;
    }
    match toleration.operator.as_deref() {
        None | Some("" | "Equal") => toleration.value.as_deref().unwrap_or_default() == taint.value.as_deref().unwrap_or_default(),
        Some("Exists") => true,
        Some(_) => false,
    }
}

/// The first of the node's taints of these effects that no toleration covers.
pub fn untolerated<'a>(taints: &'a [Taint], tolerations: &[Toleration], effects: &[&str]) -> Option<&'a Taint> {
    taints.iter().filter(|t| effects.contains(&t.effect.as_str())).find(|t| !tolerations.iter().any(|tol| tolerates(tol, t)))
}

/// Whether the pod's node selector and required node affinity allow the node (`nodeaffinity.GetRequiredNodeAffinity`).
pub fn selects_node(spec: &PodSpec, node: &Node) -> bool {
    let selector = spec.node_selector.iter().flatten().all(|(key, value)| node.label(key) == Some(value));
    let required =
        spec.affinity.as_ref().and_then(|a| a.node_affinity.as_ref()?.required_during_scheduling_ignored_during_execution.as_ref());
    selector && required.is_none_or(|selector| matches_selector(selector, node))
}

/// Whether any term of a node selector matches.
pub fn matches_selector(selector: &NodeSelector, node: &Node) -> bool {
    selector.node_selector_terms.iter().any(|term| matches_term(term, node))
}

/// Whether a term matches; an empty one matches nothing.
pub fn matches_term(term: &NodeSelectorTerm, node: &Node) -> bool {
    let expressions = term.match_expressions.as_deref().unwrap_or_default();
    let fields = term.match_fields.as_deref().unwrap_or_default();
    if expressions.is_empty() && fields.is_empty() {
        return false;
    }
    let name = BTreeMap::from([("metadata.name".to_owned(), node.name().to_owned())]);
    expressions.iter().all(|r| matches_requirement(r, node.label_map())) && fields.iter().all(|r| matches_requirement(r, &name))
}

fn matches_requirement(requirement: &NodeSelectorRequirement, labels: &BTreeMap<String, String>) -> bool {
    let value = labels.get(&requirement.key);
    let values = requirement.values.as_deref().unwrap_or_default();
    let compare = |greater: bool| {
        let (Some(have), Some(want)) = (value.and_then(|v| v.parse::<i64>().ok()), values.first().and_then(|v| v.parse::<i64>().ok()))
        else {
            return false;
        };
        if greater { have > want } else { have < want }
    };
    match requirement.operator.as_str() {
        "In" => value.is_some_and(|v| values.contains(v)),
        "NotIn" => value.is_none_or(|v| !values.contains(v)),
        "Exists" => value.is_some(),
        "DoesNotExist" => value.is_none(),
        "Gt" => compare(true),
        "Lt" => compare(false),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::{selects_node, untolerated};
    use k8s_openapi::api::core::v1::{Node, PodSpec, Taint, Toleration};
    use serde_json::{Value, json};

    #[test]
    fn tolerations_cover_taints_by_key_operator_value_and_effect() {
        let taint: Taint = serde_json::from_value(json!({"key": "a", "value": "1", "effect": "NoSchedule"})).unwrap();
        let cases = [
            (json!({"key": "a", "operator": "Equal", "value": "1", "effect": "NoSchedule"}), true),
            (json!({"key": "a", "value": "1"}), true),
            (json!({"key": "a", "operator": "Exists"}), true),
            (json!({"operator": "Exists"}), true),
            (json!({"key": "a", "operator": "Equal", "value": "2"}), false),
            (json!({"key": "b", "operator": "Exists"}), false),
            (json!({"key": "a", "operator": "Exists", "effect": "NoExecute"}), false),
        ];
        for (toleration, expected) in cases {
            let toleration: Toleration = serde_json::from_value(toleration).unwrap();
            assert_eq!(
                untolerated(std::slice::from_ref(&taint), std::slice::from_ref(&toleration), &["NoSchedule"]).is_none(),
                expected,
                "{toleration:?}"
            );
        }
    }

    #[test]
    fn selectors_and_affinity_choose_nodes() {
        let node: Node = serde_json::from_value(json!({"metadata": {"name": "n1", "labels": {"disk": "ssd", "cores": "8"}}})).unwrap();
        let affinity = |term: Value| json!({"containers": [], "affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}}});
        let expression = |key: &str, operator: &str, values: &[&str]| {
            affinity(json!({"matchExpressions": [{"key": key, "operator": operator, "values": values}]}))
        };
        let cases = [
            (json!({"containers": [], "nodeSelector": {"disk": "ssd"}}), true),
            (json!({"containers": [], "nodeSelector": {"disk": "hdd"}}), false),
            (expression("disk", "In", &["ssd", "nvme"]), true),
            (expression("disk", "NotIn", &["ssd"]), false),
            (expression("gpu", "DoesNotExist", &[]), true),
            (expression("cores", "Gt", &["7"]), true),
            (expression("cores", "Lt", &["8"]), false),
            (affinity(json!({"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["n1"]}]})), true),
            (affinity(json!({})), false),
        ];
        for (spec, expected) in cases {
            let parsed: PodSpec = serde_json::from_value(spec.clone()).unwrap();
            assert_eq!(selects_node(&parsed, &node), expected, "{spec}");
        }
    }
}
