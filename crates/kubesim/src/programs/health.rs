//! The health endpoints of control-plane components.

use std::convert::Infallible;
use std::net::SocketAddr;

use bytes::Bytes;
use http_body_util::Full;
use hyper_util::rt::{TokioExecutor, TokioIo};
use node::machine::ProcessContext;
use node::network::{BindError, Listener, Owner, ServerTls};

/// Who listens, for `ss -p`.
pub fn owner(context: &ProcessContext, program: &str) -> Owner {
    Owner { pid: context.pid, program: program.to_owned() }
}

/// Listens for a program.
pub fn listen(context: &ProcessContext, program: &str, address: SocketAddr, tls: Option<ServerTls>) -> Result<Listener, BindError> {
    context.machine.network().listen(&context.origin, address, owner(context, program), tls)
}

/// Answers `ok` to every path that begins like a health endpoint, until dropped.
pub async fn serve(mut listener: Listener) {
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let accepted = tokio::select! {
            biased;
            accepted = listener.accept() => accepted,
            Some(_) = connections.join_next() => continue,
        };
        connections.spawn(async move {
            let service = hyper::service::service_fn(|request: http::Request<hyper::body::Incoming>| async move {
                let healthy = ["/healthz", "/livez", "/readyz", "/health"].iter().any(|p| request.uri().path().starts_with(p));
                let (status, body) = if healthy { (200, "ok") } else { (404, "404 page not found\n") };
                let response = http::Response::builder().status(status).header("content-type", "text/plain; charset=utf-8");
                Ok::<_, Infallible>(response.body(Full::new(Bytes::from_static(body.as_bytes()))).unwrap_or_default())
            });
            let builder = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
            // A client that goes away in the middle is its own business.
            let _ = builder.serve_connection(TokioIo::new(accepted.stream), service).await;
        });
    }
}
