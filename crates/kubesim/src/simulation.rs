//! A World brought to life: its store, network and machines on the runtime that called.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock, PoisonError};

use apiserver::Store;
use component::kubeconfig::Kubeconfig;
use component::{Clock, Origin, Target, client_for};
use jiff::Timestamp;
use node::machine::{Machine, MachineEnv, Programs};
use node::network::{Network, Protocol};
use rustls_pki_types::CertificateDer;
use tokio::io::DuplexStream;

use crate::base::BASE;
use crate::config::{API_PORT, Layout};
use crate::durable::{Journal, RECORD_EVERY, SharedJournal};
use crate::error::SimError;
use crate::kubeconfigs;
use crate::pki::ClusterPki;
use crate::programs::{Etcd, KubeApiserver, KubeControllerManager, KubeScheduler};
use crate::world::World;

/// The living simulation. Clones share it; it is used on its own runtime only.
#[derive(Clone)]
pub struct Sim(Arc<Inner>);

struct Inner {
    seed: u64,
    clock: Clock,
    layout: Arc<Layout>,
    pki: Arc<ClusterPki>,
    store: Store,
    control_plane: controlplane::Shared,
    network: Arc<Network>,
    machines: BTreeMap<String, Arc<Machine>>,
    journal: OnceLock<SharedJournal>,
}

impl Sim {
    /// Spawns all that runs, as the World's process tables say. Must be called on the simulation's runtime.
    pub fn wake(world: World) -> Result<Self, SimError> {
        let clock = Clock::starting_at(world.now);
        let store = Store::new(world.store);
        store.set_available(world.store_available);
        let control_plane: controlplane::Shared = Arc::new(std::sync::Mutex::new(world.control_plane));
        let network = Network::with_decoded(clock, world.decoded);
        let mut programs = node::programs();
        programs.register("etcd", Etcd { store: store.clone() });
        programs.register("kube-apiserver", KubeApiserver { store: store.clone() });
        programs.register("kube-controller-manager", KubeControllerManager { memory: control_plane.clone(), seed: world.seed });
        programs.register("kube-scheduler", KubeScheduler { memory: control_plane.clone(), seed: world.seed });
        let programs: Arc<Programs> = Arc::new(programs);
        let machines = world
            .machines
            .into_iter()
            .map(|(name, state)| {
                let env = MachineEnv { clock, network: network.clone(), programs: programs.clone() };
                (name, Machine::start(state, env))
            })
            .collect();
        Ok(Self(Arc::new(Inner {
            seed: world.seed,
            clock,
            layout: world.layout,
            pki: world.pki,
            store,
            control_plane,
            network,
            machines,
            journal: OnceLock::new(),
        })))
    }

    /// Records what happened since the journal's beginning and, from now on, everything. Once in a life.
    pub fn keep(&self, journal: Journal) -> Result<(), SimError> {
        let journal = SharedJournal::new(journal)?;
        if self.0.journal.set(journal.clone()).is_err() {
            return Err(SimError::Thread("it keeps a journal already".to_owned()));
        }
        let clock = self.0.clock;
        self.0.store.set_commit_hook(Arc::new(move |state| journal.record_store(clock.now(), state)));
        // A journal that cannot be written now is mended later, as one that fails in the middle.
        let _ = self.flush();
        self.keep_journal();
        Ok(())
    }

    /// Records everything that is not recorded yet; called when a command on a machine has returned.
    ///
    /// The error is why it could not be: a full disk, say.
    pub fn flush(&self) -> Result<(), String> {
        self.0.journal.get().map_or(Ok(()), |journal| journal.record(self.snapshot()))
    }

    /// Records what happens without anybody's command, for as long as the simulation lives.
    fn keep_journal(&self) {
        let inner = Arc::downgrade(&self.0);
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(RECORD_EVERY).await;
                let Some(inner) = inner.upgrade() else { break };
                // The journal logs why it fails, and goes on when it can.
                let _ = Self(inner).flush();
            }
        });
    }

    /// The whole state as of this moment.
    pub fn snapshot(&self) -> World {
        let inner = &self.0;
        World {
            seed: inner.seed,
            now: inner.clock.now(),
            decoded: inner.network.decoded().clone(),
            layout: inner.layout.clone(),
            pki: inner.pki.clone(),
            store: inner.store.snapshot(),
            store_available: inner.store.is_available(),
            control_plane: inner.control_plane.lock().unwrap_or_else(PoisonError::into_inner).clone(),
            machines: inner.machines.iter().map(|(name, machine)| (name.clone(), machine.snapshot())).collect(),
        }
    }

    /// The simulation's time.
    pub fn clock(&self) -> Clock {
        self.0.clock
    }

    /// The present moment.
    pub fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    /// Nodes, addresses, ranges.
    pub fn layout(&self) -> &Layout {
        &self.0.layout
    }

    /// Certificates as they were made.
    pub fn pki(&self) -> &ClusterPki {
        &self.0.pki
    }

    /// The network.
    pub fn network(&self) -> &Arc<Network> {
        &self.0.network
    }

    /// The store behind the API server.
    pub fn store(&self) -> &Store {
        &self.0.store
    }

    /// A machine by its name.
    pub fn machine(&self, name: &str) -> Option<&Arc<Machine>> {
        self.0.machines.get(name)
    }

    /// The nodes' machines in the order of their names.
    pub fn nodes(&self) -> impl Iterator<Item = &Arc<Machine>> {
        self.0.machines.iter().filter(|(name, _)| *name != BASE).map(|(_, machine)| machine)
    }

    /// A client as the cluster's administrator (`kubernetes-admin`), from outside.
    pub fn admin(&self) -> kube::Client {
        self.client("admin.conf", "kubernetes-admin")
    }

    /// A client that RBAC does not stop (`system:masters`).
    pub fn super_admin(&self) -> kube::Client {
        self.client("super-admin.conf", "kubernetes-super-admin")
    }

    fn client(&self, pair: &str, user: &str) -> kube::Client {
        let server = format!("https://{}", self.layout().api_address());
        let target = self.0.pki.pairs.get(pair).map(|pair| {
            let text = kubeconfigs::embedded(&server, &self.0.pki.ca, "kubernetes", user, pair);
            Kubeconfig::parse(user, text.as_bytes()).and_then(|config| config.target(None, &|_| Err(String::new())))
        });
        // Both are of our own making; an anonymous client is what is left when they were not.
        let anonymous = Target { server, namespace: "default".to_owned(), ..Target::default() };
        let target = target.and_then(Result::ok).unwrap_or(anonymous);
        client_for(self.0.network.clone(), Origin::Host, target)
    }

    fn api_socket(&self) -> std::net::SocketAddr {
        (self.layout().control_plane().address, API_PORT).into()
    }

    /// Whether something listens at the API server's address.
    pub fn api_listens(&self) -> bool {
        self.0.network.route(&Origin::Host, self.api_socket(), Protocol::Tcp).is_ok_and(|route| route.socket.is_some())
    }

    /// Hands a connection from outside, TLS already negotiated, to whatever listens at the API server's address.
    pub async fn deliver_to_api(&self, stream: DuplexStream, certificate: Option<CertificateDer<'static>>) -> bool {
        self.0.network.hand_over(&Origin::Host, self.api_socket(), stream, certificate).await.is_ok()
    }
}
