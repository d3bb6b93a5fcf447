//! A `kube::Client` over a [`Dialer`]: hyper's pooling client with our connector under it.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures::future::BoxFuture;
use http::{HeaderValue, Request, Uri, header};
use hyper_util::client::legacy::connect::{Connected, Connection as PoolConnection};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::DuplexStream;
use tower::{Service, ServiceExt};

use crate::dial::{DialError, Dialer, Origin};
use crate::kubeconfig::Target;

/// A request that never reached a server. `Display` is client-go's text: `Get "https://…": dial tcp …`.
#[derive(Debug, thiserror::Error)]
#[error("{method} \"{url}\": {reason}")]
pub struct RequestError {
    /// HTTP method, capitalised as Go's `net/http` prints it.
    pub method: String,
    /// Whole URL.
    pub url: String,
    /// Dialling error, or the transport's own words.
    pub reason: String,
    /// The dialling error, if it was one.
    pub dial: Option<DialError>,
}

impl RequestError {
    /// Finds this error in what a `kube::Client` returned.
    pub fn of(error: &kube::Error) -> Option<&Self> {
        let mut source: Option<&(dyn std::error::Error + 'static)> = Some(error);
        while let Some(error) = source {
            if let Some(found) = error.downcast_ref() {
                return Some(found);
            }
            if let kube::Error::Service(inner) = error.downcast_ref::<kube::Error>()? {
                return inner.downcast_ref();
            }
            source = error.source();
        }
        None
    }
}

/// Where a client gets a bearer token from before each request, when it is not fixed by the kubeconfig.
pub trait TokenSource: Send + Sync + 'static {
    /// A token that is valid now, or why there is none.
    fn token(&self) -> BoxFuture<'_, Result<String, String>>;
}

/// A client for `target` whose connections start at `from`. Nothing is dialled before the first request, and each
/// new connection is dialled anew, so a server that goes away or a certificate that expires is noticed.
/// Must be called on the runtime that the client is used on.
pub fn client_for(dialer: Arc<dyn Dialer>, from: Origin, target: Target) -> kube::Client {
    build(dialer, from, target, None)
}

/// As [`client_for`], with tokens instead of the target's own credentials.
pub fn client_with_tokens(dialer: Arc<dyn Dialer>, from: Origin, mut target: Target, tokens: Arc<dyn TokenSource>) -> kube::Client {
    (target.token, target.tls.cert_pem, target.tls.key_pem) = (None, None, None);
    build(dialer, from, target, Some(tokens))
}

fn build(dialer: Arc<dyn Dialer>, from: Origin, target: Target, tokens: Option<Arc<dyn TokenSource>>) -> kube::Client {
    let (host, port) = target.host_port();
    let tls = target.is_tls().then(|| target.tls.clone());
    let connector = Connector { dialer, from, host, port, tls };
    let pool = hyper_util::client::legacy::Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .build::<_, kube::client::Body>(connector);
    let namespace = target.namespace.clone();
    let service = tower::service_fn(move |request: Request<kube::client::Body>| {
        let pool = pool.clone();
        let request = address(request, &target);
        let tokens = tokens.clone();
        async move {
            let mut request = request.map_err(|reason| RequestError { method: String::new(), url: String::new(), reason, dial: None })?;
            let (method, url) = (go_method(request.method()), request.uri().to_string());
            if let Some(tokens) = tokens {
                let refused = |reason| RequestError { method: method.clone(), url: url.clone(), reason, dial: None };
                let token = tokens.token().await.map_err(refused)?;
                let value = HeaderValue::from_str(&format!("Bearer {token}")).map_err(|e| refused(e.to_string()))?;
                request.headers_mut().insert(header::AUTHORIZATION, value);
            }
            pool.oneshot(request).await.map_err(|error| {
                let dial = dial_error(&error);
                let reason = dial.as_ref().map_or_else(|| transport_text(&error), ToString::to_string);
                RequestError { method, url, reason, dial }
            })
        }
    });
    kube::Client::new(service, namespace)
}

/// Makes a path-only request absolute and adds the credentials.
fn address(mut request: Request<kube::client::Body>, target: &Target) -> Result<Request<kube::client::Body>, String> {
    let path = request.uri().path_and_query().map_or("/", |p| p.as_str());
    *request.uri_mut() = format!("{}{path}", target.server).parse::<Uri>().map_err(|e| e.to_string())?;
    let headers = request.headers_mut();
    if let Some(token) = &target.token {
        let value = HeaderValue::from_str(&format!("Bearer {token}")).map_err(|e| e.to_string())?;
        headers.insert(header::AUTHORIZATION, value);
    }
    if let Some(who) = &target.impersonate {
        headers.insert("impersonate-user", HeaderValue::from_str(&who.user).map_err(|e| e.to_string())?);
        for group in &who.groups {
            headers.append("impersonate-group", HeaderValue::from_str(group).map_err(|e| e.to_string())?);
        }
    }
    Ok(request)
}

fn go_method(method: &http::Method) -> String {
    let text = method.as_str().to_ascii_lowercase();
    text[..1].to_ascii_uppercase() + &text[1..]
}

fn dial_error(error: &hyper_util::client::legacy::Error) -> Option<DialError> {
    let mut source: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = source {
        if let Some(found) = error.downcast_ref::<DialError>() {
            return Some(found.clone());
        }
        source = error.source();
    }
    None
}

/// A connection that broke after it was opened reads `EOF` in Go.
fn transport_text(error: &hyper_util::client::legacy::Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        text = error.to_string();
        if error.downcast_ref::<hyper::Error>().is_some_and(|e| e.is_incomplete_message() || e.is_canceled() || e.is_closed()) {
            return "EOF".to_owned();
        }
        source = error.source();
    }
    text
}

#[derive(Clone)]
struct Connector {
    dialer: Arc<dyn Dialer>,
    from: Origin,
    host: String,
    port: u16,
    tls: Option<crate::tls::ClientTls>,
}

impl Service<Uri> for Connector {
    type Response = Pooled;
    type Error = DialError;
    type Future = BoxFuture<'static, Result<Pooled, DialError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), DialError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        let this = self.clone();
        Box::pin(async move {
            let connection = this.dialer.connect(&this.from, &this.host, this.port, this.tls.as_ref()).await?;
            Ok(Pooled(TokioIo::new(connection.stream)))
        })
    }
}

/// A duplex stream in hyper's clothes.
struct Pooled(TokioIo<DuplexStream>);

impl PoolConnection for Pooled {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl hyper::rt::Read for Pooled {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: hyper::rt::ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().0).poll_read(cx, buf)
    }
}

impl hyper::rt::Write for Pooled {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().0).poll_write(cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().0).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().0).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::Duration;

    use futures::future::BoxFuture;
    use http_body_util::Full;
    use hyper::body::Bytes;
    use hyper_util::rt::TokioIo;

    use super::{RequestError, client_for};
    use crate::dial::{Connection, DialError, Dialer, Origin};
    use crate::kubeconfig::Target;
    use crate::tls::ClientTls;

    /// A network with one HTTP server in it, which can be switched off.
    struct OneServer {
        up: AtomicBool,
    }

    impl Dialer for OneServer {
        fn connect<'a>(
            &'a self,
            _: &'a Origin,
            host: &'a str,
            port: u16,
            _: Option<&'a ClientTls>,
        ) -> BoxFuture<'a, Result<Connection, DialError>> {
            Box::pin(async move {
                if !self.up.load(Ordering::Relaxed) {
                    return Err(DialError::Refused { address: format!("{host}:{port}") });
                }
                let (near, far) = tokio::io::duplex(64 * 1024);
                tokio::spawn(async move {
                    let version = hyper::service::service_fn(|_| async {
                        let body = r#"{"major":"1","minor":"35","gitVersion":"v1.35.4","gitCommit":"","gitTreeState":"","buildDate":"","goVersion":"","compiler":"","platform":""}"#;
                        // The server thinks for an hour, which must cost nothing in stepped time.
                        tokio::time::sleep(Duration::from_secs(3600)).await;
                        let response = http::Response::new(Full::new(Bytes::from_static(body.as_bytes())));
                        Ok::<_, std::convert::Infallible>(response)
                    });
                    // One answer for each connection, so that the next request has to dial again.
                    let _ = hyper::server::conn::http1::Builder::new().keep_alive(false).serve_connection(TokioIo::new(far), version).await;
                });
                Ok(Connection { stream: near, remote: ([10, 0, 0, 1].into(), port) })
            })
        }
    }

    #[tokio::test(start_paused = true)]
    async fn requests_run_in_stepped_time_and_report_gos_dial_errors() {
        let network = Arc::new(OneServer { up: AtomicBool::new(true) });
        let target = Target { server: "http://10.0.0.1:6443".into(), namespace: "default".into(), ..Target::default() };
        let client = client_for(network.clone(), Origin::Host, target);
        let before = tokio::time::Instant::now();
        assert_eq!(client.apiserver_version().await.expect("the server is up").git_version, "v1.35.4");
        assert_eq!(before.elapsed().as_secs(), 3600);

        network.up.store(false, Ordering::Relaxed);
        let error = client.apiserver_version().await.expect_err("the server is down");
        let error = RequestError::of(&error).expect("a request error");
        assert_eq!(error.to_string(), r#"Get "http://10.0.0.1:6443/version": dial tcp 10.0.0.1:6443: connect: connection refused"#);
    }
}
