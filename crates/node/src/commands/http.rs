//! One HTTP request, for `curl` and `wget`.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use component::dial::DialError;
use component::tls::{ClientTls, TlsError};
use http::{HeaderMap, Method, Request, Response, Uri};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;

use crate::machine::ProcessContext;

/// What to ask.
pub(super) struct Call {
    pub(super) method: Method,
    pub(super) uri: Uri,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    pub(super) tls: ClientTls,
    /// `--resolve`/`--connect-to`: where to go instead.
    pub(super) address: Option<SocketAddr>,
    /// Limit for all of it.
    pub(super) limit: Duration,
}

/// What came back.
pub(super) struct Answer {
    pub(super) parts: http::response::Parts,
    pub(super) body: Bytes,
    pub(super) remote: SocketAddr,
}

/// How far a request has come.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// The name is being looked up.
    Lookup,
    /// The connection is being opened.
    Connect,
    /// A connection is open.
    Transfer,
}

/// Why nothing came back.
pub(super) enum Failure {
    Lookup,
    Connect(DialError, SocketAddr),
    Tls(TlsError),
    /// The limit was reached, in this phase.
    TimedOut(Phase),
    /// The server closed the connection without an answer.
    Empty,
}

/// Host and port of a URL.
pub(super) fn host_port(uri: &Uri) -> (String, u16) {
    let port = uri.port_u16().unwrap_or(if uri.scheme_str() == Some("https") { 443 } else { 80 });
    (uri.host().unwrap_or_default().trim_matches(['[', ']']).to_owned(), port)
}

pub(super) async fn fetch(context: &ProcessContext, call: Call) -> Result<Answer, Failure> {
    let limit = call.limit;
    let mut phase = Phase::Lookup;
    let outcome = tokio::time::timeout(limit, exchange(context, call, &mut phase)).await;
    outcome.unwrap_or(Err(Failure::TimedOut(phase)))
}

async fn exchange(context: &ProcessContext, call: Call, phase: &mut Phase) -> Result<Answer, Failure> {
    let network = context.machine.network();
    let (host, port) = host_port(&call.uri);
    let address = match (call.address, host.parse::<IpAddr>()) {
        (Some(address), _) => address,
        (None, Ok(ip)) => SocketAddr::new(ip, port),
        (None, Err(_)) => {
            let resolved = network.resolve(&context.origin, &host).await.map_err(|_| Failure::Lookup)?;
            SocketAddr::new(resolved.addresses.first().copied().unwrap_or(IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED)), port)
        }
    };
    *phase = Phase::Connect;
    let secure = call.uri.scheme_str() == Some("https");
    let connection = match network.connect_tcp(&context.origin, address, secure.then_some((&call.tls, host.as_str()))).await {
        Ok(connection) => connection,
        Err(DialError::Tls(error)) => return Err(Failure::Tls(error)),
        Err(error) => return Err(Failure::Connect(error, address)),
    };
    *phase = Phase::Transfer;
    // As getpeername(2): a Service's own address, whichever endpoint answers.
    let remote = address;
    let (mut sender, driver) = hyper::client::conn::http1::handshake(TokioIo::new(connection.stream)).await.map_err(|_| Failure::Empty)?;
    let driver = tokio::spawn(driver);
    let mut request = Request::new(Full::new(call.body));
    *request.method_mut() = call.method;
    *request.uri_mut() = call.uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str).parse().unwrap_or_default();
    *request.headers_mut() = call.headers;
    if !request.headers().contains_key(http::header::HOST) {
        let authority = call.uri.authority().map_or("", http::uri::Authority::as_str);
        if let Ok(value) = authority.parse() {
            request.headers_mut().insert(http::header::HOST, value);
        }
    }
    let answer = async {
        let response: Response<hyper::body::Incoming> = sender.send_request(request).await.map_err(|_| Failure::Empty)?;
        let (parts, body) = response.into_parts();
        let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
        Ok(Answer { parts, body, remote })
    }
    .await;
    driver.abort();
    answer
}
