//! What pods ask for and nodes have (`component-helpers/resource`, `framework.Resource`).

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Container, Pod};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity as Text;
use values::Quantity;

/// Amounts by resource name: cpu in thousandths, everything else in units.
pub type Resources = BTreeMap<String, i64>;

/// What a container without requests counts for in scores (`schedutil.DefaultMilliCPURequest`, `DefaultMemoryRequest`).
const DEFAULT_CPU: i64 = 100;
const DEFAULT_MEMORY: i64 = 200 * 1024 * 1024;

/// Reads a map of quantities; what cannot be read counts nothing (the API server refuses such).
pub fn read(map: Option<&BTreeMap<String, Text>>) -> Resources {
    let amount = |name: &str, text: &Text| Quantity::parse(&text.0).map(|q| if name == "cpu" { q.milli() } else { q.value() }).unwrap_or(0);
    map.into_iter().flatten().map(|(name, text)| (name.clone(), amount(name, text))).collect()
}

/// Adds to a sum.
pub fn add(sum: &mut Resources, other: &Resources) {
    for (name, amount) in other {
        *sum.entry(name.clone()).or_default() += amount;
    }
}

fn maximum(sum: &mut Resources, other: &Resources) {
    for (name, amount) in other {
        let entry = sum.entry(name.clone()).or_default();
        *entry = (*entry).max(*amount);
    }
}

/// A pod's requests: its containers together with its sidecars, or the largest moment of its start, plus overhead.
/// `defaults` puts the scoring defaults where a container asks for no cpu or memory.
pub fn requests(pod: &Pod, defaults: bool) -> Resources {
    let Some(spec) = &pod.spec else { return Resources::new() };
    let of = |container: &Container| {
        let mut own = read(container.resources.as_ref().and_then(|r| r.requests.as_ref()));
        if defaults {
            own.entry("cpu".to_owned()).or_insert(DEFAULT_CPU);
            own.entry("memory".to_owned()).or_insert(DEFAULT_MEMORY);
        }
        own
    };
    let mut total = Resources::new();
    for container in &spec.containers {
        add(&mut total, &of(container));
    }
    let (mut sidecars, mut start) = (Resources::new(), Resources::new());
    for container in spec.init_containers.iter().flatten() {
        let mut moment = of(container);
        if container.restart_policy.as_deref() == Some("Always") {
            add(&mut total, &moment);
            add(&mut sidecars, &moment);
            moment = sidecars.clone();
        } else {
            add(&mut moment, &sidecars);
        }
        maximum(&mut start, &moment);
    }
    maximum(&mut total, &start);
    // Requests of the pod as a whole, where given, stand for those of its containers (PodLevelResources).
    for (name, amount) in read(spec.resources.as_ref().and_then(|r| r.requests.as_ref())) {
        total.insert(name, amount);
    }
    add(&mut total, &read(spec.overhead.as_ref()));
    total
}

#[cfg(test)]
mod tests {
    use super::requests;
    use k8s_openapi::api::core::v1::Pod;
    use serde_json::{Value, json};

    fn container(cpu: &str, extra: Value) -> Value {
        let mut value = json!({"name": "c", "resources": {"requests": {"cpu": cpu, "memory": "1Mi"}}});
        for (k, v) in extra.as_object().unwrap() {
            value[k] = v.clone();
        }
        value
    }

    #[test]
    fn init_containers_and_sidecars_count_as_upstream_counts_them() {
        let cases = [
            ("sum", json!([container("100m", json!({})), container("200m", json!({}))]), json!([]), 300),
            ("large init", json!([container("100m", json!({}))]), json!([container("1", json!({}))]), 1000),
            ("sidecar adds", json!([container("100m", json!({}))]), json!([container("50m", json!({"restartPolicy": "Always"}))]), 150),
            (
                "init after sidecar",
                json!([container("100m", json!({}))]),
                json!([container("50m", json!({"restartPolicy": "Always"})), container("200m", json!({}))]),
                250,
            ),
        ];
        for (why, containers, init, expected) in cases {
            let pod: Pod = serde_json::from_value(json!({"spec": {"containers": containers, "initContainers": init}})).unwrap();
            assert_eq!(requests(&pod, false)["cpu"], expected, "{why}");
        }
        let empty: Pod = serde_json::from_value(json!({"spec": {"containers": [{"name": "c"}]}})).unwrap();
        assert_eq!((requests(&empty, false).len(), requests(&empty, true)["cpu"]), (0, 100));
    }
}
