//! Owners claim their dependents: orphans that match are adopted, those that no longer match are released
//! (`controller.BaseControllerRefManager`).

use std::sync::Arc;

use serde_json::{Value, json};
use values::Selector;

use super::errors::not_found;
use super::kit::Kit;
use super::object::{Meta, Object, controller_of};

/// The dependents of `owner` among `candidates`, after adopting and releasing.
pub async fn claim<O: Object, K: Object>(
    kit: &Kit,
    owner: &O,
    selector: &Selector,
    candidates: Vec<Arc<K>>,
    adoptable: impl Fn(&K) -> bool,
) -> Result<Vec<Arc<K>>, kube::Error> {
    let mut claimed = Vec::new();
    let mut may_adopt = None;
    for object in candidates {
        let matches = selector.matches(object.label_map()) && adoptable(&object);
        match object.controller() {
            Some(controller) if controller.uid == owner.uid() => {
                if matches {
                    claimed.push(object);
                } else if !owner.deleting() {
                    release(kit, owner, &*object).await?;
                }
            }
            Some(_) => {}
            None if matches && !owner.deleting() && !object.deleting() => {
                // The cache may be behind: an owner that is going away must not adopt (`RecheckDeletionTimestamp`).
                let allowed = match may_adopt {
                    Some(allowed) => allowed,
                    None => {
                        let fresh = super::errors::optional(kit.rest.get::<O>(owner.ns(), owner.name()).await)?;
                        *may_adopt.insert(fresh.is_some_and(|o| o.uid() == owner.uid() && !o.deleting()))
                    }
                };
                if allowed && let Some(adopted) = adopt(kit, owner, &*object).await? {
                    claimed.push(adopted);
                }
            }
            None => {}
        }
    }
    Ok(claimed)
}

async fn adopt<O: Object, K: Object>(kit: &Kit, owner: &O, object: &K) -> Result<Option<Arc<K>>, kube::Error> {
    let mut references = object.m().owner_references.clone().unwrap_or_default();
    references.push(controller_of(owner));
    patch_owners(kit, object, json!(references)).await
}

async fn release<O: Object, K: Object>(kit: &Kit, owner: &O, object: &K) -> Result<(), kube::Error> {
    let mut references = object.m().owner_references.clone().unwrap_or_default();
    references.retain(|r| r.uid != owner.uid());
    patch_owners(kit, object, if references.is_empty() { Value::Null } else { json!(references) }).await.map(|_| ())
}

async fn patch_owners<K: Object>(kit: &Kit, object: &K, references: Value) -> Result<Option<Arc<K>>, kube::Error> {
    let patch = json!({"metadata": {"uid": object.uid(), "resourceVersion": object.m().resource_version, "ownerReferences": references}});
    match kit.rest.merge::<K>(object.ns(), object.name(), "", &patch).await {
        Ok(patched) => {
            kit.informer::<K>().saw(&patched).await;
            Ok(Some(Arc::new(patched)))
        }
        Err(error) if not_found(&error) => Ok(None),
        Err(error) => Err(error),
    }
}
