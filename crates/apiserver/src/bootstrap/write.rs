//! Writing objects as the server itself, without a request.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::json::Json;
use crate::lookup;
use crate::server::{Core, FieldWrite};
use crate::store::{Object, StoreError};

/// An object, if it is there; an etcd that is down has none.
pub(super) fn get(core: &Core, group: &str, plural: &str, namespace: &str, name: &str) -> Option<Arc<Object>> {
    let key = lookup::row(&core.registry(), group, plural)?.key(namespace, name)?;
    core.store.get(&key).ok().flatten()
}

/// Creates an object unless it is there. Returns whether it was created; an etcd that is down is no reason to fail here.
pub(super) fn create(core: &Core, group: &str, plural: &str, mut object: Value) -> bool {
    let registry = core.registry();
    let Some(row) = lookup::row(&registry, group, plural) else { return false };
    let (namespace, name) = (object.text("metadata.namespace").to_owned(), object.text("metadata.name").to_owned());
    let Some(key) = row.key(&namespace, &name) else { return false };
    if !matches!(core.store.get(&key), Ok(None)) {
        return false;
    }
    let mut metadata = json!({"name": name});
    if !namespace.is_empty() {
        metadata.put("namespace", namespace.as_str());
    }
    metadata.put("uid", core.store.generate(component::Generator::uuid));
    metadata.put("creationTimestamp", core.now_text());
    if let (Some(target), Some(given)) = (metadata.as_object_mut(), object.object("metadata")) {
        for (field, value) in given {
            target.insert(field.clone(), value.clone());
        }
    }
    let mut stored = json!({"kind": row.gvk.kind, "apiVersion": row.gvk.api_version(), "metadata": metadata});
    if let (Some(target), Some(given)) = (stored.as_object_mut(), object.as_object_mut()) {
        for (field, value) in std::mem::take(given) {
            if field != "metadata" {
                target.insert(field, value);
            }
        }
    }
    track(core, &row, None, &mut stored);
    core.store.create(&key, stored).is_ok()
}

/// Changes an object in place, if it is there and `change` says that something changed.
pub(super) fn change(core: &Core, group: &str, plural: &str, namespace: &str, name: &str, change: impl Fn(&mut Value) -> bool) {
    let registry = core.registry();
    let Some(row) = lookup::row(&registry, group, plural) else { return };
    let Some(key) = row.key(namespace, name) else { return };
    // Nobody else writes between reading and writing for long: a few tries are enough, and the next start tries again.
    for _ in 0..5 {
        let Ok(Some(current)) = core.store.get(&key) else { return };
        let mut object = current.value().clone();
        if !change(&mut object) {
            return;
        }
        track(core, &row, Some(current.value()), &mut object);
        match core.store.update(&key, current.revision(), object) {
            Err(StoreError::Conflict(_)) => {}
            _ => return,
        }
    }
}

fn track(core: &Core, row: &crate::registry::Resource, live: Option<&Value>, object: &mut Value) {
    let now = core.now_text();
    let write = FieldWrite { resource: row, manager: "kube-apiserver", subresource: "", now: &now };
    core.plugins.fields.track(&write, live, object);
}
