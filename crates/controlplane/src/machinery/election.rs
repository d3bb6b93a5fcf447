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
    lease: Lease,
    at: Timestamp,
}

impl Observed {
    fn spec(&self) -> Option<&LeaseSpec> {
        self.lease.spec.as_ref()
    }

    /// Somebody's, for as long as it says since we saw it.
    fn is_valid(&self, clock: Clock) -> bool {
        let seconds = self.spec().and_then(|spec| spec.lease_duration_seconds).unwrap_or(0);
        clock.since(self.at) < Duration::from_secs(u64::try_from(seconds).unwrap_or(0))
    }

    fn holder(&self) -> &str {
        self.spec().and_then(|spec| spec.holder_identity.as_deref()).unwrap_or_default()
    }
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
        // The leader takes it that nobody has touched its lease since, and looks only when that was wrong.
        if let Some(own) = observed.as_ref().filter(|seen| seen.holder() == self.identity && seen.is_valid(self.clock)) {
            match self.rest.replace(&renewed(own.lease.clone(), &ours)).await {
                Ok(lease) => {
                    *observed = Some(Observed { lease, at: now });
                    return true;
                }
                Err(error) => self.failed("Failed to update lease optimistically, falling back to slow path", &error),
            };
        }
        let (namespace, name) = (&self.options.namespace, &self.options.name);
        let lease = match self.rest.get::<Lease>(namespace, name).await {
            Ok(lease) => lease,
            Err(error) if not_found(&error) => {
                let metadata = ObjectMeta { name: Some(name.clone()), namespace: Some(namespace.clone()), ..ObjectMeta::default() };
                return match self.rest.create(&Lease { metadata, spec: Some(ours) }).await {
                    Ok(lease) => {
                        *observed = Some(Observed { lease, at: now });
                        true
                    }
                    Err(error) => self.failed("Failed to create lease", &error),
                };
            }
            Err(error) => return self.failed("Error retrieving lease lock", &error),
        };
        let at = observed.as_ref().filter(|seen| seen.lease.spec == lease.spec).map_or(now, |seen| seen.at);
        let seen = observed.insert(Observed { lease, at });
        let is_ours = seen.holder() == self.identity;
        if !seen.holder().is_empty() && !is_ours && seen.is_valid(self.clock) {
            return false;
        }
        let lease = if is_ours {
            renewed(seen.lease.clone(), &ours)
        } else {
            let transitions = seen.spec().and_then(|spec| spec.lease_transitions).unwrap_or(0);
            Lease { spec: Some(LeaseSpec { lease_transitions: Some(transitions + 1), ..ours }), ..seen.lease.clone() }
        };
        match self.rest.replace(&lease).await {
            Ok(lease) => {
                *observed = Some(Observed { lease, at: now });
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

/// A lease that its holder keeps: since when it has it, and how often it changed hands, stay as they are.
fn renewed(mut lease: Lease, ours: &LeaseSpec) -> Lease {
    let old = lease.spec.take().unwrap_or_default();
    lease.spec = Some(LeaseSpec { acquire_time: old.acquire_time, lease_transitions: old.lease_transitions, ..ours.clone() });
    lease
}
