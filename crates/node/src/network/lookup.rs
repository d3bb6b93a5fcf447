//! Looking names up from somewhere: hosts file, search list, queries over the simulated network.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use component::{DialError, Origin};

use super::dns::{LookupError, LookupReason, Query, QueryError, QueryFailure, Rcode, Record, RecordData, RecordType, Reply};
use super::fabric::{Acceptor, Network};
use super::resolver::ResolverConfig;
use super::route::{GATEWAY, Unreachable};
use super::rules::Protocol;

/// resolv.conf(5): `options timeout:5 attempts:2`.
const QUERY_TIMEOUT: Duration = Duration::from_secs(5);
const ATTEMPTS: usize = 2;

/// What a name stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// The fully qualified name that had an answer (the name itself when the hosts file had it).
    pub name: String,
    /// Addresses in the order of the answer.
    pub addresses: Vec<IpAddr>,
    /// Server that answered; `None`: the hosts file.
    pub server: Option<SocketAddr>,
}

impl Network {
    /// The resolver's configuration as a process at `from` reads it now.
    pub fn resolver(&self, from: &Origin) -> ResolverConfig {
        let (Origin::Node(node) | Origin::Pod { node, .. }) = from else {
            return ResolverConfig { nameservers: vec![GATEWAY], ..ResolverConfig::default() };
        };
        let Some(machine) = self.machine(node) else { return ResolverConfig::default() };
        machine.read(|state| {
            let (resolv_conf, hosts) = match from {
                Origin::Pod { namespace, name, .. } => {
                    let key = super::state::PodKey::new(namespace.as_str(), name.as_str());
                    match state.network.pods.get(&key) {
                        Some(pod) => (pod.resolv_conf.clone(), pod.hosts.clone()),
                        None => return ResolverConfig::default(),
                    }
                }
                _ => ("/etc/resolv.conf".to_owned(), "/etc/hosts".to_owned()),
            };
            let read = |path: &str| state.files.read_text(path).unwrap_or_default();
            ResolverConfig::parse(&read(&resolv_conf), &read(&hosts))
        })
    }

    /// Sends one query to one server and waits for the answer as long as the resolver does.
    pub async fn query(&self, from: &Origin, server: SocketAddr, name: &str, kind: RecordType) -> Result<Reply, QueryError> {
        let source = self.source_address(from).unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        let failure = |kind| QueryError { local: SocketAddr::new(source, self.client_port(from)), server, kind };
        if server.ip() == GATEWAY && server.port() == 53 {
            return Ok(self.infrastructure(name, kind));
        }
        match self.route(from, server, Protocol::Udp) {
            Err(Unreachable::Refused) => Err(failure(QueryFailure::Refused)),
            Err(Unreachable::NoRoute | Unreachable::Dropped) => {
                tokio::time::sleep(QUERY_TIMEOUT).await;
                Err(failure(QueryFailure::Timeout))
            }
            Ok(route) => {
                let acceptor = match &route.socket {
                    Some(socket) => self.acceptor(&route.node, socket).await,
                    None => None,
                };
                let Some(Acceptor::Names(names)) = acceptor else { return Err(failure(QueryFailure::Refused)) };
                let query = Query { name: name.trim_end_matches('.').to_ascii_lowercase(), kind, from: route.source };
                match tokio::time::timeout(QUERY_TIMEOUT, names.answer(query)).await {
                    Ok(Some(reply)) => Ok(reply),
                    Ok(None) | Err(_) => Err(failure(QueryFailure::Timeout)),
                }
            }
        }
    }

    /// The name server at the machines' gateway: it knows the machines, and nothing of a world outside.
    fn infrastructure(&self, name: &str, kind: RecordType) -> Reply {
        let name = name.trim_end_matches('.').to_ascii_lowercase();
        match self.nodes().into_iter().find(|(node, _)| *node == name) {
            Some((_, IpAddr::V4(ip))) if kind == RecordType::A => {
                Reply { rcode: Rcode::NoError, authoritative: true, records: vec![Record { name, ttl: 600, data: RecordData::A(ip) }] }
            }
            Some(_) => Reply::empty(Rcode::NoError),
            None => Reply::empty(Rcode::NxDomain),
        }
    }

    /// Resolves a name to addresses as `getaddrinfo(3)` does: the hosts file, then each candidate of the search list.
    pub async fn resolve(&self, from: &Origin, name: &str) -> Result<Resolved, LookupError> {
        let config = self.resolver(from);
        let addresses = config.in_hosts(name);
        if !addresses.is_empty() {
            return Ok(Resolved { name: name.to_owned(), addresses, server: None });
        }
        if *from == Origin::Host {
            let reply = self.infrastructure(name, RecordType::A);
            let addresses: Vec<_> = reply.addresses().collect();
            return if addresses.is_empty() {
                Err(LookupError { name: name.to_owned(), server: None, reason: LookupReason::NotFound })
            } else {
                Ok(Resolved { name: name.to_owned(), addresses, server: None })
            };
        }
        let servers = if config.nameservers.is_empty() { vec![IpAddr::V4(Ipv4Addr::LOCALHOST)] } else { config.nameservers.clone() };
        let mut failure = None;
        for candidate in config.candidates(name) {
            match self.ask_all(from, &servers, &candidate).await {
                Ok((reply, server)) => {
                    let addresses: Vec<_> = reply.addresses().collect();
                    if !addresses.is_empty() {
                        return Ok(Resolved { name: candidate, addresses, server: Some(server) });
                    }
                    let reason = match reply.rcode {
                        Rcode::NoError | Rcode::NxDomain => LookupReason::NotFound,
                        Rcode::ServFail | Rcode::Refused => LookupReason::ServerFailure,
                    };
                    failure = failure.or(Some(LookupError { name: name.to_owned(), server: Some(server.to_string()), reason }));
                }
                // A server that does not answer one name answers none: the search ends.
                Err(error) => {
                    return Err(LookupError {
                        name: name.to_owned(),
                        server: Some(error.server.to_string()),
                        reason: LookupReason::NoAnswer(error),
                    });
                }
            }
        }
        Err(failure.unwrap_or_else(|| LookupError { name: name.to_owned(), server: None, reason: LookupReason::NotFound }))
    }

    async fn ask_all(&self, from: &Origin, servers: &[IpAddr], name: &str) -> Result<(Reply, SocketAddr), QueryError> {
        let mut failure = None;
        for _ in 0..ATTEMPTS {
            for server in servers {
                let server = SocketAddr::new(*server, 53);
                match self.query(from, server, name, RecordType::A).await {
                    Ok(reply) => return Ok((reply, server)),
                    Err(error) => failure = Some(error),
                }
            }
        }
        Err(failure.unwrap_or_else(|| QueryError {
            local: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0),
            server: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 53),
            kind: QueryFailure::Refused,
        }))
    }
}

pub(super) fn dial_error(error: LookupError) -> DialError {
    DialError::Lookup { name: error.name, server: error.server, reason: error.reason.to_string() }
}
