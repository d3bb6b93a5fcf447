//! A server for tests.

use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use component::tls::ClientTls;
use component::{Clock, Connection, DialError, Dialer, Generator, Origin};
use futures::future::BoxFuture;
use http::{HeaderMap, Request};
use http_body_util::BodyExt;
use serde_json::{Value, json};

use crate::request::Peer;
use crate::server::{Body, Plugins, Server, ServerConfig};
use crate::store::{Store, StoreState};

/// Nothing can be dialled.
pub struct Nowhere;

impl Dialer for Nowhere {
    fn connect<'a>(
        &'a self,
        _: &'a Origin,
        host: &'a str,
        port: u16,
        _: Option<&'a ClientTls>,
    ) -> BoxFuture<'a, Result<Connection, DialError>> {
        Box::pin(std::future::ready(Err(DialError::Refused { address: format!("{host}:{port}") })))
    }
}

/// A server over an empty store.
pub struct Api {
    pub store: Store,
    pub server: Arc<Server>,
}

/// An answer that has ended.
#[derive(Debug)]
pub struct Answer {
    pub code: u16,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&self.body)))
    }

    pub fn warnings(&self) -> Vec<&str> {
        self.headers.get_all("warning").iter().map(|v| v.to_str().unwrap()).collect()
    }
}

impl Api {
    pub fn new() -> Self {
        Self::with(|_| Plugins::permissive())
    }

    /// With other plugins.
    pub fn with(plugins: impl FnOnce(&ServerConfig) -> Plugins) -> Self {
        let store = Store::new(StoreState::new(Generator::for_part(1, "store")));
        let clock = Clock::starting_at("2026-01-02T03:04:05Z".parse().unwrap());
        let mut config = ServerConfig::new(clock, Arc::new(Nowhere), Origin::Host);
        config.advertise_address = IpAddr::from([172, 18, 0, 2]);
        let plugins = plugins(&config);
        let server = Server::with_plugins(store.clone(), config, plugins);
        Self { store, server }
    }

    pub async fn respond(&self, request: Request<Bytes>) -> http::Response<Body> {
        self.server.handle(request, &Peer::default()).await
    }

    pub async fn send(&self, method: &str, uri: &str, headers: &[(&str, &str)], body: impl Into<Bytes>) -> Answer {
        let mut request = Request::builder().method(method).uri(uri).header("user-agent", "test/1.0");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = self.respond(request.body(body.into()).unwrap()).await;
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Answer { code: parts.status.as_u16(), headers: parts.headers, body }
    }

    pub async fn get(&self, uri: &str) -> Answer {
        self.send("GET", uri, &[], "").await
    }

    pub async fn json(&self, method: &str, uri: &str, body: &Value) -> Answer {
        self.send(method, uri, &[("content-type", "application/json")], body.to_string()).await
    }

    pub async fn post(&self, uri: &str, body: Value) -> Answer {
        self.json("POST", uri, &body).await
    }

    pub async fn patch(&self, uri: &str, kind: &str, body: Value) -> Answer {
        let media = format!("application/{kind}-patch+json");
        self.send("PATCH", uri, &[("content-type", &media)], body.to_string()).await
    }

    /// A config map with one key.
    pub async fn config_map(&self, name: &str) -> Value {
        let answer = self.post("/api/v1/namespaces/default/configmaps", json!({"metadata": {"name": name}, "data": {"k": "v"}})).await;
        assert_eq!(answer.code, 201, "{answer:?}");
        answer.json()
    }

    /// A pod, on a node or not.
    pub async fn pod(&self, name: &str, node: &str) -> Value {
        let mut pod =
            json!({"metadata": {"name": name, "labels": {"app": name}}, "spec": {"containers": [{"name": "c", "image": "nginx:1"}]}});
        if !node.is_empty() {
            pod["spec"]["nodeName"] = node.into();
        }
        let answer = self.post("/api/v1/namespaces/default/pods", pod).await;
        assert_eq!(answer.code, 201, "{answer:?}");
        answer.json()
    }
}

/// What a deployment needs at least.
pub fn deployment(name: &str) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": {
        "selector": {"matchLabels": {"a": "b"}},
        "template": {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "nginx:1"}]}}}})
}
