//! Finding the way of a packet: address translation, then routing.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use component::Origin;

use super::fabric::Network;
use super::policy::{Endpoint, Flow};
use super::rules::{Destination, Protocol, Verdict};
use super::state::{Netns, PodKey, SocketKey};

/// Why a packet has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreachable {
    /// Answered by a reset or an ICMP port unreachable.
    #[error("connection refused")]
    Refused,
    /// Nobody answers ARP: known after about three seconds.
    #[error("no route to host")]
    NoRoute,
    /// Never answered.
    #[error("timed out")]
    Dropped,
}

/// The end of a way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Machine that was reached.
    pub node: String,
    /// Network namespace on it.
    pub netns: Netns,
    /// Socket that was reached; `None` for a route to an address alone.
    pub socket: Option<SocketKey>,
    /// Address and port after translation.
    pub destination: SocketAddr,
    /// Source address as the server sees it.
    pub source: IpAddr,
}

/// The learner's machine and the machines' gateway.
pub(super) const GATEWAY: IpAddr = IpAddr::V4(Ipv4Addr::new(172, 18, 0, 1));

struct Source {
    node: Option<String>,
    netns: Netns,
    address: IpAddr,
}

impl Network {
    fn source(&self, from: &Origin) -> Result<Source, Unreachable> {
        let node = match from {
            Origin::Host => return Ok(Source { node: None, netns: None, address: GATEWAY }),
            Origin::Node(node) | Origin::Pod { node, .. } => node,
        };
        let machine = self.machine(node).ok_or(Unreachable::NoRoute)?;
        machine.read(|state| {
            let netns = state.network.netns(from).ok_or(Unreachable::NoRoute)?;
            let pod = netns.as_ref().and_then(|key| state.network.pods.get(key)).and_then(|pod| pod.address);
            Ok(Source { node: Some(node.clone()), netns, address: pod.map_or(state.address, IpAddr::V4) })
        })
    }

    /// Address that connections from here carry.
    pub fn source_address(&self, from: &Origin) -> Result<IpAddr, Unreachable> {
        self.source(from).map(|source| source.address)
    }

    /// Translates and routes a packet from `from` to `to`, down to the socket that receives it.
    pub fn route(&self, from: &Origin, to: SocketAddr, protocol: Protocol) -> Result<Route, Unreachable> {
        let source = self.source(from)?;
        let now = self.clock().now();
        let (mut address, mut port) = (to.ip(), to.port());
        let mut seen_as = source.address;
        // Node whose port a connection came through.
        let mut through: Option<String> = None;

        // 127.0.0.1 stays where it is; only node ports lead away from the host's (route_localnet).
        if address.is_loopback() || address.is_unspecified() {
            let node = source.node.clone().ok_or(Unreachable::Refused)?;
            let machine = self.machine(&node).ok_or(Unreachable::NoRoute)?;
            let verdict = match source.netns {
                None => machine.write(|state| state.network.translate_node_port(port, protocol, source.address, now)),
                Some(_) => None,
            };
            match verdict {
                None => return self.deliver(node, source.netns, SocketAddr::new(address, port), protocol, address),
                Some(Verdict::Forward(backend)) => (address, port) = (backend.address, backend.port),
                Some(Verdict::Reject) => return Err(Unreachable::Refused),
                Some(Verdict::Drop) => return Err(Unreachable::Dropped),
            }
        }

        // Virtual addresses mean something only to the node whose rules the packet passes first.
        if let Some(machine) = source.node.as_deref().and_then(|node| self.machine(node)) {
            let destination = Destination { address, port, protocol };
            match machine
                .read(|state| state.network.proxy.services.contains_key(&destination))
                .then(|| machine.write(|state| state.network.translate(&destination, source.address, now)))
            {
                None | Some(None) => {}
                Some(Some(Verdict::Forward(backend))) => (address, port) = (backend.address, backend.port),
                Some(Some(Verdict::Reject)) => return Err(Unreachable::Refused),
                Some(Some(Verdict::Drop)) => return Err(Unreachable::Dropped),
            }
        }

        // A node's own address: its node ports and host ports come before its sockets.
        if let Some((node, machine)) = self.machine_at(address) {
            let verdict = machine
                .read(|state| state.network.proxy.node_ports.contains_key(&(port, protocol)))
                .then(|| machine.write(|state| state.network.translate_node_port(port, protocol, source.address, now)));
            match verdict.flatten() {
                Some(Verdict::Forward(backend)) => {
                    // Masqueraded, unless the Service keeps the client's address by staying on the node.
                    let keeps_source =
                        machine.read(|state| state.network.proxy.node_ports.get(&(port, protocol)).is_some_and(|rule| rule.local_only));
                    if !keeps_source {
                        seen_as = address;
                        through = Some(node.clone());
                    }
                    (address, port) = (backend.address, backend.port);
                }
                Some(Verdict::Reject) => return Err(Unreachable::Refused),
                Some(Verdict::Drop) => return Err(Unreachable::Dropped),
                None => {
                    let mapped = machine.read(|state| state.network.host_ports.get(&(port, protocol)).cloned());
                    match mapped.and_then(|(pod, target)| {
                        machine.read(|state| state.network.pods.get(&pod).and_then(|pod| pod.address)).map(|ip| (ip, target))
                    }) {
                        Some((ip, target)) => (address, port) = (IpAddr::V4(ip), target),
                        None => {
                            self.check_policy(&source, &source.address, &node, None, address, Some((protocol, port)))?;
                            return self.deliver(node, None, SocketAddr::new(address, port), protocol, seen_as);
                        }
                    }
                }
            }
        }

        if let Some((node, _)) = self.machine_at(address) {
            self.check_policy(&source, &source.address, &node, None, address, Some((protocol, port)))?;
            return self.deliver(node, None, SocketAddr::new(address, port), protocol, seen_as);
        }
        match self.pod_at(address) {
            // Lost at the gateway, unless a node forwards it.
            Some(_) if through.is_none() && !self.routes_pods(&source) => Err(Unreachable::Dropped),
            Some((node, pod)) => {
                // On the way through another node's port a packet gets that node's address before it comes to the pod's.
                let shown = if through.is_some_and(|through| through != node) { seen_as } else { source.address };
                self.check_policy(&source, &shown, &node, Some(&pod), address, Some((protocol, port)))?;
                self.deliver(node, Some(pod), SocketAddr::new(address, port), protocol, seen_as)
            }
            None => Err(self.nowhere(address)),
        }
    }

    /// Whether an address answers ICMP echo requests from here. Virtual addresses do not (kube-proxy translates ports).
    pub fn ping(&self, from: &Origin, address: IpAddr) -> Result<(), Unreachable> {
        let source = self.source(from)?;
        if address.is_loopback() || address == GATEWAY {
            return Ok(());
        }
        let (node, pod) = match (self.machine_at(address), self.pod_at(address)) {
            (Some((node, _)), _) => (node, None),
            (None, Some(_)) if !self.routes_pods(&source) => return Err(Unreachable::Dropped),
            (None, Some((node, pod))) => (node, Some(pod)),
            (None, None) => return Err(self.nowhere(address)),
        };
        self.check_policy(&source, &source.address, &node, pod.as_ref(), address, None)
    }

    fn routes_pods(&self, source: &Source) -> bool {
        let machine = source.node.as_deref().and_then(|node| self.machine(node));
        machine.is_none_or(|machine| machine.read(|state| state.network.routes_pods))
    }

    /// What becomes of packets to an address that nobody has: on the machines' own network and in the pods' ARP fails,
    /// anything else goes to the gateway and is lost there.
    fn nowhere(&self, address: IpAddr) -> Unreachable {
        let IpAddr::V4(v4) = address else { return Unreachable::NoRoute };
        let [a, b, ..] = v4.octets();
        if (a, b) == (172, 18) || (a, b) == (10, 244) { Unreachable::NoRoute } else { Unreachable::Dropped }
    }

    /// Asks the policies of both ends: those of the client's node for what leaves, those of the server's for what enters.
    fn check_policy(
        &self,
        source: &Source,
        shown: &IpAddr,
        node: &str,
        pod: Option<&PodKey>,
        address: IpAddr,
        transport: Option<(Protocol, u16)>,
    ) -> Result<(), Unreachable> {
        let from = Endpoint { node: source.node.clone(), pod: source.netns.clone(), address: source.address };
        let mut flow = Flow { from, to: Endpoint { node: Some(node.to_owned()), pod: pod.cloned(), address }, transport };
        let rules = |node: &str| self.machine(node).map(|machine| machine.read(|state| state.network.policies.clone()));
        if source.netns.is_some() && source.node.as_deref().and_then(rules).is_some_and(|rules| !rules.may_leave(&flow)) {
            return Err(Unreachable::Dropped);
        }
        if *shown != source.address {
            flow.from = Endpoint { node: self.machine_at(*shown).map(|(node, _)| node), pod: None, address: *shown };
        }
        if pod.is_some() && rules(node).is_some_and(|rules| !rules.may_enter(&flow)) {
            return Err(Unreachable::Dropped);
        }
        Ok(())
    }

    fn deliver(
        &self,
        node: String,
        netns: Netns,
        destination: SocketAddr,
        protocol: Protocol,
        source: IpAddr,
    ) -> Result<Route, Unreachable> {
        let machine = self.machine(&node).ok_or(Unreachable::NoRoute)?;
        let socket = machine.read(|state| state.network.socket_for(&netns, protocol, destination.ip(), destination.port()));
        match socket {
            Some((key, _)) => Ok(Route { node, netns, socket: Some(key), destination, source }),
            None => Err(Unreachable::Refused),
        }
    }
}
