//! A store of JSON objects by path, with lists, watches and merge patches: as much of an API server as a kubelet asks for.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use component::Origin;
use component::watch;
use futures::StreamExt;
use http::{Method, Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};

use crate::network::{Network, Owner};

#[derive(Default)]
struct Inner {
    objects: BTreeMap<String, Value>,
    log: Vec<(u64, &'static str, String, Value)>,
    version: u64,
}

pub(super) struct FakeApi {
    inner: Mutex<Inner>,
    news: watch::Sender<u64>,
}

impl FakeApi {
    pub(super) fn start(network: &Arc<Network>) -> Arc<Self> {
        let api = Arc::new(Self { inner: Mutex::default(), news: watch::Sender::new(0) });
        let owner = Owner { pid: 1, program: "kube-apiserver".into() };
        let address = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 6443);
        let mut listener = network.listen(&Origin::Node("worker-2".into()), address, owner, None).expect("free");
        let served = api.clone();
        tokio::spawn(async move {
            loop {
                let accepted = listener.accept().await;
                let api = served.clone();
                tokio::spawn(async move {
                    let service = hyper::service::service_fn(move |request| {
                        let api = api.clone();
                        async move { Ok::<_, Infallible>(api.answer(request).await) }
                    });
                    let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(accepted.stream), service).await;
                });
            }
        });
        api
    }

    fn change(&self, kind: &'static str, path: &str, mut object: Value) -> Value {
        let version = {
            let mut inner = self.inner.lock().expect("not poisoned");
            inner.version += 1;
            let version = inner.version;
            object["metadata"]["resourceVersion"] = json!(version.to_string());
            if kind == "DELETED" {
                inner.objects.remove(path);
            } else {
                inner.objects.insert(path.to_owned(), object.clone());
            }
            inner.log.push((version, kind, path.to_owned(), object.clone()));
            version
        };
        self.news.send_replace(version);
        object
    }

    pub(super) fn put(&self, path: &str, object: Value) {
        let kind = if self.get(path).is_some() { "MODIFIED" } else { "ADDED" };
        self.change(kind, path, object);
    }

    pub(super) fn delete(&self, path: &str) {
        if let Some(object) = self.get(path) {
            self.change("DELETED", path, object);
        }
    }

    pub(super) fn get(&self, path: &str) -> Option<Value> {
        self.inner.lock().expect("not poisoned").objects.get(path).cloned()
    }

    /// Objects whose path contains a text, in the order of their creation.
    pub(super) fn all(&self, part: &str) -> Vec<Value> {
        let inner = self.inner.lock().expect("not poisoned");
        let mut order: Vec<&String> = Vec::new();
        for (_, _, path, _) in &inner.log {
            if path.contains(part) && inner.objects.contains_key(path) && !order.contains(&path) {
                order.push(path);
            }
        }
        order.into_iter().map(|path| inner.objects[path].clone()).collect()
    }

    async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Response<UnsyncBoxBody<Bytes, Infallible>> {
        let (parts, body) = request.into_parts();
        let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
        let body: Value = serde_json::from_slice(&body).unwrap_or_default();
        let path = parts.uri.path().to_owned();
        let query = parts.uri.query().unwrap_or_default().to_owned();
        let collection = matches!(path.as_str(), "/api/v1/pods" | "/api/v1/services");
        let reply = |code: u16, value: &Value| {
            let mut response = Response::new(Full::new(Bytes::from(value.to_string())).boxed_unsync());
            *response.status_mut() = http::StatusCode::from_u16(code).expect("a code");
            response
        };
        let status = |code: u16, reason: &str| json!({"kind": "Status", "status": "Failure", "reason": reason, "code": code, "message": format!("{path}: {reason}")});
        match parts.method {
            // As of a server without the feature WatchList: clients list, then.
            Method::GET if query.contains("sendInitialEvents=true") => reply(422, &status(422, "Invalid")),
            Method::GET if collection && query.contains("watch=true") => self.watch(&path, &query),
            Method::GET if collection => {
                let kind = path.rsplit('/').next().unwrap_or_default();
                let version = self.inner.lock().expect("not poisoned").version;
                let items = self.all(&format!("/{kind}/"));
                reply(200, &json!({"kind": "List", "metadata": {"resourceVersion": version.to_string()}, "items": items}))
            }
            Method::GET => match self.get(&path) {
                Some(object) => reply(200, &object),
                None => reply(404, &status(404, "NotFound")),
            },
            Method::POST if path.ends_with("/token") => reply(201, &json!({"status": {"token": "abc"}})),
            Method::POST => {
                let name = body["metadata"]["name"].as_str().unwrap_or_default();
                let path = format!("{path}/{name}");
                if self.get(&path).is_some() {
                    return reply(409, &status(409, "AlreadyExists"));
                }
                let mut body = body;
                if body["metadata"]["uid"].is_null() {
                    body["metadata"]["uid"] = json!(format!("uid of {path}"));
                }
                reply(201, &self.change("ADDED", &path, body))
            }
            Method::PUT => reply(200, &self.change("MODIFIED", &path, body)),
            Method::PATCH => {
                let path = path.trim_end_matches("/status").to_owned();
                match self.get(&path) {
                    Some(mut object) => {
                        merge(&mut object, &body);
                        reply(200, &self.change("MODIFIED", &path, object))
                    }
                    None => reply(404, &status(404, "NotFound")),
                }
            }
            Method::DELETE => {
                self.delete(&path);
                reply(200, &json!({"kind": "Status", "status": "Success"}))
            }
            _ => reply(405, &status(405, "MethodNotAllowed")),
        }
    }

    fn watch(self: Arc<Self>, path: &str, query: &str) -> Response<UnsyncBoxBody<Bytes, Infallible>> {
        let kind = format!("/{}/", path.rsplit('/').next().unwrap_or_default());
        let from: u64 = query.split('&').find_map(|pair| pair.strip_prefix("resourceVersion=")?.parse().ok()).unwrap_or(0);
        let news = self.news.subscribe();
        let stream = futures::stream::unfold((self, news, from), move |(api, mut news, seen)| {
            let kind = kind.clone();
            async move {
                loop {
                    news.mark_unchanged();
                    let next = api
                        .inner
                        .lock()
                        .expect("not poisoned")
                        .log
                        .iter()
                        .find(|(version, _, path, _)| *version > seen && path.contains(&kind))
                        .map(|(version, event, _, object)| (*version, json!({"type": event, "object": object}).to_string()));
                    if let Some((version, line)) = next {
                        return Some((Bytes::from(format!("{line}\n")), (api, news, version)));
                    }
                    news.changed().await.ok()?;
                }
            }
        });
        Response::new(StreamBody::new(stream.map(|bytes| Ok(Frame::data(bytes)))).boxed_unsync())
    }
}

fn merge(target: &mut Value, patch: &Value) {
    match (target, patch) {
        (Value::Object(target), Value::Object(patch)) => {
            for (key, value) in patch {
                if value.is_null() {
                    target.remove(key);
                } else {
                    merge(target.entry(key.clone()).or_insert(Value::Null), value);
                }
            }
        }
        (target, patch) => *target = patch.clone(),
    }
}
