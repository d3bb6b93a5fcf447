//! The network of a simulation: machines and live sockets.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use component::tls::KnownServers;
use component::watch;
use component::{Clock, Decoded, Dialer, Origin};
use tokio::sync::mpsc;

use super::dns::NameServer;
use super::listener::{Accepted, BindError, Listener, NameServerSocket, Owner, ServerTls};
use super::rules::Protocol;
use super::state::{Netns, PodKey, Socket, SocketKey};
use crate::containerd::Streams;
use crate::machine::Shared;

/// What accepts at a socket.
#[derive(Clone)]
pub(super) enum Acceptor {
    Tcp { queue: mpsc::UnboundedSender<Accepted>, tls: Option<Arc<ServerTls>> },
    Names(Arc<dyn NameServer>),
}

#[derive(Default)]
struct Inner {
    machines: BTreeMap<String, Weak<Shared>>,
    acceptors: BTreeMap<(String, SocketKey), Acceptor>,
}

/// The network that all machines of a simulation are on. Holds only what can be rebuilt: handles to machines and
/// acceptors of sockets.
pub struct Network {
    clock: Clock,
    inner: Mutex<Inner>,
    attached: watch::Sender<u64>,
    streams: Streams,
    outside: Mutex<BTreeMap<(String, u16), Arc<dyn Dialer>>>,
    known_servers: KnownServers,
    decoded: Decoded,
}

impl Network {
    /// A network without machines.
    pub fn new(clock: Clock) -> Arc<Self> {
        Self::with_decoded(clock, Decoded::default())
    }

    /// As [`Network::new`], for machines that share what was decoded in other lives of the same cluster.
    pub fn with_decoded(clock: Clock, decoded: Decoded) -> Arc<Self> {
        Arc::new(Self {
            clock,
            inner: Mutex::new(Inner::default()),
            attached: watch::Sender::new(0),
            streams: Streams::default(),
            outside: Mutex::default(),
            known_servers: KnownServers::default(),
            decoded,
        })
    }

    /// The time.
    pub fn clock(&self) -> Clock {
        self.clock
    }

    /// Connections to this one server leave the simulation by `dialer`; it is named as clients name it. Everything else outside stays
    /// out of reach.
    pub fn open_outside(&self, host: &str, port: u16, dialer: Arc<dyn Dialer>) {
        self.outside.lock().unwrap_or_else(PoisonError::into_inner).insert((host.to_owned(), port), dialer);
    }

    pub(super) fn outside(&self, host: &str, port: u16) -> Option<Arc<dyn Dialer>> {
        self.outside.lock().unwrap_or_else(PoisonError::into_inner).get(&(host.to_owned(), port)).cloned()
    }

    /// What was decoded of the API server's answers.
    pub fn decoded(&self) -> &Decoded {
        &self.decoded
    }

    pub(super) fn known_servers(&self) -> &KnownServers {
        &self.known_servers
    }

    /// Connects a machine. It is reachable until its state is dropped or it is detached.
    pub fn attach(&self, machine: &Arc<Shared>) {
        let name = machine.read(|state| state.name.clone());
        self.lock().machines.insert(name, Arc::downgrade(machine));
    }

    /// Pulls a machine's plug.
    pub fn detach(&self, name: &str) {
        self.lock().machines.remove(name);
    }

    /// Live standard streams of containers: like open connections, they belong to a simulation and are no data.
    pub fn streams(&self) -> &Streams {
        &self.streams
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn machine(&self, name: &str) -> Option<Arc<Shared>> {
        self.lock().machines.get(name)?.upgrade()
    }

    /// Live machines in the order of their names. Never called with the lock of a machine held.
    pub(super) fn machines(&self) -> Vec<(String, Arc<Shared>)> {
        self.lock().machines.iter().filter_map(|(name, machine)| Some((name.clone(), machine.upgrade()?))).collect()
    }

    pub(super) fn machine_at(&self, address: IpAddr) -> Option<(String, Arc<Shared>)> {
        self.machines().into_iter().find(|(_, machine)| machine.read(|state| state.address == address))
    }

    pub(super) fn pod_at(&self, address: IpAddr) -> Option<(String, PodKey)> {
        self.machines()
            .into_iter()
            .find_map(|(name, machine)| machine.read(|state| state.network.pod_at(address).cloned()).map(|pod| (name, pod)))
    }

    /// Names and addresses of the machines.
    pub fn nodes(&self) -> Vec<(String, IpAddr)> {
        self.machines().into_iter().map(|(name, machine)| (name, machine.read(|state| state.address))).collect()
    }

    /// Listening sockets in one network namespace of a machine, in the order in which `ss` shows them.
    pub fn listeners(&self, node: &str, netns: &Netns) -> Vec<(SocketKey, Arc<Socket>)> {
        let Some(machine) = self.machine(node) else { return Vec::new() };
        machine.read(|state| {
            state.network.sockets.iter().filter(|(key, _)| key.netns == *netns).map(|(key, s)| (key.clone(), s.clone())).collect()
        })
    }

    /// Listens on a TCP port. A process that listened there before its machine was brought to life from data listens on.
    pub fn listen(
        self: &Arc<Self>,
        origin: &Origin,
        address: SocketAddr,
        owner: Owner,
        tls: Option<ServerTls>,
    ) -> Result<Listener, BindError> {
        let (queue, accepted) = mpsc::unbounded_channel();
        let acceptor = Acceptor::Tcp { queue, tls: tls.map(Arc::new) };
        let (node, key) = self.bind(origin, address, Protocol::Tcp, owner, acceptor)?;
        Ok(Listener::new(self, node, key, accepted))
    }

    /// Answers names on a UDP port.
    pub fn serve_names(
        self: &Arc<Self>,
        origin: &Origin,
        address: SocketAddr,
        owner: Owner,
        server: Arc<dyn NameServer>,
    ) -> Result<NameServerSocket, BindError> {
        let (node, key) = self.bind(origin, address, Protocol::Udp, owner, Acceptor::Names(server))?;
        Ok(NameServerSocket::new(self, node, key))
    }

    fn bind(
        &self,
        origin: &Origin,
        address: SocketAddr,
        protocol: Protocol,
        owner: Owner,
        acceptor: Acceptor,
    ) -> Result<(String, SocketKey), BindError> {
        let shown = || if address.ip().is_unspecified() { format!(":{}", address.port()) } else { address.to_string() };
        let unavailable = || BindError::NotAvailable { protocol: protocol.lower(), address: shown() };
        let node = match origin {
            Origin::Node(node) | Origin::Pod { node, .. } => node.clone(),
            Origin::Host => return Err(unavailable()),
        };
        let machine = self.machine(&node).ok_or_else(unavailable)?;
        let key = machine.try_write(|state| {
            let netns = state.network.netns(origin).ok_or_else(unavailable)?;
            let own = match &netns {
                None => state.address,
                Some(pod) => state.network.pods.get(pod).and_then(|pod| pod.address).map_or(state.address, IpAddr::V4),
            };
            let ip = address.ip();
            if !(ip.is_unspecified() || ip.is_loopback() || ip == own) {
                return Err(unavailable());
            }
            let taken = state.network.sockets.iter().any(|(key, socket)| {
                (&key.netns, key.protocol, key.port) == (&netns, protocol, address.port())
                    && (key.address == ip || key.address.is_unspecified() || ip.is_unspecified())
                    && socket.pid != owner.pid
            });
            if taken {
                return Err(BindError::InUse { protocol: protocol.lower(), address: shown() });
            }
            let key = SocketKey { netns, protocol, port: address.port(), address: ip };
            let fd = 7 + state.network.sockets.values().filter(|socket| socket.pid == owner.pid).count() as u32;
            let fd = state.network.sockets.get(&key).map_or(fd, |socket| socket.fd);
            state.network.sockets.insert(key.clone(), Arc::new(Socket { pid: owner.pid, program: owner.program, fd }));
            Ok(key)
        })?;
        self.lock().acceptors.insert((node.clone(), key.clone()), acceptor);
        self.attached.send_modify(|version| *version += 1);
        Ok((node, key))
    }

    pub(super) fn unbind(&self, node: &str, key: &SocketKey) {
        self.lock().acceptors.remove(&(node.to_owned(), key.clone()));
        if let Some(machine) = self.machine(node) {
            machine.write(|state| state.network.sockets.remove(key));
        }
    }

    /// The acceptor of a socket that the machine's data says is there. Right after a machine was brought to life, its
    /// programs need a moment to attach again: the caller waits rather than being refused what a kernel would have kept.
    pub(super) async fn acceptor(&self, node: &str, key: &SocketKey) -> Option<Acceptor> {
        /// More than any program needs to resume.
        const PATIENCE: std::time::Duration = std::time::Duration::from_secs(2);
        let wanted = (node.to_owned(), key.clone());
        let mut attached = self.attached.subscribe();
        let attempt = async {
            loop {
                attached.borrow_and_update();
                if let Some(acceptor) = self.lock().acceptors.get(&wanted).cloned() {
                    return Some(acceptor);
                }
                if attached.changed().await.is_err() {
                    return None;
                }
            }
        };
        tokio::time::timeout(PATIENCE, attempt).await.ok().flatten()
    }
}
