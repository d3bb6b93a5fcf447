//! root-ca-certificate-publisher-controller: every namespace has the ConfigMap `kube-root-ca.crt`.

use std::collections::BTreeMap;
use std::sync::Arc;

use k8s_openapi::api::core::v1::{ConfigMap, Namespace};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::service_account::is_active;
use crate::machinery::errors::{already_exists, namespace_terminating};
use crate::machinery::kit::Reconcile;
use crate::machinery::{Informer, Kit, Meta, Outcome};

const NAME: &str = "kube-root-ca.crt";

struct Controller {
    kit: Kit,
    certificate: String,
    namespaces: Arc<Informer<Namespace>>,
    maps: Arc<Informer<ConfigMap>>,
}

/// Runs the controller, if there is a root CA (`--root-ca-file`).
pub async fn run(kit: Kit) {
    let Some(certificate) = kit.options.root_ca_pem.clone() else { return };
    let queue = kit.queue("root_ca");
    let this = Controller { certificate, namespaces: kit.informer(), maps: kit.informer(), kit: kit.clone() };
    let add = queue.clone();
    this.namespaces.subscribe(move |change| {
        if let Some(namespace) = change.new {
            add.add(namespace.name());
        }
    });
    let add = queue.clone();
    this.maps.subscribe(move |change| {
        if let Some(map) = change.any().filter(|m| m.name() == NAME) {
            add.add(map.ns());
        }
    });
    kit.work(&queue, &[&*this.namespaces, &*this.maps], &this).await;
}

impl Reconcile for Controller {
    async fn reconcile(&self, name: &str) -> Outcome {
        if !self.namespaces.get(name).is_some_and(|n| is_active(&n)) {
            return Ok(());
        }
        let data = BTreeMap::from([("ca.crt".to_owned(), self.certificate.clone())]);
        // What the map is for, so that people leave it alone (publisher.go).
        let description = "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal \
                           service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.";
        let annotations = BTreeMap::from([("kubernetes.io/description".to_owned(), description.to_owned())]);
        let result = match self.maps.get(&format!("{name}/{NAME}")) {
            None => {
                let metadata = ObjectMeta {
                    name: Some(NAME.to_owned()),
                    namespace: Some(name.to_owned()),
                    annotations: Some(annotations),
                    ..ObjectMeta::default()
                };
                self.kit.create(&ConfigMap { metadata, data: Some(data), ..ConfigMap::default() }).await
            }
            Some(map) if map.data.as_ref() != Some(&data) || map.annotation("kubernetes.io/description") != Some(description) => {
                let mut changed = ConfigMap::clone(&map);
                changed.data = Some(data);
                changed.metadata.annotations = Some(annotations);
                self.kit.replace(&changed).await
            }
            Some(_) => return Ok(()),
        };
        match result {
            Err(error) if !already_exists(&error) && !namespace_terminating(&error) => Err(error.into()),
            _ => Ok(()),
        }
    }
}
