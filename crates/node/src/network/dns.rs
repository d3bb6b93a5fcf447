//! Questions and answers of the domain name system. A query is one call; its refusals and losses are real.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use futures::future::BoxFuture;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordType {
    /// IPv4 address
    A,
    /// IPv6 address
    Aaaa,
    /// Alias
    Cname,
    /// Name of an address
    Ptr,
    /// Service location
    Srv,
    /// Text
    Txt,
    /// Name servers
    Ns,
    /// Start of authority
    Soa,
    /// Mail exchangers
    Mx,
}

impl RecordType {
    /// `A`, `AAAA`, …
    pub fn name(self) -> &'static str {
        match self {
            Self::A => "A",
            Self::Aaaa => "AAAA",
            Self::Cname => "CNAME",
            Self::Ptr => "PTR",
            Self::Srv => "SRV",
            Self::Txt => "TXT",
            Self::Ns => "NS",
            Self::Soa => "SOA",
            Self::Mx => "MX",
        }
    }

    /// The type of that name, in any case.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::A, Self::Aaaa, Self::Cname, Self::Ptr, Self::Srv, Self::Txt, Self::Ns, Self::Soa, Self::Mx]
            .into_iter()
            .find(|kind| kind.name().eq_ignore_ascii_case(name))
    }
}

/// One question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// Fully qualified, lower case, without the final dot.
    pub name: String,
    /// What is asked for.
    pub kind: RecordType,
    /// Who asks.
    pub from: IpAddr,
}

/// Data of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecordData {
    /// IPv4 address
    A(Ipv4Addr),
    /// IPv6 address
    Aaaa(Ipv6Addr),
    /// Alias
    Cname(String),
    /// Name of an address
    Ptr(String),
    /// Service location
    Srv {
        /// Priority
        priority: u16,
        /// Weight
        weight: u16,
        /// Port
        port: u16,
        /// Host
        target: String,
    },
    /// Text
    Txt(String),
    /// Name server
    Ns(String),
    /// Start of authority: primary server, mailbox.
    Soa(String, String),
}

/// One record of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Owner, without the final dot.
    pub name: String,
    /// Time to live in seconds.
    pub ttl: u32,
    /// Data.
    pub data: RecordData,
}

/// How a server answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rcode {
    /// Answered (perhaps with no records).
    NoError,
    /// The name does not exist.
    NxDomain,
    /// The server failed.
    ServFail,
    /// The server will not answer this.
    Refused,
}

impl Rcode {
    /// `NOERROR`, `NXDOMAIN`, …
    pub fn name(self) -> &'static str {
        match self {
            Self::NoError => "NOERROR",
            Self::NxDomain => "NXDOMAIN",
            Self::ServFail => "SERVFAIL",
            Self::Refused => "REFUSED",
        }
    }
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// Outcome.
    pub rcode: Rcode,
    /// Whether the server owns the zone.
    pub authoritative: bool,
    /// Answers.
    pub records: Vec<Record>,
}

impl Reply {
    /// An answer without records.
    pub fn empty(rcode: Rcode) -> Self {
        Self { rcode, authoritative: false, records: Vec::new() }
    }

    /// Addresses among the records.
    pub fn addresses(&self) -> impl Iterator<Item = IpAddr> + '_ {
        self.records.iter().filter_map(|record| match record.data {
            RecordData::A(ip) => Some(IpAddr::V4(ip)),
            RecordData::Aaaa(ip) => Some(IpAddr::V6(ip)),
            _ => None,
        })
    }
}

/// What answers at a UDP port 53.
pub trait NameServer: Send + Sync + 'static {
    /// Answers one query; `None`: no answer is ever sent.
    fn answer<'a>(&'a self, query: Query) -> BoxFuture<'a, Option<Reply>>;
}

/// A query that got no answer; `Display` is the text of Go's `net.OpError`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("read udp {local}->{server}: {kind}")]
pub struct QueryError {
    /// Where it was sent from.
    pub local: SocketAddr,
    /// Where it was sent to.
    pub server: SocketAddr,
    /// Why there is no answer.
    pub kind: QueryFailure,
}

/// Why a query got no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QueryFailure {
    /// Nothing is bound to the port (ICMP port unreachable).
    #[error("read: connection refused")]
    Refused,
    /// No answer came.
    #[error("i/o timeout")]
    Timeout,
}

/// A name that could not be resolved.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("lookup {name}{on}: {reason}", on = .server.as_ref().map(|s| format!(" on {s}")).unwrap_or_default())]
pub struct LookupError {
    /// As asked for.
    pub name: String,
    /// `ip:port` of the last server that was asked.
    pub server: Option<String>,
    /// What went wrong.
    pub reason: LookupReason,
}

/// What went wrong in a look-up; texts are Go's `net.DNSError`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LookupReason {
    /// Every candidate was answered NXDOMAIN or without addresses.
    #[error("no such host")]
    NotFound,
    /// The server failed.
    #[error("server misbehaving")]
    ServerFailure,
    /// The server did not answer.
    #[error(transparent)]
    NoAnswer(QueryError),
}
