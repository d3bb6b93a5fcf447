//! endpointslice-mirroring-controller: Endpoints that people write for a Service without selector become slices.

use std::collections::BTreeMap;
use std::sync::Arc;

use k8s_openapi::api::core::v1::{EndpointAddress, Endpoints, Service};
use k8s_openapi::api::discovery::v1::{Endpoint, EndpointConditions, EndpointPort, EndpointSlice};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::watch::selector;
use crate::machinery::errors::namespace_terminating;
use crate::machinery::kit::Reconcile;
use crate::machinery::object::controller_of;
use crate::machinery::{Informer, Kit, Meta, Outcome};

const SERVICE_NAME: &str = "kubernetes.io/service-name";
const MANAGED_BY: (&str, &str) = ("endpointslice.kubernetes.io/managed-by", "endpointslicemirroring-controller.k8s.io");
const SKIP: &str = "endpointslice.kubernetes.io/skip-mirror";
const LEADER: &str = "control-plane.alpha.kubernetes.io/leader";

struct Controller {
    kit: Kit,
    endpoints: Arc<Informer<Endpoints>>,
    services: Arc<Informer<Service>>,
    slices: Arc<Informer<EndpointSlice>>,
}

/// Runs the controller.
pub async fn run(kit: Kit) {
    let queue = kit.queue("endpointslice_mirroring");
    let this = Controller { endpoints: kit.informer(), services: kit.informer(), slices: kit.informer(), kit: kit.clone() };
    let add = queue.clone();
    this.endpoints.subscribe(move |change| {
        if let Some(endpoints) = change.any() {
            add.add(endpoints.key());
        }
    });
    let add = queue.clone();
    this.services.subscribe(move |change| {
        if let Some(service) = change.any() {
            add.add(service.key());
        }
    });
    let add = queue.clone();
    this.slices.subscribe(move |change| {
        if let Some(slice) = change.any().filter(|s| s.label(MANAGED_BY.0) == Some(MANAGED_BY.1))
            && let Some(service) = slice.label(SERVICE_NAME)
        {
            add.add(format!("{}/{service}", slice.ns()));
        }
    });
    kit.work(&queue, &[&*this.endpoints, &*this.services, &*this.slices], &this).await;
}

fn endpoint(address: &EndpointAddress, ready: bool) -> Endpoint {
    Endpoint {
        addresses: vec![address.ip.clone()],
        conditions: Some(EndpointConditions { ready: Some(ready), ..EndpointConditions::default() }),
        hostname: address.hostname.clone(),
        node_name: address.node_name.clone(),
        target_ref: address.target_ref.clone(),
        ..Endpoint::default()
    }
}

/// One slice per subset: its ports and all its addresses.
fn mirror(endpoints: &Endpoints) -> Vec<(Vec<EndpointPort>, Vec<Endpoint>)> {
    let subsets = endpoints.subsets.iter().flatten();
    subsets
        .map(|subset| {
            let port = |p: &k8s_openapi::api::core::v1::EndpointPort| EndpointPort {
                name: Some(p.name.clone().unwrap_or_default()),
                port: Some(p.port),
                protocol: Some(p.protocol.clone().unwrap_or_else(|| "TCP".to_owned())),
                app_protocol: p.app_protocol.clone(),
            };
            let ready = subset.addresses.iter().flatten().map(|a| endpoint(a, true));
            let all = ready.chain(subset.not_ready_addresses.iter().flatten().map(|a| endpoint(a, false))).collect();
            (subset.ports.iter().flatten().map(port).collect(), all)
        })
        .collect()
}

impl Reconcile for Controller {
    async fn reconcile(&self, key: &str) -> Outcome {
        let mirrored = |e: &Arc<Endpoints>| e.label(SKIP) != Some("true") && e.annotation(LEADER).is_none() && !e.deleting();
        let manual = self.services.get(key).is_some_and(|s| selector(&s).is_none());
        let endpoints = self.endpoints.get(key).filter(|e| manual && mirrored(e));
        let (namespace, name) = crate::machinery::split_key(key);
        let own =
            |s: &Arc<EndpointSlice>| s.label(SERVICE_NAME) == Some(name) && s.label(MANAGED_BY.0) == Some(MANAGED_BY.1) && !s.deleting();
        let mut existing: Vec<_> = self.slices.list_in(namespace).into_iter().filter(own).collect();
        for (ports, list) in endpoints.iter().flat_map(|e| mirror(e)) {
            let position = existing.iter().position(|s| s.ports.as_deref().unwrap_or_default() == ports);
            if let Some(slice) = position.map(|i| existing.remove(i)) {
                if slice.endpoints != list {
                    self.kit.replace(&EndpointSlice { endpoints: list, ..EndpointSlice::clone(&slice) }).await?;
                }
                continue;
            }
            let Some(owner) = &endpoints else { continue };
            let mut labels: BTreeMap<String, String> = owner.label_map().clone();
            labels.insert(SERVICE_NAME.to_owned(), name.to_owned());
            labels.insert(MANAGED_BY.0.to_owned(), MANAGED_BY.1.to_owned());
            let six = list.iter().flat_map(|e| &e.addresses).any(|a| a.contains(':'));
            let slice = EndpointSlice {
                metadata: ObjectMeta {
                    generate_name: Some(format!("{name}-")),
                    namespace: Some(namespace.to_owned()),
                    labels: Some(labels),
                    owner_references: Some(vec![controller_of(&**owner)]),
                    ..ObjectMeta::default()
                },
                address_type: if six { "IPv6" } else { "IPv4" }.to_owned(),
                endpoints: list,
                ports: (!ports.is_empty()).then_some(ports),
            };
            match self.kit.create(&slice).await {
                Err(error) if !namespace_terminating(&error) => return Err(error.into()),
                _ => {}
            }
        }
        for slice in existing {
            self.kit.delete(&*slice).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::mirror;
    use k8s_openapi::api::core::v1::Endpoints;
    use serde_json::json;

    #[test]
    fn each_subset_becomes_a_slice() {
        let endpoints: Endpoints = serde_json::from_value(json!({"subsets": [
            {"addresses": [{"ip": "10.0.0.1"}], "notReadyAddresses": [{"ip": "10.0.0.2"}], "ports": [{"port": 5432}]}]}))
        .unwrap();
        let slices = mirror(&endpoints);
        assert_eq!(slices.len(), 1);
        assert_eq!(slices[0].0[0].port, Some(5432));
        let ready: Vec<_> = slices[0].1.iter().map(|e| (e.addresses[0].as_str(), e.conditions.as_ref().unwrap().ready)).collect();
        assert_eq!(ready, [("10.0.0.1", Some(true)), ("10.0.0.2", Some(false))]);
    }
}
