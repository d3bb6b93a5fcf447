//! What the verbs share.

use std::sync::Arc;

use crate::registry::Resource;
use crate::request::RequestContext;
use crate::server::Core;
use crate::status::ApiError;

/// One request on one resource. Parts of the server that write objects themselves (an eviction deletes a pod) make their own.
#[derive(Clone)]
pub struct Call {
    /// The server.
    pub core: Arc<Core>,
    /// Row of the resource.
    pub resource: Arc<Resource>,
    /// The request.
    pub context: Arc<RequestContext>,
}

impl Call {
    /// `pods "x" not found` for this resource.
    pub fn not_found(&self, name: &str) -> ApiError {
        ApiError::not_found(&self.resource.gvk.group, &self.resource.plural, name)
    }

    /// The conflict of optimistic concurrency.
    pub fn modified(&self, name: &str) -> ApiError {
        ApiError::modified(&self.resource.gvk.group, &self.resource.plural, name)
    }

    /// `Kind "name" is invalid: …`.
    pub fn invalid(&self, name: &str, errors: &[crate::status::FieldError]) -> ApiError {
        ApiError::invalid(&self.resource.gvk.group, &self.resource.gvk.kind, name, errors)
    }

    /// Key of an object. Rows without storage are refused before.
    pub fn key(&self, namespace: &str, name: &str) -> Result<String, ApiError> {
        self.resource.key(namespace, name).ok_or_else(ApiError::method_not_allowed)
    }
}
