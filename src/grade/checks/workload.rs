//! `workload`: a Deployment, StatefulSet, DaemonSet or ReplicaSet is rolled out, with this size and image.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::grade::fact::Fact;
use crate::grade::judge::{Judge, Judgement, Scope};
use crate::grade::number::Number;
use crate::grade::snapshot::{Known, Snapshot};
use crate::grade::target::object_fact;
use crate::model::Evidence;

/// A workload is so.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Workload {
    /// Deployment, StatefulSet, DaemonSet or ReplicaSet.
    pub kind: WorkloadKind,
    /// Namespace; `default` unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Name.
    pub name: String,
    /// Whether all its replicas must be up to date and available.
    #[serde(default = "Workload::default_ready")]
    pub ready: bool,
    /// Wanted size.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replicas: Option<Number>,
    /// Image of the container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// Container that `image` is about; the first unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<String>,
}

/// The kinds with replicas.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[allow(missing_docs)] // Kubernetes' own names
pub enum WorkloadKind {
    Deployment,
    StatefulSet,
    DaemonSet,
    ReplicaSet,
}

impl WorkloadKind {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Deployment => "Deployment",
            Self::StatefulSet => "StatefulSet",
            Self::DaemonSet => "DaemonSet",
            Self::ReplicaSet => "ReplicaSet",
        }
    }
}

impl Workload {
    fn default_ready() -> bool {
        true
    }

    fn fact(&self) -> Fact {
        object_fact(self.kind.as_str(), None, self.namespace.as_deref(), &self.name)
    }
}

impl Judge for Workload {
    fn facts(&self, _: &Scope, _: &Snapshot) -> Vec<Fact> {
        vec![self.fact()]
    }

    fn judge(&self, _: &Scope, snapshot: &Snapshot) -> Judgement {
        let subject = self.fact().to_string();
        let object = match snapshot.value(&self.fact()) {
            Known::Value(object) => object,
            Known::Absent => return Judgement::from_evidence(vec![Evidence::compared(subject, "exists", "absent", false)]),
            Known::Unknown(reason) => return Judgement::from_evidence(vec![Evidence::unknown(subject, "readable", reason)]),
        };
        let mut evidence = Vec::new();
        if let Some(wanted) = &self.replicas {
            let (expected, actual) = (wanted.known(), object["spec"]["replicas"].as_i64());
            let shown = actual.map_or_else(|| "absent".to_owned(), |n| n.to_string());
            evidence.push(Evidence::compared(
                format!("{subject}, replicas"),
                wanted.to_string(),
                shown,
                expected.is_some() && expected == actual,
            ));
        }
        if let Some(wanted) = &self.image {
            evidence.push(self.judge_image(&subject, object, wanted));
        }
        if self.ready {
            let state = rollout(self.kind, object);
            let actual = state.clone().unwrap_or_else(|| "rolled out and available".to_owned());
            evidence.push(Evidence::compared(format!("{subject}, rollout"), "rolled out and available", actual, state.is_none()));
        } else if evidence.is_empty() {
            evidence.push(Evidence::compared(subject, "exists", "exists", true));
        }
        Judgement::from_evidence(evidence)
    }
}

impl Workload {
    fn judge_image(&self, subject: &str, object: &Value, wanted: &str) -> Evidence {
        let containers = object["spec"]["template"]["spec"]["containers"].as_array().map(Vec::as_slice).unwrap_or_default();
        let container = match &self.container {
            Some(name) => containers.iter().find(|c| c["name"] == name.as_str()),
            None => containers.first(),
        };
        let subject = match &self.container {
            Some(name) => format!("{subject}, image of container {name}"),
            None => format!("{subject}, image"),
        };
        let actual = container.and_then(|c| c["image"].as_str());
        let holds = actual.is_some_and(|image| same_image(image, wanted));
        Evidence::compared(subject, wanted, actual.unwrap_or("no such container"), holds)
    }
}

/// Whether two references name one image: Docker Hub's defaults and `latest` may be left out.
pub fn same_image(a: &str, b: &str) -> bool {
    fn normal(image: &str) -> String {
        let image = image.strip_prefix("docker.io/").unwrap_or(image);
        let image = image.strip_prefix("library/").unwrap_or(image);
        let name = image.rsplit('/').next().unwrap_or(image);
        if name.contains([':', '@']) { image.to_owned() } else { format!("{image}:latest") }
    }
    normal(a) == normal(b)
}

/// What is missing to a finished rollout, as `kubectl rollout status` sees it (kubectl, polymorphichelpers/rollout_status.go).
fn rollout(kind: WorkloadKind, object: &Value) -> Option<String> {
    let spec = |field: &str| object["spec"][field].as_i64();
    let status = |field: &str| object["status"][field].as_i64().unwrap_or(0);
    if object["metadata"]["generation"].as_i64().unwrap_or(0) > status("observedGeneration") {
        return Some("not yet observed by its controller".to_owned());
    }
    let (wanted, updated, available) = match kind {
        WorkloadKind::Deployment => (spec("replicas").unwrap_or(1), status("updatedReplicas"), status("availableReplicas")),
        WorkloadKind::StatefulSet => (spec("replicas").unwrap_or(1), status("updatedReplicas"), status("readyReplicas")),
        WorkloadKind::DaemonSet => (status("desiredNumberScheduled"), status("updatedNumberScheduled"), status("numberAvailable")),
        WorkloadKind::ReplicaSet => (spec("replicas").unwrap_or(1), status("replicas"), status("availableReplicas")),
    };
    if updated < wanted {
        return Some(format!("{updated} of {wanted} up to date"));
    }
    if kind == WorkloadKind::Deployment && status("replicas") > updated {
        return Some(format!("{} old replicas not yet gone", status("replicas") - updated));
    }
    (available < wanted).then(|| format!("{available} of {wanted} available"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::grade::testing::{snapshot, table, with_object};
    use crate::model::Verdict::{Fail, Indeterminate, Pass};

    fn deployment(status: Value) -> Value {
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "shop", "generation": 2},
            "spec": {"replicas": 3, "template": {"spec": {"containers": [{"name": "web", "image": "nginx:1.27"}, {"name": "log", "image": "busybox"}]}}},
            "status": status})
    }

    fn spec(extra: Value) -> Value {
        let mut check = json!({"kind": "Deployment", "namespace": "shop", "name": "web"});
        check.as_object_mut().expect("a map").extend(extra.as_object().expect("a map").clone());
        json!({"workload": check})
    }

    #[test]
    fn accepts_and_rejects() {
        let done = deployment(json!({"observedGeneration": 2, "replicas": 3, "updatedReplicas": 3, "availableReplicas": 3}));
        let known = with_object(snapshot(), done);
        table(
            &known,
            &[
                (spec(json!({})), Pass),
                (spec(json!({"replicas": 3, "image": "nginx:1.27"})), Pass),
                (spec(json!({"replicas": "3"})), Pass),
                (spec(json!({"replicas": 4})), Fail),
                (spec(json!({"image": "nginx:1.26"})), Fail),
                (spec(json!({"container": "log", "image": "busybox:latest"})), Pass),
                (spec(json!({"container": "nope", "image": "busybox"})), Fail),
                (json!({"workload": {"kind": "Deployment", "name": "unread"}}), Indeterminate),
            ],
        );
        for unfinished in [
            json!({"observedGeneration": 1, "replicas": 3, "updatedReplicas": 3, "availableReplicas": 3}),
            json!({"observedGeneration": 2, "replicas": 3, "updatedReplicas": 2, "availableReplicas": 3}),
            json!({"observedGeneration": 2, "replicas": 4, "updatedReplicas": 3, "availableReplicas": 3}),
            json!({"observedGeneration": 2, "replicas": 3, "updatedReplicas": 3, "availableReplicas": 2}),
            json!({}),
        ] {
            let known = with_object(snapshot(), deployment(unfinished));
            table(&known, &[(spec(json!({})), Fail), (spec(json!({"ready": false})), Pass)]);
        }
    }

    #[test]
    fn images_have_defaults() {
        assert!(same_image("nginx", "docker.io/library/nginx:latest"));
        assert!(same_image("registry.k8s.io/pause:3.10", "registry.k8s.io/pause:3.10"));
        assert!(!same_image("nginx:1.27", "nginx"));
        assert!(!same_image("localhost:5000/nginx", "nginx"));
    }
}
