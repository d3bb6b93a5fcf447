//! The door for clients outside the process: a TLS socket whose connections are handed to the API server's listener in
//! the simulation. It lives on a runtime of its own; bytes cross by a duplex stream.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::DistinguishedName;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::cluster::{Cluster, WeakCluster};
use crate::error::SimError;
use crate::pki::Pair;

/// Bytes in flight between a socket and the simulation, each way.
const BUFFER: usize = 64 * 1024;

/// An open door. Closes when dropped.
pub struct Gateway {
    address: SocketAddr,
    /// Where connections lead.
    leads_to: Arc<Mutex<WeakCluster>>,
    runtime: Option<tokio::runtime::Runtime>,
}

impl Gateway {
    /// Opens `listen` (port 0 picks a free one) for a live cluster, with the API server's certificate.
    pub fn open(cluster: &Cluster, listen: SocketAddr, server: &Pair) -> Result<Self, SimError> {
        let fail = |reason: String| SimError::Listen { address: listen.to_string(), reason };
        let acceptor = acceptor(server).map_err(|e| fail(e.to_string()))?;
        // Bound before there is a runtime: the caller may be on one of its own, where ours must not be dropped by an early return.
        let listener = std::net::TcpListener::bind(listen).map_err(|e| fail(e.to_string()))?;
        listener.set_nonblocking(true).map_err(|e| fail(e.to_string()))?;
        let address = listener.local_addr().map_err(|e| fail(e.to_string()))?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("gateway")
            .enable_all()
            .build()
            .map_err(|e| fail(e.to_string()))?;
        let gateway = Self { address, leads_to: Arc::new(Mutex::new(cluster.downgrade())), runtime: Some(runtime) };
        if let Some(runtime) = &gateway.runtime {
            let _entered = runtime.enter();
            let listener = TcpListener::from_std(listener).map_err(|e| fail(e.to_string()))?;
            runtime.spawn(accept(listener, acceptor, Arc::clone(&gateway.leads_to)));
        }
        Ok(gateway)
    }

    /// Leads new connections to another life of the same cluster. The door stays open meanwhile, so its address stays too.
    pub fn lead_to(&self, cluster: &Cluster) {
        *self.leads_to.lock().unwrap_or_else(PoisonError::into_inner) = cluster.downgrade();
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn accept(listener: TcpListener, acceptor: TlsAcceptor, leads_to: Arc<Mutex<WeakCluster>>) {
    loop {
        match listener.accept().await {
            Ok((socket, _)) => {
                let cluster = leads_to.lock().unwrap_or_else(PoisonError::into_inner).clone();
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    if let Err(error) = forward(socket, acceptor, cluster).await {
                        tracing::debug!(%error, "connection ended");
                    }
                });
            }
            // Out of descriptors, most likely: the connection is lost, the door stays open.
            Err(error) => {
                tracing::warn!(%error, "accepting a connection failed");
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
        }
    }
}

async fn forward(socket: TcpStream, acceptor: TlsAcceptor, cluster: WeakCluster) -> std::io::Result<()> {
    socket.set_nodelay(true)?;
    let ended = |_| std::io::Error::from(std::io::ErrorKind::ConnectionReset);
    // Asked before the handshake: with the API server down the client sees its connection reset, as through a port forwarding.
    let cluster = cluster.upgrade().ok_or_else(|| std::io::Error::from(std::io::ErrorKind::ConnectionReset))?;
    if !cluster.run(|sim| async move { sim.api_listens() }).await.map_err(ended)? {
        return Err(std::io::ErrorKind::ConnectionReset.into());
    }
    let mut tls = acceptor.accept(socket).await?;
    let certificate = tls.get_ref().1.peer_certificates().and_then(|chain| chain.first()).map(|c| c.clone().into_owned());
    let (mut near, far) = tokio::io::duplex(BUFFER);
    let accepted = cluster.run(move |sim| async move { sim.deliver_to_api(far, certificate).await }).await.map_err(ended)?;
    drop(cluster);
    if !accepted {
        return Err(std::io::ErrorKind::ConnectionReset.into());
    }
    tokio::io::copy_bidirectional_with_sizes(&mut tls, &mut near, BUFFER, BUFFER).await.map(|_| ())
}

fn acceptor(server: &Pair) -> Result<TlsAcceptor, Box<dyn std::error::Error + Send + Sync>> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let chain = CertificateDer::pem_slice_iter(server.cert.as_bytes()).collect::<Result<Vec<_>, _>>()?;
    let key = PrivateKeyDer::from_pem_slice(server.key.as_bytes())?;
    let verifier = Arc::new(AnyClient { provider: Arc::clone(&provider) });
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_client_cert_verifier(verifier)
        .with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// Takes every client certificate whose key the client holds. Whether it means anything is the authenticator's business:
/// kube-apiserver requests certificates without requiring or verifying them in the handshake, and answers 401 to a wrong one.
#[derive(Debug)]
struct AnyClient {
    provider: Arc<CryptoProvider>,
}

impl ClientCertVerifier for AnyClient {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &rustls::DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls12_signature(message, cert, signature, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &rustls::DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(message, cert, signature, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<rustls::SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
