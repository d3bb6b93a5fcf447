//! Objects of the cluster as they were when it was clean, and bringing them back.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures::future::join_all;
use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::api::{Api, ApiError};
use super::error::KindError;

/// Resources whose objects come and go by themselves or are made by controllers from others.
const PASSING: [&str; 12] = [
    "events",
    "endpoints",
    "endpointslices",
    "leases",
    "controllerrevisions",
    "componentstatuses",
    "certificatesigningrequests",
    "csinodes",
    "volumeattachments",
    "ipaddresses",
    "leasecandidates",
    "podcertificaterequests",
];

/// What stands in the way of deleting the rest, and goes first: broken webhooks, policies and aggregated APIs.
const FIRST: [&str; 7] = [
    "validatingwebhookconfigurations",
    "mutatingwebhookconfigurations",
    "validatingadmissionpolicybindings",
    "validatingadmissionpolicies",
    "mutatingadmissionpolicybindings",
    "mutatingadmissionpolicies",
    "apiservices",
];

/// Workloads of a namespace, stopped before it goes: a namespace that finds pods comes back to them a long time later.
const WORKLOADS: [&str; 8] =
    ["deployments", "statefulsets", "daemonsets", "replicasets", "replicationcontrollers", "jobs", "cronjobs", "horizontalpodautoscalers"];

/// A kind of object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Resource {
    /// `/api/v1` or `/apis/apps/v1`.
    root: String,
    /// Plural.
    plural: String,
    /// Whether its objects are in namespaces.
    namespaced: bool,
}

impl Resource {
    fn collection(&self, namespace: Option<&str>) -> String {
        match namespace {
            Some(namespace) => format!("{}/namespaces/{namespace}/{}", self.root, self.plural),
            None => format!("{}/{}", self.root, self.plural),
        }
    }
}

/// All objects that a clean cluster has, by their paths.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Objects {
    /// Path to the object, without what changes by itself.
    objects: BTreeMap<String, Value>,
}

/// What is there now: as [`Objects`], and what is needed to remove it.
struct Present {
    resources: Vec<Resource>,
    objects: BTreeMap<String, (Value, String)>,
}

impl Objects {
    /// Reads the objects of a clean cluster.
    pub async fn read(api: &Api) -> Result<Self, KindError> {
        let present = present(api).await?;
        Ok(Self { objects: present.objects.into_iter().map(|(path, (object, _))| (path, object)).collect() })
    }

    /// Deployments and DaemonSets, as `NAMESPACE/deployments/NAME`.
    fn workloads(&self) -> impl Iterator<Item = &str> {
        let all = self.objects.keys().filter_map(|path| path.strip_prefix("/apis/apps/v1/namespaces/"));
        all.filter(|path| path.contains("/deployments/") || path.contains("/daemonsets/"))
    }
}

async fn present(api: &Api) -> Result<Present, KindError> {
    let resources = resources(api).await?;
    let lists = join_all(resources.iter().map(|resource| async move { (resource, list(api, resource).await) })).await;
    let mut objects = BTreeMap::new();
    for (resource, list) in lists {
        // An aggregated API without a server, say: it goes with its APIService.
        let Ok(items) = list else { continue };
        for item in items {
            if is_made(&item) {
                continue;
            }
            let namespace = item["metadata"]["namespace"].as_str();
            let name = item["metadata"]["name"].as_str().unwrap_or_default();
            let path = format!("{}/{name}", resource.collection(namespace));
            objects.insert(path, (normal(resource, item), resource.plural.clone()));
        }
    }
    Ok(Present { resources, objects })
}

/// Everything that can be listed and deleted, each kind once, in its group's preferred version.
async fn resources(api: &Api) -> Result<Vec<Resource>, KindError> {
    let groups = api.get("/apis").await.map_err(|e| api.error(&e))?;
    let mut roots = vec!["/api/v1".to_owned()];
    let preferred = groups["groups"].as_array().into_iter().flatten().filter_map(|g| g["preferredVersion"]["groupVersion"].as_str());
    roots.extend(preferred.map(|version| format!("/apis/{version}")));
    let found = join_all(roots.iter().map(|root| async move { (root, api.get(root).await) })).await;
    let mut all = Vec::new();
    for (root, list) in found {
        let Ok(list) = list else { continue };
        for resource in list["resources"].as_array().into_iter().flatten() {
            let verbs: Vec<&str> = resource["verbs"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            let plural = resource["name"].as_str().unwrap_or_default();
            if verbs.contains(&"list") && verbs.contains(&"delete") && !plural.contains('/') && !PASSING.contains(&plural) {
                let namespaced = resource["namespaced"].as_bool().unwrap_or_default();
                all.push(Resource { root: root.clone(), plural: plural.to_owned(), namespaced });
            }
        }
    }
    Ok(all)
}

async fn list(api: &Api, resource: &Resource) -> Result<Vec<Value>, ApiError> {
    let mut list = api.get(&resource.collection(None)).await?;
    let (kind, version) = (list["kind"].as_str().unwrap_or_default().trim_end_matches("List").to_owned(), list["apiVersion"].clone());
    let Value::Array(items) = list["items"].take() else { return Ok(Vec::new()) };
    Ok(items
        .into_iter()
        .map(|mut item| {
            item["kind"] = json!(kind);
            item["apiVersion"] = version.clone();
            item
        })
        .collect())
}

/// Whether a controller or the server makes this object from others, so that it needs neither removing nor putting back.
fn is_made(object: &Value) -> bool {
    let metadata = &object["metadata"];
    let owned = metadata["ownerReferences"].as_array().is_some_and(|owners| !owners.is_empty());
    let kind = object["kind"].as_str().unwrap_or_default();
    let name = metadata["name"].as_str().unwrap_or_default();
    owned
        || kind == "Secret" && object["type"] == "bootstrap.kubernetes.io/token"
        || kind == "ConfigMap" && name == "cluster-info" && metadata["namespace"] == "kube-public"
        || kind == "ConfigMap" && name == "extension-apiserver-authentication"
        || kind == "ConfigMap" && name.starts_with("kube-apiserver-legacy-")
        || kind == "PriorityLevelConfiguration" && metadata["annotations"]["apf.kubernetes.io/autoupdate-spec"] == "true"
        || kind == "FlowSchema" && metadata["annotations"]["apf.kubernetes.io/autoupdate-spec"] == "true"
}

/// Annotations that controllers write.
const OWN_ANNOTATIONS: [&str; 8] = [
    "deployment.kubernetes.io/revision",
    "deprecated.daemonset.template.generation",
    "volumes.kubernetes.io/controller-managed-attach-detach",
    "node.alpha.kubernetes.io/ttl",
    "pv.kubernetes.io/bound-by-controller",
    "kubectl.kubernetes.io/last-applied-configuration",
    "kubernetes.io/enforce-mountable-secrets",
    "kubeadm.alpha.kubernetes.io/cri-socket",
];

/// The object without what changes by itself.
fn normal(resource: &Resource, mut object: Value) -> Value {
    let annotations: BTreeMap<String, Value> = match object["metadata"]["annotations"].take() {
        Value::Object(map) => map.into_iter().filter(|(key, _)| !OWN_ANNOTATIONS.contains(&key.as_str())).collect(),
        _ => BTreeMap::new(),
    };
    if let Some(metadata) = object["metadata"].as_object_mut() {
        for field in ["uid", "resourceVersion", "generation", "creationTimestamp", "managedFields", "selfLink", "annotations"] {
            metadata.remove(field);
        }
        if !annotations.is_empty() {
            metadata.insert("annotations".to_owned(), json!(annotations));
        }
    }
    if let Some(map) = object.as_object_mut() {
        map.remove("status");
    }
    match resource.plural.as_str() {
        // What the node's condition puts there is no difference.
        "nodes" => {
            let taints: Vec<Value> = match object["spec"]["taints"].take() {
                Value::Array(taints) => taints.into_iter().filter(|t| !is_condition(t)).collect(),
                _ => Vec::new(),
            };
            if let Some(spec) = object["spec"].as_object_mut() {
                spec.remove("taints");
                if !taints.is_empty() {
                    spec.insert("taints".to_owned(), json!(taints));
                }
            }
        }
        "apiservices" | "customresourcedefinitions" => {
            if let Some(spec) = object["spec"].as_object_mut() {
                spec.remove("caBundle");
            }
        }
        _ => {}
    }
    object
}

fn is_condition(taint: &Value) -> bool {
    let key = taint["key"].as_str().unwrap_or_default();
    key.starts_with("node.kubernetes.io/")
        && key != "node.kubernetes.io/exclude-from-external-load-balancers"
        && key != "node.kubernetes.io/out-of-service"
}

/// What differs from the clean cluster.
#[derive(Debug, Default, PartialEq)]
struct Difference {
    /// Namespaces that are new.
    namespaces: Vec<String>,
    /// Paths of other new objects, outside those namespaces.
    new: Vec<String>,
    /// Objects that are missing.
    missing: Vec<(String, Value)>,
    /// Objects that were changed.
    changed: Vec<(String, Value)>,
}

fn difference(clean: &Objects, now: &BTreeMap<String, (Value, String)>) -> Difference {
    let mut difference = Difference::default();
    let is_namespace = |path: &str| path.strip_prefix("/api/v1/namespaces/").filter(|rest| !rest.contains('/')).map(str::to_owned);
    let new: Vec<&String> = now.keys().filter(|path| !clean.objects.contains_key(*path)).collect();
    difference.namespaces = new.iter().filter_map(|path| is_namespace(path)).collect();
    let inside = |path: &str| difference.namespaces.iter().any(|ns| path.contains(&format!("/namespaces/{ns}/")));
    let mut others: Vec<String> = new.iter().filter(|path| is_namespace(path).is_none() && !inside(path)).map(|p| (*p).clone()).collect();
    others.sort_by_key(|path| !FIRST.iter().any(|first| path.contains(&format!("/{first}/"))));
    difference.new = others;
    for (path, object) in &clean.objects {
        match now.get(path) {
            None => difference.missing.push((path.clone(), object.clone())),
            Some((there, _)) if there != object => difference.changed.push((path.clone(), object.clone())),
            Some(_) => {}
        }
    }
    // Namespaces before what is in them.
    difference.missing.sort_by_key(|(path, _)| is_namespace(path).is_none());
    difference
}

/// Brings the objects back. `Ok` says that the server has been told all; what it takes time for is [`gone`]'s to wait for.
pub async fn restore(api: &Api, clean: &Objects) -> Result<Restored, KindError> {
    let present = present(api).await?;
    let difference = difference(clean, &present.objects);
    let mut restored = Restored { namespaces: difference.namespaces.clone(), ..Restored::default() };
    let now = json!({"gracePeriodSeconds": 0, "propagationPolicy": "Background"});
    let (first, later): (Vec<&String>, Vec<&String>) =
        difference.new.iter().partition(|path| FIRST.iter().any(|first| path.contains(&format!("/{first}/"))));
    for path in first {
        api.delete(path, &json!({})).await.map_err(|e| api.error(&e))?;
    }
    join_all(difference.namespaces.iter().map(|ns| empty(api, &present.resources, ns, &now))).await;
    let deleted = join_all(later.into_iter().map(|path| {
        let options = if path.contains("/pods/") { now.clone() } else { json!({"propagationPolicy": "Background"}) };
        async move { (path.clone(), api.delete(path, &options).await) }
    }));
    for (path, result) in deleted.await {
        if let Err(error) = result {
            return Err(KindError::Api { name: path, reason: error.message });
        }
        restored.deleted.push(path);
    }
    for (path, object) in &difference.missing {
        // A node comes back by its kubelet, which has been started again by now or will be.
        if path.starts_with("/api/v1/nodes/") {
            restored.nodes_missing = true;
            continue;
        }
        let collection = path.rsplit_once('/').map_or(path.as_str(), |(collection, _)| collection);
        put(api, Method::POST, collection, object.clone()).await?;
    }
    let mut touched = BTreeSet::new();
    for (path, object) in &difference.changed {
        change(api, path, object).await?;
        // Programs read these when they start.
        if (path.contains("/configmaps/") || path.contains("/secrets/"))
            && let Some(namespace) = path.strip_prefix("/api/v1/namespaces/").and_then(|rest| rest.split('/').next())
        {
            touched.insert(namespace.to_owned());
        }
    }
    for namespace in touched {
        restart_pods(api, &namespace).await;
    }
    restored.repaired = difference.missing.len() + difference.changed.len();
    Ok(restored)
}

/// What was told to the server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Restored {
    /// Namespaces that are on their way out.
    pub namespaces: Vec<String>,
    /// Paths of other objects that were deleted.
    pub deleted: Vec<String>,
    /// Objects that were put back.
    pub repaired: usize,
    /// A Node object is missing: its kubelet has to register again.
    pub nodes_missing: bool,
}

/// Stops all that runs in a namespace and deletes it.
async fn empty(api: &Api, resources: &[Resource], namespace: &str, now: &Value) {
    let of = |plural: &str| resources.iter().find(|r| r.plural == plural && r.namespaced);
    let workloads = WORKLOADS.iter().filter_map(|plural| of(plural));
    let background = json!({"propagationPolicy": "Background"});
    // Errors show as a namespace that does not go, which is waited for.
    let _ = join_all(workloads.map(|resource| {
        let (path, body) = (resource.collection(Some(namespace)), background.clone());
        async move { api.delete(&path, &body).await }
    }))
    .await;
    if let Some(pods) = of("pods") {
        let _ = api.delete(&pods.collection(Some(namespace)), now).await;
    }
    let _ = api.delete(&format!("/api/v1/namespaces/{namespace}"), &json!({})).await;
}

async fn put(api: &Api, method: Method, path: &str, object: Value) -> Result<(), KindError> {
    match api.json(method, path, &object).await {
        Ok(_) => Ok(()),
        // Somebody was faster: a controller that makes it too.
        Err(ApiError { code: Some(409), .. }) => Ok(()),
        Err(error) => Err(KindError::Api { name: path.to_owned(), reason: error.message }),
    }
}

/// Replaces an object; what may not change in place is deleted and made anew.
async fn change(api: &Api, path: &str, object: &Value) -> Result<(), KindError> {
    for _ in 0..4 {
        let there = match api.get(path).await {
            Ok(there) => there,
            Err(ApiError { code: Some(404), .. }) => {
                let collection = path.rsplit_once('/').map_or(path, |(collection, _)| collection);
                return put(api, Method::POST, collection, object.clone()).await;
            }
            Err(error) => return Err(api.error(&error)),
        };
        let mut wanted = object.clone();
        wanted["metadata"]["resourceVersion"] = there["metadata"]["resourceVersion"].clone();
        wanted["metadata"]["uid"] = there["metadata"]["uid"].clone();
        // What controllers wrote stays.
        for key in OWN_ANNOTATIONS {
            if let Some(value) = there["metadata"]["annotations"].get(key) {
                wanted["metadata"]["annotations"][key] = value.clone();
            }
        }
        if path.starts_with("/api/v1/nodes/") {
            let own = there["spec"]["taints"].as_array().into_iter().flatten().filter(|t| is_condition(t)).cloned();
            let taints: Vec<Value> = wanted["spec"]["taints"].as_array().cloned().unwrap_or_default().into_iter().chain(own).collect();
            wanted["spec"]["taints"] = json!(taints);
        }
        match api.json(Method::PUT, path, &wanted).await {
            Ok(_) => return Ok(()),
            Err(ApiError { code: Some(409), .. }) => {}
            Err(ApiError { code: Some(422), .. }) => {
                api.delete(path, &json!({"propagationPolicy": "Background"})).await.map_err(|e| api.error(&e))?;
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
            Err(error) => return Err(KindError::Api { name: path.to_owned(), reason: error.message }),
        }
    }
    Err(KindError::Api { name: path.to_owned(), reason: "it changes all the time".into() })
}

/// Starts the system's own pods anew: those of the clean cluster's workloads.
pub async fn restart_system(api: &Api, clean: &Objects) {
    let namespaces: BTreeSet<&str> = clean.workloads().filter_map(|path| path.split('/').next()).collect();
    join_all(namespaces.into_iter().map(|namespace| restart_pods(api, namespace))).await;
}

async fn restart_pods(api: &Api, namespace: &str) {
    let Ok(pods) = api.get(&format!("/api/v1/namespaces/{namespace}/pods")).await else { return };
    let made = pods["items"].as_array().into_iter().flatten().filter(|pod| is_of_workload(pod));
    join_all(made.filter_map(|pod| pod["metadata"]["name"].as_str()).map(|pod| async move {
        // Not at once: two of one node must not run side by side.
        let _ = api.delete(&format!("/api/v1/namespaces/{namespace}/pods/{pod}"), &json!({"gracePeriodSeconds": 1})).await;
    }))
    .await;
}

fn is_of_workload(pod: &Value) -> bool {
    let owners = pod["metadata"]["ownerReferences"].as_array().into_iter().flatten();
    owners.filter_map(|o| o["kind"].as_str()).any(|kind| kind == "ReplicaSet" || kind == "DaemonSet")
}

/// What is not as it should be yet: namespaces that are still going, nodes that are not Ready, pods of the system that do not run.
/// `Err` when the server does not answer.
pub async fn unsettled(api: &Api, clean: &Objects) -> Result<Vec<String>, ApiError> {
    let (namespaces, nodes) = futures::future::join(api.get("/api/v1/namespaces"), api.get("/api/v1/nodes")).await;
    let (namespaces, nodes) = (namespaces?, nodes?);
    let mut waiting = Vec::new();
    for namespace in namespaces["items"].as_array().into_iter().flatten() {
        let name = namespace["metadata"]["name"].as_str().unwrap_or_default();
        if !clean.objects.contains_key(&format!("/api/v1/namespaces/{name}")) {
            waiting.push(format!("namespace {name} is going"));
        }
    }
    waiting.extend(nodes_not_ready(&nodes, clean));
    waiting.extend(system_not_running(api, clean).await?);
    Ok(waiting)
}

fn nodes_not_ready(nodes: &Value, clean: &Objects) -> Vec<String> {
    let there = |name: &str| nodes["items"].as_array().into_iter().flatten().find(|n| n["metadata"]["name"] == name);
    let names = clean.objects.keys().filter_map(|path| path.strip_prefix("/api/v1/nodes/"));
    names
        .filter_map(|name| {
            let Some(node) = there(name) else { return Some(format!("node {name} is not registered")) };
            if node_is_ready(node) { None } else { Some(format!("node {name} is not Ready")) }
        })
        .collect()
}

/// Whether a node is Ready and no condition keeps pods away.
pub fn node_is_ready(node: &Value) -> bool {
    let tainted = node["spec"]["taints"].as_array().into_iter().flatten().any(is_condition);
    !tainted && is_ready(node)
}

/// Whether a node or pod has the condition Ready.
pub fn is_ready(object: &Value) -> bool {
    let mut conditions = object["status"]["conditions"].as_array().into_iter().flatten();
    conditions.any(|condition| condition["type"] == "Ready" && condition["status"] == "True")
}

/// Deployments and DaemonSets of the clean cluster that are not whole. Their status may be older than their pods, so these count too.
async fn system_not_running(api: &Api, clean: &Objects) -> Result<Vec<String>, ApiError> {
    let lists = ["/apis/apps/v1/deployments", "/apis/apps/v1/daemonsets", "/api/v1/pods"];
    let [deployments, sets, pods] = lists.map(|path| api.get(path));
    let (deployments, sets, pods) = futures::future::join3(deployments, sets, pods).await;
    let known: BTreeSet<&str> = clean.workloads().collect();
    let mut waiting = Vec::new();
    let mut wanted: BTreeMap<String, i64> = BTreeMap::new();
    for (plural, list) in [("deployments", deployments?), ("daemonsets", sets?)] {
        for object in list["items"].as_array().into_iter().flatten() {
            let (namespace, name) =
                (object["metadata"]["namespace"].as_str().unwrap_or_default(), object["metadata"]["name"].as_str().unwrap_or_default());
            if !known.contains(format!("{namespace}/{plural}/{name}").as_str()) {
                continue;
            }
            *wanted.entry(namespace.to_owned()).or_default() += size(plural, object);
            if !is_whole(plural, object) {
                waiting.push(format!("{namespace}/{name} is not available"));
            }
        }
    }
    let pods = pods?;
    for (namespace, wanted) in wanted {
        let ready = pods["items"].as_array().into_iter().flatten().filter(|pod| pod["metadata"]["namespace"] == namespace.as_str());
        let ready = ready.filter(|pod| is_of_workload(pod) && pod["metadata"]["deletionTimestamp"].is_null() && is_ready(pod)).count();
        if i64::try_from(ready).unwrap_or(i64::MAX) < wanted {
            waiting.push(format!("{ready} of {wanted} pods in {namespace} are ready"));
        }
    }
    Ok(waiting)
}

/// How many pods a workload wants.
fn size(plural: &str, object: &Value) -> i64 {
    match plural {
        "daemonsets" => object["status"]["desiredNumberScheduled"].as_i64().unwrap_or(0),
        _ => object["spec"]["replicas"].as_i64().unwrap_or(1),
    }
}

fn is_whole(plural: &str, object: &Value) -> bool {
    let status = |field: &str| object["status"][field].as_i64().unwrap_or(0);
    let seen = status("observedGeneration") >= object["metadata"]["generation"].as_i64().unwrap_or(0);
    let wanted = size(plural, object);
    let (available, updated) =
        if plural == "daemonsets" { ("numberAvailable", "updatedNumberScheduled") } else { ("availableReplicas", "updatedReplicas") };
    seen && status(available) >= wanted && status(updated) >= wanted
}

/// Takes finalizers off what keeps a namespace from going.
pub async fn unstick(api: &Api, namespaces: &[String]) {
    let Ok(resources) = resources(api).await else { return };
    for namespace in namespaces {
        for resource in resources.iter().filter(|r| r.namespaced) {
            let Ok(list) = api.get(&resource.collection(Some(namespace))).await else { continue };
            for item in list["items"].as_array().into_iter().flatten() {
                let stuck = item["metadata"]["finalizers"].as_array().is_some_and(|f| !f.is_empty());
                let Some(name) = item["metadata"]["name"].as_str().filter(|_| stuck) else { continue };
                let path = format!("{}/{name}", resource.collection(Some(namespace)));
                let _ = api.send(Method::PATCH, &path, "application/merge-patch+json", &json!({"metadata": {"finalizers": null}})).await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resource(plural: &str) -> Resource {
        Resource { root: "/api/v1".into(), plural: plural.into(), namespaced: false }
    }

    #[test]
    fn what_changes_by_itself_is_no_difference() {
        let node = |taints: Value, labels: Value| {
            json!({
                "kind": "Node",
                "metadata": {"name": "w", "uid": "1", "resourceVersion": "5", "labels": labels, "annotations": {"node.alpha.kubernetes.io/ttl": "0"}},
                "spec": {"taints": taints},
                "status": {"x": 1},
            })
        };
        let clean = normal(&resource("nodes"), node(Value::Null, json!({"a": "b"})));
        let silent = node(json!([{"key": "node.kubernetes.io/unreachable", "effect": "NoExecute"}]), json!({"a": "b"}));
        assert_eq!(clean, normal(&resource("nodes"), silent));
        let tainted = node(json!([{"key": "mine", "effect": "NoSchedule"}]), json!({"a": "b"}));
        assert_ne!(clean, normal(&resource("nodes"), tainted));
    }

    #[test]
    fn what_somebody_made_changed_or_deleted_is_found() {
        let now = |entries: &[(&str, Value)]| -> BTreeMap<String, (Value, String)> {
            entries.iter().map(|(path, object)| ((*path).to_owned(), (object.clone(), String::new()))).collect()
        };
        let clean = Objects {
            objects: [
                ("/api/v1/namespaces/kube-system", json!(1)),
                ("/api/v1/namespaces/kube-system/configmaps/coredns", json!(1)),
                ("/api/v1/nodes/w", json!(1)),
            ]
            .into_iter()
            .map(|(path, object)| (path.to_owned(), object))
            .collect(),
        };
        let found = difference(
            &clean,
            &now(&[
                ("/api/v1/namespaces/kube-system", json!(1)),
                ("/api/v1/namespaces/kube-system/configmaps/coredns", json!(2)),
                ("/api/v1/namespaces/shop", json!(1)),
                ("/api/v1/namespaces/shop/pods/x", json!(1)),
                ("/api/v1/namespaces/default/pods/y", json!(1)),
                ("/apis/a/v1/validatingwebhookconfigurations/z", json!(1)),
            ]),
        );
        assert_eq!(found.namespaces, ["shop"]);
        assert_eq!(found.new, ["/apis/a/v1/validatingwebhookconfigurations/z", "/api/v1/namespaces/default/pods/y"]);
        assert_eq!(found.changed, [("/api/v1/namespaces/kube-system/configmaps/coredns".to_owned(), json!(1))]);
        assert_eq!(found.missing, [("/api/v1/nodes/w".to_owned(), json!(1))]);
    }

    #[test]
    fn objects_that_controllers_make_are_theirs() {
        for (object, made) in [
            (json!({"kind": "Pod", "metadata": {"ownerReferences": [{"kind": "Node"}]}}), true),
            (json!({"kind": "Pod", "metadata": {"name": "mine"}}), false),
            (json!({"kind": "Secret", "metadata": {"name": "t"}, "type": "bootstrap.kubernetes.io/token"}), true),
            (json!({"kind": "Secret", "metadata": {"name": "mine"}, "type": "Opaque"}), false),
        ] {
            assert_eq!(is_made(&object), made, "{object}");
        }
    }

    #[test]
    fn a_rollout_is_waited_for() {
        let deployment = |observed, updated, available| json!({"metadata": {"generation": 2}, "spec": {"replicas": 2}, "status": {"observedGeneration": observed, "updatedReplicas": updated, "availableReplicas": available}});
        assert!(is_whole("deployments", &deployment(2, 2, 2)));
        assert!(!is_whole("deployments", &deployment(1, 2, 2)));
        assert!(!is_whole("deployments", &deployment(2, 1, 2)));
    }
}
