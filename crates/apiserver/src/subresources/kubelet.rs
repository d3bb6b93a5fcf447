//! Connections to kubelets (and to pods), one for each request.

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;

use super::pod_target::Kubelet;
use crate::server::{Body, Core, streamed};
use crate::status::{ApiError, Reason};

/// Sends a request to a kubelet, with this server's client certificate.
pub(super) async fn send(core: &Core, kubelet: &Kubelet, request: Request<Full<Bytes>>) -> Result<Response<Incoming>, ApiError> {
    let url = format!("https://{}{}", authority(&kubelet.host, kubelet.port), path(&request));
    let connection = core
        .config
        .dialer
        .connect(&core.config.origin, &kubelet.host, kubelet.port, Some(&core.config.kubelet_client))
        .await
        .map_err(|error| failed(&request, &url, &error.to_string()))?;
    exchange(connection.stream, request, &url).await
}

/// Tries to reach a kubelet, for connections that will be upgraded: their errors read differently (`proxy.DialURL`).
pub(super) async fn dial(core: &Core, kubelet: &Kubelet) -> Result<(), ApiError> {
    let connected = core.config.dialer.connect(&core.config.origin, &kubelet.host, kubelet.port, Some(&core.config.kubelet_client)).await;
    connected.map(drop).map_err(|error| ApiError::new(Reason::Unknown, format!("error dialing backend: {error}")))
}

/// Sends a plain HTTP request to an address.
pub(super) async fn send_plain(core: &Core, host: &str, port: u16, request: Request<Full<Bytes>>) -> Result<Response<Incoming>, ApiError> {
    let url = format!("http://{}{}", authority(host, port), path(&request));
    let connection = core.config.dialer.connect(&core.config.origin, host, port, None).await.map_err(|error| {
        // What cannot be reached through a proxy is "unavailable" (`proxyErrorResponder`).
        ApiError::service_unavailable(format!("error trying to reach service: {error}"))
    })?;
    exchange(connection.stream, request, &url).await
}

async fn exchange(stream: tokio::io::DuplexStream, request: Request<Full<Bytes>>, url: &str) -> Result<Response<Incoming>, ApiError> {
    let described = Request::builder().method(request.method().clone()).uri(request.uri().clone()).body(Full::default());
    let described = described.map_err(ApiError::internal)?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|e| failed(&described, url, &e.to_string()))?;
    tokio::spawn(connection.with_upgrades());
    sender.send_request(request).await.map_err(|error| {
        let text =
            if error.is_incomplete_message() || error.is_canceled() || error.is_closed() { "EOF".to_owned() } else { error.to_string() };
        failed(&described, url, &text)
    })
}

fn path(request: &Request<Full<Bytes>>) -> &str {
    request.uri().path_and_query().map_or("/", http::uri::PathAndQuery::as_str)
}

/// `host:port`, IPv6 in brackets.
pub(super) fn authority(host: &str, port: u16) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

/// Go's text of a request that did not come through: `Get "https://…": dial tcp …`. It is a plain error: 500 without a reason.
fn failed(request: &Request<Full<Bytes>>, url: &str, why: &str) -> ApiError {
    let method = request.method().as_str().to_ascii_lowercase();
    let method = method[..1].to_ascii_uppercase() + &method[1..];
    ApiError::new(Reason::Unknown, format!("{method} \"{url}\": {why}"))
}

/// A kubelet's body, handed on piece by piece.
pub(super) fn forward(body: Incoming) -> Body {
    use futures::StreamExt;
    let pieces = body.into_data_stream().filter_map(|piece| async move { piece.ok() });
    streamed(pieces)
}

/// A body read to its end, for errors.
pub(super) async fn read(body: Incoming) -> Bytes {
    body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default()
}
