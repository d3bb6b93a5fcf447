//! Quality of service classes (`pkg/apis/core/helper/qos.ComputePodQOS`).

use std::collections::BTreeMap;

use serde_json::Value;
use values::Quantity;

/// `Guaranteed`, `Burstable` or `BestEffort`, from a pod's spec.
pub(crate) fn class(spec: &Value) -> &'static str {
    let lists = ["containers", "initContainers"];
    let containers: Vec<&Value> = lists.iter().filter_map(|list| spec.get(*list)?.as_array()).flatten().collect();
    let (mut requests, mut limits) = (BTreeMap::new(), BTreeMap::new());
    let mut guaranteed = true;
    let resources: Vec<&Value> = match spec.get("resources").filter(|r| r.get("requests").is_some() || r.get("limits").is_some()) {
        Some(pod_level) => vec![pod_level],
        None => containers.iter().filter_map(|container| container.get("resources")).collect(),
    };
    for resource in &resources {
        add(&mut requests, resource.get("requests"));
        let set = add(&mut limits, resource.get("limits"));
        guaranteed &= set == 2;
    }
    if requests.is_empty() && limits.is_empty() {
        "BestEffort"
    } else if guaranteed && requests.len() == limits.len() && requests.iter().all(|(name, amount)| limits.get(name) == Some(amount)) {
        "Guaranteed"
    } else {
        "Burstable"
    }
}

/// Adds the positive cpu and memory amounts of a list; returns how many it had.
fn add(sums: &mut BTreeMap<&'static str, Quantity>, list: Option<&Value>) -> usize {
    let mut count = 0;
    for name in ["cpu", "memory"] {
        let Some(amount) = list.and_then(|l| l.get(name)?.as_str()).and_then(|text| Quantity::parse(text).ok()) else { continue };
        if amount.is_zero() {
            continue;
        }
        count += 1;
        match sums.get_mut(name) {
            Some(sum) => *sum += amount,
            None => {
                sums.insert(name, amount);
            }
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::class;

    #[test]
    fn classes() {
        let full = json!({"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"cpu": "1000m", "memory": "1024Mi"}});
        let cases = [
            (json!({"containers": [{"resources": {}}]}), "BestEffort"),
            (json!({"containers": [{"resources": full}]}), "Guaranteed"),
            (json!({"containers": [{"resources": full}, {"resources": {}}]}), "Burstable"),
            (json!({"containers": [{"resources": {"requests": {"cpu": "1"}}}]}), "Burstable"),
            (json!({"containers": [{"resources": {"limits": {"cpu": "1"}, "requests": {"cpu": "1"}}}]}), "Burstable"),
        ];
        for (spec, expected) in cases {
            assert_eq!(class(&spec), expected, "{spec}");
        }
    }
}
