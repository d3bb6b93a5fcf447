//! What a setup would make in a cluster's API, told before it is made.

use serde_json::Value;

use super::error::RunError;
use crate::backend::existing::Planned;
use crate::content::Instance;
use crate::content::manifest::{self, name_of};
use crate::content::step::Step;
use crate::grade::ResourceRef;

/// What a setup does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SetupPlan {
    /// Objects that it applies.
    pub objects: Vec<Planned>,
    /// Steps whose effects are not known beforehand: scripts, faults, actions on nodes.
    pub opaque: Vec<&'static str>,
}

/// Reads a setup without running it.
pub fn planned(instance: &Instance) -> Result<SetupPlan, RunError> {
    let mut plan = SetupPlan::default();
    for step in &instance.exercise.setup {
        match step {
            Step::Apply(_) | Step::Manifest(_) | Step::Capture(_) | Step::Wait(_) => {}
            Step::Fault(_) => plan.opaque.push("a fault"),
            Step::Node(_) => plan.opaque.push("an action on a node"),
            Step::Run(_) => plan.opaque.push("a script"),
        }
        let Some((file, text)) = instance.manifest(step)? else { continue };
        let objects =
            manifest::objects(&text).map_err(|e| RunError::Manifest { file: file.to_owned(), line: e.span.line, message: e.message })?;
        plan.objects.extend(objects.iter().map(object));
    }
    Ok(plan)
}

fn object(object: &Value) -> Planned {
    let text = |field: &str| object[field].as_str();
    let kind = text("kind").unwrap_or_default();
    let metadata = &object["metadata"];
    Planned {
        kind: kind.to_owned(),
        namespace: ResourceRef::new(kind, text("apiVersion")).namespace(metadata["namespace"].as_str()),
        name: metadata["name"].as_str().map_or_else(|| name_of(object), str::to_owned),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::object;

    #[test]
    fn objects_know_whether_they_have_a_namespace() {
        let namespace = |value| object(&value).namespace;
        assert_eq!(namespace(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a"}})), None);
        assert_eq!(namespace(json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}})).as_deref(), Some("default"));
        let role =
            json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "a", "namespace": "x"}});
        assert_eq!(namespace(role), None);
    }
}
