//! Requests to the API server, as JSON, with client-go's words about what went wrong.

use std::sync::Arc;
use std::time::Duration;

use component::{Decoded, RequestError};
use futures::TryStreamExt;
use http::Request;
use kube::core::WatchEvent;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::RawValue;

/// A failed request; `Display` is what client-go's error prints.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ApiError {
    /// HTTP code of the server's answer; `None` if there was none.
    pub code: Option<u16>,
    /// `reason` of the answered status.
    pub reason: String,
    /// Text.
    pub message: String,
}

impl ApiError {
    fn from_kube(error: &kube::Error) -> Self {
        match error {
            kube::Error::Api(status) => Self { code: Some(status.code), reason: status.reason.clone(), message: status.message.clone() },
            other => {
                let message = RequestError::of(other).map_or_else(|| other.to_string(), ToString::to_string);
                Self { code: None, reason: String::new(), message }
            }
        }
    }

    /// What went wrong on this side.
    fn local(error: impl ToString) -> Self {
        Self { code: None, reason: String::new(), message: error.to_string() }
    }

    /// 404
    pub fn is_not_found(&self) -> bool {
        self.code == Some(404)
    }

    /// 403.
    pub fn is_forbidden(&self) -> bool {
        self.code == Some(403)
    }

    /// 409 because the object is there.
    pub fn is_already_exists(&self) -> bool {
        self.code == Some(409) && self.reason == "AlreadyExists"
    }

    /// The server could not be reached.
    pub fn is_transport(&self) -> bool {
        self.code.is_none()
    }
}

/// An event whose object is not decoded. Servers write `type` before `object`; only so can the text be kept.
pub type RawEvent = WatchEvent<Box<RawValue>>;

/// Kind of a patch body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PatchKind {
    /// `application/strategic-merge-patch+json`
    Strategic,
}

/// Where a token comes from, each time that one is needed: files of tokens are renewed.
type TokenSource = Arc<dyn Fn() -> Option<String> + Send + Sync>;

/// A client with the credentials of one component.
#[derive(Clone)]
pub struct ApiClient {
    client: kube::Client,
    token: Option<TokenSource>,
    decoded: Decoded,
}

impl ApiClient {
    /// Over a `kube::Client`; what is listed and watched is shared with others.
    pub fn new(client: kube::Client, decoded: Decoded) -> Self {
        Self { client, token: None, decoded }
    }

    /// Over a `kube::Client` without credentials, with a token that is asked for at every request.
    pub fn with_token(client: kube::Client, decoded: Decoded, token: impl Fn() -> Option<String> + Send + Sync + 'static) -> Self {
        Self { client, token: Some(Arc::new(token)), decoded }
    }

    fn begin(&self, method: &str, path: &str) -> http::request::Builder {
        let request = Request::builder().method(method).uri(path).header("accept", "application/json");
        match self.token.as_ref().and_then(|token| token()) {
            Some(token) => request.header("authorization", format!("Bearer {token}")),
            None => request,
        }
    }

    async fn send<T: DeserializeOwned>(&self, method: &str, path: &str, kind: &str, body: Option<&Value>) -> Result<T, ApiError> {
        let bytes = body.map(|body| body.to_string().into_bytes()).unwrap_or_default();
        let request = self.begin(method, path).header("content-type", kind).body(bytes).map_err(ApiError::local)?;
        self.client.request(request).await.map_err(|error| ApiError::from_kube(&error))
    }

    /// GET
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ApiError> {
        self.send("GET", path, "application/json", None).await
    }

    /// POST
    pub async fn post(&self, path: &str, body: &Value) -> Result<Value, ApiError> {
        self.send("POST", path, "application/json", Some(body)).await
    }

    /// PUT
    pub async fn put(&self, path: &str, body: &Value) -> Result<Value, ApiError> {
        self.send("PUT", path, "application/json", Some(body)).await
    }

    /// PATCH
    pub async fn patch(&self, path: &str, kind: PatchKind, body: &Value) -> Result<Value, ApiError> {
        let kind = match kind {
            PatchKind::Strategic => "application/strategic-merge-patch+json",
        };
        self.send("PATCH", path, kind, Some(body)).await
    }

    /// DELETE with options.
    pub async fn delete(&self, path: &str, options: &Value) -> Result<Value, ApiError> {
        self.send("DELETE", path, "application/json", Some(options)).await
    }

    /// A request that is given up after `limit`, as the kubelet's heartbeat client does it.
    pub async fn within<T>(limit: Duration, request: impl Future<Output = Result<T, ApiError>>) -> Result<T, ApiError> {
        tokio::time::timeout(limit, request).await.unwrap_or_else(|_| {
            let message = "context deadline exceeded (Client.Timeout exceeded while awaiting headers)".to_owned();
            Err(ApiError { code: None, reason: String::new(), message })
        })
    }

    /// All objects of a collection and the version of the list.
    pub async fn list<T: DeserializeOwned + Send + Sync + 'static>(&self, path: &str) -> Result<(Vec<Arc<T>>, String), ApiError> {
        let request = self.begin("GET", path).body(Vec::new()).map_err(ApiError::local)?;
        let text = self.client.request_text(request).await.map_err(|error| ApiError::from_kube(&error))?;
        self.decoded.list(&text).map_err(ApiError::local)
    }

    /// The object of a watch's event.
    pub fn decode<T: DeserializeOwned + Send + Sync + 'static>(&self, text: &RawValue) -> Result<Arc<T>, ApiError> {
        self.decoded.get(text).map_err(ApiError::local)
    }

    /// One watch from a version until the server ends it; every event goes to `event`, which may end it too.
    pub async fn watch(&self, path: &str, mut event: impl FnMut(RawEvent) -> Result<(), ApiError>) -> Result<(), ApiError> {
        let request = self.begin("GET", path).body(Vec::new()).map_err(ApiError::local)?;
        let events = self.client.request_events::<Box<RawValue>>(request).await.map_err(|error| ApiError::from_kube(&error))?;
        futures::pin_mut!(events);
        while let Some(next) = events.try_next().await.map_err(|error| ApiError::from_kube(&error))? {
            event(next)?;
        }
        Ok(())
    }
}
