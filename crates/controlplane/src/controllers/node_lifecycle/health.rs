//! The decision about one node's health (`Controller.tryUpdateNodeHealth`), as a pure function.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{Node, NodeCondition};
use serde::{Deserialize, Serialize};

use crate::machinery::Meta;
use crate::machinery::object::time;

/// The Ready condition as it was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadySeen {
    /// `True`, `False` or `Unknown`.
    pub status: String,
    /// `lastHeartbeatTime`.
    pub heartbeat: Option<Timestamp>,
    /// `lastTransitionTime`.
    pub transition: Option<Timestamp>,
}

/// When a node was last heard of. Times are those of the observer, as clocks of nodes are not trusted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeHealth {
    /// Ready condition at the last look; none if the node had none.
    pub ready: Option<ReadySeen>,
    /// When status or lease were last seen to change.
    pub probe: Timestamp,
    /// When the Ready condition was last seen to change.
    pub ready_transition: Timestamp,
    /// `renewTime` of the lease at the last look.
    pub lease_renewed: Option<Timestamp>,
}

/// Outcome of a look at a node.
#[derive(Clone, Debug)]
pub struct Observation {
    /// What to remember.
    pub health: NodeHealth,
    /// Status of the Ready condition as the node reported it (`Unknown` when it never did).
    pub observed: String,
    /// Status of the Ready condition as it stands after this look.
    pub current: Option<String>,
    /// Conditions to write, if the node must be marked.
    pub write: Option<Vec<NodeCondition>>,
}

/// The conditions that the kubelet owns; `NetworkUnavailable` is managed on the control plane and left alone.
const OWNED: [&str; 4] = ["Ready", "MemoryPressure", "DiskPressure", "PIDPressure"];

/// One condition of a node.
pub fn condition<'a>(node: &'a Node, kind: &str) -> Option<&'a NodeCondition> {
    node.status.as_ref()?.conditions.as_ref()?.iter().find(|c| c.type_ == kind)
}

fn seen(condition: &NodeCondition) -> ReadySeen {
    ReadySeen {
        status: condition.status.clone(),
        heartbeat: condition.last_heartbeat_time.as_ref().map(|t| t.0),
        transition: condition.last_transition_time.as_ref().map(|t| t.0),
    }
}

/// Looks at a node, given what was remembered of it.
pub fn observe(
    node: &Node,
    lease: Option<&Lease>,
    saved: Option<&NodeHealth>,
    now: Timestamp,
    grace: Duration,
    startup_grace: Duration,
) -> Observation {
    let current = condition(node, "Ready").map(seen);
    let observed = current.as_ref().map_or_else(|| "Unknown".to_owned(), |c| c.status.clone());
    let fresh = |ready: Option<ReadySeen>| NodeHealth { ready, probe: now, ready_transition: now, lease_renewed: None };
    let mut health = match (saved, &current) {
        // Never reported: the grace period counts from the node's creation.
        (None, None) => NodeHealth { ready: None, probe: node.created(), ready_transition: node.created(), lease_renewed: None },
        (None, Some(_)) => fresh(current.clone()),
        (Some(saved), now_ready) => match (&saved.ready, now_ready) {
            (None, None) => saved.clone(),
            (None, Some(_)) | (Some(_), None) => fresh(current.clone()),
            (Some(before), Some(after)) if before.heartbeat != after.heartbeat => NodeHealth {
                ready: current.clone(),
                probe: now,
                ready_transition: if before.transition == after.transition { saved.ready_transition } else { now },
                // Upstream starts a new record without its lease here, so the next look at the lease counts as a renewal.
                lease_renewed: None,
            },
            _ => saved.clone(),
        },
    };
    let renewed = lease.and_then(|l| l.spec.as_ref()?.renew_time.as_ref()).map(|t| t.0);
    if let Some(renewed) = renewed
        && health.lease_renewed.is_none_or(|before| before < renewed)
    {
        health.lease_renewed = Some(renewed);
        health.probe = now;
    }
    let allowed = if current.is_some() { grace } else { startup_grace };
    if now <= health.probe.checked_add(allowed).unwrap_or(Timestamp::MAX) {
        return Observation { health, observed, current: current.map(|c| c.status), write: None };
    }
    let mut conditions = node.status.as_ref().and_then(|s| s.conditions.clone()).unwrap_or_default();
    for kind in OWNED {
        match conditions.iter_mut().find(|c| c.type_ == kind) {
            None => conditions.push(NodeCondition {
                type_: kind.to_owned(),
                status: "Unknown".to_owned(),
                reason: Some("NodeStatusNeverUpdated".to_owned()),
                message: Some("Kubelet never posted node status.".to_owned()),
                last_heartbeat_time: node.metadata.creation_timestamp.clone(),
                last_transition_time: Some(time(now)),
            }),
            Some(found) if found.status != "Unknown" => {
                found.status = "Unknown".to_owned();
                found.reason = Some("NodeStatusUnknown".to_owned());
                found.message = Some("Kubelet stopped posting node status.".to_owned());
                found.last_transition_time = Some(time(now));
            }
            Some(_) => {}
        }
    }
    let ready_now = conditions.iter().find(|c| c.type_ == "Ready").map(seen);
    let changed = ready_now != current;
    if changed {
        health.ready = ready_now.clone();
        health.ready_transition = now;
    }
    Observation { health, observed, current: ready_now.map(|c| c.status), write: changed.then_some(conditions) }
}

#[cfg(test)]
mod tests {
    use super::{NodeHealth, observe};
    use jiff::{Timestamp, ToSpan};
    use k8s_openapi::api::coordination::v1::Lease;
    use k8s_openapi::api::core::v1::Node;
    use serde_json::json;
    use std::time::Duration;

    const GRACE: Duration = Duration::from_secs(50);
    const STARTUP: Duration = Duration::from_secs(60);

    fn at(seconds: i64) -> Timestamp {
        "2026-11-24T07:00:00Z".parse::<Timestamp>().unwrap() + seconds.seconds()
    }

    fn node(ready: Option<&str>) -> Node {
        let conditions = ready.map(|status| {
            json!([{"type": "Ready", "status": status, "reason": "KubeletReady", "lastHeartbeatTime": "2026-11-24T06:58:18Z",
                    "lastTransitionTime": "2026-11-24T06:58:18Z"}])
        });
        serde_json::from_value(
            json!({"metadata": {"name": "a", "creationTimestamp": "2026-11-24T07:00:00Z"}, "status": {"conditions": conditions}}),
        )
        .unwrap()
    }

    fn lease(renewed: Timestamp) -> Lease {
        serde_json::from_value(json!({"metadata": {"name": "a"}, "spec": {"renewTime": format!("{renewed:.6}")}})).unwrap()
    }

    fn health(probe: i64, lease_at: i64) -> NodeHealth {
        let mut health = observe(&node(Some("True")), Some(&lease(at(lease_at))), None, at(probe), GRACE, STARTUP).health;
        health.probe = at(probe);
        health
    }

    #[test]
    fn a_silent_node_is_unknown_only_after_the_grace_period() {
        let look = |seconds| observe(&node(Some("True")), Some(&lease(at(0))), Some(&health(0, 0)), at(seconds), GRACE, STARTUP);
        assert!(look(50).write.is_none());
        let late = look(51);
        assert_eq!((late.observed.as_str(), late.current.as_deref()), ("True", Some("Unknown")));
        let conditions = late.write.unwrap();
        assert_eq!(conditions.len(), 4);
        assert_eq!(conditions[0].reason.as_deref(), Some("NodeStatusUnknown"));
        assert_eq!(conditions[0].message.as_deref(), Some("Kubelet stopped posting node status."));
        assert_eq!(conditions[1].reason.as_deref(), Some("NodeStatusNeverUpdated"));
    }

    #[test]
    fn a_renewed_lease_keeps_a_node_alive_whatever_its_own_clock_says() {
        let seen = observe(&node(Some("True")), Some(&lease(at(-5000))), Some(&health(0, -6000)), at(100), GRACE, STARTUP);
        assert_eq!((seen.write.is_none(), seen.health.probe), (true, at(100)));
    }

    #[test]
    fn a_node_that_never_reported_has_its_startup_grace() {
        assert!(observe(&node(None), None, None, at(60), GRACE, STARTUP).write.is_none());
        let late = observe(&node(None), None, None, at(61), GRACE, STARTUP);
        assert_eq!(late.write.unwrap()[0].reason.as_deref(), Some("NodeStatusNeverUpdated"));
    }

    #[test]
    fn an_unknown_node_is_not_written_again() {
        let mut known = health(0, 0);
        known.ready.as_mut().unwrap().status = "Unknown".to_owned();
        assert!(observe(&node(Some("Unknown")), Some(&lease(at(0))), Some(&known), at(500), GRACE, STARTUP).write.is_none());
    }
}
