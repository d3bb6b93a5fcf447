//! Real TCP and TLS under the components.

use std::sync::Arc;

use component::dial::{Connection, DialError, Dialer, Origin};
use component::tls::{ClientTls, TlsError, certificates};
use futures::future::BoxFuture;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{PrivateKeyDer, ServerName};

/// Dials the host's network.
pub struct Tcp;

impl Dialer for Tcp {
    fn connect<'a>(
        &'a self,
        _: &'a Origin,
        host: &'a str,
        port: u16,
        tls: Option<&'a ClientTls>,
    ) -> BoxFuture<'a, Result<Connection, DialError>> {
        Box::pin(async move {
            let address = format!("{host}:{port}");
            let tcp = tokio::net::TcpStream::connect((host, port)).await.map_err(|_| DialError::Refused { address })?;
            let remote = tcp.peer_addr().map(|a| (a.ip(), a.port())).expect("a connected socket has a peer");
            let (ours, theirs) = tokio::io::duplex(1 << 16);
            let bad = |e: &dyn std::fmt::Display| DialError::Tls(TlsError::BadMaterial(e.to_string()));
            let material = tls.expect("a real API server speaks TLS");
            let mut roots = rustls::RootCertStore::empty();
            roots.add_parsable_certificates(certificates(&material.ca_pem));
            let chain = certificates(material.cert_pem.as_deref().unwrap_or_default());
            let key = PrivateKeyDer::from_pem_slice(material.key_pem.as_deref().unwrap_or_default()).map_err(|e| bad(&e))?;
            let config = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
                .with_safe_default_protocol_versions()
                .map_err(|e| bad(&e))?
                .with_root_certificates(roots)
                .with_client_auth_cert(chain, key)
                .map_err(|e| bad(&e))?;
            let name = ServerName::try_from(host.to_owned()).map_err(|e| bad(&e))?;
            let mut stream = tokio_rustls::TlsConnector::from(Arc::new(config)).connect(name, tcp).await.map_err(|e| bad(&e))?;
            tokio::spawn(async move {
                let mut theirs = theirs;
                let _ = tokio::io::copy_bidirectional(&mut stream, &mut theirs).await;
            });
            Ok(Connection { stream: ours, remote })
        })
    }
}
