//! `/openapi/v3`: the index, and a document for each group version; the least of `/openapi/v2`.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures::future::BoxFuture;
use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, ETAG, VARY};
use http::{HeaderValue, Method, Request, Response};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha512};

use super::document::document;
use crate::discovery::groups;
use crate::registry::Registry;
use crate::request::RequestContext;
use crate::server::{Body, Core, PathHandler, full};
use crate::status::ApiError;

/// Serves OpenAPI v3. Documents are kept until the served resources change.
#[derive(Default)]
pub struct OpenApi {
    cache: Mutex<Cache>,
}

#[derive(Default)]
struct Cache {
    of: Option<Arc<Registry>>,
    documents: BTreeMap<(String, String), Bytes>,
}

impl PathHandler for OpenApi {
    fn handle<'a>(
        &'a self,
        core: &'a Arc<Core>,
        _: &'a RequestContext,
        request: &'a Request<Bytes>,
    ) -> BoxFuture<'a, Option<Result<Response<Body>, ApiError>>> {
        Box::pin(std::future::ready(self.answer(core, request)))
    }
}

impl OpenApi {
    fn answer(&self, core: &Core, request: &Request<Bytes>) -> Option<Result<Response<Body>, ApiError>> {
        let parts: Vec<&str> = request.uri().path().split('/').filter(|p| !p.is_empty()).collect();
        let registry = core.registry();
        if parts == ["openapi", "v2"] {
            return Some(version_2(request));
        }
        let bytes = match parts.as_slice() {
            ["openapi", "v3"] => self.index(&registry),
            ["openapi", "v3", "api", version] => self.document(&registry, "", version)?,
            ["openapi", "v3", "apis", group, version] => self.document(&registry, group, version)?,
            _ => return None,
        };
        if request.method() != Method::GET {
            return Some(Err(ApiError::method_not_allowed()));
        }
        let tag = format!("\"{}\"", hash(&bytes));
        let mut response = Response::new(full(bytes));
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(VARY, HeaderValue::from_static("Accept"));
        if let Ok(tag) = HeaderValue::from_str(&tag) {
            headers.insert(ETAG, tag);
        }
        // A client that names the hash may keep the document for good.
        if request.uri().query().is_some_and(|q| q.contains("hash=")) {
            headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, immutable"));
        }
        Some(Ok(response))
    }

    fn document(&self, registry: &Arc<Registry>, group: &str, version: &str) -> Option<Bytes> {
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        if !cache.of.as_ref().is_some_and(|known| Arc::ptr_eq(known, registry)) {
            *cache = Cache { of: Some(registry.clone()), documents: BTreeMap::new() };
        }
        let key = (group.to_owned(), version.to_owned());
        if let Some(bytes) = cache.documents.get(&key) {
            return Some(bytes.clone());
        }
        let bytes = Bytes::from(document(registry, group, version)?.to_string());
        cache.documents.insert(key, bytes.clone());
        Some(bytes)
    }

    /// The index. Hashes tell clients when to fetch a document anew; for built-in groups the release says enough, so that
    /// nothing has to be built.
    fn index(&self, registry: &Arc<Registry>) -> Bytes {
        let mut paths = Map::new();
        for (group, versions) in groups(registry) {
            for version in versions {
                let path = if group.is_empty() { format!("api/{version}") } else { format!("apis/{group}/{version}") };
                let builtin = registry
                    .iter()
                    .filter(|r| r.gvk.group == group && r.gvk.version == version)
                    .all(|r| r.schema.get(r.type_id).name.starts_with("io.k8s."));
                let hash = if builtin {
                    hash(format!("{path}@{}", values::KUBERNETES_VERSION).as_bytes())
                } else {
                    self.document(registry, group, version).map(|bytes| hash(&bytes)).unwrap_or_default()
                };
                paths.insert(path.clone(), json!({"serverRelativeURL": format!("/openapi/v3/{path}?hash={hash}")}));
            }
        }
        Bytes::from(json!({"paths": Value::Object(paths)}).to_string())
    }
}

/// `/openapi/v2` in the binary form that kubectl falls back to for kinds that it cannot find: a document that defines
/// nothing, so that nothing is judged by it. Other forms are not served.
fn version_2(request: &Request<Bytes>) -> Result<Response<Body>, ApiError> {
    const BINARY: &str = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";
    // openapi.v2.Document: swagger = "2.0" (field 1), info (field 2) with title = "Kubernetes" (field 1).
    const DOCUMENT: &[u8] = b"\x0a\x032.0\x12\x0c\x0a\x0aKubernetes";
    let accept = request.headers().get(ACCEPT).and_then(|v| v.to_str().ok()).unwrap_or_default().replace('@', ".");
    if !accept.contains("proto-openapi.spec.v2") {
        return Err(ApiError::not_acceptable(&[BINARY]));
    }
    let mut response = Response::new(full(DOCUMENT));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(BINARY));
    Ok(response)
}

fn hash(bytes: &[u8]) -> String {
    Sha512::digest(bytes).iter().map(|b| format!("{b:02X}")).collect()
}
