//! The scheduler's loop.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use component::klog::Severity;
use component::{Clock, Klog};
use k8s_openapi::api::apps::v1::{ReplicaSet, StatefulSet};
use k8s_openapi::api::core::v1::{Namespace, Node, PersistentVolume, PersistentVolumeClaim, Pod, PodCondition, Service};
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use k8s_openapi::api::storage::v1::StorageClass;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::cycle::Cycle;
use super::diagnosis::Diagnosis;
use super::events::ClusterEvent;
use super::preemption::{self, Victims};
use super::queue::SchedulingQueue;
use super::snapshot::{NodeInfo, PodInfo, Snapshot};
use super::{bind, scores};
use crate::context::{Context, Exit};
use crate::machinery::election::Elector;
use crate::machinery::errors::{not_found, text};
use crate::machinery::events::EventType;
use crate::machinery::object::{reference, time};
use crate::machinery::{Change, Informer, Informers, Meta, Recorder, Rest, Spawner, events, pods};
use crate::options::SchedulerOptions;
use crate::state::{Memory, Process, Shared};

/// What DynamicResources' PostFilter says when there are no claims of devices; it runs before preemption.
const NO_CLAIMS: &str = "no new claims to deallocate";
/// What that plugin says instead when a refusal ahead of it kept it from seeing the pod at all (`CycleState.Read`).
const UNSEEN: &str = "not found";
/// Longest message of an event.
const MAX_NOTE: usize = 1024;

/// Runs the scheduler. It ends only as upstream's does: when it loses its lease. Dropping the future stops it at once.
pub async fn scheduler(context: Context<SchedulerOptions>, shared: Shared) -> Exit {
    let memory = Memory::new(shared, Process::Scheduler);
    let identity = memory.begin(context.resumed, &context.hostname, &context.generator);
    let log = context.log.clone();
    let client = context.client();
    let rest = Rest::new(client.clone(), "kube-scheduler");
    let (spawner, tasks) = Spawner::new();
    let (sink, writer) = events::sink(context.clock, rest.clone(), memory.clone(), log.clone());
    spawner.spawn(writer);
    let recorder = Recorder::new(sink, "default-scheduler", &context.hostname);
    let informers = Informers::new(client, spawner.clone(), log.clone(), context.decoded.clone());
    let this = Arc::new(Scheduler {
        clock: context.clock,
        rest: rest.clone(),
        recorder: recorder.clone(),
        log: log.clone(),
        memory: memory.clone(),
        spawner,
        name: context.options.scheduler_name.clone(),
        queue: SchedulingQueue::new(context.clock, memory.clone()),
        assumed: Mutex::default(),
        live: AtomicBool::new(false),
        known: Mutex::default(),
        pods: informers.get(),
        nodes: informers.get(),
        namespaces: informers.get(),
        services: informers.get(),
        replica_sets: informers.get(),
        stateful_sets: informers.get(),
        claims: informers.get(),
        volumes: informers.get(),
        classes: informers.get(),
        budgets: informers.get(),
    });
    let already_led = memory.read(|m| m.leading);
    let election = context.options.leader_election.clone();
    let elector = Elector { clock: context.clock, rest, log: log.clone(), recorder, options: election.clone(), identity };
    let lead = async {
        this.wait_for_caches().await;
        if election.enabled {
            elector.acquire(already_led).await;
        }
        memory.write(|m| m.leading = true);
        this.subscribe();
        this.live.store(true, Ordering::Relaxed);
        let lost = async {
            if election.enabled {
                elector.renew_until_lost().await;
            } else {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            biased;
            () = lost => {}
            () = this.run() => {}
        }
        memory.write(|m| m.leading = false);
        log.line(Severity::Error, "server.go:329", "Leaderelection lost", &[]);
        Exit { code: 1 }
    };
    tokio::select! {
        biased;
        exit = lead => exit,
        () = tasks.run() => Exit { code: 1 },
    }
}

struct Scheduler {
    clock: Clock,
    rest: Rest,
    recorder: Recorder,
    log: Klog,
    memory: Memory,
    spawner: Spawner,
    name: String,
    queue: SchedulingQueue,
    /// Pods whose binding is on its way, as they will be.
    assumed: Mutex<BTreeMap<String, Arc<Pod>>>,
    /// Whether changes are news; what caches replay to a new subscriber is none.
    live: AtomicBool,
    /// Requests of pods, by uid and version.
    known: Mutex<BTreeMap<String, (u64, Arc<PodInfo>)>>,
    pods: Arc<Informer<Pod>>,
    nodes: Arc<Informer<Node>>,
    namespaces: Arc<Informer<Namespace>>,
    services: Arc<Informer<Service>>,
    replica_sets: Arc<Informer<ReplicaSet>>,
    stateful_sets: Arc<Informer<StatefulSet>>,
    claims: Arc<Informer<PersistentVolumeClaim>>,
    volumes: Arc<Informer<PersistentVolume>>,
    classes: Arc<Informer<StorageClass>>,
    budgets: Arc<Informer<PodDisruptionBudget>>,
}

impl Scheduler {
    async fn wait_for_caches(&self) {
        self.pods.wait_synced().await;
        self.nodes.wait_synced().await;
        self.namespaces.wait_synced().await;
        self.services.wait_synced().await;
        self.replica_sets.wait_synced().await;
        self.stateful_sets.wait_synced().await;
        self.claims.wait_synced().await;
        self.volumes.wait_synced().await;
        self.classes.wait_synced().await;
        self.budgets.wait_synced().await;
    }

    fn subscribe(self: &Arc<Self>) {
        // Handlers hold the scheduler weakly: it holds the informers that hold them.
        let weak = Arc::downgrade(self);
        self.pods.subscribe(move |change| {
            if let Some(this) = weak.upgrade() {
                this.pod_changed(change);
            }
        });
        let (weak, before) = (Arc::downgrade(self), self.heard_before("nodes"));
        self.nodes.subscribe(move |change| {
            let Some(this) = weak.upgrade() else { return };
            if this.is_news("nodes", before, change)
                && let Some(node) = change.new
                && change.old.is_none_or(|old| node_differs(old, node))
            {
                this.queue.notice(&ClusterEvent::Node(node.clone()), |key| this.pods.get(key));
            }
        });
        let weak = Arc::downgrade(self);
        self.namespaces.subscribe(move |change| {
            if let (Some(this), Some(old), Some(new)) = (weak.upgrade(), change.old, change.new)
                && old.label_map() != new.label_map()
            {
                this.notice(&ClusterEvent::Namespace);
            }
        });
        self.storage(&self.claims, "persistentvolumeclaims");
        self.storage(&self.volumes, "persistentvolumes");
        self.storage(&self.classes, "storageclasses");
    }

    fn storage<K>(self: &Arc<Self>, informer: &Informer<K>, kind: &'static str)
    where
        K: Meta + DeserializeOwned + Clone + Send + Sync + 'static,
    {
        let (weak, before) = (Arc::downgrade(self), self.heard_before(kind));
        informer.subscribe(move |change| {
            if let Some(this) = weak.upgrade().filter(|this| this.is_news(kind, before, change)) {
                this.queue.notice(&ClusterEvent::Storage, |key| this.pods.get(key));
            }
        });
    }

    /// Revision of the newest object of a kind that the scheduler that this one is a fork of was told of; none where it is no fork.
    fn heard_before(&self, kind: &str) -> Option<u64> {
        self.memory.read(|m| (!m.heard.is_empty()).then(|| m.heard.get(kind).copied().unwrap_or_default()))
    }

    /// Whether a change is news. What caches replay to a new subscriber is none, but for what came between the fork and now.
    fn is_news<K: Meta>(&self, kind: &str, before: Option<u64>, change: &Change<'_, K>) -> bool {
        let revision = change.any().map_or(0, |object| object.revision());
        if self.memory.read(|m| m.heard.get(kind).is_none_or(|heard| *heard < revision)) {
            self.memory.write(|m| m.heard.insert(kind.to_owned(), revision));
        }
        self.live.load(Ordering::Relaxed) || before.is_some_and(|before| before < revision)
    }

    fn notice(&self, event: &ClusterEvent) {
        if !self.live.load(Ordering::Relaxed) {
            return;
        }
        self.queue.notice(event, |key| self.pods.get(key));
    }

    fn is_ours(&self, pod: &Pod) -> bool {
        pod.spec.as_ref().and_then(|s| s.scheduler_name.as_deref()).unwrap_or("default-scheduler") == self.name
    }

    fn waits(&self, pod: &Pod) -> bool {
        pods::node(pod).is_empty() && !pods::is_terminal(pod) && self.is_ours(pod)
    }

    fn pod_changed(&self, change: &Change<'_, Pod>) {
        let Some(pod) = change.new else {
            let Some(old) = change.old else { return };
            self.queue.remove(&old.key());
            self.known.lock().unwrap_or_else(PoisonError::into_inner).remove(old.uid());
            if !pods::node(old).is_empty() {
                self.notice(&ClusterEvent::PodLeft);
            }
            return;
        };
        if !pods::node(pod).is_empty() {
            self.queue.done(&pod.key());
            match change.old {
                Some(old) if !pods::node(old).is_empty() => {
                    if pods::is_terminal(pod) && !pods::is_terminal(old) {
                        self.notice(&ClusterEvent::PodLeft);
                    } else if old.label_map() != pod.label_map() {
                        self.notice(&ClusterEvent::PodCame);
                    }
                }
                _ => self.notice(&ClusterEvent::PodCame),
            }
        } else if self.waits(pod) && !pod.deleting() {
            match change.old {
                None => self.queue.add(pod),
                Some(old) if old.spec != pod.spec || old.label_map() != pod.label_map() => self.queue.changed(pod),
                Some(_) => {}
            }
        } else if pod.deleting() {
            self.queue.remove(&pod.key());
        }
    }

    async fn run(self: &Arc<Self>) {
        loop {
            let key = self.queue.next(|key| self.pods.get(key)).await;
            let Some(pod) = self.pods.get(&key) else { continue };
            let gated = pod.spec.as_ref().is_some_and(|s| s.scheduling_gates.as_ref().is_some_and(|g| !g.is_empty()));
            let assumed = self.assumed.lock().unwrap_or_else(PoisonError::into_inner).contains_key(&key);
            // A gated pod comes back when its gates change (SchedulingGates' PreEnqueue).
            if gated || assumed || pod.deleting() || !self.waits(&pod) {
                continue;
            }
            self.schedule(&pod).await;
        }
    }

    fn info(&self, pod: &Arc<Pod>) -> Arc<PodInfo> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        match known.get(pod.uid()) {
            Some((revision, info)) if *revision == pod.revision() && pods::node(&info.pod) == pods::node(pod) => info.clone(),
            _ => {
                let info = Arc::new(PodInfo::new(pod.clone()));
                known.insert(pod.uid().to_owned(), (pod.revision(), info.clone()));
                info
            }
        }
    }

    fn snapshot(&self) -> Snapshot {
        let mut by_node: BTreeMap<String, Vec<Arc<PodInfo>>> = BTreeMap::new();
        let mut nominated: BTreeMap<String, Vec<Arc<PodInfo>>> = BTreeMap::new();
        let all = self.pods.all();
        let assumed = {
            let mut assumed = self.assumed.lock().unwrap_or_else(PoisonError::into_inner);
            assumed.retain(|key, pod| all.get(key).is_some_and(|cached| cached.uid() == pod.uid() && pods::node(cached).is_empty()));
            assumed.clone()
        };
        for (key, pod) in &all {
            let pod = assumed.get(key).unwrap_or(pod);
            if pods::is_terminal(pod) {
                continue;
            }
            let node = pods::node(pod);
            if !node.is_empty() {
                by_node.entry(node.to_owned()).or_default().push(self.info(pod));
            } else if let Some(node) = pod.status.as_ref().and_then(|s| s.nominated_node_name.as_deref()).filter(|n| !n.is_empty()) {
                nominated.entry(node.to_owned()).or_default().push(self.info(pod));
            }
        }
        let nodes = self.nodes.list().into_iter().map(|node| {
            let here = by_node.remove(node.name()).unwrap_or_default();
            Arc::new(NodeInfo::new(node, here))
        });
        Snapshot {
            nodes: nodes.collect(),
            nominated,
            namespaces: self.namespaces.all(),
            services: self.services.all(),
            replica_sets: self.replica_sets.all(),
            stateful_sets: self.stateful_sets.all(),
            claims: self.claims.all(),
            volumes: self.volumes.all(),
            classes: self.classes.all(),
            budgets: self.budgets.all(),
        }
    }

    async fn schedule(self: &Arc<Self>, pod: &Arc<Pod>) {
        let events_before = self.queue.events();
        let info = PodInfo::new(pod.clone());
        let snapshot = self.snapshot();
        if snapshot.nodes.is_empty() {
            self.failed(
                pod,
                "no nodes available to schedule pods".to_owned(),
                "Unschedulable",
                vec!["NodeAffinity".to_owned()],
                None,
                events_before,
            )
            .await;
            return;
        }
        let cycle = Cycle::new(&info, &snapshot);
        match cycle.feasible() {
            Ok(feasible) => {
                let node = self.pick(&info, &feasible, &snapshot);
                let steps = cycle.volumes.as_ref().ok().and_then(|v| v.steps(&node.node, &snapshot).ok()).unwrap_or_default();
                let name = node.name().to_owned();
                self.assume(pod, &name);
                if steps.is_empty() {
                    self.bind(pod, &name).await;
                } else {
                    // Volumes take time; others are scheduled meanwhile.
                    let (this, pod) = (self.clone(), pod.clone());
                    self.spawner.spawn(async move {
                        match bind::volumes(&this.rest, &this.claims, &name, &steps).await {
                            Ok(()) => this.bind(&pod, &name).await,
                            Err(reason) => this.binding_failed(&pod, reason).await,
                        }
                    });
                }
            }
            Err(diagnosis) => self.does_not_fit(&info, &snapshot, diagnosis, events_before).await,
        }
    }

    /// One of the best nodes.
    fn pick(&self, pod: &PodInfo, feasible: &[Arc<NodeInfo>], snapshot: &Snapshot) -> Arc<NodeInfo> {
        // A node that preemption made room on is taken if it fits (`evaluateNominatedNode`).
        let nominated = pod.pod.status.as_ref().and_then(|s| s.nominated_node_name.as_deref());
        if let Some(node) = nominated.and_then(|name| feasible.iter().find(|n| n.name() == name)) {
            return node.clone();
        }
        if let [only] = feasible {
            return only.clone();
        }
        let totals = scores::total(pod, feasible, snapshot);
        let best = totals.iter().copied().max().unwrap_or(0);
        let equal: Vec<_> = feasible.iter().zip(&totals).filter(|(_, total)| **total == best).map(|(n, _)| n).collect();
        let index = self.memory.random(|g| g.below(equal.len() as u64));
        let index = usize::try_from(index).unwrap_or(0);
        equal.get(index).map_or_else(|| feasible[0].clone(), |n| (*n).clone())
    }

    fn assume(&self, pod: &Arc<Pod>, node: &str) {
        let mut placed = Pod::clone(pod);
        placed.spec.get_or_insert_default().node_name = Some(node.to_owned());
        self.assumed.lock().unwrap_or_else(PoisonError::into_inner).insert(pod.key(), Arc::new(placed));
    }

    async fn bind(&self, pod: &Arc<Pod>, node: &str) {
        match bind::pod(&self.rest, pod, node).await {
            Ok(()) => {
                self.queue.done(&pod.key());
                let note = format!("Successfully assigned {}/{} to {node}", pod.ns(), pod.name());
                self.recorder.action(&**pod, None, EventType::Normal, "Scheduled", "Binding", note);
            }
            Err(error) if not_found(&error) => {
                self.assumed.lock().unwrap_or_else(PoisonError::into_inner).remove(&pod.key());
            }
            Err(error) => self.binding_failed(pod, format!("running Bind plugin \"DefaultBinder\": {}", text(&error))).await,
        }
    }

    async fn binding_failed(&self, pod: &Arc<Pod>, reason: String) {
        self.assumed.lock().unwrap_or_else(PoisonError::into_inner).remove(&pod.key());
        let events = self.queue.events();
        self.failed(pod, format!("binding rejected: {reason}"), "SchedulerError", Vec::new(), None, events).await;
    }

    async fn does_not_fit(&self, info: &PodInfo, snapshot: &Snapshot, mut diagnosis: Diagnosis, events_before: u64) {
        let plugins = diagnosis.plugins().into_iter().collect();
        let nominated = match preemption::preempt(info, snapshot, &diagnosis) {
            Ok(victims) => {
                self.evict(&info.pod, &victims).await;
                Some(victims.node)
            }
            Err(reason) => {
                diagnosis.after = if diagnosis.before.is_some() { UNSEEN.to_owned() } else { format!("{NO_CLAIMS}, preemption: {reason}") };
                // Preemption looked everywhere in vain: an older nomination is void, unless it waits for a pod to end.
                let waits = reason.starts_with("not eligible");
                let had = info.pod.status.as_ref().is_some_and(|s| s.nominated_node_name.as_ref().is_some_and(|n| !n.is_empty()));
                (had && !waits).then(String::new)
            }
        };
        self.failed(&info.pod, diagnosis.message(), "Unschedulable", plugins, nominated, events_before).await;
    }

    /// Deletes the victims (`prepareCandidate`).
    async fn evict(&self, pod: &Arc<Pod>, victims: &Victims) {
        for victim in &victims.pods {
            let condition = PodCondition {
                type_: "DisruptionTarget".to_owned(),
                status: "True".to_owned(),
                reason: Some("PreemptionByScheduler".to_owned()),
                message: Some(format!("{}: preempting to accommodate a higher priority pod", self.name)),
                last_transition_time: Some(time(self.clock.now())),
                observed_generation: victim.pod.metadata.generation,
                ..PodCondition::default()
            };
            let (namespace, name) = (victim.pod.ns(), victim.pod.name());
            let patch = json!({"status": {"conditions": [condition]}});
            let deleted = match self.rest.strategic::<Pod>(namespace, name, "status", &patch).await {
                Ok(_) => self.rest.delete::<Pod>(namespace, name, &Default::default()).await,
                Err(error) => Err(error),
            };
            match deleted {
                Ok(()) => {
                    let note = format!("Preempted by pod {} on node {}", pod.uid(), victims.node);
                    self.recorder.action(&*victim.pod, Some(reference(&**pod)), EventType::Normal, "Preempted", "Preempting", note);
                }
                Err(error) if not_found(&error) => {}
                Err(error) => {
                    self.log.error("preemption.go:196", &text(&error), "Tried to preempted pod", &[("pod", (&victim.pod.key()).into())])
                }
            }
        }
    }

    /// Parks the pod, says why, and writes it into its status (`handleSchedulingFailure`).
    async fn failed(
        &self,
        pod: &Arc<Pod>,
        message: String,
        reason: &str,
        plugins: Vec<String>,
        nominated: Option<String>,
        events_before: u64,
    ) {
        self.queue.park(pod, plugins, events_before);
        if reason != "Unschedulable" {
            self.log.error("schedule_one.go:1147", &message, "Error scheduling pod; retrying", &[("pod", (&pod.key()).into())]);
        }
        let mut note = message.clone();
        if note.len() > MAX_NOTE {
            let end = (0..=MAX_NOTE - 4).rev().find(|i| note.is_char_boundary(*i)).unwrap_or(0);
            note.truncate(end);
            note += " ...";
        }
        self.recorder.action(&**pod, None, EventType::Warning, "FailedScheduling", "Scheduling", note);
        let wanted = PodCondition {
            type_: "PodScheduled".to_owned(),
            status: "False".to_owned(),
            reason: Some(reason.to_owned()),
            message: Some(message),
            last_transition_time: Some(time(self.clock.now())),
            observed_generation: pod.metadata.generation,
            ..PodCondition::default()
        };
        let mut conditions = pod.status.as_ref().and_then(|s| s.conditions.clone()).unwrap_or_default();
        let changed = pods::set_condition(&mut conditions, wanted);
        let mut status = serde_json::Map::new();
        if changed {
            let condition = conditions.into_iter().find(|c| c.type_ == "PodScheduled");
            status.insert("conditions".to_owned(), json!([condition]));
        }
        let current = pod.status.as_ref().and_then(|s| s.nominated_node_name.clone()).unwrap_or_default();
        if let Some(node) = nominated.filter(|n| *n != current) {
            status.insert("nominatedNodeName".to_owned(), if node.is_empty() { serde_json::Value::Null } else { json!(node) });
        }
        if status.is_empty() {
            return;
        }
        match self.rest.strategic::<Pod>(pod.ns(), pod.name(), "status", &json!({"status": status})).await {
            Ok(patched) => self.pods.saw(&patched).await,
            Err(error) if not_found(&error) => {}
            Err(error) => self.log.error("schedule_one.go:1203", &text(&error), "Error updating pod", &[("pod", (&pod.key()).into())]),
        }
    }
}

/// Heartbeats and images change nodes all the time; only what filters look at matters (`nodeSchedulingPropertiesChange`).
fn node_differs(old: &Node, new: &Node) -> bool {
    let spec = |n: &Node| n.spec.as_ref().map(|s| (s.unschedulable.unwrap_or(false), s.taints.clone().unwrap_or_default()));
    let allocatable = |n: &Node| n.status.as_ref().and_then(|s| s.allocatable.clone());
    spec(old) != spec(new) || old.label_map() != new.label_map() || allocatable(old) != allocatable(new)
}
