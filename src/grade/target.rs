//! How checks point at objects and pods.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::fact::{Fact, PodRef};
use super::resource::ResourceRef;
use super::snapshot::{Observation, Snapshot};
use values::Selector;

/// One object.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ObjectQuery {
    /// Kind.
    pub kind: String,
    /// API version; not needed for built-in kinds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_version: Option<String>,
    /// Namespace; `default` unless given, none for cluster-scoped kinds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Name.
    pub name: String,
}

impl ObjectQuery {
    /// The fact that answers it.
    pub fn fact(&self) -> Fact {
        object_fact(&self.kind, self.api_version.as_deref(), self.namespace.as_deref(), &self.name)
    }
}

/// Several objects.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ListQuery {
    /// Kind.
    pub kind: String,
    /// API version; not needed for built-in kinds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_version: Option<String>,
    /// Namespace; all of them unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Label selector.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selector: Option<String>,
}

impl ListQuery {
    /// The fact that answers it.
    pub fn fact(&self) -> Fact {
        Fact::List { resource: ResourceRef::new(&self.kind, self.api_version.as_deref()), namespace: self.namespace.clone() }
    }
}

/// The fact for one object, as authors name it.
pub fn object_fact(kind: &str, api_version: Option<&str>, namespace: Option<&str>, name: &str) -> Fact {
    let resource = ResourceRef::new(kind, api_version);
    let namespace = resource.namespace(namespace);
    Fact::Object { resource, namespace, name: name.to_owned() }
}

/// The fact for the objects of a kind in a namespace, as authors name them.
pub fn list_fact(kind: &str, api_version: Option<&str>, namespace: Option<&str>) -> Fact {
    let resource = ResourceRef::new(kind, api_version);
    let namespace = resource.namespace(namespace);
    Fact::List { resource, namespace }
}

/// The objects of a list that a selector picks. The error says why it cannot be known.
pub fn selected<'a>(snapshot: &'a Snapshot, list: &Fact, selector: Option<&str>) -> Result<Vec<&'a Value>, String> {
    let selector = match selector {
        Some(text) => Selector::parse(text).map_err(|e| format!("the selector `{text}` is wrong: {e}"))?,
        None => Selector::everything(),
    };
    let items = match snapshot.get(list) {
        Some(Observation::Value(Value::Array(items))) => items,
        Some(Observation::Absent) => return Ok(Vec::new()),
        Some(Observation::Unobservable(reason)) => return Err(reason.clone()),
        Some(Observation::Value(_)) | None => return Err("it was not read".to_owned()),
    };
    Ok(items.iter().filter(|o| selector.matches_json(&o["metadata"]["labels"])).collect())
}

/// A container, by its pod's name or labels. Of several pods that match, the first by name that is Ready is taken.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PodTarget {
    /// Namespace; `default` unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Name of the pod.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Label selector instead of a name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selector: Option<String>,
    /// Container; the pod's default one unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<String>,
}

/// What a [`PodTarget`] leads to.
#[derive(Clone, Debug, PartialEq)]
pub enum Located {
    /// A pod.
    Pod(PodRef),
    /// This must be known first.
    Needs(Fact),
    /// There is none.
    Nothing,
    /// It cannot be known.
    Unknown(String),
}

impl PodTarget {
    fn namespace(&self) -> &str {
        self.namespace.as_deref().unwrap_or("default")
    }

    /// Finds the pod in what is known.
    pub fn locate(&self, snapshot: &Snapshot) -> Located {
        let reference =
            |name: &str| PodRef { namespace: self.namespace().to_owned(), name: name.to_owned(), container: self.container.clone() };
        if let Some(name) = &self.name {
            return Located::Pod(reference(name));
        }
        let list = list_fact("Pod", None, Some(self.namespace()));
        if snapshot.get(&list).is_none() {
            return Located::Needs(list);
        }
        match selected(snapshot, &list, self.selector.as_deref()) {
            Ok(mut pods) => {
                pods.retain(|p| p["metadata"]["deletionTimestamp"].is_null());
                pods.sort_by_key(|p| (!is_ready(p), p["metadata"]["name"].as_str().unwrap_or_default()));
                pods.first().and_then(|p| p["metadata"]["name"].as_str()).map_or(Located::Nothing, |name| Located::Pod(reference(name)))
            }
            Err(reason) => Located::Unknown(reason),
        }
    }
}

impl std::fmt::Display for PodTarget {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (&self.name, &self.selector) {
            (Some(name), _) => write!(f, "pod {}/{name}", self.namespace()),
            (None, selector) => write!(f, "pod {} in {}", selector.as_deref().unwrap_or("(any)"), self.namespace()),
        }
    }
}

/// Status of an object's condition.
pub fn condition<'a>(object: &'a Value, of_type: &str) -> Option<&'a Value> {
    object["status"]["conditions"].as_array()?.iter().find(|c| c["type"] == of_type)
}

/// Whether a pod has the condition Ready.
pub fn is_ready(pod: &Value) -> bool {
    condition(pod, "Ready").is_some_and(|c| c["status"] == "True")
}
