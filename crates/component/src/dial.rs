//! Opening connections. The simulated network implements [`Dialer`]; errors carry the texts of Go's `net` and
//! `crypto/x509`, because they end up in journals and on terminals where people have learnt to read them.

use std::fmt;
use std::net::IpAddr;

use futures::future::BoxFuture;
use tokio::io::DuplexStream;

use crate::tls::{ClientTls, TlsError};

/// Where a connection starts; decides which routes, name servers and policies apply to it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Origin {
    /// The learner's own machine, outside the cluster's network.
    Host,
    /// A process in a node's network namespace (host-network pods too).
    Node(String),
    /// A process in a pod's network namespace.
    Pod {
        /// Node that the pod runs on.
        node: String,
        /// Namespace of the pod.
        namespace: String,
        /// Name of the pod.
        name: String,
    },
}

/// An open byte stream, TLS already negotiated where it was asked for.
pub struct Connection {
    /// The bytes.
    pub stream: DuplexStream,
    /// Address that was reached after name look-up and Service translation.
    pub remote: (IpAddr, u16),
}

/// Opens connections inside a simulation (or, for other backends, on the host's network).
pub trait Dialer: Send + Sync + 'static {
    /// Connects to `host:port`; `host` is an address or a name. With `tls`, the server's certificate is verified as
    /// a TLS client would and the client's certificate is presented to the server.
    fn connect<'a>(
        &'a self,
        from: &'a Origin,
        host: &'a str,
        port: u16,
        tls: Option<&'a ClientTls>,
    ) -> BoxFuture<'a, Result<Connection, DialError>>;
}

/// Why a connection could not be opened. `Display` is Go's text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DialError {
    /// Nothing listens there.
    #[error("dial tcp {address}: connect: connection refused")]
    Refused {
        /// `ip:port`.
        address: String,
    },
    /// Packets are dropped (policy, dead node).
    #[error("dial tcp {address}: i/o timeout")]
    Timeout {
        /// `ip:port`.
        address: String,
    },
    /// No route to that network.
    #[error("dial tcp {address}: connect: no route to host")]
    NoRoute {
        /// `ip:port`.
        address: String,
    },
    /// The name could not be resolved.
    #[error("dial tcp: lookup {name}{on}: {reason}", on = Server(server))]
    Lookup {
        /// Name that was asked for.
        name: String,
        /// `ip:port` of the name server, when one was reached or tried.
        server: Option<String>,
        /// `no such host`, `i/o timeout`, `server misbehaving`, …
        reason: String,
    },
    /// The handshake failed.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

struct Server<'a>(&'a Option<String>);

impl fmt::Display for Server<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(server) => write!(f, " on {server}"),
            None => Ok(()),
        }
    }
}
