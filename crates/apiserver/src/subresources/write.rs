//! Changing a stored object behind a subresource, as upstream's stores do with `GuaranteedUpdate`: no strategy, no admission.

use std::sync::Arc;

use serde_json::Value;

use crate::handlers::Call;
use crate::registry::Resource;
use crate::status::ApiError;
use crate::store::{Object, StoreError};

/// Changes an object in place; tried again while others are quicker.
pub(super) fn change(
    call: &Call,
    namespace: &str,
    name: &str,
    dry_run: bool,
    change: impl Fn(&mut Value) -> Result<(), ApiError>,
) -> Result<Arc<Object>, ApiError> {
    let key = call.key(namespace, name)?;
    loop {
        let live = call.core.store.get(&key)?.ok_or_else(|| call.not_found(name))?;
        let mut object = live.value().clone();
        change(&mut object)?;
        if dry_run {
            return Ok(Arc::new(Object::new(object, live.revision())));
        }
        match call.core.store.update(&key, live.revision(), object) {
            Err(StoreError::Conflict(_) | StoreError::NotFound) => {}
            Err(other) => return Err(other.into()),
            Ok(object) => return Ok(object),
        }
    }
}

/// The same request on another row.
pub(super) fn on(call: &Call, resource: Arc<Resource>) -> Call {
    Call { resource, ..call.clone() }
}
