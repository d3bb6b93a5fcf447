//! `LimitRanger`: defaults for containers, and bounds for containers, pods and claims.

use std::collections::BTreeMap;

use serde_json::Value;
use values::Quantity;

use super::plugin::{forbidden, is, lookup};
use crate::json::Json;
use crate::server::{AdmissionCall, Operation};
use crate::status::ApiError;

const ANNOTATION: &str = "kubernetes.io/limit-ranger";

fn amount(value: &Value) -> Option<Quantity> {
    value.as_str().and_then(|t| t.parse().ok())
}

fn applies(call: &AdmissionCall<'_>) -> bool {
    let written = matches!(call.operation, Operation::Create | Operation::Update);
    // A pod's resources do not change by updates (`SupportsAttributes`).
    written && ((is(call, "", "pods") && call.operation == Operation::Create) || is(call, "", "persistentvolumeclaims"))
}

fn ranges(call: &AdmissionCall<'_>) -> Vec<Value> {
    lookup(call).list("", "limitranges", call.namespace).iter().map(|r| r.value().clone()).collect()
}

/// Fills in requests and limits that containers leave out.
pub(super) fn mutate(call: &AdmissionCall<'_>, pod: &mut Value) -> Result<(), ApiError> {
    if !applies(call) || call.resource.plural != "pods" {
        return Ok(());
    }
    for range in ranges(call) {
        let item = range.list("spec.limits").iter().find(|l| l.text("type") == "Container").cloned().unwrap_or_default();
        let mut notes: Vec<String> = Vec::new();
        for (list, what) in [("spec.containers", "container"), ("spec.initContainers", "init container")] {
            for container in pod.list_mut(list) {
                for (kind, field, word) in [("limits", "default", "limit"), ("requests", "defaultRequest", "request")] {
                    let set = fill(container, kind, &item, field);
                    if !set.is_empty() {
                        notes.push(format!("{} {word} for {what} {}", set.join(", "), container.text("name")));
                    }
                }
            }
        }
        if !notes.is_empty() {
            // Upstream lists requests before limits.
            notes.sort_by_key(|n| (!n.contains(" request for "), n.clone()));
            let annotations = pod.slot("metadata.annotations");
            if !annotations.is_object() {
                *annotations = serde_json::json!({});
            }
            annotations[ANNOTATION] = format!("LimitRanger plugin set: {}", notes.join("; ")).into();
        }
    }
    Ok(())
}

fn fill(container: &mut Value, kind: &str, item: &Value, field: &str) -> Vec<String> {
    let mut set = Vec::new();
    for (name, value) in item.entries(field) {
        let map = container.slot(&format!("resources.{kind}"));
        if !map.is_object() {
            *map = serde_json::json!({});
        }
        if map.get(name).is_none() {
            map[name] = value.clone();
            set.push(name.to_owned());
        }
    }
    let path = format!("resources.{kind}");
    if container.object(&path).is_some_and(serde_json::Map::is_empty) {
        container.remove(&path);
    }
    set
}

/// Checks bounds.
pub(super) fn judge(call: &AdmissionCall<'_>, object: &Value) -> Result<(), ApiError> {
    if !applies(call) {
        return Ok(());
    }
    for range in ranges(call) {
        let mut errors = Vec::new();
        for limit in range.list("spec.limits") {
            match (limit.text("type"), call.resource.plural.as_str()) {
                ("Container", "pods") => {
                    for container in object.list("spec.containers").iter().chain(object.list("spec.initContainers")) {
                        let of = |kind| amounts(container.at("resources").at(kind));
                        check(limit, "Container", &of("requests"), &of("limits"), &mut errors);
                    }
                }
                ("Pod", "pods") => check(limit, "Pod", &total(object, "requests"), &total(object, "limits"), &mut errors),
                ("PersistentVolumeClaim", "persistentvolumeclaims") => {
                    let requests = amounts(object.at("spec.resources.requests"));
                    for (name, bound) in amounts(limit.at("min")) {
                        errors.extend(minimum("PersistentVolumeClaim", &name, bound, requests.get(&name), None));
                    }
                    for (name, bound) in amounts(limit.at("max")) {
                        errors.extend(maximum_request("PersistentVolumeClaim", &name, bound, requests.get(&name)));
                    }
                }
                _ => {}
            }
        }
        match errors.as_slice() {
            [] => {}
            [one] => return Err(forbidden(call, object, one)),
            many => return Err(forbidden(call, object, format!("[{}]", many.join(", ")))),
        }
    }
    Ok(())
}

type Amounts = BTreeMap<String, Quantity>;

fn amounts(map: &Value) -> Amounts {
    map.entries("").into_iter().filter_map(|(k, v)| Some((k.to_owned(), amount(v)?))).collect()
}

/// A pod's sum: containers together, or the largest init container (`podRequests`, `podLimits`).
fn total(pod: &Value, kind: &str) -> Amounts {
    let mut sum = Amounts::new();
    let mut listed: BTreeMap<String, usize> = BTreeMap::new();
    let containers = pod.list("spec.containers");
    for container in containers {
        for (name, value) in amounts(container.at("resources").at(kind)) {
            *listed.entry(name.clone()).or_default() += 1;
            match sum.get_mut(&name) {
                Some(present) => *present += value,
                None => drop(sum.insert(name, value)),
            }
        }
    }
    // A limit that one container lacks is no limit of the pod.
    if kind == "limits" {
        sum.retain(|name, _| listed.get(name) == Some(&containers.len()));
    }
    for container in pod.list("spec.initContainers") {
        for (name, value) in amounts(container.at("resources").at(kind)) {
            if sum.get(&name).is_none_or(|present| *present < value) {
                sum.insert(name, value);
            }
        }
    }
    sum
}

fn check(limit: &Value, kind: &str, requests: &Amounts, limits: &Amounts, errors: &mut Vec<String>) {
    for (name, bound) in amounts(limit.at("min")) {
        errors.extend(minimum(kind, &name, bound, requests.get(&name), limits.get(&name)));
    }
    for (name, bound) in amounts(limit.at("max")) {
        errors.extend(maximum(kind, &name, bound, requests.get(&name), limits.get(&name)));
    }
    for (name, bound) in amounts(limit.at("maxLimitRequestRatio")) {
        errors.extend(ratio(kind, &name, bound, requests.get(&name), limits.get(&name)));
    }
}

fn minimum(kind: &str, name: &str, bound: Quantity, request: Option<&Quantity>, limit: Option<&Quantity>) -> Option<String> {
    let head = format!("minimum {name} usage per {kind} is {bound}");
    match (request, limit) {
        (None, _) => Some(format!("{head}.  No request is specified")),
        (Some(request), _) if *request < bound => Some(format!("{head}, but request is {request}")),
        (_, Some(limit)) if *limit < bound => Some(format!("{head}, but limit is {limit}")),
        _ => None,
    }
}

fn maximum_request(kind: &str, name: &str, bound: Quantity, request: Option<&Quantity>) -> Option<String> {
    let head = format!("maximum {name} usage per {kind} is {bound}");
    match request {
        None => Some(format!("{head}.  No request is specified")),
        Some(request) if *request > bound => Some(format!("{head}, but request is {request}")),
        Some(_) => None,
    }
}

fn maximum(kind: &str, name: &str, bound: Quantity, request: Option<&Quantity>, limit: Option<&Quantity>) -> Option<String> {
    let head = format!("maximum {name} usage per {kind} is {bound}");
    match (request, limit) {
        (_, None) => Some(format!("{head}.  No limit is specified")),
        (_, Some(limit)) if *limit > bound => Some(format!("{head}, but limit is {limit}")),
        (Some(request), _) if *request > bound => Some(format!("{head}, but request is {request}")),
        _ => None,
    }
}

fn ratio(kind: &str, name: &str, bound: Quantity, request: Option<&Quantity>, limit: Option<&Quantity>) -> Option<String> {
    let head = format!("{name} max limit to request ratio per {kind} is {bound}");
    let Some(request) = request.filter(|r| !r.is_zero()) else {
        return Some(format!("{head}, but no request is specified or request is 0"));
    };
    let Some(limit) = limit.filter(|l| !l.is_zero()) else {
        return Some(format!("{head}, but no limit is specified or limit is 0"));
    };
    let observed = limit.to_f64() / request.to_f64();
    (observed > bound.to_f64()).then(|| format!("{head}, but provided ratio is {observed:.6}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn bounds_give_upstreams_texts() {
        let limit = json!({"min": {"cpu": "100m"}, "max": {"memory": "1Gi"}, "maxLimitRequestRatio": {"cpu": "2"}});
        let of = |value: Value| amounts(&value);
        let cases = [
            (json!({"cpu": "100m"}), json!({"cpu": "200m", "memory": "1Gi"}), vec![]),
            (
                json!({"cpu": "50m"}),
                json!({"cpu": "200m", "memory": "2Gi"}),
                vec![
                    "minimum cpu usage per Container is 100m, but request is 50m",
                    "maximum memory usage per Container is 1Gi, but limit is 2Gi",
                    "cpu max limit to request ratio per Container is 2, but provided ratio is 4.000000",
                ],
            ),
        ];
        for (requests, limits, want) in cases {
            let mut errors = Vec::new();
            check(&limit, "Container", &of(requests), &of(limits), &mut errors);
            assert_eq!(errors, want);
        }
    }

    #[test]
    fn defaults_fill_only_what_is_missing() {
        let item = json!({"default": {"cpu": "1", "memory": "1Gi"}});
        let mut container = json!({"name": "c", "resources": {"limits": {"cpu": "2"}}});
        assert_eq!(fill(&mut container, "limits", &item, "default"), ["memory"]);
        assert_eq!(container["resources"]["limits"], json!({"cpu": "2", "memory": "1Gi"}));
    }
}
