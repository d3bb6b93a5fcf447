//! Manifests of a setup: server-side apply, then waiting until what they start is there, or visibly stuck.

use std::collections::BTreeMap;
use std::time::Duration;

use http::Method;
use serde_json::Value;

use super::error::RunError;
use super::event::{Event, Sink};
use crate::backend::Environment;
use crate::content::manifest::{self, name_of};
use crate::grade::ResourceRef;
use crate::grade::target::is_ready;
use crate::observe::rest::{self, RestError};

/// How long workloads get to become available, in the cluster's time.
const SETTLE: Duration = Duration::from_secs(90);

/// How often to try again what a controller makes possible.
const LOOK: Duration = Duration::from_millis(500);

/// How often to look whether what starts pods has settled.
const SETTLE_LOOK: Duration = Duration::from_secs(1);

/// How long an object is tried again that needs one which a controller makes (a namespace's ServiceAccount).
const RETRY: Duration = Duration::from_secs(15);

/// Reasons of a waiting container that do not pass by themselves within a setup.
const STUCK: [&str; 7] = [
    "ErrImagePull",
    "ImagePullBackOff",
    "InvalidImageName",
    "CrashLoopBackOff",
    "CreateContainerConfigError",
    "CreateContainerError",
    "RunContainerError",
];

/// Applies the objects of a filled-in manifest and waits until they have settled.
pub async fn apply(environment: &Environment, file: &str, text: &str, events: Sink<'_>) -> Result<(), RunError> {
    let objects =
        manifest::objects(text).map_err(|e| RunError::Manifest { file: file.to_owned(), line: e.span.line, message: e.message })?;
    for object in &objects {
        apply_object(environment, object).await?;
        events(Event::Applied { object: name_of(object) });
    }
    let unsettled = settle(environment, &objects).await;
    if !unsettled.is_empty() {
        events(Event::Unsettled { objects: unsettled });
    }
    Ok(())
}

fn resource_of(object: &Value) -> ResourceRef {
    let text = |field: &str| object[field].as_str().unwrap_or_default();
    ResourceRef::new(text("kind"), Some(text("apiVersion")))
}

async fn apply_object(environment: &Environment, object: &Value) -> Result<(), RunError> {
    let until = tokio::time::Instant::now() + RETRY;
    loop {
        match try_apply(environment, object).await {
            Ok(()) => return Ok(()),
            Err(error) if may_pass(&error) && tokio::time::Instant::now() < until => tokio::time::sleep(LOOK).await,
            Err(source) => return Err(RunError::Apply { object: name_of(object), source }),
        }
    }
}

async fn try_apply(environment: &Environment, object: &Value) -> Result<(), RestError> {
    let resource = resource_of(object);
    let metadata = &object["metadata"];
    let namespace = resource.namespace(metadata["namespace"].as_str());
    let path = rest::path_of(&environment.client, &resource, namespace.as_deref(), metadata["name"].as_str()).await?;
    let path = format!("{path}?fieldManager=ckaprep&force=true");
    let object = labelled(object, &environment.labels);
    rest::send(&environment.client, Method::PATCH, &path, "application/apply-patch+yaml", object.to_string().into_bytes()).await?;
    Ok(())
}

/// The object with the backend's labels beside its own.
fn labelled(object: &Value, labels: &BTreeMap<String, String>) -> Value {
    let mut object = object.clone();
    for (key, value) in labels {
        object["metadata"]["labels"][key] = Value::String(value.clone());
    }
    object
}

/// Refusals that end once controllers have caught up: a namespace's ServiceAccount, a CRD that is not served yet.
fn may_pass(error: &RestError) -> bool {
    match error {
        RestError::Refused { code, message } => *code == 403 && message.contains("serviceaccount") || *code == 409 || *code >= 500,
        RestError::NotFound(_) | RestError::Unreachable(_) => true,
    }
}

/// Waits; gives the names of what has neither become available nor got visibly stuck.
async fn settle(environment: &Environment, objects: &[Value]) -> Vec<String> {
    let until = tokio::time::Instant::now() + SETTLE;
    let mut waiting: Vec<&Value> = objects.iter().filter(|o| starts_pods(o)).collect();
    loop {
        let mut still = Vec::new();
        for object in waiting {
            if !settled(environment, object).await {
                still.push(object);
            }
        }
        if still.is_empty() || tokio::time::Instant::now() >= until {
            return still.into_iter().map(name_of).collect();
        }
        waiting = still;
        tokio::time::sleep(SETTLE_LOOK).await;
    }
}

fn starts_pods(object: &Value) -> bool {
    matches!(object["kind"].as_str(), Some("Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet" | "Pod"))
}

async fn settled(environment: &Environment, object: &Value) -> bool {
    let resource = resource_of(object);
    let metadata = &object["metadata"];
    let namespace = resource.namespace(metadata["namespace"].as_str());
    let client = &environment.client;
    let Ok(path) = rest::path_of(client, &resource, namespace.as_deref(), metadata["name"].as_str()).await else { return false };
    let Ok(current) = rest::get(client, &path).await else { return false };
    if resource.kind == "Pod" {
        return is_ready(&current) || matches!(current["status"]["phase"].as_str(), Some("Succeeded" | "Failed")) || is_stuck(&current);
    }
    if available(&resource.kind, &current) {
        return true;
    }
    let failure =
        current["status"]["conditions"].as_array().into_iter().flatten().any(|c| c["type"] == "ReplicaFailure" && c["status"] == "True");
    if failure {
        return true;
    }
    let labels = current["spec"]["selector"]["matchLabels"].as_object();
    let selector: Vec<String> = labels.into_iter().flatten().filter_map(|(k, v)| Some(format!("{k}%3D{}", v.as_str()?))).collect();
    let pods = format!("/api/v1/namespaces/{}/pods?labelSelector={}", namespace.unwrap_or_default(), selector.join("%2C"));
    match rest::get(client, &pods).await {
        Ok(list) => list["items"].as_array().into_iter().flatten().any(is_stuck),
        Err(_) => false,
    }
}

fn available(kind: &str, object: &Value) -> bool {
    let status = |field: &str| object["status"][field].as_i64().unwrap_or(0);
    let wanted = object["spec"]["replicas"].as_i64().unwrap_or(1);
    let observed = object["metadata"]["generation"].as_i64().unwrap_or(0) <= status("observedGeneration");
    observed
        && match kind {
            "DaemonSet" => status("numberAvailable") >= status("desiredNumberScheduled"),
            "StatefulSet" => status("readyReplicas") >= wanted,
            _ => status("availableReplicas") >= wanted,
        }
}

/// Whether a pod shows why it will not get ready.
fn is_stuck(pod: &Value) -> bool {
    let status = &pod["status"];
    let array = |field: &str| status[field].as_array().into_iter().flatten();
    let unschedulable = array("conditions").any(|c| c["type"] == "PodScheduled" && c["reason"] == "Unschedulable");
    let statuses = array("containerStatuses").chain(array("initContainerStatuses"));
    let mut reasons = statuses.filter_map(|c| c["state"]["waiting"]["reason"].as_str());
    unschedulable || reasons.any(|r| STUCK.contains(&r))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_available_and_what_is_stuck() {
        let deployment = |observed, available| json!({"metadata": {"generation": 2}, "spec": {"replicas": 2}, "status": {"observedGeneration": observed, "availableReplicas": available}});
        assert!(available("Deployment", &deployment(2, 2)));
        assert!(!available("Deployment", &deployment(1, 2)));
        assert!(!available("Deployment", &deployment(2, 1)));
        assert!(is_stuck(&json!({"status": {"containerStatuses": [{"state": {"waiting": {"reason": "ImagePullBackOff"}}}]}})));
        assert!(is_stuck(&json!({"status": {"conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}]}})));
        assert!(!is_stuck(&json!({"status": {"containerStatuses": [{"state": {"waiting": {"reason": "ContainerCreating"}}}]}})));
    }

    #[test]
    fn a_backends_labels_stand_beside_the_objects_own() {
        let ours = BTreeMap::from([("ckaprep.dev/session".to_owned(), "a".to_owned())]);
        let bare = json!({"metadata": {"name": "a"}});
        assert_eq!(labelled(&bare, &BTreeMap::new()), bare);
        assert_eq!(labelled(&bare, &ours)["metadata"]["labels"], json!({"ckaprep.dev/session": "a"}));
        let own = json!({"metadata": {"labels": {"app": "web"}}});
        assert_eq!(labelled(&own, &ours)["metadata"]["labels"], json!({"app": "web", "ckaprep.dev/session": "a"}));
    }

    #[test]
    fn only_what_controllers_mend_is_tried_again() {
        let refused = |code, message: &str| RestError::Refused { code, message: message.into() };
        assert!(may_pass(&refused(403, "error looking up service account shop/default: serviceaccount \"default\" not found")));
        assert!(!may_pass(&refused(403, "forbidden: exceeded quota")));
        assert!(!may_pass(&refused(422, "invalid")));
    }
}
