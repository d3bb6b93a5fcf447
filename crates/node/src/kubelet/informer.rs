//! A reflector: a list kept up to date by a watch.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use component::watch;
use kube::core::WatchEvent;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::api::{ApiClient, ApiError};

/// What a reflector knows.
pub struct Store<T> {
    /// Objects by `namespace/name` (or name).
    pub objects: BTreeMap<String, Arc<T>>,
    /// A first list has succeeded.
    pub synced: bool,
    /// Why the last list or watch failed, until one succeeds.
    pub error: Option<String>,
}

impl<T> Default for Store<T> {
    fn default() -> Self {
        Self { objects: BTreeMap::new(), synced: false, error: None }
    }
}

/// What can be kept: it knows its key and version.
pub trait Object: Clone + DeserializeOwned + Send + Sync + 'static {
    /// `namespace/name`, or the name of what has no namespace.
    fn key(&self) -> String;
    /// `metadata.resourceVersion`
    fn version(&self) -> Option<String>;
}

impl<T> Object for T
where
    T: kube::Resource + Clone + DeserializeOwned + Send + Sync + 'static,
{
    fn key(&self) -> String {
        let meta = self.meta();
        let name = meta.name.as_deref().unwrap_or_default();
        meta.namespace.as_ref().map_or_else(|| name.to_owned(), |namespace| format!("{namespace}/{name}"))
    }

    fn version(&self) -> Option<String> {
        self.meta().resource_version.clone()
    }
}

/// client-go's reflector backs off from 0.8 to 30 seconds; the upper end only costs a learner time.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(800), Duration::from_secs(8));

/// Keeps a list up to date for ever. `path` is the list's path, with a query (`?fieldSelector=…`) or without.
pub async fn reflect<T: Object>(client: ApiClient, path: String, store: watch::Sender<Store<T>>) {
    let mut delay = BACKOFF.0;
    loop {
        let result = once(&client, &path, &store, &mut delay).await;
        if let Err(error) = result {
            store.send_modify(|store| store.error = Some(error.message.clone()));
        }
        tokio::time::sleep(delay).await;
        delay = (delay * 2).min(BACKOFF.1);
    }
}

/// Lists, then watches until an error that needs a new list.
async fn once<T: Object>(client: &ApiClient, path: &str, store: &watch::Sender<Store<T>>, delay: &mut Duration) -> Result<(), ApiError> {
    let list: Value = client.get(path).await?;
    let mut version = list["metadata"]["resourceVersion"].as_str().unwrap_or_default().to_owned();
    let items = match list {
        Value::Object(mut list) => list.remove("items").unwrap_or(Value::Null),
        _ => Value::Null,
    };
    let items: Vec<T> = match items {
        Value::Null => Vec::new(),
        items => {
            serde_json::from_value(items).map_err(|error| ApiError { code: None, reason: String::new(), message: error.to_string() })?
        }
    };
    *delay = BACKOFF.0;
    store.send_modify(|store| {
        store.objects = items.into_iter().map(|item| (item.key(), Arc::new(item))).collect();
        store.synced = true;
        store.error = None;
    });
    let separator = if path.contains('?') { '&' } else { '?' };
    loop {
        let watch = format!("{path}{separator}watch=true&allowWatchBookmarks=true&resourceVersion={version}&timeoutSeconds=480");
        let mut seen = version.clone();
        let result = client
            .watch::<T>(&watch, |event| {
                match event {
                    WatchEvent::Added(object) | WatchEvent::Modified(object) => {
                        seen = object.version().unwrap_or_default();
                        store.send_modify(|store| {
                            store.objects.insert(object.key(), Arc::new(object));
                        });
                    }
                    WatchEvent::Deleted(object) => {
                        seen = object.version().unwrap_or_default();
                        store.send_modify(|store| {
                            store.objects.remove(&object.key());
                        });
                    }
                    WatchEvent::Bookmark(bookmark) => seen = bookmark.metadata.resource_version,
                    WatchEvent::Error(status) => {
                        return Err(ApiError { code: Some(status.code), reason: status.reason.clone(), message: status.message.clone() });
                    }
                }
                Ok(())
            })
            .await;
        version = seen;
        match result {
            // The server ends watches after a while; the next one goes on where it ended.
            Ok(()) => {}
            // A version that is too old: list again at once.
            Err(error) if error.code == Some(410) => return Ok(()),
            Err(error) if error.is_transport() => {
                store.send_modify(|store| store.error = Some(error.message.clone()));
                tokio::time::sleep(*delay).await;
                *delay = (*delay * 2).min(BACKOFF.1);
                // A server that comes back answers a watch as well as a list.
                if *delay >= BACKOFF.1 {
                    return Err(error);
                }
            }
            Err(error) => return Err(error),
        }
    }
}
