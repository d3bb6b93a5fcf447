//! certificatesigningrequest-approving-controller (`approver/sarapprove.go`).

use std::sync::Arc;

use k8s_openapi::api::authorization::v1::{ResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec};
use k8s_openapi::api::certificates::v1::CertificateSigningRequest;

use super::request::{KUBELET_CLIENT, condition, has, subject};
use crate::machinery::kit::Reconcile;
use crate::machinery::{Failure, Informer, Kit, Meta, Outcome};

struct Controller {
    kit: Kit,
    requests: Arc<Informer<CertificateSigningRequest>>,
}

/// Runs the controller.
pub async fn run(kit: Kit) {
    let queue = kit.queue("csr_approver");
    let this = Controller { requests: kit.informer(), kit: kit.clone() };
    let add = queue.clone();
    this.requests.subscribe(move |change| {
        if let Some(request) = change.new {
            add.add(request.name());
        }
    });
    kit.work(&queue, &[&*this.requests], &this).await;
}

/// What a kubelet's request is: for itself, or for a node to come.
fn kind(request: &CertificateSigningRequest) -> Option<(&'static str, &'static str)> {
    let subject = subject(request)?;
    let usages: Vec<&str> = request.spec.usages.iter().flatten().map(String::as_str).collect();
    let allowed =
        usages.contains(&"client auth") && usages.iter().all(|u| matches!(*u, "client auth" | "digital signature" | "key encipherment"));
    let of_node = subject.organizations == ["system:nodes"] && subject.name.starts_with("system:node:") && !subject.has_names;
    if request.spec.signer_name != KUBELET_CLIENT || !allowed || !of_node {
        return None;
    }
    Some(if request.spec.username.as_deref() == Some(&subject.name) {
        ("selfnodeclient", "Auto approving self kubelet client certificate after SubjectAccessReview.")
    } else {
        ("nodeclient", "Auto approving kubelet client certificate after SubjectAccessReview.")
    })
}

impl Reconcile for Controller {
    async fn reconcile(&self, name: &str) -> Outcome {
        let Some(request) = self.requests.get(name) else { return Ok(()) };
        let decided =
            has(&request, "Approved") || has(&request, "Denied") || request.status.as_ref().is_some_and(|s| s.certificate.is_some());
        let Some((subresource, message)) = kind(&request).filter(|_| !decided) else { return Ok(()) };
        let review = SubjectAccessReview {
            spec: SubjectAccessReviewSpec {
                user: request.spec.username.clone(),
                uid: request.spec.uid.clone(),
                groups: request.spec.groups.clone(),
                extra: request.spec.extra.clone(),
                resource_attributes: Some(ResourceAttributes {
                    group: Some("certificates.k8s.io".to_owned()),
                    resource: Some("certificatesigningrequests".to_owned()),
                    verb: Some("create".to_owned()),
                    version: Some("*".to_owned()),
                    subresource: Some(subresource.to_owned()),
                    ..ResourceAttributes::default()
                }),
                ..SubjectAccessReviewSpec::default()
            },
            ..SubjectAccessReview::default()
        };
        let answer: SubjectAccessReview = self.kit.rest.create(&review).await?;
        if !answer.status.is_some_and(|s| s.allowed) {
            return Err(Failure::Other(format!("recognized csr {name:?} as [{subresource}] but subject access review was not approved")));
        }
        let mut changed = CertificateSigningRequest::clone(&request);
        let approved = condition("Approved", "AutoApproved", message.to_owned(), self.kit.clock.now());
        changed.status.get_or_insert_default().conditions.get_or_insert_default().push(approved);
        let approved = self.kit.rest.replace_subresource(&changed, "approval").await?;
        self.requests.saw(&approved).await;
        Ok(())
    }
}
