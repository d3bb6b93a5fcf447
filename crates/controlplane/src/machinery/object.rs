//! Short names for what is read from every object's metadata.

use std::collections::BTreeMap;
use std::fmt::Debug;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference, Time};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A kind that is known when the program is compiled.
pub trait Object: kube::Resource<DynamicType = ()> + DeserializeOwned + Serialize + Clone + Debug + Send + Sync + 'static {}

impl<K: kube::Resource<DynamicType = ()> + DeserializeOwned + Serialize + Clone + Debug + Send + Sync + 'static> Object for K {}

static NO_LABELS: BTreeMap<String, String> = BTreeMap::new();

/// Reading an object's metadata.
pub trait Meta {
    /// The metadata.
    fn m(&self) -> &ObjectMeta;

    /// `metadata.name`.
    fn name(&self) -> &str {
        self.m().name.as_deref().unwrap_or_default()
    }
    /// `metadata.namespace`, empty for cluster-wide kinds.
    fn ns(&self) -> &str {
        self.m().namespace.as_deref().unwrap_or_default()
    }
    /// `metadata.uid`.
    fn uid(&self) -> &str {
        self.m().uid.as_deref().unwrap_or_default()
    }
    /// `namespace/name`, or the name alone: the key of caches and queues.
    fn key(&self) -> String {
        key(self.ns(), self.name())
    }
    /// `metadata.resourceVersion` as the number that it is since Kubernetes 1.35 documents it so.
    fn revision(&self) -> u64 {
        self.m().resource_version.as_deref().and_then(|v| v.parse().ok()).unwrap_or(0)
    }
    /// Whether deletion has begun.
    fn deleting(&self) -> bool {
        self.m().deletion_timestamp.is_some()
    }
    /// Labels, empty when there are none.
    fn label_map(&self) -> &BTreeMap<String, String> {
        self.m().labels.as_ref().unwrap_or(&NO_LABELS)
    }
    /// One label.
    fn label(&self, key: &str) -> Option<&str> {
        self.label_map().get(key).map(String::as_str)
    }
    /// One annotation.
    fn annotation(&self, key: &str) -> Option<&str> {
        self.m().annotations.as_ref()?.get(key).map(String::as_str)
    }
    /// The owner that manages this object.
    fn controller(&self) -> Option<&OwnerReference> {
        self.m().owner_references.as_ref()?.iter().find(|r| r.controller == Some(true))
    }
    /// When it was created; the epoch when unknown.
    fn created(&self) -> Timestamp {
        self.m().creation_timestamp.as_ref().map_or(Timestamp::UNIX_EPOCH, |t| t.0)
    }
    /// Whether a finalizer stands on it.
    fn has_finalizer(&self, name: &str) -> bool {
        self.m().finalizers.as_ref().is_some_and(|f| f.iter().any(|f| f == name))
    }
    /// `metadata.generation`.
    fn generation(&self) -> i64 {
        self.m().generation.unwrap_or(0)
    }
}

impl<K: kube::Resource> Meta for K {
    fn m(&self) -> &ObjectMeta {
        self.meta()
    }
}

/// `namespace/name`, or the name alone.
pub fn key(namespace: &str, name: &str) -> String {
    if namespace.is_empty() { name.to_owned() } else { format!("{namespace}/{name}") }
}

/// The parts of a key; the namespace is empty for cluster-wide kinds.
pub fn split_key(key: &str) -> (&str, &str) {
    key.split_once('/').unwrap_or(("", key))
}

/// A namespace for a request path.
pub fn scope(namespace: &str) -> Option<&str> {
    (!namespace.is_empty()).then_some(namespace)
}

/// A reference to an object, as events carry it.
pub fn reference<K: Object>(object: &K) -> ObjectReference {
    ObjectReference { resource_version: object.m().resource_version.clone(), ..object.object_ref(&()) }
}

/// The owner reference of a controller (`metav1.NewControllerRef`).
pub fn controller_of<K: Object>(owner: &K) -> OwnerReference {
    OwnerReference {
        api_version: K::api_version(&()).into_owned(),
        kind: K::kind(&()).into_owned(),
        name: owner.name().to_owned(),
        uid: owner.uid().to_owned(),
        controller: Some(true),
        block_owner_deletion: Some(true),
    }
}

/// A `metav1.Time` of whole seconds.
pub fn time(moment: Timestamp) -> Time {
    Time(Timestamp::from_second(moment.as_second()).unwrap_or(moment))
}
