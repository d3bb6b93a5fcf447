//! Network policies as data: what an agent that enforces them has programmed into a machine's kernel. Only that agent
//! writes these rules; when it stops they stay, as nftables rules do. Only new connections are judged, so answers to
//! what was allowed always pass.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use imbl::OrdMap;
use serde::{Deserialize, Serialize};

use super::rules::Protocol;
use super::state::PodKey;

/// One end of a flow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Machine; `None` for the learner's host.
    pub node: Option<String>,
    /// Pod with an address of its own.
    pub pod: Option<PodKey>,
    /// Address, after Service translation.
    pub address: IpAddr,
}

/// A new connection, as a kernel that enforces policies sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flow {
    /// Client.
    pub from: Endpoint,
    /// Server.
    pub to: Endpoint,
    /// Transport and port of the server; `None` for what has no ports (ICMP).
    pub transport: Option<(Protocol, u16)>,
}

/// Rules for the pods of one machine that a policy selects, by their address.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PolicyRules(#[serde(with = "super::pairs")] pub OrdMap<IpAddr, Arc<PodRules>>);

/// What may come to and go from one pod. `None`: the pod is not isolated in this direction.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PodRules {
    /// Connections to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ingress: Option<Vec<PolicyRule>>,
    /// Connections from it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub egress: Option<Vec<PolicyRule>>,
}

/// One allowed path: a peer *and* a port. `None` stands for all of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PolicyRule {
    /// Any of these at the other end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peers: Option<Vec<PeerMatch>>,
    /// Any of these ports of the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ports: Option<Vec<PortMatch>>,
}

/// The other end of a connection.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum PeerMatch {
    /// Addresses of the pods that the peer's selectors choose.
    Pods(BTreeSet<IpAddr>),
    /// An address range with holes.
    Block {
        /// The range.
        cidr: Cidr,
        /// The holes.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        except: Vec<Cidr>,
    },
}

/// Ports of the server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum PortMatch {
    /// From the first to the last.
    Range(Protocol, u16, u16),
    /// A named port: a number of its own for each pod that has one.
    Named(Protocol, BTreeMap<IpAddr, BTreeSet<u16>>),
}

/// An IPv4 range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cidr {
    /// Its first address.
    pub network: Ipv4Addr,
    /// Length of its prefix, 0 to 32.
    pub prefix: u8,
}

impl Cidr {
    /// Reads `10.0.0.0/8`; `None` for anything else, IPv6 too: nothing here has such an address.
    pub fn parse(text: &str) -> Option<Self> {
        let (network, prefix) = text.split_once('/')?;
        let (network, prefix): (Ipv4Addr, u8) = (network.parse().ok()?, prefix.parse().ok()?);
        (prefix <= 32).then_some(Self { network, prefix })
    }

    fn contains(self, address: IpAddr) -> bool {
        let IpAddr::V4(address) = address else { return false };
        let mask = u32::MAX.checked_shl(32 - u32::from(self.prefix)).unwrap_or(0);
        u32::from(address) & mask == u32::from(self.network) & mask
    }
}

impl PolicyRules {
    /// Whether a connection may leave, by the rules of the machine that it starts on. What stays on this machine's own
    /// addresses passes: `node traffic is always allowed` (concepts/services-networking/network-policies).
    pub fn may_leave(&self, flow: &Flow) -> bool {
        let local = flow.to.pod.is_none() && flow.from.node == flow.to.node;
        if flow.from.pod.is_none() || flow.from.pod == flow.to.pod || local {
            return true;
        }
        let rules = self.0.get(&flow.from.address).and_then(|rules| rules.egress.as_ref());
        rules.is_none_or(|rules| rules.iter().any(|rule| rule.allows(flow.to.address, flow)))
    }

    /// Whether it may enter, by the rules of the machine that it ends on. The kubelet's probes come from that machine.
    pub fn may_enter(&self, flow: &Flow) -> bool {
        let local = flow.from.pod.is_none() && flow.from.node == flow.to.node;
        if flow.to.pod.is_none() || flow.from.pod == flow.to.pod || local {
            return true;
        }
        let rules = self.0.get(&flow.to.address).and_then(|rules| rules.ingress.as_ref());
        rules.is_none_or(|rules| rules.iter().any(|rule| rule.allows(flow.from.address, flow)))
    }
}

impl PolicyRule {
    fn allows(&self, peer: IpAddr, flow: &Flow) -> bool {
        let peer = self.peers.as_ref().is_none_or(|peers| peers.iter().any(|candidate| candidate.matches(peer)));
        let port = self.ports.as_ref().is_none_or(|ports| ports.iter().any(|port| port.matches(flow)));
        peer && port
    }
}

impl PeerMatch {
    fn matches(&self, address: IpAddr) -> bool {
        match self {
            Self::Pods(addresses) => addresses.contains(&address),
            Self::Block { cidr, except } => cidr.contains(address) && !except.iter().any(|hole| hole.contains(address)),
        }
    }
}

impl PortMatch {
    fn matches(&self, flow: &Flow) -> bool {
        let Some((protocol, port)) = flow.transport else { return false };
        match self {
            Self::Range(of, first, last) => *of == protocol && (*first..=*last).contains(&port),
            Self::Named(of, numbers) => *of == protocol && numbers.get(&flow.to.address).is_some_and(|numbers| numbers.contains(&port)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    fn flow(from: (&str, Option<&str>, &str), to: (&str, Option<&str>, &str), transport: Option<(Protocol, u16)>) -> Flow {
        let end = |(node, pod, address): (&str, Option<&str>, &str)| Endpoint {
            node: Some(node.into()),
            pod: pod.map(|pod| PodKey::new("shop", pod)),
            address: ip(address),
        };
        Flow { from: end(from), to: end(to), transport }
    }

    #[test]
    fn isolated_pods_take_what_a_rule_allows_and_their_own_node() {
        let block = PeerMatch::Block {
            cidr: Cidr::parse("10.244.0.0/16").expect("valid"),
            except: vec![Cidr::parse("10.244.2.0/24").expect("valid")],
        };
        let rules = |ingress| PolicyRules(OrdMap::unit(ip("10.244.1.2"), Arc::new(PodRules { ingress, egress: None })));
        let http = PortMatch::Range(Protocol::Tcp, 80, 80);
        let web = ("a", Some("web"), "10.244.1.2");
        let (api, far, node, other_node) =
            (("a", Some("api"), "10.244.1.3"), ("b", Some("far"), "10.244.2.3"), ("a", None, "172.18.0.2"), ("b", None, "172.18.0.3"));
        let tcp = |port| Some((Protocol::Tcp, port));
        let only = |peers, ports| Some(vec![PolicyRule { peers, ports }]);
        for (name, rules, from, transport, expected) in [
            ("not isolated", rules(None), far, tcp(80), true),
            ("default deny", rules(Some(Vec::new())), api, tcp(80), false),
            ("default deny, own node", rules(Some(Vec::new())), node, tcp(80), true),
            ("default deny, other node", rules(Some(Vec::new())), other_node, tcp(80), false),
            ("default deny, itself", rules(Some(Vec::new())), web, tcp(80), true),
            ("allow all", rules(only(None, None)), far, tcp(80), true),
            ("allow all, icmp", rules(only(None, None)), far, None, true),
            ("one port", rules(only(None, Some(vec![http.clone()]))), far, tcp(80), true),
            ("another port", rules(only(None, Some(vec![http.clone()]))), far, tcp(81), false),
            ("one port, icmp", rules(only(None, Some(vec![http.clone()]))), far, None, false),
            ("another protocol", rules(only(None, Some(vec![http.clone()]))), far, Some((Protocol::Udp, 80)), false),
            ("in the block", rules(only(Some(vec![block.clone()]), None)), api, tcp(80), true),
            ("in its hole", rules(only(Some(vec![block]), None)), far, tcp(80), false),
            (
                "a chosen pod",
                rules(only(Some(vec![PeerMatch::Pods([ip("10.244.1.3")].into())]), Some(vec![http.clone()]))),
                api,
                tcp(80),
                true,
            ),
            ("another pod", rules(only(Some(vec![PeerMatch::Pods([ip("10.244.1.3")].into())]), Some(vec![http]))), far, tcp(80), false),
            ("no peer at all", rules(only(Some(Vec::new()), None)), api, tcp(80), false),
        ] {
            assert_eq!(rules.may_enter(&flow(from, web, transport)), expected, "{name}");
        }
    }

    #[test]
    fn named_ports_are_those_of_the_server() {
        let numbers = BTreeMap::from([(ip("10.244.2.3"), BTreeSet::from([8080]))]);
        let egress = Some(vec![PolicyRule { peers: None, ports: Some(vec![PortMatch::Named(Protocol::Tcp, numbers)]) }]);
        let rules = PolicyRules(OrdMap::unit(ip("10.244.1.2"), Arc::new(PodRules { ingress: None, egress })));
        let from = ("a", Some("web"), "10.244.1.2");
        for (to, port, expected) in [
            (("b", Some("api"), "10.244.2.3"), 8080, true),
            (("b", Some("api"), "10.244.2.3"), 80, false),
            (("b", Some("other"), "10.244.2.4"), 8080, false),
            (("a", None, "172.18.0.2"), 10250, true),
            (("b", None, "172.18.0.3"), 10250, false),
        ] {
            assert_eq!(rules.may_leave(&flow(from, to, Some((Protocol::Tcp, port)))), expected, "{to:?} {port}");
        }
    }
}
