//! A list and a watch that keep a cache of one kind: client-go's reflector and shared informer in one.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use component::{Decoded, Klog, watch};
use futures::{Stream, TryStreamExt};
use imbl::OrdMap;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::core::params::{ListParams, WatchParams};
use kube::core::watch::WatchEvent;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::errors::{code, text};
use super::object::Meta;

/// What happened to one object: created (`old` absent), changed, or gone (`new` absent).
pub struct Change<'a, K> {
    /// As it was in the cache.
    pub old: Option<&'a Arc<K>>,
    /// As it is now.
    pub new: Option<&'a Arc<K>>,
}

impl<K> Change<'_, K> {
    /// The newest known form.
    pub fn any(&self) -> Option<&Arc<K>> {
        self.new.or(self.old)
    }
}

type Handler<K> = Arc<dyn Fn(&Change<'_, K>) + Send + Sync>;

/// The cache of one kind.
pub struct Informer<K> {
    /// Group, version and kind as log lines name them (`*v1.Pod`).
    type_name: String,
    path: String,
    metadata_only: bool,
    decoded: Decoded,
    inner: Mutex<Inner<K>>,
    handlers: Mutex<Vec<Handler<K>>>,
    progress: watch::Sender<u64>,
}

struct Inner<K> {
    cache: OrdMap<String, Arc<K>>,
    seen: u64,
    synced: bool,
}

/// A watch under way; its objects are not decoded yet.
type Events = Pin<Box<dyn Stream<Item = Result<WatchEvent<Box<RawValue>>, kube::Error>> + Send>>;

/// The annotation of the bookmark after which a watch has told all that there was at its beginning.
const INITIAL_EVENTS_END: &str = "k8s.io/initial-events-end";
/// Longest wait for one's own write to come back by the watch; then the next reconciliation works with what there is.
const ECHO_TIMEOUT: Duration = Duration::from_secs(30);
/// How often a kind that is not served is asked for again.
const UNSERVED_RETRY: Duration = Duration::from_secs(30);

impl<K: Meta + DeserializeOwned + Clone + Send + Sync + 'static> Informer<K> {
    /// An empty cache of the collection at `path`; nothing happens until [`Informer::run`].
    pub fn new(type_name: String, path: String, metadata_only: bool, decoded: Decoded) -> Self {
        Self {
            type_name,
            path,
            metadata_only,
            decoded,
            inner: Mutex::new(Inner { cache: OrdMap::new(), seen: 0, synced: false }),
            handlers: Mutex::new(Vec::new()),
            progress: watch::Sender::new(0),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner<K>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All objects by key; a cheap clone.
    pub fn all(&self) -> OrdMap<String, Arc<K>> {
        self.lock().cache.clone()
    }

    /// All objects in key order.
    pub fn list(&self) -> Vec<Arc<K>> {
        self.lock().cache.values().cloned().collect()
    }

    /// The objects of one namespace.
    pub fn list_in(&self, namespace: &str) -> Vec<Arc<K>> {
        let (from, to) = (format!("{namespace}/"), format!("{namespace}0"));
        self.lock().cache.range(from..to).map(|(_, object)| object.clone()).collect()
    }

    /// One object.
    pub fn get(&self, key: &str) -> Option<Arc<K>> {
        self.lock().cache.get(key).cloned()
    }

    /// Whether the first list has arrived.
    pub fn is_synced(&self) -> bool {
        self.lock().synced
    }

    /// Path of the collection.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Calls `handler` for every change from now on, and at once for everything already known.
    pub fn subscribe(&self, handler: impl Fn(&Change<'_, K>) + Send + Sync + 'static) {
        let handler: Handler<K> = Arc::new(handler);
        self.handlers.lock().unwrap_or_else(PoisonError::into_inner).push(handler.clone());
        for object in self.list() {
            handler(&Change { old: None, new: Some(&object) });
        }
    }

    /// Waits for the first list.
    pub async fn wait_synced(&self) {
        let mut progress = self.progress.subscribe();
        while !self.is_synced() {
            if progress.changed().await.is_err() {
                return;
            }
        }
    }

    /// Waits until the cache holds this write, or something newer.
    pub async fn saw(&self, written: &K) {
        let (key, uid, revision) = (written.key(), written.uid().to_owned(), written.revision());
        self.wait_until(|inner| {
            inner.seen >= revision || inner.cache.get(&key).is_some_and(|o| o.uid() == uid && o.revision() >= revision)
        })
        .await;
    }

    /// Waits until the cache knows that this object is gone or going.
    pub async fn saw_deletion(&self, key: &str, uid: &str) {
        self.wait_until(|inner| inner.cache.get(key).is_none_or(|o| o.uid() != uid || o.deleting())).await;
    }

    /// Waits, however long, until the cache is as wished.
    pub async fn until(&self, wished: impl Fn(&OrdMap<String, Arc<K>>) -> bool) {
        let mut progress = self.progress.subscribe();
        while !wished(&self.lock().cache) {
            if progress.changed().await.is_err() {
                return;
            }
        }
    }

    async fn wait_until(&self, holds: impl Fn(&Inner<K>) -> bool) {
        let mut progress = self.progress.subscribe();
        let wait = async {
            while !holds(&self.lock()) {
                if progress.changed().await.is_err() {
                    return;
                }
            }
        };
        // A write whose echo does not come (the watch is broken) is found again by the next list.
        let _ = tokio::time::timeout(ECHO_TIMEOUT, wait).await;
    }

    /// Lists and watches until dropped (client-go, `Reflector.ListAndWatch`).
    pub async fn run(self: Arc<Self>, client: kube::Client, log: Klog) {
        let mut backoff = Backoff::default();
        loop {
            let mut watch = match self.relist(&client).await {
                Ok(watch) => {
                    backoff = Backoff::default();
                    watch
                }
                // The kind is not served (any more: its definition was deleted). There is nothing of it, then.
                Err(error) if code(&error) == 404 => {
                    self.replace(OrdMap::new(), 0);
                    tokio::time::sleep(UNSERVED_RETRY).await;
                    continue;
                }
                Err(error) => {
                    self.report(&log, "list", &error);
                    tokio::time::sleep(backoff.next()).await;
                    continue;
                }
            };
            loop {
                let seen = self.lock().seen;
                let followed = match watch.take() {
                    Some(events) => self.follow(events).await,
                    None => match self.watch(&client, Some(seen)).await {
                        Ok(events) => self.follow(events).await,
                        Err(error) => Err(error),
                    },
                };
                match followed {
                    // The server ends watches now and then; go on from the last version seen.
                    Ok(()) => {
                        if backoff.failures > 0 {
                            backoff = Backoff::default();
                        }
                        tokio::task::yield_now().await;
                    }
                    Err(error) if code(&error) == 410 => break,
                    // client-go (reflector.go, watch): while the server refuses connections, wait and watch again
                    // without a new list; anything else lists again.
                    Err(error) => {
                        let refused = text(&error).contains("connection refused");
                        self.report(&log, "watch", &error);
                        tokio::time::sleep(backoff.next()).await;
                        if !refused {
                            break;
                        }
                    }
                }
            }
        }
    }

    fn report(&self, log: &Klog, verb: &str, error: &kube::Error) {
        let name = &self.type_name;
        let message = format!("failed to {verb} {name}: {}", text(error));
        log.error(
            "reflector.go:204",
            &message,
            "Failed to watch",
            &[
                ("logger", "UnhandledError".into()),
                ("reflector", "k8s.io/client-go/informers/factory.go:160".into()),
                ("type", name.into()),
            ],
        );
    }

    /// Learns all present objects: by a watch that begins with them, which goes on (client-go's `WatchListClient`), or by a list where
    /// that fails.
    async fn relist(&self, client: &kube::Client) -> Result<Option<Events>, kube::Error> {
        if let Ok(watch) = self.stream_list(client).await {
            return Ok(Some(watch));
        }
        let request = kube::core::Request::new(self.path.as_str());
        let params = ListParams::default();
        let request = if self.metadata_only { request.list_metadata(&params) } else { request.list(&params) };
        let text = client.request_text(request.map_err(kube::Error::BuildRequest)?).await?;
        let (items, version) = self.decoded.list::<K>(&text).map_err(kube::Error::SerdeError)?;
        let fresh: OrdMap<String, Arc<K>> = items.into_iter().map(|object| (object.key(), object)).collect();
        self.replace(fresh, version.parse().unwrap_or(0));
        Ok(None)
    }

    async fn stream_list(&self, client: &kube::Client) -> Result<Events, kube::Error> {
        let mut events = self.watch(client, None).await?;
        let mut fresh = OrdMap::new();
        while let Some(event) = events.try_next().await? {
            match event {
                WatchEvent::Added(text) | WatchEvent::Modified(text) => {
                    let object = self.decode(&text)?;
                    fresh.insert(object.key(), object);
                }
                WatchEvent::Deleted(text) => drop(fresh.remove(&self.decode(&text)?.key())),
                WatchEvent::Bookmark(bookmark) if bookmark.metadata.annotations.contains_key(INITIAL_EVENTS_END) => {
                    self.replace(fresh, bookmark.metadata.resource_version.parse().unwrap_or(0));
                    return Ok(events);
                }
                WatchEvent::Bookmark(_) => {}
                WatchEvent::Error(status) => return Err(kube::Error::Api(status)),
            }
        }
        Err(kube::Error::ReadEvents(std::io::ErrorKind::UnexpectedEof.into()))
    }

    /// A watch of what changes after a version; without one, of what there is and what changes then.
    async fn watch(&self, client: &kube::Client, seen: Option<u64>) -> Result<Events, kube::Error> {
        let request = kube::core::Request::new(self.path.as_str());
        let (params, version) = match seen {
            Some(seen) => (WatchParams::default(), seen.to_string()),
            None => (WatchParams::streaming_lists(), String::new()),
        };
        let request = if self.metadata_only { request.watch_metadata(&params, &version) } else { request.watch(&params, &version) };
        let events = client.request_events::<Box<RawValue>>(request.map_err(kube::Error::BuildRequest)?).await?;
        Ok(Box::pin(events))
    }

    /// Takes a list for the truth and tells what differs from before.
    fn replace(&self, fresh: OrdMap<String, Arc<K>>, seen: u64) {
        let before = {
            let mut inner = self.lock();
            inner.seen = seen;
            inner.synced = true;
            std::mem::replace(&mut inner.cache, fresh.clone())
        };
        for (key, old) in &before {
            match fresh.get(key) {
                // A name that came back under another uid was deleted and created in between.
                Some(new) if new.uid() != old.uid() => {
                    self.tell(&Change { old: Some(old), new: None });
                    self.tell(&Change { old: None, new: Some(new) });
                }
                Some(new) if new.revision() != old.revision() => self.tell(&Change { old: Some(old), new: Some(new) }),
                Some(_) => {}
                None => self.tell(&Change { old: Some(old), new: None }),
            }
        }
        for (key, new) in &fresh {
            if !before.contains_key(key) {
                self.tell(&Change { old: None, new: Some(new) });
            }
        }
        self.progress.send_replace(seen);
    }

    async fn follow(&self, mut events: Events) -> Result<(), kube::Error> {
        while let Some(event) = events.try_next().await? {
            match event {
                WatchEvent::Added(object) | WatchEvent::Modified(object) => self.store(self.decode(&object)?),
                WatchEvent::Deleted(object) => self.remove(&self.decode(&object)?),
                WatchEvent::Bookmark(bookmark) => {
                    if let Ok(seen) = bookmark.metadata.resource_version.parse() {
                        self.lock().seen = seen;
                        self.progress.send_replace(seen);
                    }
                }
                WatchEvent::Error(status) => return Err(kube::Error::Api(status)),
            }
        }
        Ok(())
    }

    fn decode(&self, text: &RawValue) -> Result<Arc<K>, kube::Error> {
        self.decoded.get(text).map_err(kube::Error::SerdeError)
    }

    fn store(&self, new: Arc<K>) {
        let (key, seen) = (new.key(), new.revision());
        let old = {
            let mut inner = self.lock();
            inner.seen = inner.seen.max(seen);
            inner.cache.insert(key, new.clone())
        };
        self.tell(&Change { old: old.as_ref(), new: Some(&new) });
        self.progress.send_replace(seen);
    }

    fn remove(&self, last: &Arc<K>) {
        let seen = last.revision();
        let old = {
            let mut inner = self.lock();
            inner.seen = inner.seen.max(seen);
            inner.cache.remove(&last.key())
        };
        // The last form is what the server sent with the deletion.
        if old.is_some() {
            self.tell(&Change { old: Some(last), new: None });
        }
        self.progress.send_replace(seen);
    }

    fn tell(&self, change: &Change<'_, K>) {
        let handlers = self.handlers.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for handler in handlers {
            handler(change);
        }
    }
}

/// Takes the old and the new metadata of a change.
pub type MetadataHandler = Box<dyn Fn(Option<&ObjectMeta>, Option<&ObjectMeta>) + Send + Sync>;

/// What a controller of all kinds (the garbage collector) needs of a cache whose kind it does not know.
pub trait MetadataCache: Send + Sync {
    /// Metadata of all objects.
    fn metadata(&self) -> Vec<ObjectMeta>;
    /// Metadata of one object.
    fn metadata_of(&self, key: &str) -> Option<ObjectMeta>;
    /// Calls `handler` with the old and new metadata of every change.
    fn subscribe_metadata(&self, handler: MetadataHandler);
    /// Whether the first list has arrived.
    fn synced(&self) -> bool;
}

impl<K: Meta + DeserializeOwned + Clone + Send + Sync + 'static> MetadataCache for Informer<K> {
    fn metadata(&self) -> Vec<ObjectMeta> {
        self.list().iter().map(|o| o.m().clone()).collect()
    }

    fn metadata_of(&self, key: &str) -> Option<ObjectMeta> {
        self.get(key).map(|o| o.m().clone())
    }

    fn subscribe_metadata(&self, handler: MetadataHandler) {
        self.subscribe(move |change| handler(change.old.map(|o| o.m()), change.new.map(|o| o.m())));
    }

    fn synced(&self) -> bool {
        self.is_synced()
    }
}

/// client-go's reflector back-off: 800 ms doubling to 30 s (without its jitter, for determinism).
#[derive(Default)]
struct Backoff {
    failures: u32,
}

impl Backoff {
    fn next(&mut self) -> Duration {
        let delay = Duration::from_millis(800).saturating_mul(1 << self.failures.min(6));
        self.failures += 1;
        delay.min(Duration::from_secs(30))
    }
}
