//! Opening connections: [`Network`] as a [`Dialer`].

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use component::tls::{ClientTls, TlsError, certificates};
use component::{Connection, DialError, Dialer, Origin};
use futures::future::BoxFuture;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

use super::fabric::{Acceptor, Network};
use super::listener::Accepted;
use super::lookup::dial_error;
use super::route::Unreachable;
use super::rules::Protocol;

/// Bytes in flight on one connection.
const WINDOW: usize = 16 * 1024;
/// How long Linux retries ARP before it gives up.
pub(super) const ARP_TIMEOUT: Duration = Duration::from_secs(3);
/// `net.Dialer.Timeout` of Go's default HTTP transport.
const DIAL_TIMEOUT: Duration = Duration::from_secs(30);

impl Network {
    /// Opens a TCP connection to an address. A refusal is known at once, a missing host after seconds, and dropped
    /// packets never (the caller sets the limit).
    pub async fn connect_tcp(&self, from: &Origin, to: SocketAddr, tls: Option<(&ClientTls, &str)>) -> Result<Connection, DialError> {
        let address = to.to_string();
        let route = match self.route(from, to, Protocol::Tcp) {
            Ok(route) => route,
            Err(Unreachable::Refused) => return Err(DialError::Refused { address }),
            Err(Unreachable::NoRoute) => {
                tokio::time::sleep(ARP_TIMEOUT).await;
                return Err(DialError::NoRoute { address });
            }
            Err(Unreachable::Dropped) => {
                tokio::time::sleep(DIAL_TIMEOUT).await;
                return Err(DialError::Timeout { address });
            }
        };
        let socket = route.socket.as_ref().ok_or_else(|| DialError::Refused { address: address.clone() })?;
        let Some(Acceptor::Tcp { queue, tls: server }) = self.acceptor(&route.node, socket).await else {
            return Err(DialError::Refused { address });
        };
        let client_cert = match (&server, tls) {
            (Some(server), Some((client, host))) => {
                self.known_servers().verify(&server.chain, client, host, self.clock().now())?;
                client.key_pem.as_ref().and(client.cert_pem.as_ref()).and_then(|pem| certificates(pem).into_iter().next())
            }
            (None, Some(_)) => return Err(TlsError::PlainServer.into()),
            (_, None) => None,
        };
        let (ours, theirs) = tokio::io::duplex(WINDOW);
        if let (Some(_), None) = (&server, tls) {
            // The server's end never sees these bytes: its handshake fails.
            tokio::spawn(refuse_plain_text(theirs));
            return Ok(Connection { stream: ours, remote: (route.destination.ip(), route.destination.port()) });
        }
        let port = self.client_port(from);
        let accepted = Accepted { stream: theirs, peer: SocketAddr::new(route.source, port), local: route.destination, client_cert };
        queue.send(accepted).map_err(|_| DialError::Refused { address })?;
        Ok(Connection { stream: ours, remote: (route.destination.ip(), route.destination.port()) })
    }

    pub(super) fn client_port(&self, from: &Origin) -> u16 {
        match from {
            Origin::Node(node) | Origin::Pod { node, .. } => {
                self.machine(node).map_or(32_768, |machine| machine.write(|state| state.network.ephemeral_port()))
            }
            Origin::Host => 40_000,
        }
    }

    /// Hands a connection that was made elsewhere (a real socket on the host, say) to the server at an address, as if it
    /// came from `from`. TLS, if any, has been spoken already; `client_cert` is what it showed.
    pub async fn hand_over(
        &self,
        from: &Origin,
        to: SocketAddr,
        stream: DuplexStream,
        client_cert: Option<rustls_pki_types::CertificateDer<'static>>,
    ) -> Result<(), DialError> {
        let address = to.to_string();
        let route = self.route(from, to, Protocol::Tcp).map_err(|_| DialError::Refused { address: address.clone() })?;
        let socket = route.socket.as_ref().ok_or_else(|| DialError::Refused { address: address.clone() })?;
        let Some(Acceptor::Tcp { queue, .. }) = self.acceptor(&route.node, socket).await else {
            return Err(DialError::Refused { address });
        };
        let accepted =
            Accepted { stream, peer: SocketAddr::new(route.source, self.client_port(from)), local: route.destination, client_cert };
        queue.send(accepted).map_err(|_| DialError::Refused { address })
    }
}

/// Go's answer to plain HTTP on a TLS port (`net/http`, `conn.serve`).
async fn refuse_plain_text(mut stream: DuplexStream) {
    let mut buffer = [0; 512];
    if stream.read(&mut buffer).await.is_ok_and(|n| n > 0) {
        let answer = "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n";
        // The client may have gone; there is nobody to tell.
        let _ = stream.write_all(answer.as_bytes()).await;
    }
}

impl Dialer for Network {
    fn connect<'a>(
        &'a self,
        from: &'a Origin,
        host: &'a str,
        port: u16,
        tls: Option<&'a ClientTls>,
    ) -> BoxFuture<'a, Result<Connection, DialError>> {
        Box::pin(async move {
            if let Some(outside) = self.outside(host, port) {
                return outside.connect(&Origin::Host, host, port, tls).await;
            }
            let addresses: Vec<IpAddr> = match host.parse() {
                Ok(ip) => vec![ip],
                Err(_) => self.resolve(from, host).await.map_err(dial_error)?.addresses,
            };
            let mut failure = None;
            for ip in addresses {
                match self.connect_tcp(from, SocketAddr::new(ip, port), tls.map(|tls| (tls, host))).await {
                    Ok(connection) => return Ok(connection),
                    // Go reports the first address's error.
                    Err(error) => failure = failure.or(Some(error)),
                }
            }
            Err(failure.unwrap_or_else(|| DialError::Lookup { name: host.to_owned(), server: None, reason: "no such host".to_owned() }))
        })
    }
}
