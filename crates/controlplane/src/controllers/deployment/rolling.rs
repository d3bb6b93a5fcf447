//! One step of a rolling update (`rolling.go`), as pure functions.

use std::sync::Arc;

use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};

use super::replica_sets::{available, by_age, is_rolling, max_surge, max_unavailable, size, wanted};
use super::scaling::Resize;

/// Size of the new set in this step (`NewRSNewReplicas`); `new` is `None` when it is about to be created.
pub fn new_size(deployment: &Deployment, all: &[Arc<ReplicaSet>], new: Option<&ReplicaSet>) -> i32 {
    let want = wanted(deployment);
    let present = new.map_or(0, size);
    if !is_rolling(deployment) {
        return want;
    }
    let total: i32 = all.iter().map(|s| size(s)).sum();
    let limit = want + max_surge(deployment);
    if total >= limit {
        return present;
    }
    present + (limit - total).min(want - present)
}

/// What the new set must become, if it must change (`reconcileNewReplicaSet`).
pub fn grow_new(deployment: &Deployment, all: &[Arc<ReplicaSet>], new: &Arc<ReplicaSet>) -> Option<i32> {
    let (want, present) = (wanted(deployment), size(new));
    let next = match present.cmp(&want) {
        std::cmp::Ordering::Equal => return None,
        std::cmp::Ordering::Greater => want,
        std::cmp::Ordering::Less => new_size(deployment, all, Some(new)),
    };
    (next != present).then_some(next)
}

/// New sizes of old sets (`reconcileOldReplicaSets`): first pods that are not available anyway, then as many as the
/// minimum of available pods allows.
pub fn shrink_old(deployment: &Deployment, old: &[Arc<ReplicaSet>], new: &Arc<ReplicaSet>) -> Vec<Resize> {
    let old_pods: i32 = old.iter().map(|s| size(s)).sum();
    let minimum = wanted(deployment) - max_unavailable(deployment);
    let unavailable_new = size(new) - available(new);
    let allowed = old_pods + size(new) - minimum - unavailable_new;
    if old_pods == 0 || allowed <= 0 {
        return Vec::new();
    }
    let mut old: Vec<_> = old.iter().filter(|s| size(s) > 0).cloned().collect();
    by_age(&mut old);
    let mut sizes: Vec<i32> = old.iter().map(|s| size(s)).collect();
    let mut cleaned = 0;
    for (set, size_now) in old.iter().zip(&mut sizes) {
        let unhealthy = (*size_now - available(set)).max(0);
        let gone = unhealthy.min(allowed - cleaned);
        if gone > 0 {
            *size_now -= gone;
            cleaned += gone;
        }
    }
    let available_pods: i32 = old.iter().map(|s| available(s)).sum::<i32>() + available(new);
    let mut left = (available_pods - minimum).max(0);
    for size_now in &mut sizes {
        let gone = (*size_now).min(left);
        *size_now -= gone;
        left -= gone;
    }
    old.into_iter().zip(sizes).filter(|(set, to)| size(set) != *to).collect()
}

#[cfg(test)]
mod tests {
    use super::{grow_new, new_size, shrink_old};
    use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};
    use serde_json::json;
    use std::sync::Arc;

    fn deployment(replicas: i32, surge: &str, unavailable: &str) -> Deployment {
        serde_json::from_value(json!({
            "metadata": {"name": "web"},
            "spec": {"replicas": replicas, "selector": {}, "template": {},
                     "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": surge, "maxUnavailable": unavailable}}}
        }))
        .unwrap()
    }

    fn set(replicas: i32, available: i32) -> Arc<ReplicaSet> {
        let value = json!({"metadata": {"name": "s"}, "spec": {"replicas": replicas, "selector": {}},
                           "status": {"replicas": replicas, "availableReplicas": available}});
        Arc::new(serde_json::from_value(value).unwrap())
    }

    #[test]
    fn the_new_set_grows_within_the_surge() {
        // replicas, surge, old, new before -> new after
        let cases = [
            (10, "25%", 10, 0, 3),
            (10, "0%", 10, 0, 0),
            (4, "25%", 4, 0, 1),
            (4, "100%", 4, 0, 4),
            (4, "25%", 3, 1, 2),
            (1, "25%", 1, 0, 1),
        ];
        for (replicas, surge, old, new, expected) in cases {
            let (old, new) = (set(old, old), set(new, 0));
            let d = deployment(replicas, surge, "25%");
            assert_eq!(new_size(&d, &[old.clone(), new.clone()], Some(&new)), expected, "{replicas} {surge}");
        }
        assert_eq!(grow_new(&deployment(3, "1", "0"), &[set(5, 5)], &set(5, 5)), Some(3));
        assert_eq!(grow_new(&deployment(3, "1", "0"), &[set(3, 3)], &set(3, 3)), None);
    }

    #[test]
    fn old_sets_shrink_no_further_than_the_minimum_available() {
        // replicas, unavailable, old (size, available), new (size, available) -> old after
        let cases = [
            (10, "25%", (10, 10), (3, 0), Some(8)),
            (10, "25%", (8, 8), (5, 3), Some(5)),
            (4, "0%", (4, 4), (1, 0), None),
            (4, "0%", (4, 4), (1, 1), Some(3)),
            (4, "25%", (4, 0), (1, 0), Some(3)),
            (3, "25%", (3, 3), (1, 1), Some(2)),
        ];
        for (replicas, unavailable, old, new, expected) in cases {
            let plan = shrink_old(&deployment(replicas, "25%", unavailable), &[set(old.0, old.1)], &set(new.0, new.1));
            assert_eq!(plan.first().map(|(_, to)| *to), expected, "{replicas} {unavailable} {old:?} {new:?}");
        }
    }
}
