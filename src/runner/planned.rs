//! What a setup would make in a cluster's API, told before it is made.

use serde_json::Value;

use super::error::RunError;
use crate::content::manifest::{self, name_of};
use crate::content::step::Step;
use crate::content::{Instance, template};
use crate::grade::ResourceRef;

/// One object of a setup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedObject {
    /// Kind.
    pub kind: String,
    /// Namespace, `None` for what has none.
    pub namespace: Option<String>,
    /// Name.
    pub name: String,
}

/// What a setup does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Planned {
    /// Objects that it applies.
    pub objects: Vec<PlannedObject>,
    /// Steps whose effects are not known beforehand: scripts, faults, actions on nodes.
    pub opaque: Vec<&'static str>,
}

/// Reads a setup without running it.
pub fn planned(instance: &Instance) -> Result<Planned, RunError> {
    let context = instance.context();
    let mut planned = Planned::default();
    for step in &instance.exercise.setup {
        let (file, text) = match step {
            Step::Apply(path) => (path.as_str(), instance.file(path)?),
            Step::Manifest(text) => ("setup", template::render(text, &context).map_err(crate::content::InstanceError::from)?),
            Step::Capture(_) | Step::Wait(_) => continue,
            Step::Fault(_) => {
                planned.opaque.push("a fault");
                continue;
            }
            Step::Node(_) => {
                planned.opaque.push("an action on a node");
                continue;
            }
            Step::Run(_) => {
                planned.opaque.push("a script");
                continue;
            }
        };
        let objects =
            manifest::objects(&text).map_err(|e| RunError::Manifest { file: file.to_owned(), line: e.span.line, message: e.message })?;
        planned.objects.extend(objects.iter().map(object));
    }
    Ok(planned)
}

fn object(object: &Value) -> PlannedObject {
    let text = |field: &str| object[field].as_str();
    let kind = text("kind").unwrap_or_default();
    let metadata = &object["metadata"];
    PlannedObject {
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
