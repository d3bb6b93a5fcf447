//! The kubelet's process: its parts and how they hang together.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use component::Klog;
use component::klog::Value;
use component::watch;
use component::{Origin, client_for};
use futures::future::BoxFuture;
use k8s_openapi::api::core::v1::Service;
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinSet;

use super::api::ApiClient;
use super::events::{self, Recorder};
use super::informer::{Store, reflect};
use super::start::{self, Stop};
use super::state::{KubeletState, Settings};
use crate::containerd::Cri;
use crate::machine::{ExitStatus, Machine, ProcessContext, Programs, Signal};

/// Adds the kubelet to the program table.
pub fn register(programs: &mut Programs) {
    programs.register("kubelet", run);
}

/// A running kubelet. Everything that it must remember is in the machine's [`KubeletState`]; this can be rebuilt.
pub struct Kubelet {
    pub(super) machine: Arc<Machine>,
    pub(super) log: Klog,
    pub(super) settings: Arc<Settings>,
    pub(super) cri: Cri,
    pub(super) recorder: Recorder,
    pub(super) client: Option<ApiClient>,
    pub(super) services: watch::Receiver<Store<Service>>,
    /// One pull at a time (`serializeImagePulls`).
    pub(super) pulls: tokio::sync::Mutex<()>,
    wakers: Mutex<BTreeMap<String, Arc<Notify>>>,
    tasks: mpsc::UnboundedSender<BoxFuture<'static, ()>>,
}

async fn run(mut context: ProcessContext) -> ExitStatus {
    let log = context.klog();
    let kept =
        context.machine.read(|state| state.kubelet.settings.clone()).filter(|settings| context.resumed && settings.pid == context.pid);
    let resumed = kept.is_some();
    let settings = match kept {
        Some(settings) => settings,
        None => match start::start(&context, &log) {
            Ok(settings) => Arc::new(settings),
            Err(Stop::Print(text)) => {
                context.stdout.write_now(text.as_bytes());
                return ExitStatus::SUCCESS;
            }
            Err(Stop::Failed(error)) => {
                log.error("run.go:72", &error, "command failed", &[]);
                return ExitStatus::FAILURE;
            }
        },
    };
    context.signals.handle(&[Signal::Term, Signal::Int]);
    let machine = context.machine.clone();
    if !resumed {
        let settings = settings.clone();
        machine.write(|state| state.kubelet = KubeletState { settings: Some(settings), ..KubeletState::default() });
    }
    let (tasks, mut spawned) = mpsc::unbounded_channel();
    let client = settings.target.as_ref().map(|target| {
        let origin = Origin::Node(machine.name());
        ApiClient::new(client_for(machine.network().clone(), origin, target.target()), machine.network().decoded().clone())
    });
    let (services, known_services) = watch::channel(Store::default());
    let kubelet = Arc::new(Kubelet {
        recorder: Recorder::new(machine.clone(), "kubelet", &settings.node_name),
        cri: Cri::new(&machine, &settings.config.container_runtime_endpoint),
        machine: machine.clone(),
        log: log.clone(),
        settings,
        client: client.clone(),
        services: known_services,
        pulls: tokio::sync::Mutex::new(()),
        wakers: Mutex::default(),
        tasks,
    });
    let mut running = JoinSet::new();
    if let Err(error) = kubelet.clone().serve(&mut running) {
        log.error("server.go:245", &error, "Failed to listen and serve", &[]);
        return ExitStatus::FAILURE;
    }
    if !resumed {
        kubelet.say_hello();
    }
    if let Some(client) = client {
        running.spawn(events::send(machine.clone(), client.clone(), log.clone()));
        if kubelet.settings.config.register_node {
            running.spawn(kubelet.clone().run_node(client.clone()));
        }
        running.spawn(kubelet.clone().run_lease(client.clone()));
        running.spawn(reflect(client.clone(), "/api/v1/services".to_owned(), services));
        running.spawn(kubelet.clone().follow_api_pods(client));
    }
    running.spawn(kubelet.clone().watch_runtime());
    running.spawn(kubelet.clone().follow_files());
    running.spawn(kubelet.clone().follow_containers());
    for uid in machine.read(|state| state.kubelet.pods.keys().cloned().collect::<Vec<_>>()) {
        kubelet.start_worker(&uid);
    }
    loop {
        tokio::select! {
            biased;
            _ = context.signals.recv() => {
                machine.write(|state| state.kubelet = KubeletState::default());
                return ExitStatus::SUCCESS;
            }
            task = spawned.recv() => {
                if let Some(task) = task {
                    running.spawn(task);
                }
            }
            Some(_) = running.join_next() => {}
        }
    }
}

impl Kubelet {
    /// Runs a task as long as the process lives.
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        // The receiver lives as long as the process.
        let _ = self.tasks.send(Box::pin(task));
    }

    /// The bell of a pod's worker.
    pub(super) fn waker(&self, uid: &str) -> Arc<Notify> {
        self.wakers.lock().unwrap_or_else(PoisonError::into_inner).entry(uid.to_owned()).or_default().clone()
    }

    /// Wakes a pod's worker.
    pub(super) fn wake(&self, uid: &str) {
        self.waker(uid).notify_one();
    }

    /// Starts the worker and the prober of a pod.
    pub(super) fn start_worker(self: &Arc<Self>, uid: &str) {
        self.spawn(self.clone().work(uid.to_owned()));
        self.spawn(self.clone().probe(uid.to_owned()));
    }

    /// Forgets the bell of a pod that is gone.
    pub(super) fn forget_waker(&self, uid: &str) {
        self.wakers.lock().unwrap_or_else(PoisonError::into_inner).remove(uid);
    }

    /// What the journal and the events say about every fresh start.
    fn say_hello(&self) {
        let subject = self.node_subject();
        self.recorder.record(&subject, "Normal", "Starting", "Starting kubelet.");
        self.log.info("kubelet_network_linux.go:54", "Initialized iptables rules.", &[("protocol", Value::Text("IPv4"))]);
        self.log.info("kubelet_network_linux.go:54", "Initialized iptables rules.", &[("protocol", Value::Text("IPv6"))]);
        self.log.info("status_manager.go:249", "Starting to sync pod status with apiserver", &[]);
        self.log.info("kubelet.go:2501", "Starting kubelet main sync loop", &[]);
        let early = "[container runtime status check may not have completed yet, PLEG is not healthy: pleg has yet to be successful]";
        self.log.error("kubelet.go:2525", early, "Skipping pod synchronization", &[]);
        self.look_at_runtime(true);
        self.log.info("eviction_manager.go:194", "Eviction manager: starting control loop", &[]);
        self.log.info(
            "container_log_manager.go:146",
            "Initializing container log rotate workers",
            &[("workers", Value::Raw("1".to_owned())), ("monitorPeriod", Value::Text("10s"))],
        );
        self.log.info("plugin_manager.go:121", "Starting Kubelet Plugin Manager", &[]);
        self.recorder.record(&subject, "Normal", "NodeAllocatableEnforced", "Updated Node Allocatable limit across pods");
        self.log.info("apiserver.go:52", "Watching apiserver", &[]);
        self.log.info("desired_state_of_world_populator.go:154", "Finished populating initial desired state of world", &[]);
    }
}
