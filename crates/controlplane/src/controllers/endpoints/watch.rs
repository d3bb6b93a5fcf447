//! Which Services a change concerns.

use std::collections::BTreeSet;
use std::sync::Arc;

use k8s_openapi::api::core::v1::{Pod, Service};

use crate::machinery::{Change, Informer, Meta, Queue, pods};

/// The selector of a Service, unless it has none (then its endpoints are managed by someone else).
pub fn selector(service: &Service) -> Option<&std::collections::BTreeMap<String, String>> {
    service.spec.as_ref()?.selector.as_ref().filter(|s| !s.is_empty())
}

/// Whether a Service selects a pod.
pub fn selects(service: &Service, pod: &Pod) -> bool {
    selector(service).is_some_and(|s| s.iter().all(|(k, v)| pod.label(k) == Some(v)))
}

/// Adds Services that changed, and those that a changed pod belongs or belonged to.
pub fn subscribe(services: &Arc<Informer<Service>>, pods_cache: &Informer<Pod>, queue: &Arc<Queue>) {
    let add = queue.clone();
    services.subscribe(move |change| {
        if let Some(service) = change.any() {
            add.add(service.key());
        }
    });
    let (add, services) = (queue.clone(), services.clone());
    pods_cache.subscribe(move |change| {
        for key in concerned(&services, change) {
            add.add(key);
        }
    });
}

fn concerned(services: &Informer<Service>, change: &Change<'_, Pod>) -> BTreeSet<String> {
    if let (Some(old), Some(new)) = (change.old, change.new)
        && same_endpoint(old, new)
        && old.label_map() == new.label_map()
    {
        return BTreeSet::new();
    }
    let Some(any) = change.any() else { return BTreeSet::new() };
    let all = services.list_in(any.ns());
    let involved = |s: &&Arc<Service>| [change.old, change.new].into_iter().flatten().any(|p| selects(s, p));
    all.iter().filter(involved).map(|s| s.key()).collect()
}

/// Whether a pod's endpoint stayed the same (`podEndpointsChanged`).
fn same_endpoint(old: &Pod, new: &Pod) -> bool {
    let ips = |p: &Pod| p.status.as_ref().and_then(|s| s.pod_ips.clone());
    pods::is_ready(old) == pods::is_ready(new)
        && pods::phase(old) == pods::phase(new)
        && pods::node(old) == pods::node(new)
        && old.deleting() == new.deleting()
        && ips(old) == ips(new)
}

/// Whether a pod belongs into endpoints: it has an address and has not ended (`ShouldPodBeInEndpoints`).
pub fn belongs(pod: &Pod, terminating_too: bool) -> bool {
    let has_address = pod.status.as_ref().and_then(|s| s.pod_ip.as_deref()).is_some_and(|ip| !ip.is_empty());
    has_address && !pods::is_terminal(pod) && (terminating_too || !pod.deleting())
}
