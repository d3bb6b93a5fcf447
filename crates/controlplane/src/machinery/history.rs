//! ControllerRevisions: the remembered templates of DaemonSets and StatefulSets (`pkg/controller/history`).

use std::sync::Arc;

use k8s_openapi::api::apps::v1::ControllerRevision;
use k8s_openapi::api::core::v1::PodTemplateSpec;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::apimachinery::pkg::runtime::RawExtension;
use serde_json::{Value, json};

use super::errors::{Outcome, already_exists};
use super::hash::{hash_json, safe_encode};
use super::kit::Kit;
use super::object::{Meta, Object, controller_of};

/// Label on pods (and on revisions of DaemonSets) with the hash of the template.
pub const HASH_LABEL: &str = "controller-revision-hash";
/// The same label on revisions of StatefulSets.
pub const STATEFUL_HASH_LABEL: &str = "controller.kubernetes.io/hash";

fn label_of<O: Object>() -> &'static str {
    if O::kind(&()) == "StatefulSet" { STATEFUL_HASH_LABEL } else { HASH_LABEL }
}

/// The patch that a revision remembers: the whole template.
pub fn data(template: &PodTemplateSpec) -> Value {
    let mut template = serde_json::to_value(template).unwrap_or_default();
    if let Some(map) = template.as_object_mut() {
        map.insert("$patch".to_owned(), json!("replace"));
    }
    json!({"spec": {"template": template}})
}

/// The template in a revision.
pub fn template(revision: &ControllerRevision) -> Option<PodTemplateSpec> {
    let mut template = revision.data.as_ref()?.0.pointer("/spec/template")?.clone();
    template.as_object_mut()?.remove("$patch");
    serde_json::from_value(template).ok()
}

/// Revisions of an owner, oldest first.
pub fn of<O: Object>(kit: &Kit, owner: &O) -> Vec<Arc<ControllerRevision>> {
    let all = kit.informer::<ControllerRevision>().list_in(owner.ns());
    let mut mine: Vec<_> = all.into_iter().filter(|r| r.controller().is_some_and(|c| c.uid == owner.uid())).collect();
    mine.sort_by(|a, b| a.revision.cmp(&b.revision).then_with(|| a.created().cmp(&b.created())).then_with(|| a.name().cmp(b.name())));
    mine
}

/// The hash in a revision's label.
pub fn hash_of(revision: &ControllerRevision) -> &str {
    revision.label(HASH_LABEL).or_else(|| revision.label(STATEFUL_HASH_LABEL)).unwrap_or_default()
}

/// The revision of the present template: found, made the newest again, or created. On a collision of hashes the count
/// goes up, for the owner's status.
pub async fn current<O: Object>(
    kit: &Kit,
    owner: &O,
    template: &PodTemplateSpec,
    collisions: &mut i32,
) -> Outcome<Arc<ControllerRevision>> {
    let revisions = of(kit, owner);
    let newest = revisions.last().map_or(0, |r| r.revision);
    let wanted = data(template);
    let equal = revisions.iter().rev().find(|r| r.data.as_ref().map(|d| &d.0) == Some(&wanted));
    if let Some(found) = equal {
        if found.revision == newest {
            return Ok(found.clone());
        }
        // An older template again: it becomes the newest revision.
        let changed = ControllerRevision { revision: newest + 1, ..ControllerRevision::clone(found) };
        return Ok(Arc::new(kit.replace(&changed).await?));
    }
    loop {
        let hash = safe_encode(hash_json(&wanted, Some(*collisions)));
        let mut labels = template.metadata.as_ref().and_then(|m| m.labels.clone()).unwrap_or_default();
        labels.insert(label_of::<O>().to_owned(), hash.clone());
        let revision = ControllerRevision {
            metadata: ObjectMeta {
                name: Some(format!("{}-{hash}", owner.name())),
                namespace: owner.m().namespace.clone(),
                labels: Some(labels),
                annotations: owner.m().annotations.clone(),
                owner_references: Some(vec![controller_of(owner)]),
                ..ObjectMeta::default()
            },
            data: Some(RawExtension(wanted.clone())),
            revision: newest + 1,
        };
        match kit.create(&revision).await {
            Ok(created) => return Ok(Arc::new(created)),
            Err(error) if already_exists(&error) => {
                let existing: ControllerRevision = kit.rest.get(owner.ns(), revision.name()).await?;
                if existing.data.as_ref().map(|d| &d.0) == Some(&wanted) && existing.controller().is_some_and(|c| c.uid == owner.uid()) {
                    return Ok(Arc::new(existing));
                }
                *collisions += 1;
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// Deletes the oldest revisions beyond the limit, except those in use.
pub async fn clean_up<O: Object>(kit: &Kit, owner: &O, limit: i32, in_use: impl Fn(&str) -> bool) -> Outcome {
    let old: Vec<_> = of(kit, owner).into_iter().filter(|r| !in_use(hash_of(r))).collect();
    let excess = old.len().saturating_sub(usize::try_from(limit).unwrap_or(0));
    for revision in old.iter().take(excess) {
        kit.delete(&**revision).await?;
    }
    Ok(())
}
