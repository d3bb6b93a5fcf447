//! endpoints-controller: the old Endpoints objects (`endpoints_controller.go`).

use std::collections::BTreeMap;
use std::sync::Arc;

use k8s_openapi::api::core::v1::{EndpointAddress, EndpointPort, EndpointSubset, Endpoints, ObjectReference, Pod, Service};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::ports::{Port, resolve};
use super::watch::{belongs, selector, selects, subscribe};
use crate::machinery::errors::{namespace_terminating, not_found, text};
use crate::machinery::kit::Reconcile;
use crate::machinery::rest::Deletion;
use crate::machinery::{Informer, Kit, Meta, Outcome, Recorder, pods, split_key};

/// When the cause of the last change happened.
pub const TRIGGER_TIME: &str = "endpoints.kubernetes.io/last-change-trigger-time";
const MANAGED_BY: (&str, &str) = ("endpoints.kubernetes.io/managed-by", "endpoint-controller");
const HEADLESS: &str = "service.kubernetes.io/headless";

struct Controller {
    kit: Kit,
    recorder: Recorder,
    services: Arc<Informer<Service>>,
    pods: Arc<Informer<Pod>>,
    endpoints: Arc<Informer<Endpoints>>,
}

/// Runs the controller.
pub async fn run(kit: Kit) {
    let queue = kit.queue("endpoints");
    let this = Controller {
        recorder: kit.recorder("endpoint-controller"),
        services: kit.informer(),
        pods: kit.informer(),
        endpoints: kit.informer(),
        kit: kit.clone(),
    };
    subscribe(&this.services, &this.pods, &queue);
    let add = queue.clone();
    this.endpoints.subscribe(move |change| {
        if let (Some(old), None) = (change.old, change.new) {
            add.add(old.key());
        }
    });
    kit.work(&queue, &[&*this.services, &*this.pods, &*this.endpoints], &this).await;
}

/// Subsets: addresses with the same ports together, ready and not ready apart (`RepackSubsets`).
fn subsets(service: &Service, all: &[Arc<Pod>]) -> Vec<EndpointSubset> {
    let spec = service.spec.clone().unwrap_or_default();
    let tolerate = spec.publish_not_ready_addresses == Some(true);
    let headless = spec.cluster_ip.as_deref() == Some("None");
    let mut groups: BTreeMap<Vec<Port>, (Vec<EndpointAddress>, Vec<EndpointAddress>)> = BTreeMap::new();
    for pod in all.iter().filter(|p| selects(service, p) && belongs(p, tolerate)) {
        let mut ports = resolve(service, pod);
        if ports.is_empty() && !(headless && spec.ports.as_ref().is_none_or(Vec::is_empty)) {
            continue;
        }
        ports.sort();
        let address = EndpointAddress {
            ip: pod.status.as_ref().and_then(|s| s.pod_ip.clone()).unwrap_or_default(),
            node_name: Some(pods::node(pod).to_owned()),
            hostname: hostname(service, pod),
            target_ref: Some(ObjectReference {
                kind: Some("Pod".to_owned()),
                namespace: pod.metadata.namespace.clone(),
                name: pod.metadata.name.clone(),
                uid: pod.metadata.uid.clone(),
                ..ObjectReference::default()
            }),
        };
        let group = groups.entry(ports).or_default();
        if tolerate || pods::is_ready(pod) { group.0.push(address) } else { group.1.push(address) }
    }
    let some = |mut list: Vec<EndpointAddress>| {
        list.sort_by(|a, b| a.ip.cmp(&b.ip));
        (!list.is_empty()).then_some(list)
    };
    let port = |p: Port| EndpointPort {
        name: Some(p.name).filter(|n| !n.is_empty()),
        port: p.port,
        protocol: Some(p.protocol),
        app_protocol: p.app_protocol,
    };
    groups
        .into_iter()
        .map(|(ports, (ready, not_ready))| EndpointSubset {
            addresses: some(ready),
            not_ready_addresses: some(not_ready),
            ports: (!ports.is_empty()).then(|| ports.into_iter().map(port).collect()),
        })
        .collect()
}

/// A pod with a hostname under a headless Service gets a name of its own.
pub fn hostname(service: &Service, pod: &Pod) -> Option<String> {
    let spec = pod.spec.as_ref()?;
    let host = spec.hostname.clone().filter(|h| !h.is_empty())?;
    (spec.subdomain.as_deref() == Some(service.name())).then_some(host)
}

/// The newest change that led here: of the Service's creation, or of a pod's readiness (`TriggerTimeTracker`).
pub fn trigger_time<'a>(service: &Service, pods_of: impl Iterator<Item = &'a Arc<Pod>>) -> jiff::Timestamp {
    let ready = |p: &Arc<Pod>| pods::condition(p, "Ready").and_then(|c| c.last_transition_time.as_ref()).map(|t| t.0);
    pods_of.filter_map(ready).chain([service.created()]).max().unwrap_or_else(|| service.created())
}

impl Reconcile for Controller {
    async fn reconcile(&self, key: &str) -> Outcome {
        let (namespace, name) = split_key(key);
        let Some(service) = self.services.get(key) else {
            // A Service without selector is not known here; its Endpoints are someone else's.
            if self.endpoints.get(key).is_some_and(|e| e.label(MANAGED_BY.0) == Some(MANAGED_BY.1)) {
                match self.kit.rest.delete::<Endpoints>(namespace, name, &Deletion::default()).await {
                    Err(error) if !not_found(&error) => return Err(error.into()),
                    _ => {}
                }
            }
            return Ok(());
        };
        if selector(&service).is_none()
            || service.deleting()
            || service.spec.as_ref().and_then(|s| s.type_.as_deref()) == Some("ExternalName")
        {
            return Ok(());
        }
        let all = self.pods.list_in(namespace);
        let subsets = subsets(&service, &all);
        let mut labels = service.label_map().clone();
        labels.insert(MANAGED_BY.0.to_owned(), MANAGED_BY.1.to_owned());
        if service.spec.as_ref().and_then(|s| s.cluster_ip.as_deref()) == Some("None") {
            labels.insert(HEADLESS.to_owned(), String::new());
        } else {
            labels.remove(HEADLESS);
        }
        let subsets = (!subsets.is_empty()).then_some(subsets);
        let current = self.endpoints.get(key);
        if let Some(current) = &current
            && current.subsets.clone().filter(|s| !s.is_empty()) == subsets
            && *current.label_map() == labels
        {
            return Ok(());
        }
        let at = trigger_time(&service, all.iter().filter(|p| selects(&service, p)));
        let mut wanted = current.as_ref().map(|c| Endpoints::clone(c)).unwrap_or_default();
        wanted.metadata = ObjectMeta { name: Some(name.to_owned()), namespace: Some(namespace.to_owned()), ..wanted.metadata };
        wanted.metadata.labels = Some(labels);
        wanted.metadata.annotations.get_or_insert_default().insert(TRIGGER_TIME.to_owned(), format!("{:.0}", at));
        wanted.subsets = subsets;
        let result = if current.is_some() { self.kit.replace(&wanted).await } else { self.kit.create(&wanted).await };
        match result {
            Ok(_) => Ok(()),
            Err(error) if namespace_terminating(&error) => Ok(()),
            Err(error) => {
                let (reason, verb) =
                    if current.is_some() { ("FailedToUpdateEndpoint", "update") } else { ("FailedToCreateEndpoint", "create") };
                self.recorder.warning(&*service, reason, format!("Failed to {verb} endpoint {key}: {}", text(&error)));
                Err(error.into())
            }
        }
    }
}
