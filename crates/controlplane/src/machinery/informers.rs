//! One informer per kind, shared by all controllers of a process.

use std::any::Any;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use component::{Decoded, Klog};
use kube::core::PartialObjectMeta;

use super::informer::{Informer, MetadataCache};
use super::kit::Spawner;
use super::object::Object;

/// The shared informers; each starts when it is first asked for.
pub struct Informers {
    client: kube::Client,
    spawner: Spawner,
    log: Klog,
    decoded: Decoded,
    by_path: Mutex<BTreeMap<String, Entry>>,
}

struct Entry {
    typed: Arc<dyn Any + Send + Sync>,
    metadata: Arc<dyn MetadataCache>,
}

impl Informers {
    /// Informers that list and watch by `client`, and share what others have decoded.
    pub fn new(client: kube::Client, spawner: Spawner, log: Klog, decoded: Decoded) -> Self {
        Self { client, spawner, log, decoded, by_path: Mutex::default() }
    }

    /// The informer of a kind.
    pub fn get<K: Object>(&self) -> Arc<Informer<K>> {
        let path = K::url_path(&(), None);
        let mut by_path = self.by_path.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = by_path.get(&path).and_then(|e| e.typed.clone().downcast::<Informer<K>>().ok()) {
            return found;
        }
        let informer =
            Arc::new(Informer::<K>::new(format!("*{}.{}", K::version(&()), K::kind(&())), path.clone(), false, self.decoded.clone()));
        by_path.insert(path, Entry { typed: informer.clone(), metadata: informer.clone() });
        self.spawner.spawn(informer.clone().run(self.client.clone(), self.log.clone()));
        informer
    }

    /// Metadata of the collection at `path`: from the typed informer if there is one, else by a watch of metadata alone.
    pub fn metadata(&self, path: &str) -> Arc<dyn MetadataCache> {
        let mut by_path = self.by_path.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = by_path.get(path) {
            return found.metadata.clone();
        }
        let informer = Arc::new(Informer::<PartialObjectMeta>::new(
            "*v1.PartialObjectMetadata".to_owned(),
            path.to_owned(),
            true,
            self.decoded.clone(),
        ));
        by_path.insert(path.to_owned(), Entry { typed: informer.clone(), metadata: informer.clone() });
        self.spawner.spawn(informer.clone().run(self.client.clone(), self.log.clone()));
        informer
    }
}
