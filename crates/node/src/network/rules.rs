//! Service translation as data: what kube-proxy would have written into iptables. Only the kube-proxy program of a
//! machine writes these rules; when it stops they stay, as they do in a kernel.

use std::net::IpAddr;
use std::sync::Arc;

use imbl::OrdMap;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use component::Generator;

/// Transport of a port.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Protocol {
    /// TCP
    #[default]
    Tcp,
    /// UDP
    Udp,
    /// SCTP (translated, but nothing speaks it)
    Sctp,
}

impl Protocol {
    /// As Kubernetes writes it (`TCP`); anything unknown is TCP, the API's default.
    pub fn parse(text: Option<&str>) -> Self {
        match text {
            Some("UDP") => Self::Udp,
            Some("SCTP") => Self::Sctp,
            _ => Self::Tcp,
        }
    }

    /// `tcp`, `udp`, `sctp`.
    pub fn lower(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Sctp => "sctp",
        }
    }
}

/// Where a rule matches.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Destination {
    /// Cluster IP, external IP or load-balancer IP.
    pub address: IpAddr,
    /// Port of the Service.
    pub port: u16,
    /// Transport.
    pub protocol: Protocol,
}

/// One endpoint that a rule may choose.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Backend {
    /// Address of the pod (or whatever the EndpointSlice names).
    pub address: IpAddr,
    /// Target port.
    pub port: u16,
    /// Whether it is on this node.
    pub local: bool,
}

/// One port of a Service, as this node translates it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ServiceRule {
    /// `namespace/name:port`.
    pub name: String,
    /// Endpoints in order.
    pub backends: Vec<Backend>,
    /// Seconds of ClientIP affinity, when it is on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub affinity_seconds: Option<i64>,
    /// Only endpoints of this node (`internalTrafficPolicy` or `externalTrafficPolicy: Local`).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub local_only: bool,
}

/// What becomes of a packet to a matching destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Sent on to this endpoint.
    Forward(Backend),
    /// Answered by an ICMP error: the Service has no endpoints.
    Reject,
    /// Dropped: the Service has endpoints, but none on this node.
    Drop,
}

/// All rules of one machine.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ProxyRules {
    /// By virtual address.
    #[serde(with = "crate::network::pairs")]
    pub services: OrdMap<Destination, Arc<ServiceRule>>,
    /// By node port.
    #[serde(with = "crate::network::pairs")]
    pub node_ports: OrdMap<(u16, Protocol), Arc<ServiceRule>>,
}

/// Which endpoint a client was sent to, for ClientIP affinity (iptables' `recent` module).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Affinity(#[serde(with = "crate::network::pairs")] OrdMap<(String, IpAddr), (Backend, Timestamp)>);

impl ServiceRule {
    /// Chooses an endpoint for a client.
    pub fn choose(&self, client: IpAddr, affinity: &mut Affinity, generator: &mut Generator, now: Timestamp) -> Verdict {
        let usable: Vec<&Backend> = self.backends.iter().filter(|backend| backend.local || !self.local_only).collect();
        if usable.is_empty() {
            return if self.backends.is_empty() { Verdict::Reject } else { Verdict::Drop };
        }
        let key = (self.name.clone(), client);
        if let Some(seconds) = self.affinity_seconds
            && let Some((backend, last)) = affinity.0.get(&key).cloned()
            && now.duration_since(last).as_secs() < seconds
            && usable.contains(&&backend)
        {
            affinity.0.insert(key, (backend.clone(), now));
            return Verdict::Forward(backend);
        }
        let chosen = usable[generator.below(usable.len() as u64) as usize].clone();
        if self.affinity_seconds.is_some() {
            affinity.0.insert(key, (chosen.clone(), now));
        }
        Verdict::Forward(chosen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(backends: &[(&str, bool)], affinity_seconds: Option<i64>, local_only: bool) -> ServiceRule {
        let backends =
            backends.iter().map(|(ip, local)| Backend { address: ip.parse().expect("address"), port: 80, local: *local }).collect();
        ServiceRule { name: "shop/web:http".into(), backends, affinity_seconds, local_only }
    }

    #[test]
    fn verdicts_follow_endpoints_and_traffic_policy() {
        let client = "10.244.1.9".parse().expect("address");
        let forwarded = |ip: &str, local| Verdict::Forward(Backend { address: ip.parse().expect("address"), port: 80, local });
        for (rule, expected) in [
            (rule(&[], None, false), Verdict::Reject),
            (rule(&[], None, true), Verdict::Reject),
            (rule(&[("10.244.1.2", false)], None, true), Verdict::Drop),
            (rule(&[("10.244.1.2", false)], None, false), forwarded("10.244.1.2", false)),
            (rule(&[("10.244.1.2", false), ("10.244.2.3", true)], None, true), forwarded("10.244.2.3", true)),
        ] {
            let verdict = rule.choose(client, &mut Affinity::default(), &mut Generator::for_part(1, "x"), Timestamp::UNIX_EPOCH);
            assert_eq!(verdict, expected);
        }
    }

    #[test]
    fn choice_is_spread_and_affinity_keeps_it() {
        let client: IpAddr = "10.244.1.9".parse().expect("address");
        let mut generator = Generator::for_part(3, "proxy");
        let mut affinity = Affinity::default();
        let choose = |rule: &ServiceRule, affinity: &mut Affinity, generator: &mut Generator, second| {
            rule.choose(client, affinity, generator, Timestamp::from_second(second).expect("in range"))
        };
        let spread = rule(&[("10.0.0.1", false), ("10.0.0.2", false), ("10.0.0.3", false)], None, false);
        let mut seen: Vec<_> = (0..50).map(|_| format!("{:?}", choose(&spread, &mut affinity, &mut generator, 0))).collect();
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), 3);
        let sticky = ServiceRule { affinity_seconds: Some(60), ..spread };
        let first = choose(&sticky, &mut affinity, &mut generator, 0);
        assert!((1..20).all(|second| choose(&sticky, &mut affinity, &mut generator, second) == first));
    }
}
