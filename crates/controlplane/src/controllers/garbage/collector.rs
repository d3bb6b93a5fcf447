//! The collector (`garbagecollector.go`, `graph_builder.go`).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use kube::core::params::PropagationPolicy;
use serde_json::{Value, json};
use tokio::sync::Notify;

use super::graph::{FOREGROUND, Graph, Item, ORPHAN};
use crate::machinery::discovery::{Resource, preferred};
use crate::machinery::errors::{conflict, not_found, text};
use crate::machinery::informer::MetadataCache;
use crate::machinery::kit::Reconcile;
use crate::machinery::rest::Deletion;
use crate::machinery::{Failure, Kit, Outcome, Queue};

/// Collections whose changes mean that the set of kinds changes.
const KINDS: [&str; 2] = ["/apis/apiextensions.k8s.io/v1/customresourcedefinitions", "/apis/apiregistration.k8s.io/v1/apiservices"];
/// `--garbage-collector` resync of discovery, for what failed.
const RESYNC: Duration = Duration::from_secs(30);

struct Collector {
    kit: Kit,
    queue: Arc<Queue>,
    graph: Arc<Mutex<Graph>>,
    watched: Mutex<BTreeMap<String, Watched>>,
}

/// A kind and the cache of its objects' metadata.
type Watched = (Arc<Resource>, Arc<dyn MetadataCache>);

/// Runs the collector.
pub async fn run(kit: Kit) {
    let queue = kit.queue("garbage");
    let this = Collector { queue: queue.clone(), graph: Arc::default(), watched: Mutex::default(), kit: kit.clone() };
    this.first_discovery().await;
    let collect = kit.work(&queue, &[], &this);
    futures::future::join(this.follow_kinds(), collect).await;
}

impl Collector {
    fn graph(&self) -> MutexGuard<'_, Graph> {
        self.graph.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn first_discovery(&self) {
        while let Err(error) = self.discover().await {
            self.kit.log.error("garbagecollector.go:790", &text(&error), "failed to discover preferred resources", &[]);
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        // A kind that cannot be listed must not stop everything else for ever (`WaitForNamedCacheSync` gives up after 30 s).
        for _ in 0..300 {
            let all = self.watched.lock().unwrap_or_else(PoisonError::into_inner).values().all(|(_, cache)| cache.synced());
            if all {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Watches every kind that can be listed, watched and deleted; returns whether all groups answered.
    async fn discover(&self) -> Result<bool, kube::Error> {
        let (resources, failed) = preferred(&self.kit.rest).await?;
        for resource in resources.into_iter().filter(|r| r.can(&["delete", "list", "watch"])) {
            // Events expire by themselves (`DefaultIgnoredResources`).
            if resource.plural == "events" {
                continue;
            }
            let path = resource.path("");
            if self.watched.lock().unwrap_or_else(PoisonError::into_inner).contains_key(&path) {
                continue;
            }
            let cache = self.kit.informers.metadata(&path);
            let resource = Arc::new(resource);
            self.watched.lock().unwrap_or_else(PoisonError::into_inner).insert(path, (resource.clone(), cache.clone()));
            let (graph, queue) = (self.graph.clone(), self.queue.clone());
            cache.subscribe_metadata(Box::new(move |old, new| {
                let concerned = graph.lock().unwrap_or_else(PoisonError::into_inner).update(&resource, old, new);
                concerned.into_iter().for_each(|uid| queue.add(uid));
            }));
        }
        Ok(failed.is_empty())
    }

    /// Discovers again when kinds change; upstream asks every 30 seconds.
    async fn follow_kinds(&self) {
        let changed = Arc::new(Notify::new());
        for path in KINDS {
            let wake = changed.clone();
            self.kit.informers.metadata(path).subscribe_metadata(Box::new(move |_, _| wake.notify_one()));
        }
        let mut complete = true;
        loop {
            if complete {
                changed.notified().await;
                // A definition is served a moment after it was written.
                tokio::time::sleep(Duration::from_secs(1)).await;
            } else {
                tokio::time::sleep(RESYNC).await;
            }
            complete = self.discover().await.unwrap_or(false);
        }
    }

    fn resource_of(&self, owner: &OwnerReference) -> Option<Arc<Resource>> {
        let watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        let group = owner.api_version.split_once('/').map_or("", |(group, _)| group);
        watched.values().map(|(r, _)| r).find(|r| r.kind == owner.kind && r.group == group).cloned()
    }

    async fn live(&self, resource: &Resource, namespace: &str, name: &str) -> Result<Option<ObjectMeta>, kube::Error> {
        let path = format!("{}/{name}", resource.path(if resource.namespaced { namespace } else { "" }));
        match self.kit.rest.get_json(&path).await {
            Ok(value) => Ok(Some(serde_json::from_value(value["metadata"].clone()).map_err(kube::Error::SerdeError)?)),
            Err(error) if not_found(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whether an owner is there, is waiting for its dependents, or is gone.
    async fn state_of(&self, owner: &OwnerReference, namespace: &str) -> Outcome<OwnerState> {
        if let Some(item) = self.graph().get(&owner.uid) {
            return Ok(if item.is_deleting_dependents() { OwnerState::Waiting } else { OwnerState::Solid });
        }
        let Some(resource) = self.resource_of(owner) else {
            return Err(Failure::Other(format!("unable to get REST mapping for {}/{}.", owner.api_version, owner.kind)));
        };
        if resource.namespaced && namespace.is_empty() {
            // An owner in a namespace cannot own what is outside; such references are never resolved.
            return Ok(OwnerState::Solid);
        }
        match self.live(&resource, namespace, &owner.name).await? {
            Some(metadata) if metadata.uid.as_deref() == Some(&owner.uid) => {
                let waiting = Item { resource, metadata }.is_deleting_dependents();
                Ok(if waiting { OwnerState::Waiting } else { OwnerState::Solid })
            }
            _ => Ok(OwnerState::Gone),
        }
    }

    async fn set_finalizers_without(&self, item: &Item, finalizer: &str) -> Result<(), kube::Error> {
        let namespace = item.metadata.namespace.as_deref().unwrap_or_default();
        let name = item.metadata.name.as_deref().unwrap_or_default();
        for _ in 0..5 {
            let Some(fresh) = self.live(&item.resource, namespace, name).await? else { return Ok(()) };
            let left: Vec<_> = fresh.finalizers.unwrap_or_default().into_iter().filter(|f| f != finalizer).collect();
            let left = if left.is_empty() { Value::Null } else { json!(left) };
            let patch = json!({"metadata": {"uid": fresh.uid, "resourceVersion": fresh.resource_version, "finalizers": left}});
            match self.kit.rest.merge_at(&item.resource.path(namespace), name, &patch).await {
                Ok(_) => return Ok(()),
                Err(error) if not_found(&error) => return Ok(()),
                Err(error) if conflict(&error) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Takes owners off an object.
    async fn remove_owners(&self, item: &Item, gone: &[String]) -> Result<(), kube::Error> {
        let namespace = item.metadata.namespace.as_deref().unwrap_or_default();
        let name = item.metadata.name.as_deref().unwrap_or_default();
        let Some(fresh) = self.live(&item.resource, namespace, name).await? else { return Ok(()) };
        let left: Vec<_> = fresh.owner_references.unwrap_or_default().into_iter().filter(|o| !gone.contains(&o.uid)).collect();
        let left = if left.is_empty() { Value::Null } else { json!(left) };
        let patch = json!({"metadata": {"uid": fresh.uid, "resourceVersion": fresh.resource_version, "ownerReferences": left}});
        match self.kit.rest.merge_at(&item.resource.path(namespace), name, &patch).await {
            Err(error) if !not_found(&error) => Err(error),
            _ => Ok(()),
        }
    }

    /// An owner that waits goes when no dependent blocks it any more (`processDeletingDependentsItem`).
    async fn finish_foreground(&self, item: &Item) -> Outcome {
        let uid = item.metadata.uid.clone().unwrap_or_default();
        let blocking: Vec<Item> = self
            .graph()
            .dependents(&uid)
            .into_iter()
            .filter(|d| d.owners().iter().any(|o| o.uid == uid && o.block_owner_deletion == Some(true)))
            .cloned()
            .collect();
        if blocking.is_empty() {
            self.set_finalizers_without(item, FOREGROUND).await?;
        }
        for dependent in blocking.iter().filter(|d| !d.deleting()) {
            self.queue.add(dependent.metadata.uid.clone().unwrap_or_default());
        }
        Ok(())
    }

    /// `orphanDependents`.
    async fn orphan(&self, item: &Item) -> Outcome {
        let uid = item.metadata.uid.clone().unwrap_or_default();
        let dependents: Vec<Item> = self.graph().dependents(&uid).into_iter().cloned().collect();
        for dependent in &dependents {
            self.remove_owners(dependent, std::slice::from_ref(&uid)).await?;
        }
        self.set_finalizers_without(item, ORPHAN).await?;
        Ok(())
    }

    async fn delete(&self, item: &Item, policy: PropagationPolicy) -> Outcome {
        let namespace = item.metadata.namespace.as_deref().unwrap_or_default();
        let uid = item.metadata.uid.clone().unwrap_or_default();
        let how = Deletion { resource_version: item.metadata.resource_version.clone(), propagation: Some(policy), ..Deletion::of(&uid) };
        match self.kit.rest.delete_at(&item.resource.path(namespace), item.metadata.name.as_deref().unwrap_or_default(), &how).await {
            Err(error) if !not_found(&error) => Err(error.into()),
            _ => Ok(()),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum OwnerState {
    Solid,
    Waiting,
    Gone,
}

impl Reconcile for Collector {
    /// `attemptToDeleteItem` and `attemptToOrphan`; the key is a uid.
    async fn reconcile(&self, uid: &str) -> Outcome {
        let Some(known) = self.graph().get(uid).cloned() else { return Ok(()) };
        if known.deleting() && known.has_finalizer(ORPHAN) {
            return self.orphan(&known).await;
        }
        if known.is_deleting_dependents() {
            return self.finish_foreground(&known).await;
        }
        if known.deleting() || known.owners().is_empty() {
            return Ok(());
        }
        let namespace = known.metadata.namespace.clone().unwrap_or_default();
        let name = known.metadata.name.clone().unwrap_or_default();
        // The truth is asked before anything is deleted.
        let Some(metadata) = self.live(&known.resource, &namespace, &name).await?.filter(|m| m.uid.as_deref() == Some(uid)) else {
            return Ok(());
        };
        let item = Item { resource: known.resource, metadata };
        if item.deleting() {
            return Ok(());
        }
        let (mut solid, mut waiting, mut gone) = (0, Vec::new(), Vec::new());
        for owner in item.owners() {
            match self.state_of(owner, &namespace).await? {
                OwnerState::Solid => solid += 1,
                OwnerState::Waiting => waiting.push(owner.uid.clone()),
                OwnerState::Gone => gone.push(owner.uid.clone()),
            }
        }
        if solid + waiting.len() + gone.len() == 0 {
            return Ok(());
        }
        if solid > 0 {
            gone.extend(waiting);
            if !gone.is_empty() {
                self.remove_owners(&item, &gone).await?;
            }
            return Ok(());
        }
        let has_dependents = !self.graph().dependents(uid).is_empty();
        if !waiting.is_empty() && has_dependents {
            return self.delete(&item, PropagationPolicy::Foreground).await;
        }
        let policy = if item.has_finalizer(ORPHAN) {
            PropagationPolicy::Orphan
        } else if item.has_finalizer(FOREGROUND) {
            PropagationPolicy::Foreground
        } else {
            PropagationPolicy::Background
        };
        self.delete(&item, policy).await
    }
}
