//! certificatesigningrequest-cleaner-controller: requests do not stay for ever.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::certificates::v1::CertificateSigningRequest;

use super::request::has;
use crate::machinery::kit::Reconcile;
use crate::machinery::{Informer, Kit, Meta, Outcome, Queue};

/// `approvedExpiration`, `deniedExpiration`, `pendingExpiration`.
const DECIDED: SignedDuration = SignedDuration::from_hours(1);
const PENDING: SignedDuration = SignedDuration::from_hours(24);

struct Controller {
    kit: Kit,
    requests: Arc<Informer<CertificateSigningRequest>>,
    queue: Arc<Queue>,
}

/// Runs the controller.
pub async fn run(kit: Kit) {
    let queue = kit.queue("csr_cleaner");
    let this = Controller { requests: kit.informer(), queue: queue.clone(), kit: kit.clone() };
    let add = queue.clone();
    this.requests.subscribe(move |change| {
        if let Some(request) = change.new {
            add.add(request.name());
        }
    });
    kit.work(&queue, &[&*this.requests], &this).await;
}

/// When a request's time is over.
fn expiry(request: &CertificateSigningRequest) -> Option<Timestamp> {
    let conditions = request.status.iter().flat_map(|s| s.conditions.iter().flatten());
    let decided = conditions
        .filter(|c| matches!(c.type_.as_str(), "Approved" | "Denied" | "Failed"))
        .filter_map(|c| c.last_update_time.as_ref())
        .map(|t| t.0)
        .min();
    let issued = request.status.as_ref().is_some_and(|s| s.certificate.is_some());
    match decided {
        Some(at) if issued || has(request, "Denied") || has(request, "Failed") => at.checked_add(DECIDED).ok(),
        // Approved, but nobody signs.
        Some(_) | None => request.created().checked_add(PENDING).ok(),
    }
}

impl Reconcile for Controller {
    async fn reconcile(&self, name: &str) -> Outcome {
        let Some(request) = self.requests.get(name) else { return Ok(()) };
        let Some(at) = expiry(&request) else { return Ok(()) };
        if at > self.kit.clock.now() {
            self.queue.add_after(name, Duration::try_from(at.duration_since(self.kit.clock.now())).unwrap_or_default());
            return Ok(());
        }
        self.kit.delete(&*request).await?;
        Ok(())
    }
}
