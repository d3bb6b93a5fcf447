//! HTTP over the simulated network: a small client for probes and a small server for programs.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use component::tls::ClientTls;
use component::{Dialer, Origin};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;

use crate::network::{Accepted, Network};

/// An answer that was received.
#[derive(Clone, Debug)]
pub struct Received {
    /// Status code.
    pub status: u16,
    /// Headers.
    pub headers: http::HeaderMap,
    /// Body.
    pub body: Bytes,
}

/// Sends a GET request. Server certificates are not verified, as by the kubelet's probes. Errors are Go's texts.
pub async fn get(
    network: Arc<Network>,
    origin: &Origin,
    host: &str,
    port: u16,
    tls: bool,
    path: &str,
    headers: &[(String, String)],
) -> Result<Received, String> {
    let client = ClientTls { insecure: true, ..ClientTls::default() };
    let connection = network.connect(origin, host, port, tls.then_some(&client)).await.map_err(|error| error.to_string())?;
    let (mut sender, driver) =
        hyper::client::conn::http1::handshake(TokioIo::new(connection.stream)).await.map_err(|error| error.to_string())?;
    // Driven beside the request; it ends with the connection.
    let driver = tokio::spawn(async move {
        let _ = driver.await;
    });
    let mut request = http::Request::builder().method("GET").uri(path);
    let has_host = headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host"));
    if !has_host {
        request = request.header("host", format!("{host}:{port}"));
    }
    for (name, value) in headers {
        request = request.header(name, value);
    }
    let request = request.body(Full::new(Bytes::new())).map_err(|error| error.to_string())?;
    let response = sender
        .send_request(request)
        .await
        .map_err(|error| if error.is_incomplete_message() { "EOF".to_owned() } else { error.to_string() });
    let result = match response {
        Ok(response) => {
            let (parts, body) = response.into_parts();
            let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
            Ok(Received { status: parts.status.as_u16(), headers: parts.headers, body })
        }
        Err(error) => Err(error),
    };
    driver.abort();
    result
}

/// A request as a small server sees it.
#[derive(Clone, Debug)]
pub struct Request {
    /// `GET`, …
    pub method: String,
    /// Path without the query.
    pub path: String,
    /// Query without its question mark.
    pub query: String,
    /// Headers.
    pub headers: http::HeaderMap,
    /// Body.
    pub body: Bytes,
    /// Who asks.
    pub peer: SocketAddr,
    /// Address that was asked.
    pub local: SocketAddr,
}

impl Request {
    /// A header as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

/// An answer to be sent.
#[derive(Clone, Debug)]
pub struct Response {
    /// Status code.
    pub status: u16,
    /// Headers.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: Bytes,
}

impl Response {
    /// Plain text.
    pub fn text(status: u16, text: impl Into<String>) -> Self {
        Self { status, headers: vec![("content-type".to_owned(), "text/plain; charset=utf-8".to_owned())], body: Bytes::from(text.into()) }
    }
}

/// Serves HTTP/1 on one connection until the client closes it.
pub async fn serve<F, Fut>(accepted: Accepted, handler: F)
where
    F: Fn(Request) -> Fut + Send + Sync + Clone + 'static,
    Fut: Future<Output = Response> + Send,
{
    let (peer, local) = (accepted.peer, accepted.local);
    let service = hyper::service::service_fn(move |request: http::Request<Incoming>| {
        let handler = handler.clone();
        async move {
            let (parts, body) = request.into_parts();
            let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
            let head = parts.method == http::Method::HEAD;
            let answer = handler(Request {
                method: parts.method.to_string(),
                path: parts.uri.path().to_owned(),
                query: parts.uri.query().unwrap_or_default().to_owned(),
                headers: parts.headers,
                body,
                peer,
                local,
            })
            .await;
            let mut response = http::Response::builder().status(answer.status);
            for (name, value) in &answer.headers {
                response = response.header(name, value);
            }
            if head {
                response = response.header("content-length", answer.body.len());
            }
            let body = if head { Bytes::new() } else { answer.body };
            Ok::<_, Infallible>(response.body(Full::new(body)).unwrap_or_default())
        }
    });
    // An error means that the client is gone.
    let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(accepted.stream), service).await;
}
