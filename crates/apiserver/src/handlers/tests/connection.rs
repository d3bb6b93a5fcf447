//! Connections.

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};

use super::Api;
use crate::request::Peer;

#[tokio::test(start_paused = true)]
async fn both_versions_of_http_are_served_until_the_server_ends() {
    let api = Api::new();
    let (ours, theirs) = tokio::io::duplex(64 * 1024);
    let serving = tokio::spawn(api.server.serve(theirs, Peer::default()));
    let (mut client, connection) = hyper::client::conn::http1::handshake(TokioIo::new(ours)).await.unwrap();
    tokio::spawn(connection);
    let request = Request::builder().uri("/version").header("host", "x").body(Full::<Bytes>::default()).unwrap();
    assert_eq!(client.send_request(request).await.unwrap().status(), 200);

    let (ours, theirs) = tokio::io::duplex(64 * 1024);
    tokio::spawn(api.server.serve(theirs, Peer::default()));
    let (mut second, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(ours)).await.unwrap();
    tokio::spawn(connection);
    let request = Request::builder().uri("http://x/api/v1/configmaps?watch=true").body(Full::<Bytes>::default()).unwrap();
    let watch = second.send_request(request).await.unwrap();
    assert_eq!(watch.status(), 200);
    drop(api);
    serving.await.unwrap();
    // The stream is cut or closed, but it does end.
    let _ = watch.into_body().collect().await;
}

#[tokio::test(start_paused = true)]
async fn bodies_have_a_limit() {
    let api = Api::new();
    let (ours, theirs) = tokio::io::duplex(64 * 1024);
    tokio::spawn(api.server.serve(theirs, Peer::default()));
    let (mut client, connection) = hyper::client::conn::http1::handshake(TokioIo::new(ours)).await.unwrap();
    tokio::spawn(connection);
    let body = Full::new(Bytes::from(vec![b' '; crate::handlers::MAX_BODY + 1]));
    let request = Request::builder().method("POST").uri("/api/v1/namespaces/a/configmaps").header("host", "x").body(body).unwrap();
    // The server may answer before it has read all: then the client sees the answer or the closed connection.
    if let Ok(answer) = client.send_request(request).await {
        assert_eq!(answer.status(), 413);
    }
}
