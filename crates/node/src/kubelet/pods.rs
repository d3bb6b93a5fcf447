//! Where pods come from: the API server and files. What changes wakes the pod's worker.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use component::klog::Value;
use component::watch;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use serde_json::{Value as Json, json};

use super::api::{ApiClient, ApiError};
use super::events::Subject;
use super::informer::{Store, reflect};
use super::process::Kubelet;
use super::state::{PodMemory, Source, Terminating};
use super::static_pods;

/// Annotation of mirror pods.
pub(super) const MIRROR: &str = "kubernetes.io/config.mirror";

pub(super) fn uid(pod: &Pod) -> String {
    pod.metadata.uid.clone().unwrap_or_default()
}

pub(super) fn name(pod: &Pod) -> &str {
    pod.metadata.name.as_deref().unwrap_or_default()
}

pub(super) fn namespace(pod: &Pod) -> &str {
    pod.metadata.namespace.as_deref().unwrap_or("default")
}

/// `namespace/name`
pub(super) fn full_name(pod: &Pod) -> String {
    format!("{}/{}", namespace(pod), name(pod))
}

pub(super) fn annotation<'a>(pod: &'a Pod, key: &str) -> Option<&'a str> {
    pod.metadata.annotations.as_ref()?.get(key).map(String::as_str)
}

/// `format.Pod`: `name_namespace(uid)`.
pub(super) fn format_pod(pod: &Pod) -> String {
    format!("{}_{}({})", name(pod), namespace(pod), uid(pod))
}

impl Kubelet {
    /// What events about a pod (or one of its containers) are about.
    pub(super) fn pod_subject(&self, pod: &Pod, field_path: Option<String>) -> Subject {
        let mut reference = json!({
            "kind": "Pod",
            "namespace": namespace(pod),
            "name": name(pod),
            "uid": uid(pod),
            "apiVersion": "v1",
        });
        if let Some(version) = &pod.metadata.resource_version {
            reference["resourceVersion"] = Json::from(version.as_str());
        }
        if let Some(path) = field_path {
            reference["fieldPath"] = Json::from(path);
        }
        Subject { reference, namespace: namespace(pod).to_owned() }
    }

    /// Follows the pods that are bound to this node.
    pub(super) async fn follow_api_pods(self: Arc<Self>, client: ApiClient) {
        let (sender, mut store) = watch::channel(Store::<Pod>::default());
        let path = format!("/api/v1/pods?fieldSelector=spec.nodeName%3D{}", self.settings.node_name);
        self.spawn(reflect(client, path, sender));
        loop {
            let objects = {
                let store = store.borrow_and_update();
                store.synced.then(|| store.objects.clone())
            };
            if let Some(objects) = objects {
                self.take_api_pods(objects.into_values());
            }
            if store.changed().await.is_err() {
                return;
            }
        }
    }

    fn take_api_pods(self: &Arc<Self>, pods: impl Iterator<Item = Arc<Pod>>) {
        let now = self.machine.clock().now();
        let (mut fresh, mut woken, mut seen, mut mirrors) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let pods: Vec<Arc<Pod>> = pods.collect();
        self.machine.write(|state| {
            let memory = &mut state.kubelet;
            memory.api_synced = true;
            for pod in pods {
                if let Some(hash) = annotation(&pod, MIRROR) {
                    if pod.metadata.deletion_timestamp.is_some() {
                        // Somebody deletes the mirror: it is made anew.
                        continue;
                    }
                    mirrors.push(hash.to_owned());
                    let mirror = uid(&pod);
                    let status = serde_json::to_value(&pod.status).unwrap_or_default();
                    if let Some(own) = memory.pods.get_mut(hash)
                        && (own.mirror_uid.as_deref() != Some(&mirror) || *own.sent != status)
                    {
                        let own = Arc::make_mut(own);
                        own.mirror_uid = Some(mirror);
                        own.sent = status.into();
                        woken.push(hash.to_owned());
                    }
                    continue;
                }
                let id = uid(&pod);
                seen.push(id.clone());
                let sent = |pod: &Pod| serde_json::to_value(&pod.status).unwrap_or_default();
                match memory.pods.get_mut(&id) {
                    Some(old) if Arc::ptr_eq(&old.pod, &pod) || *old.pod == *pod => {}
                    Some(old) => {
                        let old = Arc::make_mut(old);
                        old.sent = sent(&pod).into();
                        old.pod = pod;
                        woken.push(id);
                    }
                    None => {
                        let sent = sent(&pod);
                        memory.pods.insert(id.clone(), Arc::new(PodMemory::new(pod, Source::Api, sent, now)));
                        fresh.push(id);
                    }
                }
            }
            let lost: Vec<String> = memory
                .pods
                .iter()
                .filter(|(id, pod)| pod.source != Source::Api && pod.mirror_uid.is_some() && !mirrors.contains(id))
                .map(|(id, _)| id.clone())
                .collect();
            for id in lost {
                if let Some(pod) = memory.pods.get_mut(&id) {
                    Arc::make_mut(pod).mirror_uid = None;
                    woken.push(id);
                }
            }
            // What the server does not know any more is ended without further ado.
            let gone: Vec<String> =
                memory.pods.iter().filter(|(id, pod)| pod.source == Source::Api && !seen.contains(id)).map(|(id, _)| id.clone()).collect();
            for id in gone {
                if let Some(pod) = memory.pods.get_mut(&id) {
                    let pod = Arc::make_mut(pod);
                    if pod.terminating.is_none() {
                        let grace = pod.pod.spec.as_ref().and_then(|spec| spec.termination_grace_period_seconds).unwrap_or(30);
                        pod.terminating = Some(Terminating { since: now, grace, reason: None, stopped: false });
                        woken.push(id.clone());
                    }
                    if pod.mirror_uid.as_deref() != Some("gone") {
                        // Nobody is to be told about its end.
                        pod.mirror_uid = Some("gone".to_owned());
                        woken.push(id);
                    }
                }
            }
        });
        for id in fresh {
            self.start_worker(&id);
        }
        for id in woken {
            self.wake(&id);
        }
    }

    /// Follows the static pod directory.
    pub(super) async fn follow_files(self: Arc<Self>) {
        let directory = self.settings.config.static_pod_path.clone();
        if directory.is_empty() {
            return;
        }
        let mut changes = self.machine.changes();
        let mut last = None;
        let mut decoded = BTreeMap::new();
        let mut reported = Timestamp::MIN;
        loop {
            let now = self.machine.clock().now();
            let files = self.machine.host_files();
            let listing = static_pods::list(&files, &directory);
            let full = self.machine.clock().since(reported) >= self.settings.config.file_check_frequency;
            if last.as_ref() != Some(&listing) || full {
                reported = now;
                match &listing {
                    Ok(manifests) => self.take_files(manifests, &mut decoded),
                    Err(_) => {
                        let error =
                            format!("unable to read config path {}: path does not exist, ignoring", component::klog::quote(&directory));
                        self.log.error("file.go:104", &error, "Unable to read config path", &[("path", Value::Text(&directory))]);
                        self.take_files(&[], &mut decoded);
                    }
                }
                last = Some(listing);
            }
            // inotify tells at once; a short pause keeps an editor's several writes together.
            tokio::select! {
                biased;
                _ = changes.changed() => tokio::time::sleep(Duration::from_secs(1)).await,
                () = tokio::time::sleep(self.settings.config.file_check_frequency) => {}
            }
        }
    }

    /// Takes over what the manifests say. `decoded` are the pods of the last look, by path and text: nobody reads what has not changed.
    fn take_files(self: &Arc<Self>, manifests: &[(String, String)], decoded: &mut BTreeMap<(String, String), Arc<Pod>>) {
        let now = self.machine.clock().now();
        decoded.retain(|file, _| manifests.contains(file));
        let mut wanted = Vec::new();
        for file @ (path, text) in manifests {
            if let Some(pod) = decoded.get(file) {
                wanted.push((path.clone(), pod.clone()));
                continue;
            }
            match static_pods::decode(path, text, &self.settings.node_name, now) {
                Ok(pod) => {
                    let pod = Arc::new(pod);
                    decoded.insert(file.clone(), pod.clone());
                    wanted.push((path.clone(), pod));
                }
                Err(reason) => {
                    let error = format!("{path}: couldn't parse as pod({reason}), please check config file");
                    self.log.error("file.go:187", &error, "Could not process manifest file", &[("path", Value::Text(path))]);
                }
            }
        }
        let (mut fresh, mut woken) = (Vec::new(), Vec::new());
        self.machine.write(|state| {
            let pods = &mut state.kubelet.pods;
            let ids: Vec<String> = wanted.iter().map(|(_, pod)| uid(pod)).collect();
            let gone: Vec<String> = pods
                .iter()
                .filter(|(id, pod)| pod.source != Source::Api && !ids.contains(id) && pod.terminating.is_none())
                .map(|(id, _)| id.clone())
                .collect();
            for id in gone {
                if let Some(pod) = pods.get_mut(&id) {
                    let pod = Arc::make_mut(pod);
                    let grace = pod.pod.spec.as_ref().and_then(|spec| spec.termination_grace_period_seconds).unwrap_or(30);
                    pod.terminating = Some(Terminating { since: now, grace, reason: None, stopped: false });
                    woken.push(id);
                }
            }
            for (path, pod) in wanted {
                let id = uid(&pod);
                if !pods.contains_key(&id) {
                    pods.insert(id.clone(), Arc::new(PodMemory::new(pod, Source::File(path), Json::Null, now)));
                    fresh.push(id);
                }
            }
        });
        for id in fresh {
            self.start_worker(&id);
        }
        for id in woken {
            self.wake(&id);
        }
    }

    /// Wakes workers when containers or sandboxes of their pods change: the PLEG's events.
    pub(super) async fn follow_containers(self: Arc<Self>) {
        let mut changes = self.machine.changes();
        let mut before = self.machine.read(|state| (state.containers.containers.clone(), state.containers.sandboxes.clone()));
        loop {
            if changes.changed().await.is_err() {
                return;
            }
            let now = self.machine.read(|state| (state.containers.containers.clone(), state.containers.sandboxes.clone()));
            if now.0.ptr_eq(&before.0) && now.1.ptr_eq(&before.1) {
                continue;
            }
            let mut pods = Vec::new();
            for (id, container) in now.0.iter() {
                if before.0.get(id).is_none_or(|old| old.state != container.state)
                    && let Some(sandbox) = now.1.get(&container.sandbox)
                {
                    pods.push(sandbox.config.uid.clone());
                }
            }
            for (id, sandbox) in now.1.iter() {
                if before.1.get(id).is_none_or(|old| old.state != sandbox.state) {
                    pods.push(sandbox.config.uid.clone());
                }
            }
            before = now;
            pods.sort();
            pods.dedup();
            for uid in pods {
                self.wake(&uid);
            }
        }
    }

    /// Makes the mirror of a static pod, or a new one if the manifest has changed.
    pub(super) async fn ensure_mirror(&self, memory: &PodMemory) {
        let Some(client) = &self.client else { return };
        if memory.source == Source::Api || memory.mirror_uid.is_some() || !self.machine.read(|state| state.kubelet.node.registered) {
            return;
        }
        let pod = &memory.pod;
        let path = format!("/api/v1/namespaces/{}/pods", namespace(pod));
        let hash = uid(pod);
        match client.get::<Json>(&format!("{path}/{}", name(pod))).await {
            Ok(found) if found["metadata"]["annotations"][MIRROR] == hash.as_str() && found["metadata"]["deletionTimestamp"].is_null() => {
                let mirror = found["metadata"]["uid"].as_str().unwrap_or_default().to_owned();
                self.amend(&hash, |memory| memory.mirror_uid = Some(mirror));
                return;
            }
            Ok(found) if found["metadata"]["annotations"][MIRROR].is_string() => {
                let mirror = found["metadata"]["uid"].as_str().unwrap_or_default();
                self.log.info(
                    "kubelet.go:3331",
                    "Trying to delete pod",
                    &[("pod", Value::Text(&full_name(pod))), ("podUID", Value::Text(mirror))],
                );
                let options = json!({"gracePeriodSeconds": 0, "preconditions": {"uid": mirror}});
                if let Err(error) = client.delete(&format!("{path}/{}", name(pod)), &options).await {
                    self.log.error(
                        "mirror_client.go:139",
                        &error.message,
                        "Failed deleting a mirror pod",
                        &[("pod", Value::Text(&full_name(pod)))],
                    );
                    return;
                }
            }
            Ok(_) => return,
            // The node authorizer knows no relation between this node and a pod that is not there: forbidden, not missing.
            Err(error) if error.is_not_found() || error.is_forbidden() => {}
            Err(_) => return,
        }
        let mut mirror = serde_json::to_value(&**pod).unwrap_or_default();
        mirror["metadata"]["annotations"][MIRROR] = Json::from(hash.as_str());
        if let Some(metadata) = mirror["metadata"].as_object_mut() {
            metadata.remove("uid");
        }
        let node: Result<Json, ApiError> = client.get(&format!("/api/v1/nodes/{}", self.settings.node_name)).await;
        if let Ok(node) = node {
            mirror["metadata"]["ownerReferences"] = json!([{
                "apiVersion": "v1", "kind": "Node", "name": self.settings.node_name, "uid": node["metadata"]["uid"], "controller": true,
            }]);
        }
        match client.post(&path, &mirror).await {
            Ok(made) => {
                let uid = made["metadata"]["uid"].as_str().unwrap_or_default().to_owned();
                self.amend(&hash, |memory| {
                    memory.mirror_uid = Some(uid);
                    memory.sent = Arc::default();
                });
            }
            Err(error) => {
                self.log.error("kubelet.go:3342", &error.message, "Failed creating a mirror pod", &[("pod", Value::Text(&full_name(pod)))]);
            }
        }
    }

    /// Whether a pod may start. Of static pods with one full name (a manifest and its copy in the same directory, or the old and the
    /// new version of one file) one runs at a time, and whoever waits longest is next (`podWorkers.allowStaticPodStart`).
    pub(super) fn may_start(&self, memory: &PodMemory) -> bool {
        let Source::File(path) = &memory.source else { return true };
        if memory.started {
            return true;
        }
        let (own, name) = (uid(&memory.pod), full_name(&memory.pod));
        let taken = self.machine.read(|state| {
            let others = state.kubelet.pods.iter().filter(|(id, other)| **id != own && full_name(&other.pod) == name);
            others.into_iter().any(|(_, other)| match (&other.source, &other.terminating) {
                (Source::Api, _) => false,
                (Source::File(_), Some(terminating)) => other.started && !terminating.stopped,
                (Source::File(other_path), None) => other.started || (other.start_time, other_path) < (memory.start_time, path),
            })
        });
        if !taken {
            self.amend(&own, |memory| memory.started = true);
        }
        !taken
    }

    /// Changes what is remembered about a pod.
    pub(super) fn amend(&self, uid: &str, change: impl FnOnce(&mut PodMemory)) {
        self.machine.write(|state| {
            if let Some(memory) = state.kubelet.pods.get_mut(uid) {
                change(Arc::make_mut(memory));
            }
        });
    }
}

impl PodMemory {
    fn new(pod: Arc<Pod>, source: Source, sent: Json, now: Timestamp) -> Self {
        Self {
            pod,
            source,
            start_time: now,
            started: false,
            terminating: None,
            finished: false,
            rejected: None,
            containers: BTreeMap::new(),
            status: Arc::default(),
            sent: sent.into(),
            mirror_uid: None,
            mounted: None,
            refresh: None,
            hold_until: None,
        }
    }
}
