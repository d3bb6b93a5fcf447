//! Objects that were decoded before, kept by their text.
//!
//! The components of a cluster read the same objects again and again: each node's agents list what the others list, and whoever comes
//! to life on a copy of a cluster lists everything anew. The same text is the same object, so it is decoded once and shared. This
//! saves time and memory, and changes nothing else.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

/// Bytes of text after which what was not asked for since is forgotten. All objects of an embedded cluster are a fraction of it.
const GENERATION: usize = 2 << 20;

/// A clone shares what is known.
#[derive(Clone, Default)]
pub struct Decoded(Arc<Mutex<Generations>>);

type Known = HashMap<TypeId, HashMap<Box<str>, Arc<dyn Any + Send + Sync>>>;

/// What was asked for since the last change of generations, and what was asked for before it.
#[derive(Default)]
struct Generations {
    young: Known,
    old: Known,
    bytes: usize,
}

/// A list as the API server writes it, its items not decoded.
#[derive(Deserialize)]
pub struct RawList<'a> {
    /// Version of the whole list.
    #[serde(default)]
    pub metadata: RawListMeta,
    /// The items' texts.
    #[serde(default, borrow)]
    pub items: Option<Vec<&'a RawValue>>,
}

/// `metadata` of a list.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RawListMeta {
    /// Where a watch goes on.
    #[serde(default)]
    pub resource_version: String,
}

impl Decoded {
    /// The object that this text is.
    pub fn get<K: DeserializeOwned + Send + Sync + 'static>(&self, text: &RawValue) -> serde_json::Result<Arc<K>> {
        let text = text.get();
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = known.find(TypeId::of::<K>(), text).and_then(|found| found.downcast().ok()) {
            return Ok(found);
        }
        let object: Arc<K> = Arc::new(serde_json::from_str(text)?);
        known.keep(TypeId::of::<K>(), text.into(), object.clone());
        Ok(object)
    }

    /// All objects of a list and the list's version.
    pub fn list<K: DeserializeOwned + Send + Sync + 'static>(&self, text: &str) -> serde_json::Result<(Vec<Arc<K>>, String)> {
        let list: RawList<'_> = serde_json::from_str(text)?;
        let items = list.items.unwrap_or_default().into_iter().map(|item| self.get(item)).collect::<Result<_, _>>()?;
        Ok((items, list.metadata.resource_version))
    }
}

impl Generations {
    fn find(&mut self, of: TypeId, text: &str) -> Option<Arc<dyn Any + Send + Sync>> {
        if let Some(found) = self.young.get(&of).and_then(|known| known.get(text)) {
            return Some(found.clone());
        }
        let (text, found) = self.old.get_mut(&of)?.remove_entry(text)?;
        self.keep(of, text, found.clone());
        Some(found)
    }

    fn keep(&mut self, of: TypeId, text: Box<str>, object: Arc<dyn Any + Send + Sync>) {
        self.bytes += text.len();
        if self.bytes > GENERATION {
            self.bytes = text.len();
            self.old = std::mem::take(&mut self.young);
        }
        self.young.entry(of).or_default().insert(text, object);
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::{ConfigMap, Secret};

    use super::*;

    fn list(name: &str) -> String {
        format!(r#"{{"kind":"List","metadata":{{"resourceVersion":"7"}},"items":[{{"metadata":{{"name":"{name}"}}}}, {{}}]}}"#)
    }

    #[test]
    fn the_same_text_is_the_same_object_for_everybody() {
        let decoded = Decoded::default();
        let (first, version) = decoded.list::<ConfigMap>(&list("a")).expect("a list");
        assert_eq!((first[0].metadata.name.as_deref(), version.as_str()), (Some("a"), "7"));
        let (again, _) = decoded.clone().list::<ConfigMap>(&list("a")).expect("a list");
        assert!(Arc::ptr_eq(&first[0], &again[0]) && Arc::ptr_eq(&first[1], &again[1]));
        let (other, _) = decoded.list::<ConfigMap>(&list("b")).expect("a list");
        assert_eq!(other[0].metadata.name.as_deref(), Some("b"));
        // Another kind of the same text is another object.
        let (secret, _) = decoded.list::<Secret>(&list("a")).expect("a list");
        assert_eq!(secret[0].metadata.name.as_deref(), Some("a"));
        assert!(decoded.list::<Secret>(r#"{"items":[[]]}"#).is_err());
    }

    #[test]
    fn what_nobody_asks_for_is_forgotten() {
        let decoded = Decoded::default();
        let text = |n: usize| RawValue::from_string(format!(r#"{{"data":{{"{n}":"{}"}}}}"#, "x".repeat(GENERATION / 4))).expect("JSON");
        let kept = decoded.get::<ConfigMap>(&text(0)).expect("an object");
        let dropped = Arc::downgrade(&decoded.get::<ConfigMap>(&text(1)).expect("an object"));
        for n in 2..12 {
            drop(decoded.get::<ConfigMap>(&text(n)).expect("an object"));
            assert!(Arc::ptr_eq(&kept, &decoded.get(&text(0)).expect("an object")), "{n}");
        }
        assert!(dropped.upgrade().is_none());
    }
}
