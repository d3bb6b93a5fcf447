//! Listening sockets and what comes out of them.

use std::net::SocketAddr;
use std::sync::{Arc, Weak};

use rustls_pki_types::CertificateDer;
use tokio::io::DuplexStream;
use tokio::sync::mpsc;

use super::fabric::Network;
use super::state::SocketKey;
use crate::machine::Pid;

/// Which process listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// Its number.
    pub pid: Pid,
    /// Its name, as `ss -p` shows it.
    pub program: String,
}

/// What a server presents in a TLS handshake. Inside one process no bytes are encrypted; certificates are judged all the same.
#[derive(Clone, Debug, Default)]
pub struct ServerTls {
    /// Certificate chain, leaf first.
    pub chain: Vec<CertificateDer<'static>>,
}

impl ServerTls {
    /// From a PEM bundle.
    pub fn from_pem(pem: &[u8]) -> Self {
        Self { chain: component::tls::certificates(pem) }
    }
}

/// An accepted connection.
pub struct Accepted {
    /// The bytes.
    pub stream: DuplexStream,
    /// Where it comes from.
    pub peer: SocketAddr,
    /// Which of the server's addresses was reached.
    pub local: SocketAddr,
    /// The client's certificate, when the connection is TLS and it presented one. The server has to judge it.
    pub client_cert: Option<CertificateDer<'static>>,
}

/// A socket could not be bound; `Display` is Go's text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BindError {
    /// EADDRINUSE
    #[error("listen {protocol} {address}: bind: address already in use")]
    InUse {
        /// `tcp` or `udp`.
        protocol: &'static str,
        /// Go prints no unspecified address: `:10250`.
        address: String,
    },
    /// EADDRNOTAVAIL
    #[error("listen {protocol} {address}: bind: cannot assign requested address")]
    NotAvailable {
        /// `tcp` or `udp`.
        protocol: &'static str,
        /// The address.
        address: String,
    },
}

/// A bound socket; it is closed when this is dropped.
struct Bound {
    network: Weak<Network>,
    node: String,
    key: SocketKey,
}

impl Drop for Bound {
    fn drop(&mut self) {
        if let Some(network) = self.network.upgrade() {
            network.unbind(&self.node, &self.key);
        }
    }
}

/// A listening TCP socket.
pub struct Listener {
    bound: Bound,
    queue: mpsc::UnboundedReceiver<Accepted>,
}

impl Listener {
    pub(super) fn new(network: &Arc<Network>, node: String, key: SocketKey, queue: mpsc::UnboundedReceiver<Accepted>) -> Self {
        Self { bound: Bound { network: Arc::downgrade(network), node, key }, queue }
    }

    /// The next connection. Cancel safe. Waits for ever once the network is gone.
    pub async fn accept(&mut self) -> Accepted {
        match self.queue.recv().await {
            Some(accepted) => accepted,
            None => std::future::pending().await,
        }
    }

    /// Port that it listens on.
    pub fn port(&self) -> u16 {
        self.bound.key.port
    }
}

/// A UDP socket on which names are answered; it is closed when this is dropped.
pub struct NameServerSocket(#[allow(dead_code)] Bound); // held for its Drop

impl NameServerSocket {
    pub(super) fn new(network: &Arc<Network>, node: String, key: SocketKey) -> Self {
        Self(Bound { network: Arc::downgrade(network), node, key })
    }
}
