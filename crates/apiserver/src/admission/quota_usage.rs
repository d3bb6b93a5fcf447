//! What an object counts for in quotas (`pkg/quota/v1/evaluator/core`).

use std::collections::BTreeMap;

use serde_json::Value;
use values::Quantity;

use crate::json::Json;
use crate::status::group_resource;

/// Amounts by resource name.
pub type Usage = BTreeMap<String, Quantity>;

fn add(usage: &mut Usage, name: impl Into<String>, amount: Quantity) {
    match usage.entry(name.into()) {
        std::collections::btree_map::Entry::Occupied(mut present) => *present.get_mut() += amount,
        std::collections::btree_map::Entry::Vacant(free) => drop(free.insert(amount)),
    }
}

fn one() -> Quantity {
    Quantity::from_units(1, values::Format::DecimalSi)
}

fn amount(value: &Value) -> Option<Quantity> {
    value.as_str().and_then(|t| t.parse().ok())
}

/// Usage of one object.
pub fn of(group: &str, plural: &str, object: &Value) -> Usage {
    let mut usage = Usage::new();
    add(&mut usage, format!("count/{}", group_resource(group, plural)), one());
    match (group, plural) {
        // A pod that is over still is an object, but uses nothing (`QuotaV1Pod`).
        ("", "pods") if is_over(object) => {}
        ("", "pods") => {
            add(&mut usage, "pods", one());
            compute(object, &mut usage);
        }
        ("", "services") => {
            add(&mut usage, "services", one());
            let ports = object.list("spec.ports").len() as i64;
            match object.text("spec.type") {
                "NodePort" => add(&mut usage, "services.nodeports", Quantity::from_units(ports, values::Format::DecimalSi)),
                "LoadBalancer" => {
                    add(&mut usage, "services.loadbalancers", one());
                    if object.flag("spec.allocateLoadBalancerNodePorts") != Some(false) {
                        add(&mut usage, "services.nodeports", Quantity::from_units(ports, values::Format::DecimalSi));
                    }
                }
                _ => {}
            }
        }
        ("", "persistentvolumeclaims") => claim(object, &mut usage),
        ("", "secrets" | "configmaps" | "replicationcontrollers" | "resourcequotas") => add(&mut usage, plural, one()),
        _ => {}
    }
    usage
}

fn is_over(pod: &Value) -> bool {
    matches!(pod.text("status.phase"), "Succeeded" | "Failed")
}

/// Requests and limits: the sum of containers and side-cars, or the largest init container if that is more.
fn compute(pod: &Value, usage: &mut Usage) {
    for kind in ["requests", "limits"] {
        let mut sum = Usage::new();
        let of = |container: &Value| -> Vec<(String, Quantity)> {
            let entries = container.entries(&format!("resources.{kind}"));
            entries.into_iter().filter_map(|(name, value)| Some((name.to_owned(), amount(value)?))).collect()
        };
        let sidecar = |c: &&Value| c.text("restartPolicy") == "Always";
        for container in pod.list("spec.containers").iter().chain(pod.list("spec.initContainers").iter().filter(sidecar)) {
            for (name, value) in of(container) {
                add(&mut sum, name, value);
            }
        }
        for container in pod.list("spec.initContainers").iter().filter(|c| !sidecar(c)) {
            for (name, value) in of(container) {
                if sum.get(&name).is_none_or(|present| *present < value) {
                    sum.insert(name, value);
                }
            }
        }
        for (name, value) in sum {
            if kind == "requests" && (matches!(name.as_str(), "cpu" | "memory" | "ephemeral-storage") || name.starts_with("hugepages-")) {
                add(usage, name.clone(), value);
            }
            add(usage, format!("{kind}.{name}"), value);
        }
    }
}

fn claim(claim: &Value, usage: &mut Usage) {
    add(usage, "persistentvolumeclaims", one());
    let class = claim.text("spec.storageClassName");
    if !class.is_empty() {
        add(usage, format!("{class}.storageclass.storage.k8s.io/persistentvolumeclaims"), one());
    }
    if let Some(size) = amount(claim.at("spec.resources.requests.storage")) {
        if !class.is_empty() {
            add(usage, format!("{class}.storageclass.storage.k8s.io/requests.storage"), size);
        }
        add(usage, "requests.storage", size);
    }
}

/// What containers must say because a quota counts it (`podEvaluator.Constraints`); the error is upstream's.
pub fn constraints(pod: &Value, hard: &[&str]) -> Result<(), String> {
    const CHECKED: [&str; 8] = [
        "cpu",
        "memory",
        "requests.cpu",
        "requests.memory",
        "limits.cpu",
        "limits.memory",
        "requests.ephemeral-storage",
        "limits.ephemeral-storage",
    ];
    let mut missing: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let containers = pod.list("spec.containers").iter().chain(pod.list("spec.initContainers"));
    for container in containers {
        for name in CHECKED[..6].iter().filter(|name| hard.contains(name)) {
            let (kind, resource) = name.split_once('.').unwrap_or(("requests", name));
            if container.at(&format!("resources.{kind}")).get(resource).is_none() {
                missing.entry(name).or_default().push(container.text("name"));
            }
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    let parts: Vec<String> = missing
        .into_iter()
        .map(|(name, mut containers)| {
            containers.sort_unstable();
            containers.dedup();
            format!("{name} for: {}", containers.join(","))
        })
        .collect();
    Err(format!("must specify {}", parts.join("; ")))
}

/// Whether a pod falls under a quota's scopes.
pub fn in_scope(plural: &str, object: &Value, quota: &Value) -> bool {
    let mut requirements: Vec<(String, String, Vec<String>)> =
        quota.list("spec.scopes").iter().filter_map(|s| Some((s.as_str()?.to_owned(), "Exists".to_owned(), Vec::new()))).collect();
    requirements.extend(quota.list("spec.scopeSelector.matchExpressions").iter().map(|e| {
        let values = e.list("values").iter().filter_map(|v| v.as_str().map(str::to_owned)).collect();
        (e.text("scopeName").to_owned(), e.text("operator").to_owned(), values)
    }));
    if plural != "pods" {
        return requirements.is_empty();
    }
    let best_effort = object.text("status.qosClass") == "BestEffort"
        || (object.text("status.qosClass").is_empty()
            && !object.list("spec.containers").iter().any(|c| c.has("resources.requests") || c.has("resources.limits")));
    let terminating = object.int("spec.activeDeadlineSeconds").is_some_and(|s| s >= 0);
    requirements.iter().all(|(scope, operator, values)| match scope.as_str() {
        "BestEffort" => best_effort,
        "NotBestEffort" => !best_effort,
        "Terminating" => terminating,
        "NotTerminating" => !terminating,
        "PriorityClass" => {
            let class = object.text("spec.priorityClassName");
            match operator.as_str() {
                "In" => values.iter().any(|v| v == class),
                "NotIn" => !values.iter().any(|v| v == class),
                "DoesNotExist" => class.is_empty(),
                _ => !class.is_empty(),
            }
        }
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn pods_count_by_their_containers() {
        let pod = json!({"spec": {"containers": [
            {"name": "a", "resources": {"requests": {"cpu": "100m"}, "limits": {"cpu": "1"}}},
            {"name": "b", "resources": {"requests": {"cpu": "200m"}}}]}});
        let usage = of("", "pods", &pod);
        let text = |name: &str| usage.get(name).map(ToString::to_string).unwrap_or_default();
        assert_eq!(
            (text("pods"), text("requests.cpu"), text("cpu"), text("limits.cpu")),
            ("1".into(), "300m".into(), "300m".into(), "1".into())
        );
        assert_eq!(
            constraints(&pod, &["limits.cpu", "requests.cpu", "limits.memory"]),
            Err("must specify limits.cpu for: b; limits.memory for: a,b".to_owned())
        );
    }

    #[test]
    fn finished_pods_use_nothing() {
        let usage = of("", "pods", &json!({"status": {"phase": "Succeeded"}, "spec": {"containers": []}}));
        assert_eq!(usage.keys().collect::<Vec<_>>(), ["count/pods"]);
    }
}
