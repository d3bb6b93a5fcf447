//! Helpers of the tests of validators.

use serde_json::Value;

use crate::registry::{Hooks, Resource, Storage, Validate, Validation};
use crate::schema::Table;

/// A row without behaviour, for validators that do not look at it.
pub fn row(group: &str, version: &str, kind: &str, plural: &str) -> Resource {
    let schema = Table::builtin();
    let type_id = schema.find("io.k8s.api.core.v1.Pod").expect("pods have a type");
    Resource {
        gvk: crate::registry::Gvk::new(group, version, kind),
        list_kind: format!("{kind}List"),
        plural: plural.to_owned(),
        singular: kind.to_ascii_lowercase(),
        short_names: Vec::new(),
        categories: Vec::new(),
        namespaced: true,
        verbs: Vec::new(),
        subresources: Vec::new(),
        storage: Storage::Stored { prefix: format!("/registry/{plural}"), conversion: None },
        schema,
        type_id,
        hooks: Hooks::default(),
    }
}

/// Texts of what a validator says.
pub fn judge(validate: Validate, object: &Value, old: Option<&Value>) -> Vec<String> {
    let resource = row("", "v1", "Test", "tests");
    validate(&Validation { resource: &resource, object, old, subresource: "" }).iter().map(ToString::to_string).collect()
}
