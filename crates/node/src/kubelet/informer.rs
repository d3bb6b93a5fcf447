//! A reflector: a list kept up to date by a watch.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use component::watch;
use kube::core::WatchEvent;
use serde::de::DeserializeOwned;

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

/// The annotation of the bookmark after which a watch has told all that there was at its beginning.
const INITIAL_EVENTS_END: &str = "k8s.io/initial-events-end";

/// Watches until an error that needs a new list. The first watch begins with what there is (client-go's `WatchListClient`); where that
/// fails, a list is asked for.
async fn once<T: Object>(client: &ApiClient, path: &str, store: &watch::Sender<Store<T>>, delay: &mut Duration) -> Result<(), ApiError> {
    let separator = if path.contains('?') { '&' } else { '?' };
    let replace = |objects| {
        store.send_modify(|store| (store.objects, store.synced, store.error) = (objects, true, None));
    };
    let mut version = None;
    loop {
        let from = match &version {
            Some(version) => format!("resourceVersion={version}"),
            None => "sendInitialEvents=true&resourceVersionMatch=NotOlderThan".to_owned(),
        };
        let watch = format!("{path}{separator}watch=true&allowWatchBookmarks=true&{from}&timeoutSeconds=480");
        // What has come of the present objects, until they are all there.
        let mut listed = version.is_none().then(BTreeMap::new);
        let mut seen = version.clone().unwrap_or_default();
        let result = client
            .watch(&watch, |event| {
                match event {
                    WatchEvent::Added(text) | WatchEvent::Modified(text) => {
                        let object = client.decode::<T>(&text)?;
                        seen = object.version().unwrap_or_default();
                        match &mut listed {
                            Some(listed) => drop(listed.insert(object.key(), object)),
                            None => store.send_modify(|store| drop(store.objects.insert(object.key(), object))),
                        }
                    }
                    WatchEvent::Deleted(text) => {
                        let object = client.decode::<T>(&text)?;
                        seen = object.version().unwrap_or_default();
                        match &mut listed {
                            Some(listed) => drop(listed.remove(&object.key())),
                            None => store.send_modify(|store| drop(store.objects.remove(&object.key()))),
                        }
                    }
                    WatchEvent::Bookmark(bookmark) => {
                        seen = bookmark.metadata.resource_version;
                        if bookmark.metadata.annotations.contains_key(INITIAL_EVENTS_END)
                            && let Some(objects) = listed.take()
                        {
                            replace(objects);
                        }
                    }
                    WatchEvent::Error(status) => {
                        return Err(ApiError { code: Some(status.code), reason: status.reason.clone(), message: status.message.clone() });
                    }
                }
                Ok(())
            })
            .await;
        if listed.is_some() {
            let (items, listed) = client.list::<T>(path).await?;
            replace(items.into_iter().map(|item| (item.key(), item)).collect());
            *delay = BACKOFF.0;
            version = Some(listed);
            continue;
        }
        if version.is_none() {
            *delay = BACKOFF.0;
        }
        version = Some(seen);
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
