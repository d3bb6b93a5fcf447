//! What a machine's kernel and its CNI plugin know about the network: plain data.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use component::{Generator, Origin};
use imbl::OrdMap;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::policy::PolicyRules;
use super::rules::{Affinity, Destination, Protocol, ProxyRules, Verdict};
use crate::machine::Pid;

/// Namespace and name of a pod.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PodKey {
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
}

impl PodKey {
    /// The pod of that name.
    pub fn new(namespace: impl Into<String>, name: impl Into<String>) -> Self {
        Self { namespace: namespace.into(), name: name.into() }
    }

    /// Where this pod's connections start on `node`.
    pub fn origin(&self, node: &str) -> Origin {
        Origin::Pod { node: node.to_owned(), namespace: self.namespace.clone(), name: self.name.clone() }
    }
}

/// The network of one pod.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PodNetwork {
    /// Sandbox that holds it.
    pub sandbox: String,
    /// Its address; `None` for a pod in the host's network.
    pub address: Option<Ipv4Addr>,
    /// Name of the host's end of its veth pair.
    pub veth: String,
    /// Its `/etc/resolv.conf`, a file on the host.
    pub resolv_conf: String,
    /// Its `/etc/hosts`, a file on the host; the kubelet writes it.
    pub hosts: String,
}

/// A network namespace of a machine: the host's, or a pod's.
pub type Netns = Option<PodKey>;

/// Identity of a listening socket.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SocketKey {
    /// Network namespace.
    pub netns: Netns,
    /// Transport.
    pub protocol: Protocol,
    /// Port.
    pub port: u16,
    /// Address; unspecified for all.
    pub address: IpAddr,
}

/// A listening socket, as `ss` shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Socket {
    /// Process that listens.
    pub pid: Pid,
    /// Its name.
    pub program: String,
    /// File descriptor, for `ss -p`.
    pub fd: u32,
}

/// Everything of the network that belongs to one machine. Clones in O(1).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MachineNetwork {
    /// Pods with a network here.
    #[serde(with = "super::pairs")]
    pub pods: OrdMap<PodKey, Arc<PodNetwork>>,
    /// host-local's `last_reserved_ip.0`.
    pub last_reserved: Option<Ipv4Addr>,
    /// kube-proxy's rules.
    pub proxy: ProxyRules,
    /// ClientIP affinity.
    pub affinity: Affinity,
    /// Network policies of the pods here.
    #[serde(default)]
    pub policies: PolicyRules,
    /// Host ports that the portmap CNI plugin leads to pods.
    #[serde(with = "super::pairs")]
    pub host_ports: OrdMap<(u16, Protocol), (PodKey, u16)>,
    /// Listening sockets. Their acceptors are tasks, which attach again when the machine is brought to life.
    #[serde(with = "super::pairs")]
    pub sockets: OrdMap<SocketKey, Arc<Socket>>,
    /// Whether it has routes to the pods of other machines, as a cluster's nodes have.
    pub routes_pods: bool,
    /// Ephemeral port that was used last.
    pub last_port: u16,
    /// Chooses endpoints.
    pub generator: Generator,
}

impl Default for MachineNetwork {
    fn default() -> Self {
        Self {
            pods: OrdMap::new(),
            last_reserved: None,
            proxy: ProxyRules::default(),
            affinity: Affinity::default(),
            policies: PolicyRules::default(),
            host_ports: OrdMap::new(),
            sockets: OrdMap::new(),
            routes_pods: true,
            last_port: 32_768,
            generator: Generator::for_part(0, "network"),
        }
    }
}

impl MachineNetwork {
    /// The next free address of a pod network, as the host-local IPAM plugin gives them: from `.2`, round robin.
    pub fn allocate(&mut self, subnet: Subnet) -> Option<Ipv4Addr> {
        let first = u32::from(subnet.network) + 2;
        let last = u32::from(subnet.network) + subnet.size() - 2;
        let start = self.last_reserved.map(u32::from).filter(|ip| (first..last).contains(ip)).map_or(first, |ip| ip + 1);
        let taken = |ip: u32| self.pods.values().any(|pod| pod.address == Some(Ipv4Addr::from(ip)));
        let found = (start..=last).chain(first..start).find(|ip| !taken(*ip)).map(Ipv4Addr::from)?;
        self.last_reserved = Some(found);
        Some(found)
    }

    /// The network namespace that an origin on this machine is in, and the pod if it has an address of its own.
    pub fn netns(&self, origin: &Origin) -> Option<Netns> {
        match origin {
            Origin::Pod { namespace, name, .. } => {
                let key = PodKey::new(namespace.as_str(), name.as_str());
                let pod = self.pods.get(&key)?;
                Some(pod.address.is_some().then_some(key))
            }
            Origin::Host | Origin::Node(_) => Some(None),
        }
    }

    /// After a reboot the kernel knows no rule, socket or namespace any more.
    pub fn lose_power(&mut self) {
        self.sockets = OrdMap::new();
        self.pods = OrdMap::new();
        self.host_ports = OrdMap::new();
        self.proxy = ProxyRules::default();
        self.affinity = Affinity::default();
        self.policies = PolicyRules::default();
    }

    /// The pod that has this address.
    pub fn pod_at(&self, address: IpAddr) -> Option<&PodKey> {
        self.pods.iter().find(|(_, pod)| pod.address.is_some_and(|ip| IpAddr::V4(ip) == address)).map(|(key, _)| key)
    }

    /// The listening socket that a connection to `address:port` reaches: an exact match before one for all addresses.
    pub fn socket_for(&self, netns: &Netns, protocol: Protocol, address: IpAddr, port: u16) -> Option<(SocketKey, Arc<Socket>)> {
        let unspecified = [IpAddr::V4(Ipv4Addr::UNSPECIFIED), IpAddr::V6(std::net::Ipv6Addr::UNSPECIFIED)];
        std::iter::once(address).chain(unspecified).find_map(|address| {
            let key = SocketKey { netns: netns.clone(), protocol, port, address };
            self.sockets.get(&key).map(|socket| (key, socket.clone()))
        })
    }

    /// An ephemeral port for an outgoing connection.
    pub fn ephemeral_port(&mut self) -> u16 {
        self.last_port = if self.last_port >= 60_998 { 32_768 } else { self.last_port + 2 };
        self.last_port
    }

    /// What kube-proxy's rules make of a packet to a Service's virtual address; `None`: no rule matches.
    pub fn translate(&mut self, to: &Destination, client: IpAddr, now: Timestamp) -> Option<Verdict> {
        let rule = self.proxy.services.get(to)?.clone();
        Some(rule.choose(client, &mut self.affinity, &mut self.generator, now))
    }

    /// What they make of a packet to a port of this node.
    pub fn translate_node_port(&mut self, port: u16, protocol: Protocol, client: IpAddr, now: Timestamp) -> Option<Verdict> {
        let rule = self.proxy.node_ports.get(&(port, protocol))?.clone();
        Some(rule.choose(client, &mut self.affinity, &mut self.generator, now))
    }
}

/// An IPv4 network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subnet {
    /// Its first address.
    pub network: Ipv4Addr,
    /// Length of its prefix.
    pub prefix: u8,
}

impl Subnet {
    /// Reads `10.244.1.0/24`; bits of the host part are cleared.
    pub fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = text.trim().split_once('/')?;
        let (address, prefix): (Ipv4Addr, u8) = (address.parse().ok()?, prefix.parse().ok()?);
        (prefix <= 30).then(|| Self { network: Ipv4Addr::from(u32::from(address) & Self::mask(prefix)), prefix })
    }

    fn mask(prefix: u8) -> u32 {
        u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0)
    }

    /// Number of addresses.
    pub fn size(self) -> u32 {
        1 << (32 - u32::from(self.prefix)).min(31)
    }

    /// Whether an address lies in it.
    pub fn contains(self, address: Ipv4Addr) -> bool {
        u32::from(address) & Self::mask(self.prefix) == u32::from(self.network)
    }

    /// Its first host, which the CNI plugin gives the host's end of the pods' links.
    pub fn gateway(self) -> Ipv4Addr {
        Ipv4Addr::from(u32::from(self.network) + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_go_round_and_come_back() {
        let mut network = MachineNetwork::default();
        let subnet = Subnet::parse("10.244.1.0/29").expect("a subnet");
        let take = |network: &mut MachineNetwork, name: &str| {
            let address = network.allocate(subnet)?;
            let pod = PodNetwork {
                sandbox: name.into(),
                address: Some(address),
                veth: String::new(),
                resolv_conf: String::new(),
                hosts: String::new(),
            };
            network.pods.insert(PodKey::new("default", name), Arc::new(pod));
            Some(address.to_string())
        };
        for expected in ["10.244.1.2", "10.244.1.3", "10.244.1.4", "10.244.1.5", "10.244.1.6"] {
            assert_eq!(take(&mut network, expected).as_deref(), Some(expected));
        }
        assert_eq!(take(&mut network, "none"), None);
        network.pods.remove(&PodKey::new("default", "10.244.1.3"));
        assert_eq!(take(&mut network, "again").as_deref(), Some("10.244.1.3"));
        let json = serde_json::to_string(&network).expect("serialises");
        let back: MachineNetwork = serde_json::from_str(&json).expect("comes back");
        assert_eq!(back.pods, network.pods);
    }

    #[test]
    fn a_subnet_knows_its_members() {
        let subnet = Subnet::parse("10.244.1.7/24").expect("a subnet");
        assert_eq!((subnet.network, subnet.gateway()), ([10, 244, 1, 0].into(), [10, 244, 1, 1].into()));
        assert!(subnet.contains([10, 244, 1, 255].into()) && !subnet.contains([10, 244, 2, 1].into()));
        assert_eq!(Subnet::parse("10.244.1.0"), None);
    }
}
