//! What is read from, and written on, the ReplicaSets of a Deployment (`deployment_util.go`).

use std::collections::BTreeMap;
use std::sync::Arc;

use k8s_openapi::api::apps::v1::{Deployment, DeploymentSpec, ReplicaSet, ReplicaSetSpec};
use k8s_openapi::api::core::v1::PodTemplateSpec;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use crate::controllers::common::scaled;
use crate::machinery::hash::template_hash;
use crate::machinery::object::controller_of;
use crate::machinery::{Meta, Object};

/// Revision of a Deployment and of its sets.
pub const REVISION: &str = "deployment.kubernetes.io/revision";
const REVISION_HISTORY: &str = "deployment.kubernetes.io/revision-history";
/// Size of the Deployment when the set was last scaled.
pub const DESIRED: &str = "deployment.kubernetes.io/desired-replicas";
/// Desired size plus surge, at that time.
pub const MAXIMUM: &str = "deployment.kubernetes.io/max-replicas";
/// Label that tells the pods of one template from those of another.
pub const HASH_LABEL: &str = "pod-template-hash";

/// Annotations of a Deployment that its sets do not get.
const NOT_COPIED: [&str; 6] =
    ["kubectl.kubernetes.io/last-applied-configuration", REVISION, REVISION_HISTORY, DESIRED, MAXIMUM, "deprecated.deployment.rollback.to"];

/// Spec of a Deployment.
pub fn spec(deployment: &Deployment) -> DeploymentSpec {
    deployment.spec.clone().unwrap_or_default()
}

/// `spec.replicas` of a Deployment.
pub fn wanted(deployment: &Deployment) -> i32 {
    deployment.spec.as_ref().and_then(|s| s.replicas).unwrap_or(1)
}

/// `spec.replicas` of a set.
pub fn size(set: &ReplicaSet) -> i32 {
    set.spec.as_ref().and_then(|s| s.replicas).unwrap_or(1)
}

/// `status.availableReplicas` of a set.
pub fn available(set: &ReplicaSet) -> i32 {
    set.status.as_ref().and_then(|s| s.available_replicas).unwrap_or(0)
}

/// Whether the strategy is RollingUpdate.
pub fn is_rolling(deployment: &Deployment) -> bool {
    deployment.spec.as_ref().and_then(|s| s.strategy.as_ref()?.type_.as_deref()).is_none_or(|t| t == "RollingUpdate")
}

/// maxSurge and maxUnavailable in pods (`ResolveFenceposts`); both zero would be stuck, so one may be unavailable then.
pub fn fenceposts(deployment: &Deployment) -> (i32, i32) {
    if !is_rolling(deployment) {
        return (0, 0);
    }
    let rolling = deployment.spec.as_ref().and_then(|s| s.strategy.as_ref()?.rolling_update.clone()).unwrap_or_default();
    let quarter = IntOrString::String("25%".to_owned());
    let total = wanted(deployment);
    let surge = scaled(rolling.max_surge.as_ref().unwrap_or(&quarter), total, true);
    let unavailable = scaled(rolling.max_unavailable.as_ref().unwrap_or(&quarter), total, false);
    if surge == 0 && unavailable == 0 { (0, 1) } else { (surge, unavailable) }
}

/// How many may be unavailable.
pub fn max_unavailable(deployment: &Deployment) -> i32 {
    if wanted(deployment) == 0 { 0 } else { fenceposts(deployment).1.min(wanted(deployment)) }
}

/// How many there may be above the wanted number.
pub fn max_surge(deployment: &Deployment) -> i32 {
    fenceposts(deployment).0
}

/// Revision in an object's annotation; zero without one.
pub fn revision<K: Object>(object: &K) -> i64 {
    object.annotation(REVISION).and_then(|v| v.parse().ok()).unwrap_or(0)
}

fn without_hash(template: Option<&PodTemplateSpec>) -> PodTemplateSpec {
    let mut template = template.cloned().unwrap_or_default();
    if let Some(labels) = template.metadata.as_mut().and_then(|m| m.labels.as_mut()) {
        labels.remove(HASH_LABEL);
    }
    template
}

/// Whether a set has the Deployment's template (`EqualIgnoreHash`).
pub fn has_template_of(set: &ReplicaSet, deployment: &Deployment) -> bool {
    without_hash(set.spec.as_ref().and_then(|s| s.template.as_ref())) == without_hash(deployment.spec.as_ref().map(|s| &s.template))
}

/// By age, then name.
pub fn by_age(sets: &mut [Arc<ReplicaSet>]) {
    sets.sort_by(|a, b| a.created().cmp(&b.created()).then_with(|| a.name().cmp(b.name())));
}

/// The oldest set with the Deployment's template, and all others.
pub fn split(deployment: &Deployment, sets: &[Arc<ReplicaSet>]) -> (Option<Arc<ReplicaSet>>, Vec<Arc<ReplicaSet>>) {
    let mut sets = sets.to_vec();
    by_age(&mut sets);
    let new = sets.iter().find(|s| has_template_of(s, deployment)).cloned();
    let old = sets.into_iter().filter(|s| new.as_ref().is_none_or(|n| n.uid() != s.uid())).collect();
    (new, old)
}

/// Annotations that a new set should have beyond what it has; none when it has them (`SetNewReplicaSetAnnotations`).
pub fn annotations_for(deployment: &Deployment, existing: Option<&ReplicaSet>, new_revision: i64) -> BTreeMap<String, String> {
    let before = existing.and_then(|s| s.metadata.annotations.clone()).unwrap_or_default();
    let mut annotations = before.clone();
    for (key, value) in deployment.metadata.annotations.iter().flatten() {
        if !NOT_COPIED.contains(&key.as_str()) {
            annotations.insert(key.clone(), value.clone());
        }
    }
    let old: i64 = before.get(REVISION).and_then(|v| v.parse().ok()).unwrap_or(0);
    if old < new_revision {
        annotations.insert(REVISION.to_owned(), new_revision.to_string());
        if let Some(old) = before.get(REVISION) {
            let history = match before.get(REVISION_HISTORY) {
                Some(history) if !history.is_empty() => format!("{history},{old}"),
                _ => old.clone(),
            };
            annotations.insert(REVISION_HISTORY.to_owned(), history);
        }
    }
    annotations
}

/// The set for the Deployment's present template, of a size.
pub fn build(deployment: &Deployment, new_revision: i64, replicas: i32) -> ReplicaSet {
    let spec = spec(deployment);
    let collisions = deployment.status.as_ref().and_then(|s| s.collision_count);
    let hash = template_hash(&spec.template, collisions);
    let mut template = spec.template.clone();
    template.metadata.get_or_insert_default().labels.get_or_insert_default().insert(HASH_LABEL.to_owned(), hash.clone());
    let mut selector = spec.selector.clone();
    selector.match_labels.get_or_insert_default().insert(HASH_LABEL.to_owned(), hash.clone());
    let mut annotations = annotations_for(deployment, None, new_revision);
    annotations.extend(size_annotations(deployment));
    ReplicaSet {
        metadata: ObjectMeta {
            name: Some(format!("{}-{hash}", deployment.name())),
            namespace: deployment.metadata.namespace.clone(),
            labels: template.metadata.as_ref().and_then(|m| m.labels.clone()),
            annotations: Some(annotations),
            owner_references: Some(vec![controller_of(deployment)]),
            ..ObjectMeta::default()
        },
        spec: Some(ReplicaSetSpec {
            replicas: Some(replicas),
            min_ready_seconds: spec.min_ready_seconds,
            selector,
            template: Some(template),
        }),
        status: None,
    }
}

/// Annotations that remember for which size of the Deployment a set was scaled.
pub fn size_annotations(deployment: &Deployment) -> [(String, String); 2] {
    let wanted = wanted(deployment);
    [(DESIRED.to_owned(), wanted.to_string()), (MAXIMUM.to_owned(), (wanted + max_surge(deployment)).to_string())]
}
