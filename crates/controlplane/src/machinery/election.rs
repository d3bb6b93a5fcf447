//! Leader election by a Lease (client-go, `tools/leaderelection`).

use std::time::Duration;

use component::{Clock, Klog};
use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};

use super::errors::{conflict, not_found, text};
use super::events::{EventType, Recorder};
use super::rest::Rest;
use crate::options::LeaderElection;

/// Holds a lease in the name of one process.
pub struct Elector {
    /// Time.
    pub clock: Clock,
    /// Requests.
    pub rest: Rest,
    /// Log.
    pub log: Klog,
    /// Says that this process became the leader.
    pub recorder: Recorder,
    /// Durations and the lease's name.
    pub options: LeaderElection,
    /// Who we are.
    pub identity: String,
}

/// The lease as somebody wrote it, and when we saw that.
struct Observed {
    spec: LeaseSpec,
    at: Timestamp,
}

impl Elector {
    fn lock_name(&self) -> String {
        format!("{}/{}", self.options.namespace, self.options.name)
    }

    /// Waits until the lease is ours. A process that already led (it goes on in a fork) says nothing about it.
    pub async fn acquire(&self, already_led: bool) {
        if !already_led {
            self.log.info("leaderelection.go:258", "Attempting to acquire leader lease...", &[("lock", (&self.lock_name()).into())]);
        }
        let mut observed = None;
        while !self.attempt(&mut observed).await {
            tokio::time::sleep(self.options.retry_period).await;
        }
        if already_led {
            return;
        }
        self.log.info("leaderelection.go:272", "Successfully acquired lease", &[("lock", (&self.lock_name()).into())]);
        let lease = ObjectReference {
            api_version: Some("coordination.k8s.io/v1".to_owned()),
            kind: Some("Lease".to_owned()),
            namespace: Some(self.options.namespace.clone()),
            name: Some(self.options.name.clone()),
            ..ObjectReference::default()
        };
        self.recorder.about(lease, EventType::Normal, "LeaderElection", format!("{} became leader", self.identity));
    }

    /// Renews the lease until that fails for the renew deadline.
    pub async fn renew_until_lost(&self) {
        let mut observed = None;
        let mut good_until = self.deadline();
        loop {
            tokio::time::sleep(self.options.retry_period).await;
            let renewed = tokio::time::timeout_at(good_until, self.attempt(&mut observed)).await.unwrap_or(false);
            if renewed {
                good_until = self.deadline();
            } else if tokio::time::Instant::now() + self.options.retry_period > good_until {
                self.log.info(
                    "leaderelection.go:298",
                    "Failed to renew lease",
                    &[("lock", (&self.lock_name()).into()), ("err", "context deadline exceeded".into())],
                );
                return;
            }
        }
    }

    fn deadline(&self) -> tokio::time::Instant {
        tokio::time::Instant::now() + self.options.renew_deadline
    }

    /// Gets or renews the lease; whether it is ours now (`tryAcquireOrRenew`).
    async fn attempt(&self, observed: &mut Option<Observed>) -> bool {
        let now = self.clock.now();
        let ours = LeaseSpec {
            holder_identity: Some(self.identity.clone()),
            lease_duration_seconds: i32::try_from(self.options.lease_duration.as_secs()).ok(),
            acquire_time: Some(MicroTime(now)),
            renew_time: Some(MicroTime(now)),
            lease_transitions: Some(0),
            ..LeaseSpec::default()
        };
        let (namespace, name) = (&self.options.namespace, &self.options.name);
        let mut lease = match self.rest.get::<Lease>(namespace, name).await {
            Ok(lease) => lease,
            Err(error) if not_found(&error) => {
                let metadata = ObjectMeta { name: Some(name.clone()), namespace: Some(namespace.clone()), ..ObjectMeta::default() };
                return match self.rest.create(&Lease { metadata, spec: Some(ours) }).await {
                    Ok(_) => true,
                    Err(error) => self.failed("Failed to create lease", &error),
                };
            }
            Err(error) => return self.failed("Error retrieving lease lock", &error),
        };
        let theirs = lease.spec.clone().unwrap_or_default();
        if observed.as_ref().is_none_or(|o| o.spec != theirs) {
            *observed = Some(Observed { spec: theirs.clone(), at: now });
        }
        let holder = theirs.holder_identity.as_deref().unwrap_or_default();
        let is_ours = holder == self.identity;
        let seen = observed.as_ref().map_or(now, |o| o.at);
        let valid_for = Duration::from_secs(u64::try_from(theirs.lease_duration_seconds.unwrap_or(0)).unwrap_or(0));
        if !holder.is_empty() && !is_ours && self.clock.since(seen) < valid_for {
            return false;
        }
        let transitions = theirs.lease_transitions.unwrap_or(0);
        lease.spec = Some(LeaseSpec {
            acquire_time: if is_ours { theirs.acquire_time.clone() } else { ours.acquire_time.clone() },
            lease_transitions: Some(if is_ours { transitions } else { transitions + 1 }),
            ..ours
        });
        match self.rest.replace(&lease).await {
            Ok(lease) => {
                *observed = Some(Observed { spec: lease.spec.unwrap_or_default(), at: now });
                true
            }
            Err(error) if conflict(&error) => false,
            Err(error) => self.failed("Failed to update lease", &error),
        }
    }

    fn failed(&self, what: &str, error: &kube::Error) -> bool {
        self.log.error("leaderelection.go:441", &text(error), what, &[("lock", (&self.lock_name()).into())]);
        false
    }
}
