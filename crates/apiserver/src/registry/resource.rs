//! One row of the registry.

use std::sync::Arc;

use serde_json::Value;

use super::hooks::{ComputeHandler, CreateHandler, Hooks, SubresourceHandler};
use crate::schema::{Table, TypeId};

/// Group, version and kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)]
pub struct Gvk {
    pub group: String,
    pub version: String,
    pub kind: String,
}

impl Gvk {
    /// From its three parts.
    pub fn new(group: &str, version: &str, kind: &str) -> Self {
        Self { group: group.into(), version: version.into(), kind: kind.into() }
    }

    /// `v1` or `apps/v1`.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.clone() } else { format!("{}/{}", self.group, self.version) }
    }
}

/// A resource in one version.
#[derive(Clone)]
pub struct Resource {
    /// Group, version and kind.
    pub gvk: Gvk,
    /// `PodList`.
    pub list_kind: String,
    /// `pods`.
    pub plural: String,
    /// `pod`.
    pub singular: String,
    /// `po`.
    pub short_names: Vec<String>,
    /// `all`, …
    pub categories: Vec<String>,
    /// Whether objects live in namespaces.
    pub namespaced: bool,
    /// Verbs as discovery lists them (sorted).
    pub verbs: Vec<String>,
    /// Subresources, sorted by name.
    pub subresources: Vec<Subresource>,
    /// Where objects are.
    pub storage: Storage,
    /// Table of types.
    pub schema: Arc<Table>,
    /// Type of the kind.
    pub type_id: TypeId,
    /// Functions.
    pub hooks: Hooks,
}

/// Where the objects of a resource are.
#[derive(Clone)]
pub enum Storage {
    /// In the store.
    Stored {
        /// `/registry/pods`.
        prefix: String,
        /// How this version differs from the stored one; `None` when it is the stored one.
        conversion: Option<Conversion>,
    },
    /// Nowhere: a create is answered.
    Virtual(CreateHandler),
    /// Nowhere: the objects are found out when they are asked for (component statuses).
    Computed(ComputeHandler),
}

/// Between a served version and the stored one. The apiVersion is changed by the caller.
#[derive(Clone, Copy)]
pub struct Conversion {
    /// Stored group and version.
    pub stored_api_version: &'static str,
    /// Full name of the stored type.
    pub stored_type: &'static str,
    /// Served to stored.
    pub to_stored: fn(Value) -> Value,
    /// Stored to served.
    pub from_stored: fn(Value) -> Value,
}

/// A subresource.
#[derive(Clone)]
pub struct Subresource {
    /// `status`, `scale`, `log`, …
    pub name: &'static str,
    /// Kind of its payload.
    pub gvk: Gvk,
    /// Verbs for discovery and routing: `get`, `update`, `patch`, `create`, …
    pub verbs: &'static [&'static str],
    /// What it does.
    pub kind: SubresourceKind,
}

/// What a subresource does.
#[derive(Clone, Copy)]
pub enum SubresourceKind {
    /// The parent's status.
    Status,
    /// `autoscaling/v1.Scale` over the parent.
    Scale(ScalePaths),
    /// A part of the parent that is written through the parent's own type (`finalize`, `approval`, `ephemeralcontainers`, `resize`):
    /// the function takes what it may change from the new object into the old one.
    Part(fn(old: &Value, new: &Value) -> Value),
    /// Something else.
    Handler(SubresourceHandler),
}

/// Where the scale of a parent stands (JSON pointers).
#[derive(Clone, Copy, Debug)]
pub struct ScalePaths {
    /// `/spec/replicas`.
    pub spec: &'static str,
    /// `/status/replicas`.
    pub status: &'static str,
    /// Selector of the parent, `/spec/selector`.
    pub selector: &'static str,
}

impl Resource {
    /// `pods` or `deployments.apps`.
    pub fn group_resource(&self) -> String {
        crate::status::group_resource(&self.gvk.group, &self.plural)
    }

    /// Whether the row has this verb.
    pub fn has_verb(&self, verb: &str) -> bool {
        self.verbs.iter().any(|v| v == verb)
    }

    /// Subresource by name.
    pub fn subresource(&self, name: &str) -> Option<&Subresource> {
        self.subresources.iter().find(|s| s.name == name)
    }

    /// Key prefix of all objects of a namespace (all namespaces when empty), with a trailing slash.
    pub fn prefix(&self, namespace: &str) -> Option<String> {
        let Storage::Stored { prefix, .. } = &self.storage else { return None };
        Some(if self.namespaced && !namespace.is_empty() { format!("{prefix}/{namespace}/") } else { format!("{prefix}/") })
    }

    /// Key of an object.
    pub fn key(&self, namespace: &str, name: &str) -> Option<String> {
        self.prefix(namespace).map(|prefix| prefix + name)
    }
}
