//! The cluster's API server without types: what a baseline reads and a reset writes.

use std::time::Duration;

use http::{Method, Request};
use kube::config::{KubeConfigOptions, Kubeconfig};
use serde_json::Value;

use super::error::KindError;

/// How long a request may take.
const LIMIT: Duration = Duration::from_secs(10);

/// An API server's address and its client.
#[derive(Clone)]
pub struct Api {
    cluster: String,
    client: kube::Client,
    /// URL of the API server.
    pub server: String,
    /// Host of that URL.
    pub host: String,
    /// Its port.
    pub port: u16,
}

impl Api {
    /// From a kubeconfig of ours.
    pub async fn of_kubeconfig(cluster: &str, text: &str) -> Result<Self, KindError> {
        let odd = |reason: String| KindError::Api { name: cluster.to_owned(), reason };
        let kubeconfig = Kubeconfig::from_yaml(text).map_err(|e| odd(e.to_string()))?;
        let mut config =
            kube::Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.map_err(|e| odd(e.to_string()))?;
        // The user's proxy is not for containers on this machine.
        config.proxy_url = None;
        let url = config.cluster_url.clone();
        let client = kube::Client::try_from(config).map_err(|e| odd(e.to_string()))?;
        let host = url.host().unwrap_or("127.0.0.1").to_owned();
        let port = url.port_u16().unwrap_or(443);
        Ok(Self { cluster: cluster.to_owned(), client, server: format!("https://{host}:{port}"), host, port })
    }

    /// The typed client.
    pub fn client(&self) -> kube::Client {
        self.client.clone()
    }

    /// Sends a request; the error has the status, if one came.
    pub async fn send(&self, method: Method, path: &str, content_type: &str, body: &Value) -> Result<Value, ApiError> {
        let bytes = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(http::header::CONTENT_TYPE, content_type)
            .header(http::header::ACCEPT, "application/json")
            .body(bytes)
            .map_err(|e| ApiError { code: None, message: e.to_string() })?;
        match tokio::time::timeout(LIMIT, self.client.request::<Value>(request)).await {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(kube::Error::Api(status))) => Err(ApiError { code: Some(status.code), message: status.message.clone() }),
            Ok(Err(error)) => Err(ApiError { code: None, message: error.to_string() }),
            Err(_) => Err(ApiError { code: None, message: format!("no answer within {} s", LIMIT.as_secs()) }),
        }
    }

    /// GET.
    pub async fn get(&self, path: &str) -> Result<Value, ApiError> {
        self.send(Method::GET, path, "application/json", &Value::Null).await
    }

    /// Sends something with a JSON body.
    pub async fn json(&self, method: Method, path: &str, body: &Value) -> Result<Value, ApiError> {
        self.send(method, path, "application/json", body).await
    }

    /// DELETE; what is gone already is deleted.
    pub async fn delete(&self, path: &str, options: &Value) -> Result<(), ApiError> {
        match self.json(Method::DELETE, path, options).await {
            Ok(_) => Ok(()),
            Err(ApiError { code: Some(404), .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// This as an error of the cluster.
    pub fn error(&self, error: &ApiError) -> KindError {
        KindError::Api { name: self.cluster.clone(), reason: error.message.clone() }
    }
}

/// A request that was not answered as hoped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiError {
    /// HTTP status, if the server answered.
    pub code: Option<u16>,
    /// The words.
    pub message: String,
}
