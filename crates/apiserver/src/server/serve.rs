//! The handle of a running server, and serving of one connection.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::Stream;
use http::{Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, Limited, StreamBody};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::config::ServerConfig;
use super::core::Core;
use super::plugins::Plugins;
use crate::handlers;
use crate::request::Peer;
use crate::status::ApiError;
use crate::store::Store;

/// Body of an answer.
pub type Body = UnsyncBoxBody<Bytes, Infallible>;

/// A body that is there as a whole.
pub fn full(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).boxed_unsync()
}

/// A body that comes in pieces.
pub fn streamed(stream: impl Stream<Item = Bytes> + Send + 'static) -> Body {
    use futures::StreamExt;
    StreamBody::new(stream.map(|bytes| Ok(http_body::Frame::data(bytes)))).boxed_unsync()
}

/// How often old changes are dropped, and how old they are then at least (`--etcd-compaction-interval`).
const COMPACTION: Duration = Duration::from_secs(300);

/// A running API server. It stops, with all its connections, when the last handle is dropped.
pub struct Server {
    core: Arc<Core>,
    _stop: DropGuard,
}

impl Server {
    /// Starts a server over a store, with upstream's plugins. Must be called on the simulation's runtime.
    pub fn new(store: Store, config: ServerConfig) -> Arc<Self> {
        let plugins = Plugins::standard(&config);
        Self::with_plugins(store, config, plugins)
    }

    /// Starts a server with these plugins.
    pub fn with_plugins(store: Store, config: ServerConfig, plugins: Plugins) -> Arc<Self> {
        let core = Arc::new(Core::new(store, config, plugins));
        let stop: CancellationToken = core.shutdown.clone();
        tokio::spawn(stop.clone().run_until_cancelled_owned(background(core.clone())));
        Arc::new(Self { core, _stop: stop.drop_guard() })
    }

    /// What its parts share.
    pub fn core(&self) -> &Arc<Core> {
        &self.core
    }

    /// Answers one request.
    pub async fn handle(&self, request: Request<Bytes>, peer: &Peer) -> Response<Body> {
        handlers::handle(&self.core, request, peer).await
    }

    /// Serves one connection (HTTP/1 with upgrades, or HTTP/2) until it or the server ends.
    pub fn serve<IO>(&self, io: IO, peer: Peer) -> impl Future<Output = ()> + Send + use<IO>
    where
        IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let core = self.core.clone();
        let stop = core.shutdown.clone();
        let connection = async move {
            let peer = Arc::new(peer);
            let service = service_fn(move |request: Request<Incoming>| {
                let (core, peer) = (core.clone(), peer.clone());
                async move { Ok::<_, Infallible>(receive(&core, request, &peer).await) }
            });
            // What goes wrong on a connection is the client's to notice; there is nobody here to tell.
            if let Err(error) = auto::Builder::new(TokioExecutor::new()).serve_connection_with_upgrades(TokioIo::new(io), service).await {
                tracing::debug!(%error, "connection ended");
            }
        };
        async move {
            // `None` when the server ended first: the connection is dropped with what was under way.
            let _ = stop.run_until_cancelled_owned(connection).await;
        }
    }
}

/// Reads the body, which the verbs need as a whole, and answers.
async fn receive(core: &Arc<Core>, request: Request<Incoming>, peer: &Peer) -> Response<Body> {
    let (parts, body) = request.into_parts();
    match Limited::new(body, handlers::MAX_BODY).collect().await {
        Ok(body) => handlers::handle(core, Request::from_parts(parts, body.to_bytes()), peer).await,
        Err(error) if error.is::<http_body_util::LengthLimitError>() => {
            handlers::error_response(&ApiError::too_large(format!("Request entity too large: limit is {}", handlers::MAX_BODY)))
        }
        Err(error) => handlers::error_response(&ApiError::bad_request(error.to_string())),
    }
}

/// Post-start hooks, then expiry and compaction for as long as the server runs.
async fn background(core: Arc<Core>) {
    for hook in &core.plugins.post_start {
        hook(core.clone()).await;
    }
    core.set_started();
    let mut old = core.store.revision();
    loop {
        super::expiry::expire(&core);
        tokio::time::sleep(COMPACTION).await;
        // As etcd3's compactor: what was there an interval ago may go.
        let now = core.store.revision();
        core.store.compact(old);
        old = now;
    }
}
