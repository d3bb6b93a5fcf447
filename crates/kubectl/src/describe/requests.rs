//! What a pod asks for and is limited to (upstream's `resourcehelper.PodRequestsAndLimits`).

use std::collections::BTreeMap;

use serde_json::Value;
use values::Quantity;

/// Amounts by resource.
pub type Amounts = BTreeMap<String, Quantity>;

fn of(container: &Value, key: &str) -> Amounts {
    let map = container["resources"][key].as_object().into_iter().flatten();
    map.filter_map(|(name, v)| Some((name.clone(), Quantity::parse(v.as_str()?).ok()?))).collect()
}

/// Adds amounts.
pub fn add(into: &mut Amounts, more: &Amounts) {
    for (name, amount) in more {
        let sum = into.get(name).map_or(*amount, |have| *have + *amount);
        into.insert(name.clone(), sum);
    }
}

fn raise(into: &mut Amounts, other: &Amounts) {
    for (name, amount) in other {
        if into.get(name).is_none_or(|have| have < amount) {
            into.insert(name.clone(), *amount);
        }
    }
}

/// The pod's amounts; `key` is `requests` or `limits`.
pub fn pod(pod: &Value, key: &str) -> Amounts {
    let spec = &pod["spec"];
    let mut total = Amounts::new();
    for container in spec["containers"].as_array().into_iter().flatten() {
        add(&mut total, &of(container, key));
    }
    // Sidecars run beside the containers; an init container runs beside the sidecars started before it.
    let (mut sidecars, mut peak) = (Amounts::new(), Amounts::new());
    for container in spec["initContainers"].as_array().into_iter().flatten() {
        let mut own = of(container, key);
        if container["restartPolicy"] == "Always" {
            add(&mut total, &own);
            add(&mut sidecars, &own);
            own = sidecars.clone();
        } else {
            add(&mut own, &sidecars);
        }
        raise(&mut peak, &own);
    }
    raise(&mut total, &peak);
    // Resources of the pod as a whole replace the sums.
    total.extend(of(spec, key));
    let overhead: Amounts = spec["overhead"]
        .as_object()
        .into_iter()
        .flatten()
        .filter_map(|(n, v)| Some((n.clone(), Quantity::parse(v.as_str()?).ok()?)))
        .collect();
    if key == "requests" {
        add(&mut total, &overhead);
    } else {
        let known: Amounts = overhead.into_iter().filter(|(name, _)| total.contains_key(name)).collect();
        add(&mut total, &known);
    }
    total
}
