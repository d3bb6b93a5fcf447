//! The loops: a look at every node each `--node-monitor-period`, and a reaction to each change of a node.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join3;
use imbl::{OrdMap, OrdSet};
use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{Node, ObjectReference, Pod};
use serde::{Deserialize, Serialize};

use super::health::{NodeHealth, condition, observe};
use super::taints::{self, NOT_READY, UNREACHABLE};
use super::zones::{Zone, ZoneState, rate_of, state_of, zone_of};
use super::{labels, pods as node_pods};
use crate::machinery::events::EventType;
use crate::machinery::kit::{Reconcile, Synced};
use crate::machinery::{Informer, Kit, Meta, Outcome, Recorder, pods};

/// What the controller knows of nodes and no object says.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct NodeMemory {
    /// Nodes registered, with their uids.
    pub known: OrdMap<String, String>,
    /// When each was last heard of.
    pub health: OrdMap<String, NodeHealth>,
    /// Zones and their limiters.
    pub zones: OrdMap<String, Zone>,
    /// Nodes whose pods could not all be marked.
    pub unmarked: OrdSet<String>,
}

/// `scheduler.NodeHealthUpdateRetry` and `retrySleepTime` of the upstream controller.
const RETRIES: u32 = 5;
const RETRY_SLEEP: Duration = Duration::from_millis(20);
/// `scheduler.NodeEvictionPeriod`.
const TAINTING_PERIOD: Duration = Duration::from_millis(100);

struct Controller {
    kit: Kit,
    recorder: Recorder,
    nodes: Arc<Informer<Node>>,
    pods: Arc<Informer<Pod>>,
    leases: Arc<Informer<Lease>>,
}

/// Runs the controller.
pub async fn run(kit: Kit) {
    let this = Controller {
        recorder: kit.recorder("node-controller"),
        nodes: kit.informer(),
        pods: kit.informer(),
        leases: kit.informer(),
        kit: kit.clone(),
    };
    let (nodes, pods) = (kit.queue("node_lifecycle_nodes"), kit.queue("node_lifecycle_pods"));
    let queue = nodes.clone();
    this.nodes.subscribe(move |change| {
        if let Some(node) = change.new {
            queue.add(node.name());
        }
    });
    let queue = pods.clone();
    this.pods.subscribe(move |change| {
        if let Some(pod) = change.new
            && !pods::node(pod).is_empty()
            && change.old.is_none_or(|old| pods::node(old) != pods::node(pod))
        {
            queue.add(pod.key());
        }
    });
    let (node_changed, pod_assigned) = (NodeChanged(&this), PodAssigned(&this));
    let (node_caches, pod_caches): ([&dyn Synced; 1], [&dyn Synced; 2]) = ([&*this.nodes], [&*this.nodes, &*this.pods]);
    let react = kit.work(&nodes, &node_caches, &node_changed);
    let assigned = kit.work(&pods, &pod_caches, &pod_assigned);
    join3(this.monitor(), react, assigned).await;
}

struct NodeChanged<'a>(&'a Controller);

impl Reconcile for NodeChanged<'_> {
    async fn reconcile(&self, name: &str) -> Outcome {
        let this = self.0;
        let Some(node) = this.nodes.get(name) else { return Ok(()) };
        let (add, remove) = taints::no_schedule_changes(&node);
        if !add.is_empty() || !remove.is_empty() {
            taints::swap(&this.kit, name, "NoSchedule", &add, &remove).await?;
        }
        if let Some(node) = this.nodes.get(name) {
            labels::reconcile(&this.kit, &node).await?;
        }
        Ok(())
    }
}

struct PodAssigned<'a>(&'a Controller);

impl Reconcile for PodAssigned<'_> {
    async fn reconcile(&self, key: &str) -> Outcome {
        let this = self.0;
        let Some(pod) = this.pods.get(key) else { return Ok(()) };
        let name = pods::node(&pod);
        let ready = this.kit.memory.read(|m| m.nodes.health.get(name).and_then(|h| h.ready.as_ref().map(|r| r.status.clone())));
        if this.nodes.get(name).is_some() && ready.is_some_and(|status| status != "True") {
            node_pods::mark_not_ready(&this.kit, &this.recorder, std::slice::from_ref(&pod), name).await?;
        }
        Ok(())
    }
}

impl Controller {
    async fn monitor(&self) {
        self.nodes.wait_synced().await;
        self.pods.wait_synced().await;
        self.leases.wait_synced().await;
        loop {
            self.look_at_all().await;
            let next_look = tokio::time::Instant::now() + self.kit.options.node_monitor_period;
            loop {
                self.taint_waiting().await;
                // Upstream ticks every 100 ms; we wake only when a limiter has a token for a node that waits.
                let next =
                    self.next_token().map_or(next_look, |wait| (tokio::time::Instant::now() + wait.max(TAINTING_PERIOD)).min(next_look));
                tokio::time::sleep_until(next).await;
                if next == next_look {
                    break;
                }
            }
        }
    }

    fn about(name: &str, uid: &str) -> ObjectReference {
        ObjectReference {
            api_version: Some("v1".to_owned()),
            kind: Some("Node".to_owned()),
            name: Some(name.to_owned()),
            uid: Some(uid.to_owned()),
            ..ObjectReference::default()
        }
    }

    fn event(&self, name: &str, uid: &str, reason: &str, event: &str) {
        self.recorder.about(Self::about(name, uid), EventType::Normal, reason, format!("Node {name} event: {event}"));
    }

    async fn look_at_all(&self) {
        let (nodes, now) = (self.nodes.list(), self.kit.clock.now());
        let known = self.kit.memory.read(|m| m.nodes.known.clone());
        for node in &nodes {
            let (name, uid) = (node.name(), node.uid());
            self.zone(node, now);
            if !known.contains_key(name) {
                self.event(name, uid, "RegisteredNode", &format!("Registered Node {name} in Controller"));
                self.kit.memory.write(|m| m.nodes.known.insert(name.to_owned(), uid.to_owned()));
                self.mark_reachable(node).await;
            }
        }
        for (name, uid) in &known {
            if self.nodes.get(name).is_none() {
                self.event(name, uid, "RemovingNode", &format!("Removing Node {name} from Controller"));
                self.kit.memory.write(|m| {
                    m.nodes.known.remove(name);
                    m.nodes.health.remove(name);
                    m.nodes.unmarked.remove(name);
                    m.nodes.zones =
                        m.nodes.zones.iter().map(|(k, z)| (k.clone(), Zone { waiting: z.waiting.without(name), ..z.clone() })).collect();
                });
            }
        }
        let mut zones: std::collections::BTreeMap<String, (usize, usize)> = std::collections::BTreeMap::new();
        for node in &nodes {
            let current = self.look_at(node).await;
            if node.label("node.kubernetes.io/exclude-disruption").is_none() {
                let counts = zones.entry(zone_of(node)).or_default();
                if current.as_deref() == Some("True") { counts.0 += 1 } else { counts.1 += 1 }
            }
        }
        self.handle_disruption(&zones, &nodes).await;
    }

    fn zone(&self, node: &Node, now: Timestamp) {
        let key = zone_of(node);
        if !self.kit.memory.read(|m| m.nodes.zones.contains_key(&key)) {
            let zone = Zone::new(self.kit.options.node_eviction_rate, now);
            self.kit.memory.write(|m| m.nodes.zones.insert(key, zone));
        }
    }

    /// Looks at one node; returns the status of its Ready condition as it stands now.
    async fn look_at(&self, node: &Arc<Node>) -> Option<String> {
        let options = &self.kit.options;
        let mut node = node.clone();
        let mut seen = None;
        for _ in 0..RETRIES {
            let name = node.name().to_owned();
            let lease = self.leases.get(&format!("kube-node-lease/{name}"));
            let saved = self.kit.memory.read(|m| m.nodes.health.get(&name).cloned());
            let (grace, startup) = (options.node_monitor_grace_period, options.node_startup_grace_period);
            let look = observe(&node, lease.as_deref(), saved.as_ref(), self.kit.clock.now(), grace, startup);
            if let Some(conditions) = &look.write {
                let mut changed = Node::clone(&node);
                changed.status.get_or_insert_default().conditions = Some(conditions.clone());
                if let Err(error) = self.kit.replace_status(&changed).await {
                    let text = crate::machinery::errors::text(&error);
                    self.kit.log.error("node_lifecycle_controller.go:981", &text, "Error updating node", &[("node", (&name).into())]);
                    tokio::time::sleep(RETRY_SLEEP).await;
                    match self.kit.rest.get::<Node>("", &name).await {
                        Ok(fresh) => node = Arc::new(fresh),
                        Err(_) => return None,
                    }
                    continue;
                }
            }
            self.kit.memory.write(|m| m.nodes.health.insert(name, look.health.clone()));
            seen = Some(look);
            break;
        }
        let look = seen?;
        let current = look.current.clone()?;
        let name = node.name().to_owned();
        // By the condition as it stands now: 1.35 taints a node in the same pass in which it finds it silent.
        self.taint_by_health(&node, &current).await;
        let unmarked = self.kit.memory.read(|m| m.nodes.unmarked.contains(&name));
        let fell = current != "True" && look.observed == "True";
        if fell {
            let message = format!("Node {name} status is now: NodeNotReady");
            self.recorder.about(Self::about(&name, node.uid()), EventType::Normal, "NodeNotReady", message);
        }
        if fell || (unmarked && look.observed != "True") {
            let result = node_pods::mark_not_ready(&self.kit, &self.recorder, &self.pods.list(), &name).await;
            self.kit.memory.write(|m| if result.is_err() { m.nodes.unmarked.insert(name) } else { m.nodes.unmarked.remove(&name) });
        } else if unmarked {
            self.kit.memory.write(|m| m.nodes.unmarked.remove(&name));
        }
        Some(current)
    }

    /// `processTaintBaseEviction`.
    async fn taint_by_health(&self, node: &Arc<Node>, ready: &str) {
        let (wanted, opposite) = match ready {
            "False" => (NOT_READY, UNREACHABLE),
            "Unknown" => (UNREACHABLE, NOT_READY),
            _ => {
                self.mark_reachable(node).await;
                return;
            }
        };
        let name = node.name();
        if taints::has(node, opposite, "NoExecute") {
            // A failure is tried again at the next look.
            let _ = taints::swap(&self.kit, name, "NoExecute", &[wanted], &[opposite]).await;
        } else if !taints::has(node, wanted, "NoExecute") {
            let now = self.kit.clock.now();
            self.kit.memory.write(|m| {
                if let Some(zone) = m.nodes.zones.get_mut(&zone_of(node)) {
                    zone.waiting.entry(name.to_owned()).or_insert(now);
                }
            });
        }
    }

    async fn mark_reachable(&self, node: &Arc<Node>) {
        if [UNREACHABLE, NOT_READY].iter().any(|key| taints::has(node, key, "NoExecute")) {
            let _ = taints::swap(&self.kit, node.name(), "NoExecute", &[], &[UNREACHABLE, NOT_READY]).await;
        }
        let zone = zone_of(node);
        if self.kit.memory.read(|m| m.nodes.zones.get(&zone).is_some_and(|z| z.waiting.contains_key(node.name()))) {
            self.kit.memory.write(|m| m.nodes.zones.get_mut(&zone).and_then(|z| z.waiting.remove(node.name())));
        }
    }

    /// `doNoExecuteTaintingPass`.
    async fn taint_waiting(&self) {
        let zones: Vec<String> = self.kit.memory.read(|m| m.nodes.zones.keys().cloned().collect());
        for key in zones {
            let now = self.kit.clock.now();
            while let Some(name) = self.kit.memory.write(|m| {
                let zone = m.nodes.zones.get_mut(&key)?;
                let name = zone.first()?;
                zone.take(now).then_some(name)
            }) {
                let done = match self.nodes.get(&name) {
                    None => true,
                    Some(node) => match condition(&node, "Ready").map(|c| c.status.as_str()) {
                        Some("False") => taints::swap(&self.kit, &name, "NoExecute", &[NOT_READY], &[UNREACHABLE]).await.is_ok(),
                        Some("Unknown") => taints::swap(&self.kit, &name, "NoExecute", &[UNREACHABLE], &[NOT_READY]).await.is_ok(),
                        _ => true,
                    },
                };
                if !done {
                    break;
                }
                self.kit.memory.write(|m| m.nodes.zones.get_mut(&key).and_then(|z| z.waiting.remove(&name)));
            }
        }
    }

    /// How long until a limiter grants the next of those that wait.
    fn next_token(&self) -> Option<Duration> {
        self.kit.memory.read(|m| {
            let waiting = m.nodes.zones.values().filter(|z| !z.waiting.is_empty() && z.rate > 0.0);
            waiting.map(|z| Duration::from_secs_f64(((1.0 - z.tokens) / z.rate).clamp(0.0, 3600.0))).min()
        })
    }

    /// `handleDisruption`.
    async fn handle_disruption(&self, counts: &std::collections::BTreeMap<String, (usize, usize)>, nodes: &[Arc<Node>]) {
        let (options, now) = (&self.kit.options, self.kit.clock.now());
        let state = |c: &(usize, usize)| state_of(c.0, c.1, options.unhealthy_zone_threshold);
        let all_down_now = counts.values().all(|c| state(c) == ZoneState::FullDisruption);
        let (all_down_before, changed) = self.kit.memory.write(|m| {
            m.nodes.zones =
                m.nodes.zones.iter().filter(|(key, _)| counts.contains_key(*key)).map(|(k, z)| (k.clone(), z.clone())).collect();
            let down = m.nodes.zones.values().all(|z| z.state == ZoneState::FullDisruption);
            let changed = m.nodes.zones.iter().any(|(k, z)| counts.get(k).map(state) != Some(z.state));
            (down, changed)
        });
        if all_down_now && all_down_before {
            return;
        }
        if all_down_now {
            self.kit.log.info(
                "node_lifecycle_controller.go:1045",
                "Controller detected that all Nodes are not-Ready. Entering master disruption mode",
                &[],
            );
            for node in nodes {
                self.mark_reachable(node).await;
            }
            self.kit.memory.write(|m| {
                m.nodes.zones = m
                    .nodes
                    .zones
                    .iter()
                    .map(|(k, z)| {
                        let mut zone = z.clone();
                        zone.set_rate(0.0, now);
                        zone.state = ZoneState::FullDisruption;
                        (k.clone(), zone)
                    })
                    .collect();
            });
            return;
        }
        if all_down_before && !counts.is_empty() {
            self.kit.log.info(
                "node_lifecycle_controller.go:1065",
                "Controller detected that some Nodes are Ready. Exiting master disruption mode",
                &[],
            );
            self.kit.memory.write(|m| {
                m.nodes.health = m
                    .nodes
                    .health
                    .iter()
                    .map(|(k, h)| (k.clone(), NodeHealth { probe: now, ready_transition: now, ..h.clone() }))
                    .collect();
            });
        }
        if changed {
            self.kit.memory.write(|m| {
                m.nodes.zones = m
                    .nodes
                    .zones
                    .iter()
                    .map(|(key, z)| {
                        let mut zone = z.clone();
                        if let Some(count) = counts.get(key) {
                            zone.state = state(count);
                            zone.set_rate(rate_of(zone.state, count.0 + count.1, options), now);
                        }
                        (key.clone(), zone)
                    })
                    .collect();
            });
        }
    }
}
