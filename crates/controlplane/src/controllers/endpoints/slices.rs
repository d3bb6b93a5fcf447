//! endpointslice-controller (`pkg/controller/endpointslice`, `staging/src/k8s.io/endpointslice`).

use std::collections::BTreeMap;
use std::sync::Arc;

use k8s_openapi::api::core::v1::{Node, ObjectReference, Pod, Service};
use k8s_openapi::api::discovery::v1::{Endpoint, EndpointConditions, EndpointPort, EndpointSlice};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::legacy::{TRIGGER_TIME, hostname, trigger_time};
use super::ports::{Port, resolve};
use super::watch::{belongs, selector, selects, subscribe};
use crate::machinery::errors::namespace_terminating;
use crate::machinery::kit::Reconcile;
use crate::machinery::object::controller_of;
use crate::machinery::{Informer, Kit, Meta, Outcome, pods};

/// `--max-endpoints-per-slice`.
const MAX_PER_SLICE: usize = 100;
const SERVICE_NAME: &str = "kubernetes.io/service-name";
const MANAGED_BY: (&str, &str) = ("endpointslice.kubernetes.io/managed-by", "endpointslice-controller.k8s.io");
const HEADLESS: &str = "service.kubernetes.io/headless";

struct Controller {
    kit: Kit,
    services: Arc<Informer<Service>>,
    pods: Arc<Informer<Pod>>,
    nodes: Arc<Informer<Node>>,
    slices: Arc<Informer<EndpointSlice>>,
}

/// Runs the controller.
pub async fn run(kit: Kit) {
    let queue = kit.queue("endpointslice");
    let this =
        Controller { services: kit.informer(), pods: kit.informer(), nodes: kit.informer(), slices: kit.informer(), kit: kit.clone() };
    subscribe(&this.services, &this.pods, &queue);
    let add = queue.clone();
    this.slices.subscribe(move |change| {
        if let Some(slice) = change.any().filter(|s| s.label(MANAGED_BY.0) == Some(MANAGED_BY.1))
            && let Some(service) = slice.label(SERVICE_NAME)
        {
            add.add(format!("{}/{service}", slice.ns()));
        }
    });
    kit.work(&queue, &[&*this.services, &*this.pods, &*this.nodes, &*this.slices], &this).await;
}

fn endpoint(service: &Service, pod: &Pod, node: Option<&Node>) -> Endpoint {
    let publish = service.spec.as_ref().and_then(|s| s.publish_not_ready_addresses) == Some(true);
    let serving = pods::is_ready(pod);
    let terminating = pod.deleting();
    Endpoint {
        addresses: pod.status.as_ref().and_then(|s| s.pod_ip.clone()).into_iter().collect(),
        conditions: Some(EndpointConditions {
            // "Ready" is for those who do not look closer: serving and not on its way out.
            ready: Some(publish || (serving && !terminating)),
            serving: Some(serving),
            terminating: Some(terminating),
        }),
        hostname: hostname(service, pod),
        node_name: Some(pods::node(pod).to_owned()).filter(|n| !n.is_empty()),
        target_ref: Some(ObjectReference {
            kind: Some("Pod".to_owned()),
            namespace: pod.metadata.namespace.clone(),
            name: pod.metadata.name.clone(),
            uid: pod.metadata.uid.clone(),
            ..ObjectReference::default()
        }),
        zone: node.and_then(|n| n.label("topology.kubernetes.io/zone")).map(str::to_owned),
        ..Endpoint::default()
    }
}

fn slice_ports(ports: &[Port]) -> Vec<EndpointPort> {
    let port = |p: &Port| EndpointPort {
        name: Some(p.name.clone()),
        port: Some(p.port),
        protocol: Some(p.protocol.clone()),
        app_protocol: p.app_protocol.clone(),
    };
    ports.iter().map(port).collect()
}

/// Groups of endpoints with equal ports; a Service without endpoints has one empty group.
fn groups(service: &Service, all: &[Arc<Pod>], nodes: &Informer<Node>) -> BTreeMap<Vec<Port>, Vec<Endpoint>> {
    let mut groups: BTreeMap<Vec<Port>, Vec<Endpoint>> = BTreeMap::new();
    for pod in all.iter().filter(|p| selects(service, p) && belongs(p, true)) {
        let node = nodes.get(pods::node(pod));
        groups.entry(resolve(service, pod)).or_default().push(endpoint(service, pod, node.as_deref()));
    }
    if groups.is_empty() {
        groups.insert(Vec::new(), Vec::new());
    }
    groups
}

impl Reconcile for Controller {
    async fn reconcile(&self, key: &str) -> Outcome {
        // Slices of a Service that is gone go with it, by their owner reference.
        let Some(service) = self.services.get(key) else { return Ok(()) };
        let external = service.spec.as_ref().and_then(|s| s.type_.as_deref()) == Some("ExternalName");
        if selector(&service).is_none() || service.deleting() || external {
            return Ok(());
        }
        let all = self.pods.list_in(service.ns());
        let at = trigger_time(&service, all.iter().filter(|p| selects(&service, p)));
        let mut labels = service.label_map().clone();
        labels.insert(SERVICE_NAME.to_owned(), service.name().to_owned());
        labels.insert(MANAGED_BY.0.to_owned(), MANAGED_BY.1.to_owned());
        if service.spec.as_ref().and_then(|s| s.cluster_ip.as_deref()) == Some("None") {
            labels.insert(HEADLESS.to_owned(), String::new());
        } else {
            labels.remove(HEADLESS);
        }
        let own = |s: &Arc<EndpointSlice>| {
            s.label(SERVICE_NAME) == Some(service.name()) && s.label(MANAGED_BY.0) == Some(MANAGED_BY.1) && !s.deleting()
        };
        let mut existing: Vec<_> = self.slices.list_in(service.ns()).into_iter().filter(own).collect();
        for (ports, endpoints) in groups(&service, &all, &self.nodes) {
            let ports = Some(slice_ports(&ports)).filter(|p| !p.is_empty());
            let mut left = endpoints;
            // Slices with these ports keep the endpoints they have, then take new ones: fewest writes.
            let (mut with_ports, others): (Vec<_>, Vec<_>) =
                existing.into_iter().partition(|s| s.ports.clone().filter(|p| !p.is_empty()) == ports);
            existing = others;
            if with_ports.is_empty() && !existing.is_empty() && existing.iter().all(|s| s.endpoints.is_empty()) {
                with_ports.push(existing.remove(0));
            }
            let needed = left.len().div_ceil(MAX_PER_SLICE).max(1);
            let surplus = with_ports.split_off(with_ports.len().min(needed));
            existing.extend(surplus);
            let mut targets: Vec<Option<Arc<EndpointSlice>>> = with_ports.into_iter().map(Some).collect();
            targets.resize(needed, None);
            for slice in targets {
                let (mut keep, mut rest): (Vec<_>, Vec<_>) = (Vec::new(), Vec::new());
                for e in left {
                    let is_here = slice.as_ref().is_some_and(|s| s.endpoints.iter().any(|o| o.target_ref == e.target_ref));
                    if is_here && keep.len() < MAX_PER_SLICE { keep.push(e) } else { rest.push(e) }
                }
                let room = MAX_PER_SLICE - keep.len();
                keep.extend(rest.drain(..room.min(rest.len())));
                left = rest;
                self.write(&service, slice, &labels, ports.clone(), keep, at).await?;
            }
        }
        for slice in existing {
            self.kit.delete(&*slice).await?;
        }
        Ok(())
    }
}

impl Controller {
    async fn write(
        &self,
        service: &Service,
        slice: Option<Arc<EndpointSlice>>,
        labels: &BTreeMap<String, String>,
        ports: Option<Vec<EndpointPort>>,
        mut endpoints: Vec<Endpoint>,
        at: jiff::Timestamp,
    ) -> Outcome {
        let annotations = BTreeMap::from([(TRIGGER_TIME.to_owned(), format!("{at:.0}"))]);
        let Some(slice) = slice else {
            let created = EndpointSlice {
                metadata: ObjectMeta {
                    generate_name: Some(format!("{}-", service.name())),
                    namespace: service.metadata.namespace.clone(),
                    labels: Some(labels.clone()),
                    annotations: Some(annotations),
                    owner_references: Some(vec![controller_of(service)]),
                    ..ObjectMeta::default()
                },
                address_type: "IPv4".to_owned(),
                endpoints,
                ports,
            };
            return match self.kit.create(&created).await {
                Ok(_) => Ok(()),
                Err(error) if namespace_terminating(&error) => Ok(()),
                Err(error) => Err(error.into()),
            };
        };
        // Endpoints keep their places, so that a change of one does not shuffle all.
        endpoints.sort_by_key(|e| slice.endpoints.iter().position(|o| o.target_ref == e.target_ref).unwrap_or(usize::MAX));
        let same_ports = slice.ports.clone().filter(|p| !p.is_empty()) == ports;
        if slice.endpoints == endpoints && same_ports && slice.label_map() == labels {
            return Ok(());
        }
        let mut changed = EndpointSlice::clone(&slice);
        changed.metadata.labels = Some(labels.clone());
        changed.metadata.annotations.get_or_insert_default().extend(annotations);
        changed.endpoints = endpoints;
        changed.ports = ports;
        self.kit.replace(&changed).await?;
        Ok(())
    }
}
