//! An API server for tests: objects by path, and a record of what was asked.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use http::{Method, Request, Response, StatusCode};
use kube::client::Body;
use serde_json::{Value, json};

/// Objects by path; a collection's path lists what stands under it.
#[derive(Clone, Default)]
pub struct FakeApi(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    objects: BTreeMap<String, Value>,
    requests: Vec<String>,
    broken: bool,
}

impl FakeApi {
    /// Adds an object.
    pub fn with(self, path: &str, object: Value) -> Self {
        self.state(|s| s.objects.insert(path.to_owned(), object));
        self
    }

    /// Answers everything with 500 from now on.
    pub fn break_down(&self) {
        self.state(|s| s.broken = true);
    }

    /// Method and path of each request, sorted: they come in any order.
    pub fn requests(&self) -> Vec<String> {
        let mut requests = self.state(|s| s.requests.clone());
        requests.sort();
        requests
    }

    /// An object.
    pub fn object(&self, path: &str) -> Option<Value> {
        self.state(|s| s.objects.get(path).cloned())
    }

    /// A client of it.
    pub fn client(&self) -> kube::Client {
        let api = self.clone();
        let service = tower::service_fn(move |request: Request<Body>| {
            let api = api.clone();
            async move {
                let (parts, body) = request.into_parts();
                let body = body.collect_bytes().await.map_err(std::io::Error::other)?;
                let (status, answer) = api.answer(&parts.method, parts.uri.path(), &body);
                let response = Response::builder().status(status).body(Body::from(answer.to_string().into_bytes()));
                response.map_err(std::io::Error::other)
            }
        });
        kube::Client::new(service, "default")
    }

    fn answer(&self, method: &Method, path: &str, body: &[u8]) -> (StatusCode, Value) {
        self.state(|s| {
            s.requests.push(format!("{method} {path}"));
            if s.broken {
                return (StatusCode::INTERNAL_SERVER_ERROR, failure(500, "etcd is away"));
            }
            let sent: Value = serde_json::from_slice(body).unwrap_or_default();
            match *method {
                Method::PATCH => {
                    s.objects.insert(path.to_owned(), sent.clone());
                    (StatusCode::OK, sent)
                }
                // Reviews: whoever asks for `get` may.
                Method::POST => {
                    let allowed = sent["spec"]["resourceAttributes"]["verb"] == "get";
                    (StatusCode::CREATED, json!({"status": {"allowed": allowed}}))
                }
                _ => match s.objects.get(path) {
                    Some(object) => (StatusCode::OK, object.clone()),
                    None if is_collection(path) => {
                        let under = format!("{path}/");
                        let items: Vec<&Value> = s.objects.iter().filter(|(p, _)| p.starts_with(&under)).map(|(_, o)| o).collect();
                        (StatusCode::OK, json!({"kind": "List", "apiVersion": "v1", "items": items}))
                    }
                    None => (StatusCode::NOT_FOUND, failure(404, "not found")),
                },
            }
        })
    }

    fn state<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// `/api/v1/nodes`, `/api/v1/namespaces/x/pods`: paths of objects have an even number of parts after the version.
fn is_collection(path: &str) -> bool {
    let parts = path.split('/').skip(if path.starts_with("/apis/") { 4 } else { 3 }).count();
    parts % 2 == 1
}

fn failure(code: u16, message: &str) -> Value {
    json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "message": message, "reason": ""})
}
