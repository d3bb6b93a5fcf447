//! A small API server in memory, for tests of controllers: get, list, create, update, patch, delete, watch and bind, with
//! resource versions. It validates and defaults next to nothing.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use component::dial::{Connection, DialError, Dialer, Origin};
use component::tls::ClientTls;
use component::{Clock, Generator};
use futures::future::BoxFuture;
use http::{Method, Request, Response};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::sync::mpsc;

type Body = BoxBody<Bytes, Infallible>;

/// The server; also the way to dial it.
#[derive(Clone)]
pub struct Server(Arc<Mutex<State>>);

struct State {
    clock: Clock,
    generator: Generator,
    revision: u64,
    /// By collection path and `namespace/name`.
    objects: BTreeMap<(String, String), Value>,
    watchers: Vec<(String, mpsc::UnboundedSender<Bytes>)>,
    /// Requests so far that changed something.
    writes: Vec<String>,
    available: bool,
}

/// A request path, taken apart.
struct Target {
    collection: String,
    namespace: String,
    name: String,
    subresource: String,
}

fn target(path: &str) -> Target {
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    let base = if parts[0] == "api" { 2 } else { 3 };
    let (prefix, rest) = parts.split_at(base.min(parts.len()));
    let spaced = rest.first() == Some(&"namespaces") && rest.len() > 2 && !matches!(rest[2], "status" | "finalize");
    let (namespace, rest) = if spaced { (rest[1], &rest[2..]) } else { ("", rest) };
    let part = |i: usize| rest.get(i).copied().unwrap_or_default().to_owned();
    Target {
        collection: format!("/{}/{}", prefix.join("/"), part(0)),
        namespace: namespace.to_owned(),
        name: part(1),
        subresource: part(2),
    }
}

/// Merges like a strategic patch as far as the tests need: lists of conditions by type.
fn merge(into: &mut Value, patch: &Value) {
    match (into, patch) {
        (Value::Object(into), Value::Object(patch)) => {
            for (key, value) in patch {
                if value.is_null() {
                    into.remove(key);
                } else {
                    merge(into.entry(key.clone()).or_insert(Value::Null), value);
                }
            }
        }
        (Value::Array(into), Value::Array(patch)) if patch.iter().all(|v| v["type"].is_string()) => {
            for value in patch {
                match into.iter_mut().find(|v| v["type"] == value["type"]) {
                    Some(found) => merge(found, value),
                    None => into.push(value.clone()),
                }
            }
        }
        (into, patch) => *into = patch.clone(),
    }
}

impl Server {
    /// An empty server with the namespaces that tests use.
    pub fn new(clock: Clock) -> Self {
        let state = State {
            clock,
            generator: Generator::for_part(1, "server"),
            revision: 0,
            objects: BTreeMap::new(),
            watchers: Vec::new(),
            writes: Vec::new(),
            available: true,
        };
        Self(Arc::new(Mutex::new(state)))
    }

    /// A copy of all that is stored, under a clock of its own.
    pub fn fork(&self, clock: Clock) -> Self {
        let state = self.0.lock().unwrap();
        let copy = State {
            clock,
            generator: state.generator.clone(),
            revision: state.revision,
            objects: state.objects.clone(),
            watchers: Vec::new(),
            writes: Vec::new(),
            available: true,
        };
        Self(Arc::new(Mutex::new(copy)))
    }

    /// Refuses connections, and ends those that watch.
    pub fn set_available(&self, available: bool) {
        let mut state = self.0.lock().unwrap();
        state.available = available;
        if !available {
            state.watchers.clear();
        }
    }

    /// Writes since the start, as `METHOD path`.
    pub fn writes(&self) -> Vec<String> {
        self.0.lock().unwrap().writes.clone()
    }

    /// Creates or replaces an object from outside.
    pub fn put(&self, collection: &str, mut object: Value) {
        let mut state = self.0.lock().unwrap();
        let key = (collection.to_owned(), key_of(&object));
        let old = state.objects.get(&key).cloned();
        if let Some(old) = &old {
            object["metadata"]["uid"] = old["metadata"]["uid"].clone();
            object["metadata"]["creationTimestamp"] = old["metadata"]["creationTimestamp"].clone();
        }
        state.complete(&mut object, old.is_none());
        state.store(key, object, if old.is_some() { "MODIFIED" } else { "ADDED" });
    }

    /// All objects of a collection.
    pub fn list(&self, collection: &str) -> Vec<Value> {
        let state = self.0.lock().unwrap();
        state.objects.iter().filter(|((c, _), _)| c == collection).map(|(_, o)| o.clone()).collect()
    }

    async fn answer(&self, request: Request<Incoming>) -> Result<Response<Body>, std::io::Error> {
        let (parts, body) = request.into_parts();
        let bytes = body.collect().await.map(|b| b.to_bytes()).unwrap_or_default();
        let body: Value = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        let query = parts.uri.query().unwrap_or_default().to_owned();
        let mut state = self.0.lock().unwrap();
        if !state.available {
            // The connection breaks.
            return Err(std::io::ErrorKind::ConnectionReset.into());
        }
        // As of a server without the feature WatchList: clients list, then.
        if query.contains("sendInitialEvents=true") {
            let (code, value) = status(
                422,
                "Invalid",
                "sendInitialEvents: Forbidden: sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled",
            );
            return Ok(Response::builder().status(code).body(Full::new(Bytes::from(value.to_string())).boxed()).unwrap());
        }
        if query.contains("watch=true") {
            return Ok(state.watch(&target(parts.uri.path()), &query));
        }
        if parts.method != Method::GET {
            let line = format!("{} {}", parts.method, parts.uri.path());
            state.writes.push(line);
        }
        let (code, value) = state.handle(&parts.method, parts.uri.path(), body);
        let body = Full::new(Bytes::from(value.to_string())).boxed();
        Ok(Response::builder().status(code).header("content-type", "application/json").body(body).unwrap())
    }
}

fn key_of(object: &Value) -> String {
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    match object["metadata"]["namespace"].as_str().filter(|n| !n.is_empty()) {
        Some(namespace) => format!("{namespace}/{name}"),
        None => name.to_owned(),
    }
}

fn status(code: u16, reason: &str, message: &str) -> (u16, Value) {
    (code, json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason, "message": message}))
}

impl State {
    fn complete(&mut self, object: &mut Value, new: bool) {
        self.revision += 1;
        let meta = &mut object["metadata"];
        meta["resourceVersion"] = json!(self.revision.to_string());
        if new {
            meta["uid"] = json!(self.generator.uuid());
            meta["creationTimestamp"] = json!(self.clock.now_seconds().to_string());
            meta["generation"] = json!(1);
        }
    }

    fn store(&mut self, key: (String, String), object: Value, event: &str) {
        self.tell(&key.0, event, &object);
        self.objects.insert(key, object);
    }

    fn tell(&mut self, collection: &str, event: &str, object: &Value) {
        let line = Bytes::from(json!({"type": event, "object": object}).to_string() + "\n");
        self.watchers.retain(|(c, sender)| c != collection || sender.send(line.clone()).is_ok());
    }

    fn remove(&mut self, key: &(String, String)) -> Value {
        let mut object = self.objects.remove(key).unwrap_or_default();
        self.revision += 1;
        object["metadata"]["resourceVersion"] = json!(self.revision.to_string());
        self.tell(&key.0, "DELETED", &object);
        object
    }

    fn watch(&mut self, target: &Target, _: &str) -> Response<Body> {
        // Tests never fall behind: what a list returned is what a watch goes on from.
        let (sender, mut receiver) = mpsc::unbounded_channel();
        self.watchers.push((target.collection.clone(), sender));
        let stream = futures::stream::poll_fn(move |cx| receiver.poll_recv(cx).map(|line| line.map(|bytes| Ok(Frame::data(bytes)))));
        Response::builder().header("content-type", "application/json").body(StreamBody::new(stream).boxed()).unwrap()
    }

    fn handle(&mut self, method: &Method, path: &str, body: Value) -> (u16, Value) {
        if path == "/apis" {
            return (200, json!({"groups": []}));
        }
        if path == "/api/v1" {
            let row = |name: &str, kind: &str| json!({"name": name, "kind": kind, "namespaced": true, "verbs": ["create", "delete", "get", "list", "watch"]});
            return (200, json!({"resources": [row("pods", "Pod")]}));
        }
        let t = target(path);
        let key = (t.collection.clone(), if t.namespace.is_empty() { t.name.clone() } else { format!("{}/{}", t.namespace, t.name) });
        match (method.as_str(), t.name.is_empty()) {
            ("GET", true) => {
                let within = |k: &str| t.namespace.is_empty() || k.starts_with(&format!("{}/", t.namespace));
                let items: Vec<_> =
                    self.objects.iter().filter(|((c, k), _)| *c == t.collection && within(k)).map(|(_, o)| o.clone()).collect();
                (
                    200,
                    json!({"kind": "List", "apiVersion": "v1", "metadata": {"resourceVersion": self.revision.to_string()}, "items": items}),
                )
            }
            ("POST", true) => self.create(&t, body),
            ("POST", false) if t.subresource == "binding" => {
                let Some(mut pod) = self.objects.get(&key).cloned() else { return status(404, "NotFound", "pods not found") };
                pod["spec"]["nodeName"] = body["target"]["name"].clone();
                merge(&mut pod, &json!({"status": {"conditions": [{"type": "PodScheduled", "status": "True"}]}}));
                self.complete(&mut pod, false);
                self.store(key, pod, "MODIFIED");
                (201, json!({"kind": "Status", "status": "Success", "code": 201}))
            }
            (_, false) => {
                let Some(current) = self.objects.get(&key).cloned() else {
                    return status(404, "NotFound", &format!("{} {:?} not found", t.collection, t.name));
                };
                let asked = &body["metadata"]["resourceVersion"];
                if asked.is_string() && *asked != current["metadata"]["resourceVersion"] {
                    return status(
                        409,
                        "Conflict",
                        "the object has been modified; please apply your changes to the latest version and try again",
                    );
                }
                match method.as_str() {
                    "GET" => (200, current),
                    "DELETE" => (200, self.remove(&key)),
                    "PATCH" => {
                        let mut object = current;
                        merge(&mut object, &body);
                        self.complete(&mut object, false);
                        self.store(key, object.clone(), "MODIFIED");
                        (200, object)
                    }
                    _ => {
                        let mut object = body;
                        if t.subresource == "status" {
                            let status = object["status"].clone();
                            let annotations = object["metadata"].get("annotations").cloned();
                            object = current;
                            object["status"] = status;
                            // A deployment's revision is written with its status.
                            if let Some(annotations) = annotations {
                                object["metadata"]["annotations"] = annotations;
                            }
                        }
                        self.complete(&mut object, false);
                        self.store(key, object.clone(), "MODIFIED");
                        (200, object)
                    }
                }
            }
            _ => status(405, "MethodNotAllowed", "not supported by the test server"),
        }
    }

    fn create(&mut self, t: &Target, mut object: Value) -> (u16, Value) {
        if object["metadata"]["name"].as_str().is_none_or(str::is_empty) {
            let prefix = object["metadata"]["generateName"].as_str().unwrap_or_default().to_owned();
            object["metadata"]["name"] = json!(prefix + &self.generator.name_suffix(5));
        }
        if !t.namespace.is_empty() {
            object["metadata"]["namespace"] = json!(t.namespace);
        }
        let key = (t.collection.clone(), key_of(&object));
        if self.objects.contains_key(&key) {
            return status(409, "AlreadyExists", &format!("{:?} already exists", key.1));
        }
        if t.collection == "/api/v1/pods" {
            object["status"] = json!({"phase": "Pending"});
        }
        self.complete(&mut object, true);
        self.store(key, object.clone(), "ADDED");
        (201, object)
    }
}

impl Dialer for Server {
    fn connect<'a>(
        &'a self,
        _: &'a Origin,
        host: &'a str,
        port: u16,
        _: Option<&'a ClientTls>,
    ) -> BoxFuture<'a, Result<Connection, DialError>> {
        Box::pin(async move {
            if !self.0.lock().unwrap().available {
                return Err(DialError::Refused { address: format!("{host}:{port}") });
            }
            let (ours, theirs) = tokio::io::duplex(1 << 20);
            let server = self.clone();
            tokio::spawn(async move {
                let service = hyper::service::service_fn(move |request| {
                    let server = server.clone();
                    async move { server.answer(request).await }
                });
                let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(theirs), service).await;
            });
            Ok(Connection { stream: ours, remote: (std::net::Ipv4Addr::LOCALHOST.into(), port) })
        })
    }
}
