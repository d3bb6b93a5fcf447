//! The API server without types: JSON in, JSON out, so that nothing is lost on the way.

use std::time::Duration;

use http::{Method, Request};
use serde_json::Value;

use crate::grade::ResourceRef;

/// How long a request may take.
const TIMEOUT: Duration = Duration::from_secs(15);

/// A request that was not answered as hoped.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RestError {
    /// 404.
    #[error("not found: {0}")]
    NotFound(String),
    /// Another refusal.
    #[error("{message}")]
    Refused {
        /// HTTP status.
        code: u16,
        /// The server's words.
        message: String,
    },
    /// No answer.
    #[error("{0}")]
    Unreachable(String),
}

/// Sends a request and reads a JSON answer.
pub async fn send(client: &kube::Client, method: Method, path: &str, content_type: &str, body: Vec<u8>) -> Result<Value, RestError> {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(http::header::CONTENT_TYPE, content_type)
        .header(http::header::ACCEPT, "application/json")
        .body(body)
        .map_err(|e| RestError::Unreachable(e.to_string()))?;
    match tokio::time::timeout(TIMEOUT, client.request::<Value>(request)).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(failure(&error)),
        Err(_) => Err(RestError::Unreachable(format!("no answer within {} s", TIMEOUT.as_secs()))),
    }
}

/// GET.
pub async fn get(client: &kube::Client, path: &str) -> Result<Value, RestError> {
    send(client, Method::GET, path, "application/json", Vec::new()).await
}

/// What a client's error means.
pub fn failure(error: &kube::Error) -> RestError {
    match error {
        kube::Error::Api(status) if status.code == 404 => RestError::NotFound(status.message.clone()),
        kube::Error::Api(status) => RestError::Refused { code: status.code, message: status.message.clone() },
        other => RestError::Unreachable(other.to_string()),
    }
}

/// Path of a collection, or of an object in it. Kinds that are not built in are looked up by discovery.
pub async fn path_of(
    client: &kube::Client,
    resource: &ResourceRef,
    namespace: Option<&str>,
    name: Option<&str>,
) -> Result<String, RestError> {
    let plural = match resource.built_in() {
        Some(row) => row.plural.to_owned(),
        None => discover(client, resource).await?,
    };
    let root = if resource.group().is_empty() { format!("/api/{}", resource.version()) } else { format!("/apis/{}", resource.api_version) };
    let namespace = namespace.map(|n| format!("/namespaces/{n}")).unwrap_or_default();
    let name = name.map(|n| format!("/{n}")).unwrap_or_default();
    Ok(format!("{root}{namespace}/{plural}{name}"))
}

/// Plural of a kind that is not in the table.
async fn discover(client: &kube::Client, resource: &ResourceRef) -> Result<String, RestError> {
    if resource.api_version.is_empty() {
        return Err(RestError::Unreachable(format!("the kind {} needs an apiVersion", resource.kind)));
    }
    let root = if resource.group().is_empty() { format!("/api/{}", resource.version()) } else { format!("/apis/{}", resource.api_version) };
    let list = get(client, &root).await?;
    let resources = list["resources"].as_array().into_iter().flatten();
    let found = resources.filter(|r| r["kind"] == resource.kind.as_str()).filter_map(|r| r["name"].as_str()).find(|n| !n.contains('/'));
    found
        .map(str::to_owned)
        .ok_or_else(|| RestError::NotFound(format!("the server has no kind {} in {}", resource.kind, resource.api_version)))
}
