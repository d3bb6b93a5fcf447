//! serviceaccount-controller: every active namespace has the account `default`.

use std::sync::Arc;

use k8s_openapi::api::core::v1::{Namespace, ServiceAccount};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use crate::machinery::errors::{already_exists, namespace_terminating};
use crate::machinery::kit::Reconcile;
use crate::machinery::{Informer, Kit, Meta, Outcome};

struct Controller {
    kit: Kit,
    namespaces: Arc<Informer<Namespace>>,
    accounts: Arc<Informer<ServiceAccount>>,
}

/// Runs the controller.
pub async fn run(kit: Kit) {
    let queue = kit.queue("serviceaccount");
    let this = Controller { namespaces: kit.informer(), accounts: kit.informer(), kit: kit.clone() };
    let add = queue.clone();
    this.namespaces.subscribe(move |change| {
        if let Some(namespace) = change.new {
            add.add(namespace.name());
        }
    });
    let add = queue.clone();
    this.accounts.subscribe(move |change| {
        if let (Some(old), None) = (change.old, change.new)
            && old.name() == "default"
        {
            add.add(old.ns());
        }
    });
    kit.work(&queue, &[&*this.namespaces, &*this.accounts], &this).await;
}

/// Whether objects may be created in a namespace.
pub fn is_active(namespace: &Namespace) -> bool {
    !namespace.deleting() && namespace.status.as_ref().and_then(|s| s.phase.as_deref()) != Some("Terminating")
}

impl Reconcile for Controller {
    async fn reconcile(&self, name: &str) -> Outcome {
        let active = self.namespaces.get(name).is_some_and(|n| is_active(&n));
        if !active || self.accounts.get(&format!("{name}/default")).is_some() {
            return Ok(());
        }
        let metadata = ObjectMeta { name: Some("default".to_owned()), namespace: Some(name.to_owned()), ..ObjectMeta::default() };
        match self.kit.create(&ServiceAccount { metadata, ..ServiceAccount::default() }).await {
            Ok(_) => Ok(()),
            Err(error) if already_exists(&error) || namespace_terminating(&error) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}
