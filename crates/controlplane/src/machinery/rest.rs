//! Typed requests. Unlike `kube::Api` these take the namespace per call, so one generic function serves all kinds.

use kube::core::Request;
use kube::core::object::ObjectList;
use kube::core::params::{DeleteParams, GetParams, ListParams, Patch, PatchParams, PostParams, Preconditions, PropagationPolicy};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::object::{Meta, Object, scope};

/// A client with the field manager that upstream's user agent would give.
#[derive(Clone)]
pub struct Rest {
    client: kube::Client,
    manager: String,
}

/// How a deletion goes.
#[derive(Clone, Debug, Default)]
pub struct Deletion {
    /// Only the object of this uid.
    pub uid: Option<String>,
    /// Only the object as read at this version.
    pub resource_version: Option<String>,
    /// Seconds of grace; the kind's default when absent.
    pub grace_seconds: Option<u32>,
    /// What happens to dependents.
    pub propagation: Option<PropagationPolicy>,
}

impl Deletion {
    /// Deletes only the object that was read.
    pub fn of(uid: &str) -> Self {
        Self { uid: Some(uid.to_owned()), ..Self::default() }
    }
}

type Result<T> = std::result::Result<T, kube::Error>;

fn built(request: std::result::Result<http::Request<Vec<u8>>, kube::core::request::Error>) -> Result<http::Request<Vec<u8>>> {
    request.map_err(kube::Error::BuildRequest)
}

fn bytes<T: Serialize>(value: &T) -> Result<Vec<u8>> {
    serde_json::to_vec(value).map_err(kube::Error::SerdeError)
}

impl Rest {
    /// Requests by `client` in the name of `manager`.
    pub fn new(client: kube::Client, manager: &str) -> Self {
        Self { client, manager: manager.to_owned() }
    }

    /// The client under it.
    pub fn client(&self) -> &kube::Client {
        &self.client
    }

    fn post(&self) -> PostParams {
        PostParams { field_manager: Some(self.manager.clone()), ..PostParams::default() }
    }

    fn at<K: Object>(namespace: &str) -> Request {
        Request::new(K::url_path(&(), scope(namespace)))
    }

    /// GET one object.
    pub async fn get<K: Object>(&self, namespace: &str, name: &str) -> Result<K> {
        self.client.request(built(Self::at::<K>(namespace).get(name, &GetParams::default()))?).await
    }

    /// GET all objects of a namespace, or of all when it is empty.
    pub async fn list<K: Object>(&self, namespace: &str) -> Result<Vec<K>> {
        let list: ObjectList<K> = self.client.request(built(Self::at::<K>(namespace).list(&ListParams::default()))?).await?;
        Ok(list.items)
    }

    /// POST.
    pub async fn create<K: Object>(&self, object: &K) -> Result<K> {
        self.client.request(built(Self::at::<K>(object.ns()).create(&self.post(), bytes(object)?))?).await
    }

    /// POST to a subresource (`binding`, `token`, `eviction`).
    pub async fn create_subresource<T: DeserializeOwned, K: Object>(
        &self,
        namespace: &str,
        name: &str,
        subresource: &str,
        body: &Value,
    ) -> Result<T> {
        let request = Self::at::<K>(namespace).create_subresource(subresource, name, &self.post(), bytes(body)?);
        self.client.request(built(request)?).await
    }

    /// PUT.
    pub async fn replace<K: Object>(&self, object: &K) -> Result<K> {
        self.client.request(built(Self::at::<K>(object.ns()).replace(object.name(), &self.post(), bytes(object)?))?).await
    }

    /// PUT of a subresource (`status`, `approval`, `finalize`).
    pub async fn replace_subresource<K: Object>(&self, object: &K, subresource: &str) -> Result<K> {
        let request = Self::at::<K>(object.ns()).replace_subresource(subresource, object.name(), &self.post(), bytes(object)?);
        self.client.request(built(request)?).await
    }

    /// PUT of the status.
    pub async fn replace_status<K: Object>(&self, object: &K) -> Result<K> {
        self.replace_subresource(object, "status").await
    }

    /// JSON merge PATCH; `subresource` may be empty.
    pub async fn merge<K: Object>(&self, namespace: &str, name: &str, subresource: &str, patch: &Value) -> Result<K> {
        self.patch(namespace, name, subresource, Patch::Merge(patch)).await
    }

    /// Strategic merge PATCH; `subresource` may be empty.
    pub async fn strategic<K: Object>(&self, namespace: &str, name: &str, subresource: &str, patch: &Value) -> Result<K> {
        self.patch(namespace, name, subresource, Patch::Strategic(patch)).await
    }

    async fn patch<K: Object>(&self, namespace: &str, name: &str, subresource: &str, patch: Patch<&Value>) -> Result<K> {
        let params = PatchParams { field_manager: Some(self.manager.clone()), ..PatchParams::default() };
        let request = if subresource.is_empty() {
            Self::at::<K>(namespace).patch(name, &params, &patch)
        } else {
            Self::at::<K>(namespace).patch_subresource(subresource, name, &params, &patch)
        };
        self.client.request(built(request)?).await
    }

    /// DELETE. The answer (the object, or a status) is not looked at.
    pub async fn delete<K: Object>(&self, namespace: &str, name: &str, how: &Deletion) -> Result<()> {
        self.delete_at(&K::url_path(&(), scope(namespace)), name, how).await
    }

    /// DELETE of one object in the collection at `path`.
    pub async fn delete_at(&self, path: &str, name: &str, how: &Deletion) -> Result<()> {
        let preconditions = (how.uid.is_some() || how.resource_version.is_some())
            .then(|| Preconditions { uid: how.uid.clone(), resource_version: how.resource_version.clone() });
        let params = DeleteParams {
            grace_period_seconds: how.grace_seconds,
            propagation_policy: how.propagation.clone(),
            preconditions,
            ..DeleteParams::default()
        };
        let _: Value = self.client.request(built(Request::new(path).delete(name, &params))?).await?;
        Ok(())
    }

    /// DELETE of a whole collection.
    pub async fn delete_collection_at(&self, path: &str) -> Result<()> {
        let request = Request::new(path).delete_collection(&DeleteParams::background(), &ListParams::default());
        let _: Value = self.client.request(built(request)?).await?;
        Ok(())
    }

    /// JSON merge PATCH of one object in the collection at `path`.
    pub async fn merge_at(&self, path: &str, name: &str, patch: &Value) -> Result<Value> {
        let params = PatchParams { field_manager: Some(self.manager.clone()), ..PatchParams::default() };
        self.client.request(built(Request::new(path).patch(name, &params, &Patch::Merge(patch)))?).await
    }

    /// PUT of anything as JSON, to its path.
    pub async fn put_json(&self, path: &str, object: &Value) -> Result<Value> {
        let request = http::Request::put(format!("{path}?fieldManager={}", self.manager))
            .header("content-type", "application/json")
            .body(bytes(object)?)
            .map_err(kube::Error::HttpError)?;
        self.client.request(request).await
    }

    /// GET of anything as JSON.
    pub async fn get_json(&self, path: &str) -> Result<Value> {
        let request = http::Request::get(path).body(Vec::new()).map_err(kube::Error::HttpError)?;
        self.client.request(request).await
    }
}
