//! Requests to the API server, as JSON, with client-go's words about what went wrong.

use std::time::Duration;

use component::RequestError;
use futures::TryStreamExt;
use http::Request;
use kube::core::WatchEvent;
use serde::de::DeserializeOwned;
use serde_json::Value;

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

/// Kind of a patch body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PatchKind {
    /// `application/strategic-merge-patch+json`
    Strategic,
}

/// Where a token comes from, each time that one is needed: files of tokens are renewed.
type TokenSource = std::sync::Arc<dyn Fn() -> Option<String> + Send + Sync>;

/// A client with the credentials of one component.
#[derive(Clone)]
pub struct ApiClient(kube::Client, Option<TokenSource>);

impl ApiClient {
    /// Over a `kube::Client`.
    pub fn new(client: kube::Client) -> Self {
        Self(client, None)
    }

    /// Over a `kube::Client` without credentials, with a token that is asked for at every request.
    pub fn with_token(client: kube::Client, token: impl Fn() -> Option<String> + Send + Sync + 'static) -> Self {
        Self(client, Some(std::sync::Arc::new(token)))
    }

    fn begin(&self, method: &str, path: &str) -> http::request::Builder {
        let request = Request::builder().method(method).uri(path).header("accept", "application/json");
        match self.1.as_ref().and_then(|token| token()) {
            Some(token) => request.header("authorization", format!("Bearer {token}")),
            None => request,
        }
    }

    async fn send<T: DeserializeOwned>(&self, method: &str, path: &str, kind: &str, body: Option<&Value>) -> Result<T, ApiError> {
        let bytes = body.map(|body| body.to_string().into_bytes()).unwrap_or_default();
        let request = self.begin(method, path).header("content-type", kind).body(bytes).map_err(|error| ApiError {
            code: None,
            reason: String::new(),
            message: error.to_string(),
        })?;
        self.0.request(request).await.map_err(|error| ApiError::from_kube(&error))
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

    /// One watch from a version until the server ends it; every event goes to `event`, which may end it too.
    pub async fn watch<T>(&self, path: &str, mut event: impl FnMut(WatchEvent<T>) -> Result<(), ApiError>) -> Result<(), ApiError>
    where
        T: Clone + DeserializeOwned,
    {
        let request = self.begin("GET", path).body(Vec::new()).map_err(|error| ApiError {
            code: None,
            reason: String::new(),
            message: error.to_string(),
        })?;
        let events = self.0.request_events::<T>(request).await.map_err(|error| ApiError::from_kube(&error))?;
        futures::pin_mut!(events);
        while let Some(next) = events.try_next().await.map_err(|error| ApiError::from_kube(&error))? {
            event(next)?;
        }
        Ok(())
    }
}
