//! The controller manager and the scheduler in paused time against a small API server.

// A test that cannot go on says where by panicking.
#![allow(clippy::unwrap_used)]

mod server;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use component::{Clock, Decoded, Generator, Klog, Origin, Target};
use controlplane::{Context, ControllerManagerOptions, Exit, SchedulerOptions, Shared, controller_manager, scheduler};
use serde_json::{Value, json};
use server::Server;
use tokio::task::JoinHandle;

const NODES: &str = "/api/v1/nodes";
const PODS: &str = "/api/v1/pods";
const EVENTS: &str = "/api/v1/events";
const LEASES: &str = "/apis/coordination.k8s.io/v1/leases";
const DEPLOYMENTS: &str = "/apis/apps/v1/deployments";

/// A control plane, its server and its state.
struct World {
    clock: Clock,
    server: Server,
    shared: Shared,
    tasks: Vec<JoinHandle<Exit>>,
}

impl Drop for World {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

impl World {
    fn start() -> Self {
        let clock = Clock::starting_at("2026-11-24T07:00:00Z".parse().unwrap());
        Self { clock, server: Server::new(clock), shared: Arc::new(Mutex::default()), tasks: Vec::new() }.run(false)
    }

    fn run(mut self, resumed: bool) -> Self {
        let context = |part: &str| {
            (
                Arc::new(self.server.clone()),
                Target { server: "http://10.0.0.1:6443".to_owned(), namespace: "default".to_owned(), ..Target::default() },
                Generator::for_part(7, part),
            )
        };
        let (dialer, target, generator) = context("kcm");
        let flags =
            ["--controllers=deployment-controller,replicaset-controller,node-lifecycle-controller,taint-eviction-controller".to_owned()];
        let options = ControllerManagerOptions::parse(&flags).unwrap();
        let log = Klog::new(self.clock, 1, Arc::new(|_| {}));
        let hostname = "cp".to_owned();
        let origin = Origin::Host;
        let manager = Context {
            clock: self.clock,
            dialer,
            origin: origin.clone(),
            target,
            clients: None,
            options,
            hostname: hostname.clone(),
            generator,
            resumed,
            decoded: Decoded::default(),
            log: log.clone(),
        };
        self.tasks.push(tokio::spawn(controller_manager(manager, self.shared.clone())));
        let (dialer, target, generator) = context("scheduler");
        let placing = Context {
            clock: self.clock,
            dialer,
            origin,
            target,
            clients: None,
            options: SchedulerOptions::parse(&[]).unwrap(),
            hostname,
            generator,
            resumed,
            decoded: Decoded::default(),
            log,
        };
        self.tasks.push(tokio::spawn(scheduler(placing, self.shared.clone())));
        self
    }

    /// A copy that goes on by itself; this one stands still.
    fn fork(&mut self) -> Self {
        self.fork_at(self.clock.now())
    }

    /// A copy that goes on at another time.
    fn fork_at(&mut self, now: jiff::Timestamp) -> Self {
        self.tasks.drain(..).for_each(|t| t.abort());
        let clock = Clock::starting_at(now);
        let state = self.shared.lock().unwrap().clone();
        // What a journal or a child process would see: state as data.
        let state = serde_json::from_str(&serde_json::to_string(&state).unwrap()).unwrap();
        Self { clock, server: self.server.fork(clock), shared: Arc::new(Mutex::new(state)), tasks: Vec::new() }.run(true)
    }

    fn node(&self, name: &str) {
        let now = self.clock.now_seconds().to_string();
        self.server.put(NODES, json!({"metadata": {"name": name, "labels": {"kubernetes.io/hostname": name}}, "spec": {},
            "status": {"allocatable": {"cpu": "2", "memory": "4Gi", "pods": "110"},
                       "conditions": [{"type": "Ready", "status": "True", "reason": "KubeletReady", "lastHeartbeatTime": now, "lastTransitionTime": now}]}}));
    }

    fn renew(&self, name: &str) {
        let now = format!("{:.6}", self.clock.now());
        self.server.put(
            LEASES,
            json!({"metadata": {"name": name, "namespace": "kube-node-lease"}, "spec": {"holderIdentity": name, "renewTime": now}}),
        );
    }

    /// Passes time while these nodes renew their leases.
    async fn pass(&self, seconds: u64, alive: &[&str]) {
        for _ in 0..seconds {
            alive.iter().for_each(|name| self.renew(name));
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }

    fn deploy(&self, replicas: i32, cpu: &str) {
        let template = json!({"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "c", "image": "nginx", "resources": {"requests": {"cpu": cpu}}}],
            "tolerations": [{"key": "node.kubernetes.io/unreachable", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300},
                            {"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}]}});
        self.server.put(DEPLOYMENTS, json!({"metadata": {"name": "web", "namespace": "default"},
            "spec": {"replicas": replicas, "progressDeadlineSeconds": 600, "selector": {"matchLabels": {"app": "web"}}, "template": template}}));
    }

    fn pods_on(&self, node: &str) -> usize {
        self.server.list(PODS).iter().filter(|p| p["spec"]["nodeName"] == node).count()
    }

    fn events(&self, reason: &str) -> Vec<Value> {
        self.server.list(EVENTS).into_iter().filter(|e| e["reason"] == reason).collect()
    }

    fn ready_of(&self, node: &str) -> Value {
        let node = self.server.list(NODES).into_iter().find(|n| n["metadata"]["name"] == node).unwrap();
        node["status"]["conditions"].as_array().unwrap().iter().find(|c| c["type"] == "Ready").unwrap().clone()
    }
}

#[tokio::test(start_paused = true)]
async fn a_deployment_is_created_and_spread_over_the_nodes() {
    let world = World::start();
    world.node("a");
    world.node("b");
    world.deploy(4, "100m");
    world.pass(3, &["a", "b"]).await;
    assert_eq!((world.pods_on("a"), world.pods_on("b")), (2, 2));
    let scaled = world.events("ScalingReplicaSet");
    assert!(scaled[0]["message"].as_str().unwrap().ends_with("from 0 to 4"), "{scaled:?}");
    assert_eq!(scaled[0]["source"]["component"], "deployment-controller");
    let scheduled = world.events("Scheduled");
    assert_eq!((scheduled.len(), scheduled[0]["reportingInstance"].as_str()), (4, Some("default-scheduler-cp")));
    assert_eq!(world.events("LeaderElection").len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_silent_node_is_marked_tainted_and_emptied_when_upstream_would() {
    let world = World::start();
    world.node("a");
    world.node("b");
    world.deploy(4, "100m");
    world.pass(20, &["a", "b"]).await;
    world.pass(45, &["b"]).await;
    assert_eq!(world.ready_of("a")["status"], "True", "within the grace period of 50 s");
    world.pass(15, &["b"]).await;
    let ready = world.ready_of("a");
    assert_eq!(
        (ready["status"].as_str(), ready["reason"].as_str(), ready["message"].as_str()),
        (Some("Unknown"), Some("NodeStatusUnknown"), Some("Kubelet stopped posting node status."))
    );
    assert_eq!(world.events("NodeNotReady")[0]["message"], "Node a status is now: NodeNotReady");
    let node = world.server.list(NODES).remove(0);
    let mut effects: Vec<_> = node["spec"]["taints"].as_array().unwrap().iter().map(|t| t["effect"].as_str().unwrap()).collect();
    effects.sort_unstable();
    assert_eq!(effects, ["NoExecute", "NoSchedule"]);
    assert_eq!(world.pods_on("a"), 2, "tolerated for five minutes");
    world.pass(290, &["b"]).await;
    assert_eq!(world.pods_on("a"), 2);
    world.pass(20, &["b"]).await;
    assert_eq!((world.pods_on("a"), world.pods_on("b")), (0, 4));
    assert_eq!(world.events("TaintManagerEviction").len(), 2);
    // Back again.
    world.node("a");
    world.pass(10, &["a", "b"]).await;
    let node = world.server.list(NODES).remove(0);
    assert!(node["spec"]["taints"].as_array().is_none_or(Vec::is_empty), "{}", node["spec"]);
}

#[tokio::test(start_paused = true)]
async fn a_fork_goes_on_without_doing_anything_twice() {
    let mut world = World::start();
    world.node("a");
    world.deploy(3, "900m");
    world.pass(20, &["a"]).await;
    let failed = world.events("FailedScheduling");
    assert_eq!(failed.len(), 1, "two of three pods fit");
    assert_eq!(
        failed[0]["message"],
        "0/1 nodes are available: 1 Insufficient cpu. no new claims to deallocate, preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod."
    );
    let before: Vec<String> = world.server.list(EVENTS).iter().map(|e| e["metadata"]["name"].to_string()).collect();
    let fork = world.fork();
    fork.pass(5, &["a"]).await;
    let after: Vec<String> = fork.server.list(EVENTS).iter().map(|e| e["metadata"]["name"].to_string()).collect();
    assert_eq!(before, after, "no event twice");
    let foreign: Vec<_> = fork.server.writes().into_iter().filter(|w| !w.contains("/leases/")).collect();
    assert_eq!(foreign, Vec::<String>::new(), "nothing but leases is written");
    // Grace periods go on where they were: 5 s of silence here and the rest there.
    fork.node("b");
    fork.pass(3, &["a", "b"]).await;
    assert_eq!(fork.pods_on("b"), 1, "a new node wakes the pod that waited");
}

#[tokio::test(start_paused = true)]
async fn a_night_of_sleep_is_held_against_nobody() {
    let mut world = World::start();
    world.node("a");
    world.deploy(2, "100m");
    world.pass(20, &["a"]).await;
    let night = jiff::SignedDuration::from_hours(8);
    world.shared.lock().unwrap().skip(night);
    let mut fork = world.fork_at(world.clock.now() + night);
    fork.pass(1, &[]).await;
    fork.pass(30, &["a"]).await;
    assert_eq!(fork.ready_of("a")["status"], "True");
    assert_eq!((fork.events("NodeNotReady").len(), fork.events("RegisteredNode").len(), fork.pods_on("a")), (0, 1, 2));
    fork.tasks.drain(..).for_each(|t| t.abort());
}

#[tokio::test(start_paused = true)]
async fn equal_worlds_do_equal_things() {
    let mut seen = Vec::new();
    for _ in 0..2 {
        let world = World::start();
        world.node("a");
        world.node("b");
        world.node("c");
        world.deploy(7, "50m");
        world.pass(10, &["a", "b", "c"]).await;
        seen.push((world.server.list(PODS), world.server.writes()));
    }
    assert_eq!(seen[0], seen[1]);
}

#[tokio::test(start_paused = true)]
async fn a_short_outage_is_survived_and_a_long_one_loses_the_lease() {
    let world = World::start();
    world.node("a");
    world.pass(5, &["a"]).await;
    world.server.set_available(false);
    world.pass(5, &["a"]).await;
    world.server.set_available(true);
    world.deploy(2, "50m");
    world.pass(30, &["a"]).await;
    assert_eq!(world.pods_on("a"), 2);
    assert!(world.tasks.iter().all(|t| !t.is_finished()));
    world.server.set_available(false);
    world.pass(20, &["a"]).await;
    assert!(world.tasks.iter().all(JoinHandle::is_finished), "kubelets start them again");
}
