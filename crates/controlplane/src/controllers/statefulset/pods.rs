//! Pods and claims of a StatefulSet by ordinal (`stateful_set_utils.go`).

use std::collections::BTreeMap;

use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::{PersistentVolumeClaim, PersistentVolumeClaimVolumeSource, Pod, PodTemplateSpec, Volume};

use crate::machinery::history::HASH_LABEL;
use crate::machinery::object::controller_of;
use crate::machinery::{Meta, pods};

/// Label with the pod's name, which a Service can select.
const POD_NAME: &str = "statefulset.kubernetes.io/pod-name";
/// Label with the pod's ordinal.
const POD_INDEX: &str = "apps.kubernetes.io/pod-index";

/// Ordinal of a pod of this set, by its name.
pub fn ordinal(set: &StatefulSet, pod: &Pod) -> Option<i32> {
    pod.name().strip_prefix(set.name())?.strip_prefix('-')?.parse().ok()
}

/// First ordinal and number of pods wanted.
pub fn range(set: &StatefulSet) -> (i32, i32) {
    let spec = set.spec.as_ref();
    let start = spec.and_then(|s| s.ordinals.as_ref()?.start).unwrap_or(0);
    (start, spec.and_then(|s| s.replicas).unwrap_or(1))
}

/// The claims of one ordinal, by the name of their volume.
pub fn claims(set: &StatefulSet, ordinal: i32) -> BTreeMap<String, PersistentVolumeClaim> {
    let templates = set.spec.iter().flat_map(|s| s.volume_claim_templates.iter().flatten());
    templates
        .map(|template| {
            let volume = template.name().to_owned();
            let mut claim = template.clone();
            claim.status = None;
            claim.metadata.name = Some(format!("{volume}-{}-{ordinal}", set.name()));
            claim.metadata.namespace = set.metadata.namespace.clone();
            let selector = set.spec.iter().flat_map(|s| s.selector.match_labels.iter().flatten());
            claim.metadata.labels.get_or_insert_default().extend(selector.map(|(k, v)| (k.clone(), v.clone())));
            (volume, claim)
        })
        .collect()
}

/// The pod of an ordinal with the template of a revision.
pub fn build(set: &StatefulSet, template: &PodTemplateSpec, revision: &str, ordinal: i32) -> Pod {
    let mut pod = pods::from_template(template, set.name(), set.ns(), controller_of(set));
    let name = format!("{}-{ordinal}", set.name());
    pod.metadata.generate_name = None;
    pod.metadata.name = Some(name.clone());
    let labels = pod.metadata.labels.get_or_insert_default();
    labels.insert(HASH_LABEL.to_owned(), revision.to_owned());
    labels.insert(POD_NAME.to_owned(), name.clone());
    labels.insert(POD_INDEX.to_owned(), ordinal.to_string());
    let spec = pod.spec.get_or_insert_default();
    spec.hostname = Some(name);
    spec.subdomain = set.spec.as_ref().and_then(|s| s.service_name.clone()).filter(|s| !s.is_empty());
    let claims = claims(set, ordinal);
    let volumes = spec.volumes.get_or_insert_default();
    volumes.retain(|v| !claims.contains_key(&v.name));
    for (volume, claim) in claims {
        let source = PersistentVolumeClaimVolumeSource { claim_name: claim.name().to_owned(), read_only: Some(false) };
        volumes.push(Volume { name: volume, persistent_volume_claim: Some(source), ..Volume::default() });
    }
    pod
}
