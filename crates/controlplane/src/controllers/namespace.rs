//! namespace-controller: empties a namespace that is being deleted, then lets it go.

use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::{Namespace, NamespaceCondition, Pod};
use kube::core::PartialObjectMeta;
use kube::core::object::ObjectList;

use crate::machinery::discovery::{Resource, preferred};
use crate::machinery::errors::{code, conflict, not_found, text};
use crate::machinery::kit::Reconcile;
use crate::machinery::object::time;
use crate::machinery::{Failure, Informer, Kit, Meta, Outcome, Queue};

const FINALIZER: &str = "kubernetes";

struct Controller {
    kit: Kit,
    namespaces: Arc<Informer<Namespace>>,
    queue: Arc<Queue>,
}

/// Runs the controller.
pub async fn run(kit: Kit) {
    let queue = kit.queue("namespace");
    let this = Controller { namespaces: kit.informer(), queue: queue.clone(), kit: kit.clone() };
    let add = queue.clone();
    this.namespaces.subscribe(move |change| {
        if let Some(namespace) = change.new.filter(|n| n.deleting()) {
            // Caches of admission need a moment to know that nothing may be created any more (`namespaceDeletionGracePeriod`).
            add.add_after(namespace.name(), Duration::from_secs(5));
        }
    });
    kit.work(&queue, &[&*this.namespaces], &this).await;
}

/// What is left in a namespace.
#[derive(Default)]
struct Remaining {
    /// Collections and how many objects they hold.
    resources: Vec<(String, usize)>,
    /// Finalizers and on how many objects they stand.
    finalizers: std::collections::BTreeMap<String, usize>,
    /// How long it may take, in seconds.
    estimate: u64,
}

impl Reconcile for Controller {
    async fn reconcile(&self, name: &str) -> Outcome {
        let Some(namespace) = self.namespaces.get(name).filter(|n| n.deleting()) else { return Ok(()) };
        let has_finalizer = namespace.spec.iter().flat_map(|s| s.finalizers.iter().flatten()).any(|f| f == FINALIZER);
        if !has_finalizer {
            return Ok(());
        }
        let (resources, undiscovered) = preferred(&self.kit.rest).await?;
        let deletable: Vec<_> = resources.into_iter().filter(|r| r.namespaced && r.can(&["delete", "list"])).collect();
        let mut remaining = Remaining::default();
        let mut failures = Vec::new();
        // Pods first, so that what they use (network policies, secrets) outlives them (OrderedNamespaceDeletion).
        let (pods, rest): (Vec<_>, Vec<_>) = deletable.into_iter().partition(|r| r.group.is_empty() && r.plural == "pods");
        self.empty(name, &pods, &mut remaining, &mut failures).await;
        if remaining.resources.is_empty() && failures.is_empty() {
            self.empty(name, &rest, &mut remaining, &mut failures).await;
        }
        let discovery: Vec<String> = undiscovered.iter().map(|(group, error)| format!("{group}: {}", text(error))).collect();
        self.write_conditions(&namespace, &remaining, &discovery, &failures).await?;
        if !remaining.resources.is_empty() {
            // `ResourcesRemainingError`: look again after half of the estimate.
            self.queue.add_after(name, Duration::from_secs(remaining.estimate / 2 + 1));
            return Ok(());
        }
        if let Some(failure) = failures.into_iter().chain(discovery).next() {
            return Err(Failure::Other(failure));
        }
        self.finalize(name).await
    }
}

impl Controller {
    async fn empty(&self, namespace: &str, resources: &[Resource], remaining: &mut Remaining, failures: &mut Vec<String>) {
        for resource in resources {
            if let Err(error) = self.empty_one(namespace, resource, remaining).await {
                failures.push(format!("{}: {}", resource.name(), text(&error)));
            }
        }
    }

    async fn empty_one(&self, namespace: &str, resource: &Resource, remaining: &mut Remaining) -> Result<(), kube::Error> {
        let path = resource.path(namespace);
        if self.list(&path).await?.is_empty() {
            return Ok(());
        }
        let is_pods = resource.group.is_empty() && resource.plural == "pods";
        let grace = if is_pods { self.pod_grace(namespace) } else { 0 };
        let all_at_once = resource.can(&["deletecollection"]);
        if all_at_once {
            match self.kit.rest.delete_collection_at(&path).await {
                Err(error) if !matches!(code(&error), 404 | 405) => return Err(error),
                _ => {}
            }
        } else {
            for object in self.list(&path).await?.iter().filter(|o| !o.deleting()) {
                match self.kit.rest.delete_at(&path, object.name(), &Default::default()).await {
                    Err(error) if !not_found(&error) => return Err(error),
                    _ => {}
                }
            }
        }
        let left = self.list(&path).await?;
        if left.is_empty() {
            return Ok(());
        }
        remaining.resources.push((resource.name(), left.len()));
        for finalizer in left.iter().flat_map(|o| o.metadata.finalizers.iter().flatten()) {
            *remaining.finalizers.entry(finalizer.clone()).or_default() += 1;
        }
        let finalizing = left.iter().any(|o| o.metadata.finalizers.as_ref().is_some_and(|f| !f.is_empty()));
        remaining.estimate = remaining.estimate.max(if finalizing { 15 } else { grace });
        Ok(())
    }

    async fn list(&self, path: &str) -> Result<Vec<PartialObjectMeta>, kube::Error> {
        let request = kube::core::Request::new(path).list_metadata(&Default::default()).map_err(kube::Error::BuildRequest)?;
        match self.kit.rest.client().request::<ObjectList<PartialObjectMeta>>(request).await {
            Ok(list) => Ok(list.items),
            Err(error) if matches!(code(&error), 404 | 405) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    /// The longest grace period of the namespace's running pods.
    fn pod_grace(&self, namespace: &str) -> u64 {
        let pods = self.kit.informer::<Pod>().list_in(namespace);
        let graces = pods
            .iter()
            .filter(|p| !crate::machinery::pods::is_terminal(p))
            .filter_map(|p| p.spec.as_ref()?.termination_grace_period_seconds);
        graces.max().and_then(|s| u64::try_from(s).ok()).unwrap_or(0)
    }

    async fn write_conditions(&self, namespace: &Namespace, remaining: &Remaining, discovery: &[String], failures: &[String]) -> Outcome {
        let mut changed = namespace.clone();
        let status = changed.status.get_or_insert_default();
        status.phase = Some("Terminating".to_owned());
        let conditions = status.conditions.get_or_insert_default();
        let now = time(self.kit.clock.now());
        let mut set = |kind: &str, bad: bool, reason: &str, message: String| {
            let status = if bad { "True" } else { "False" };
            let new = NamespaceCondition {
                type_: kind.to_owned(),
                status: status.to_owned(),
                reason: Some(reason.to_owned()),
                message: Some(message),
                last_transition_time: Some(now.clone()),
            };
            match conditions.iter_mut().find(|c| c.type_ == kind) {
                Some(old) if old.status == new.status && old.message == new.message && old.reason == new.reason => {}
                Some(old) => *old = new,
                None => conditions.push(new),
            }
        };
        if discovery.is_empty() {
            set("NamespaceDeletionDiscoveryFailure", false, "ResourcesDiscovered", "All resources successfully discovered".to_owned());
        } else {
            let message = format!(
                "Discovery failed for some groups, {} failing: unable to retrieve the complete list of server APIs: {}",
                discovery.len(),
                discovery.join(", ")
            );
            set("NamespaceDeletionDiscoveryFailure", true, "DiscoveryFailed", message);
        }
        set(
            "NamespaceDeletionGroupVersionParsingFailure",
            false,
            "ParsedGroupVersions",
            "All legacy kube types successfully parsed".to_owned(),
        );
        if failures.is_empty() {
            set(
                "NamespaceDeletionContentFailure",
                false,
                "ContentDeleted",
                "All content successfully deleted, may be waiting on finalization".to_owned(),
            );
        } else {
            let message = format!("Failed to delete all resource types, {} remaining: {}", failures.len(), failures.join(", "));
            set("NamespaceDeletionContentFailure", true, "ContentDeletionFailed", message);
        }
        if remaining.resources.is_empty() {
            set("NamespaceContentRemaining", false, "ContentRemoved", "All content successfully removed".to_owned());
        } else {
            let mut parts: Vec<String> =
                remaining.resources.iter().map(|(r, n)| format!("{} has {n} resource instances", dotted(r))).collect();
            parts.sort();
            set("NamespaceContentRemaining", true, "SomeResourcesRemain", format!("Some resources are remaining: {}", parts.join(", ")));
        }
        if remaining.finalizers.is_empty() {
            set("NamespaceFinalizersRemaining", false, "ContentHasNoFinalizers", "All content-preserving finalizers finished".to_owned());
        } else {
            let parts: Vec<String> = remaining.finalizers.iter().map(|(f, n)| format!("{f} in {n} resource instances")).collect();
            let message = format!("Some content in the namespace has finalizers remaining: {}", parts.join(", "));
            set("NamespaceFinalizersRemaining", true, "SomeFinalizersRemain", message);
        }
        if changed.status != namespace.status {
            match self.kit.replace_status(&changed).await {
                Err(error) if not_found(&error) => return Ok(()),
                other => other?,
            };
        }
        Ok(())
    }

    async fn finalize(&self, name: &str) -> Outcome {
        for _ in 0..5 {
            let mut fresh: Namespace = match self.kit.rest.get("", name).await {
                Err(error) if not_found(&error) => return Ok(()),
                other => other?,
            };
            if let Some(finalizers) = fresh.spec.as_mut().and_then(|s| s.finalizers.as_mut()) {
                finalizers.retain(|f| f != FINALIZER);
            }
            match self.kit.rest.replace_subresource(&fresh, "finalize").await {
                Ok(_) => return Ok(()),
                Err(error) if not_found(&error) => return Ok(()),
                Err(error) if conflict(&error) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(Failure::Other(format!("namespace {name:?} changes too often to be finalized")))
    }
}

/// Upstream prints resource and group joined by a dot, with nothing after it for the core group: `pods.`
fn dotted(name: &str) -> String {
    if name.contains('.') { name.to_owned() } else { format!("{name}.") }
}
