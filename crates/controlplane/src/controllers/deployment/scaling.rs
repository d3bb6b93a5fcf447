//! Sizes of sets when a Deployment is resized (`Controller.scale`), as pure functions.

use std::cmp::Reverse;
use std::sync::Arc;

use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};

use super::replica_sets::{DESIRED, MAXIMUM, available, is_rolling, max_surge, size, wanted};
use crate::machinery::Meta;

/// A set and the size that it should have.
pub type Resize = (Arc<ReplicaSet>, i32);

/// Whether the Deployment was resized since its sets were last scaled (`isScalingEvent`).
pub fn is_resized(deployment: &Deployment, sets: &[Arc<ReplicaSet>]) -> bool {
    let annotated = |s: &ReplicaSet| s.annotation(DESIRED).and_then(|v| v.parse::<i32>().ok());
    sets.iter().filter(|s| size(s) > 0).filter_map(|s| annotated(s)).any(|desired| desired != wanted(deployment))
}

/// Whether the new set is all there is to be.
fn is_saturated(deployment: &Deployment, new: Option<&Arc<ReplicaSet>>) -> bool {
    let Some(new) = new else { return false };
    let desired = new.annotation(DESIRED).and_then(|v| v.parse::<i32>().ok());
    let want = wanted(deployment);
    desired == Some(want) && size(new) == want && available(new) == want
}

/// The set to scale when only one matters (`FindActiveOrLatest`).
fn active_or_latest(new: Option<&Arc<ReplicaSet>>, old: &[Arc<ReplicaSet>]) -> Option<Arc<ReplicaSet>> {
    let active: Vec<_> = old.iter().chain(new).filter(|s| size(s) > 0).collect();
    match active.as_slice() {
        [] => {
            new.cloned().or_else(|| old.iter().max_by(|a, b| a.created().cmp(&b.created()).then_with(|| b.name().cmp(a.name()))).cloned())
        }
        [only] => Some((*only).clone()),
        _ => None,
    }
}

/// New sizes of all sets that must change; while a rollout is going on the difference is shared in proportion.
pub fn proportional(deployment: &Deployment, new: Option<&Arc<ReplicaSet>>, old: &[Arc<ReplicaSet>]) -> Vec<Resize> {
    let want = wanted(deployment);
    if let Some(only) = active_or_latest(new, old) {
        return vec![(only, want)];
    }
    if is_saturated(deployment, new) {
        return old.iter().filter(|s| size(s) > 0).map(|s| (s.clone(), 0)).collect();
    }
    if !is_rolling(deployment) {
        return Vec::new();
    }
    let mut active: Vec<_> = old.iter().chain(new).filter(|s| size(s) > 0).cloned().collect();
    let total: i32 = active.iter().map(|s| size(s)).sum();
    let allowed = if want > 0 { want + max_surge(deployment) } else { 0 };
    let to_add = allowed - total;
    if to_add > 0 {
        active.sort_by(|a, b| {
            Reverse(size(a)).cmp(&Reverse(size(b))).then_with(|| b.created().cmp(&a.created())).then_with(|| b.name().cmp(a.name()))
        });
    } else {
        active.sort_by(|a, b| {
            Reverse(size(a)).cmp(&Reverse(size(b))).then_with(|| a.created().cmp(&b.created())).then_with(|| a.name().cmp(b.name()))
        });
    }
    let mut added = 0;
    let mut sizes: Vec<i32> = Vec::new();
    for set in &active {
        let share = if to_add == 0 { 0 } else { share(deployment, set, to_add, added) };
        added += share;
        sizes.push(size(set) + share);
    }
    if let Some(first) = sizes.first_mut()
        && to_add != 0
    {
        *first = (*first + to_add - added).max(0);
    }
    active.into_iter().zip(sizes).collect()
}

/// `GetReplicaSetProportion`.
fn share(deployment: &Deployment, set: &ReplicaSet, to_add: i32, added: i32) -> i32 {
    if size(set) == 0 || to_add == added {
        return 0;
    }
    let (fraction, allowed) = (fraction(deployment, set), to_add - added);
    if to_add > 0 { fraction.min(allowed) } else { fraction.max(allowed) }
}

fn fraction(deployment: &Deployment, set: &ReplicaSet) -> i32 {
    if wanted(deployment) == 0 {
        return -size(set);
    }
    let total = f64::from(wanted(deployment) + max_surge(deployment));
    let before = set.annotation(MAXIMUM).and_then(|v| v.parse::<i32>().ok()).filter(|n| *n > 0);
    let before = before.or_else(|| deployment.status.as_ref()?.replicas).filter(|n| *n > 0).unwrap_or(1);
    #[allow(clippy::cast_possible_truncation)] // sizes are small
    let new_size = (f64::from(size(set)) * total / f64::from(before)).round() as i32;
    new_size - size(set)
}

#[cfg(test)]
mod tests {
    use super::{is_resized, proportional};
    use crate::machinery::Meta;
    use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};
    use serde_json::json;
    use std::sync::Arc;

    fn deployment(replicas: i32) -> Deployment {
        serde_json::from_value(json!({
            "metadata": {"name": "web"},
            "spec": {"replicas": replicas, "selector": {}, "template": {},
                     "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 3, "maxUnavailable": 2}}}
        }))
        .unwrap()
    }

    fn set(name: &str, replicas: i32, available: i32, created: u32) -> Arc<ReplicaSet> {
        Arc::new(
            serde_json::from_value(json!({
                "metadata": {"name": name, "uid": name, "creationTimestamp": format!("2026-01-01T00:00:{created:02}Z"),
                             "annotations": {"deployment.kubernetes.io/desired-replicas": "10", "deployment.kubernetes.io/max-replicas": "13"}},
                "spec": {"replicas": replicas, "selector": {}}, "status": {"replicas": replicas, "availableReplicas": available}
            }))
            .unwrap(),
        )
    }

    fn sizes(deployment: &Deployment, new: Option<&Arc<ReplicaSet>>, old: &[Arc<ReplicaSet>]) -> Vec<(String, i32)> {
        let mut sizes: Vec<_> = proportional(deployment, new, old).into_iter().map(|(s, n)| (s.name().to_owned(), n)).collect();
        sizes.sort();
        sizes
    }

    #[test]
    fn the_documented_example_of_proportional_scaling() {
        // kubernetes.io, Deployments, "Proportional scaling": 10 -> 15 with 8 old and 5 new pods gives 11 and 7.
        let (old, new) = (set("old", 8, 8, 1), set("new", 5, 0, 2));
        let resized = deployment(15);
        assert!(is_resized(&resized, &[old.clone(), new.clone()]));
        assert_eq!(sizes(&resized, Some(&new), &[old]), [("new".to_owned(), 7), ("old".to_owned(), 11)]);
    }

    #[test]
    fn one_active_set_takes_it_all() {
        let new = set("new", 10, 10, 2);
        assert_eq!(sizes(&deployment(4), Some(&new), &[set("old", 0, 0, 1)]), [("new".to_owned(), 4)]);
        assert!(!is_resized(&deployment(10), &[new]));
    }

    #[test]
    fn to_zero_empties_every_set() {
        let (old, new) = (set("old", 8, 8, 1), set("new", 5, 0, 2));
        assert_eq!(sizes(&deployment(0), Some(&new), &[old]), [("new".to_owned(), 0), ("old".to_owned(), 0)]);
    }
}
