//! A [`Dialer`] over the host's network: TCP and TLS, with the errors that Go would print.

use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use component::tls::{ClientTls, TlsError, certificates};
use component::{Connection, DialError, Dialer, Origin};
use futures::FutureExt;
use futures::future::BoxFuture;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{PrivateKeyDer, ServerName};
use rustls::{CertificateError, ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt;
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, copy_bidirectional};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// Bytes in flight between a socket and its reader.
const BUFFER: usize = 64 << 10;

/// The host's network.
pub struct HostDialer;

impl Dialer for HostDialer {
    fn connect<'a>(
        &'a self,
        _from: &'a Origin,
        host: &'a str,
        port: u16,
        tls: Option<&'a ClientTls>,
    ) -> BoxFuture<'a, Result<Connection, DialError>> {
        async move {
            let (socket, remote) = dial(host, port).await?;
            let stream = match tls {
                Some(tls) => pump(handshake(socket, host, tls).await?),
                None => pump(socket),
            };
            Ok(Connection { stream, remote: (remote.ip(), remote.port()) })
        }
        .boxed()
    }
}

async fn dial(host: &str, port: u16) -> Result<(TcpStream, SocketAddr), DialError> {
    let addresses: Vec<SocketAddr> = match host.parse::<IpAddr>() {
        Ok(ip) => vec![(ip, port).into()],
        Err(_) => tokio::net::lookup_host((host, port))
            .await
            .map_err(|_| DialError::Lookup { name: host.to_owned(), server: None, reason: "no such host".to_owned() })?
            .collect(),
    };
    let mut last = DialError::Lookup { name: host.to_owned(), server: None, reason: "no such host".to_owned() };
    for address in addresses {
        let text = address.to_string();
        match TcpStream::connect(address).await {
            Ok(socket) => return Ok((socket, address)),
            Err(error) => {
                last = match error.kind() {
                    ErrorKind::ConnectionRefused => DialError::Refused { address: text },
                    ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => DialError::NoRoute { address: text },
                    _ => DialError::Timeout { address: text },
                }
            }
        }
    }
    Err(last)
}

async fn handshake(socket: TcpStream, host: &str, tls: &ClientTls) -> Result<tokio_rustls::client::TlsStream<TcpStream>, DialError> {
    let material = |what: &str| TlsError::BadMaterial(format!("failed to parse {what}"));
    let builder = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|e| TlsError::BadMaterial(e.to_string()))?;
    let builder = if tls.ca_pem.is_empty() {
        // As Go does: a kubeconfig without an authority trusts those that the machine trusts.
        builder.with_platform_verifier().map_err(|e| TlsError::BadMaterial(e.to_string()))?
    } else {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(certificates(&tls.ca_pem));
        builder.with_root_certificates(roots)
    };
    let mut config = match (&tls.cert_pem, &tls.key_pem) {
        (Some(chain), Some(key)) => {
            let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| material("private key"))?;
            builder.with_client_auth_cert(certificates(chain), key).map_err(|_| material("certificate"))?
        }
        _ => builder.with_no_client_auth(),
    };
    // Exec and its relatives need HTTP/1.1's upgrade.
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    if tls.insecure {
        return Err(TlsError::BadMaterial("insecure-skip-tls-verify is not supported here".into()).into());
    }
    let name = tls.server_name.as_deref().unwrap_or(host);
    let name = ServerName::try_from(name.to_owned()).map_err(|_| material("server name"))?;
    TlsConnector::from(Arc::new(config)).connect(name, socket).await.map_err(|error| DialError::Tls(judge(&error, host)))
}

/// Go's words for rustls's verdict.
fn judge(error: &std::io::Error, host: &str) -> TlsError {
    let inner = error.get_ref().and_then(|e| e.downcast_ref::<rustls::Error>());
    match inner {
        Some(rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer | CertificateError::BadSignature)) => {
            TlsError::UnknownAuthority
        }
        Some(rustls::Error::InvalidCertificate(CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. })) => {
            TlsError::WrongHost { names: "other names".to_owned(), host: host.to_owned() }
        }
        Some(rustls::Error::InvalidMessage(_)) => TlsError::PlainServer,
        _ => TlsError::BadMaterial(error.to_string()),
    }
}

/// The client's border is a duplex stream: moves bytes between it and the socket until either closes.
fn pump(mut socket: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) -> DuplexStream {
    let (ours, mut theirs) = tokio::io::duplex(BUFFER);
    tokio::spawn(async move {
        // A broken connection shows at the other end.
        let _ = copy_bidirectional(&mut socket, &mut theirs).await;
    });
    ours
}
