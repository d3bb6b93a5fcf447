//! The document of one group version.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::paths;
use super::schema::{Schemas, gvk};
use crate::registry::{Gvk, Registry, Resource};
use crate::schema::{Table, TypeId};

/// Types that operations refer to besides the kinds.
const COMMON: [&str; 3] = [
    "io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions",
    "io.k8s.apimachinery.pkg.apis.meta.v1.Status",
    "io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta",
];

/// Builds the document of a group version; `None` when it is not served.
pub fn document(registry: &Registry, group: &str, version: &str) -> Option<Value> {
    let rows: Vec<&Arc<Resource>> = registry.iter().filter(|r| r.gvk.group == group && r.gvk.version == version).collect();
    if rows.is_empty() {
        return None;
    }
    let base = if group.is_empty() { format!("/api/{version}") } else { format!("/apis/{group}/{version}") };
    let mut all_paths = Map::new();
    let mut schemas = Map::new();
    // Rows of custom resources have tables of their own; built-in ones share one.
    let mut by_table: Vec<(&Arc<Table>, Vec<&Arc<Resource>>)> = Vec::new();
    for row in &rows {
        paths::add(row, &base, &mut all_paths);
        match by_table.iter_mut().find(|(table, _)| Arc::ptr_eq(table, &row.schema)) {
            Some((_, list)) => list.push(row),
            None => by_table.push((&row.schema, vec![row])),
        }
    }
    for (table, rows) in by_table {
        schemas.append(&mut components(table, &rows));
    }
    schemas.sort_keys();
    all_paths.sort_keys();
    Some(json!({
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes", "version": "1.35"},
        "paths": all_paths,
        "components": {"schemas": schemas},
    }))
}

fn components(table: &Table, rows: &[&Arc<Resource>]) -> Map<String, Value> {
    let mut kinds: BTreeMap<TypeId, Vec<Gvk>> = BTreeMap::new();
    for row in rows {
        kinds.entry(row.type_id).or_default().push(row.gvk.clone());
        for sub in &row.subresources {
            let name = Table::type_name(&sub.gvk.group, &sub.gvk.version, &sub.gvk.kind);
            if let Some(id) = table.find(&name).filter(|id| *id != row.type_id) {
                let list = kinds.entry(id).or_default();
                if !list.contains(&sub.gvk) {
                    list.push(sub.gvk.clone());
                }
            }
        }
    }
    let ids: Vec<TypeId> = kinds.keys().copied().collect();
    let mut schemas = Schemas::new(table, kinds);
    for id in ids {
        schemas.want(id);
    }
    for name in COMMON {
        schemas.want_named(name);
    }
    schemas.add(
        "io.k8s.apimachinery.pkg.apis.meta.v1.Patch".to_owned(),
        json!({"description": "Patch is provided to give a concrete name and type to the Kubernetes PATCH request body.", "type": "object"}),
    );
    for row in rows.iter().filter(|row| row.has_verb("list")) {
        let object = table.get(row.type_id).name.clone();
        let name = paths::list_name(&object);
        if let Some(id) = table.find(&name) {
            schemas.want(id);
            continue;
        }
        let list_kind = Gvk { kind: row.list_kind.clone(), ..row.gvk.clone() };
        schemas.add(name, list(&object, &row.gvk.kind, &list_kind));
    }
    schemas.finish()
}

/// The schema of a list, which is the same for all kinds.
fn list(object: &str, kind: &str, list_kind: &Gvk) -> Value {
    let reference = super::schema::reference;
    json!({
        "description": format!("{} is a list of {kind} objects.", list_kind.kind),
        "type": "object",
        "required": ["items"],
        "properties": {
            "apiVersion": {"description": "APIVersion defines the versioned schema of this representation of an object.", "type": "string"},
            "items": {"description": format!("items is the list of {kind} objects."), "type": "array", "items": {"default": {}, "allOf": [reference(object)]}},
            "kind": {"description": "Kind is a string value representing the REST resource this object represents.", "type": "string"},
            "metadata": {"description": "Standard list metadata.", "default": {}, "allOf": [reference(COMMON[2])]},
        },
        "x-kubernetes-group-version-kind": [gvk(list_kind)],
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Json;

    fn apps() -> Value {
        document(&Registry::builtin(), "apps", "v1").expect("it is served")
    }

    #[test]
    fn explain_finds_kinds_by_path_and_schema_by_kind() {
        let document = apps();
        let path = &document["paths"]["/apis/apps/v1/namespaces/{namespace}/deployments"];
        assert_eq!(path["get"]["x-kubernetes-group-version-kind"], json!({"group": "apps", "kind": "Deployment", "version": "v1"}));
        let schema = &document["components"]["schemas"]["io.k8s.api.apps.v1.Deployment"];
        assert_eq!(schema["x-kubernetes-group-version-kind"][0]["kind"], "Deployment");
        assert!(!schema.text("description").is_empty());
        assert_eq!(schema["properties"]["spec"]["allOf"][0]["$ref"], "#/components/schemas/io.k8s.api.apps.v1.DeploymentSpec");
    }

    #[test]
    fn patches_take_the_parameters_that_kubectl_looks_for() {
        let document = apps();
        let patch = &document["paths"]["/apis/apps/v1/namespaces/{namespace}/deployments/{name}"]["patch"];
        let names: Vec<&str> = patch.list("parameters").iter().map(|p| p.text("name")).collect();
        assert_eq!(names, ["dryRun", "fieldManager", "fieldValidation", "force"]);
        assert!(patch["requestBody"]["content"]["application/strategic-merge-patch+json"].is_object());
    }

    #[test]
    fn merge_keys_and_list_types_are_there() {
        let document = apps();
        let container = &document["components"]["schemas"]["io.k8s.api.core.v1.Container"]["properties"];
        assert_eq!(container["ports"]["x-kubernetes-patch-merge-key"], "containerPort");
        assert_eq!(container["ports"]["x-kubernetes-list-map-keys"], json!(["containerPort", "protocol"]));
        let pod = &document["components"]["schemas"]["io.k8s.api.core.v1.PodSpec"]["properties"];
        assert_eq!(pod["volumes"]["x-kubernetes-patch-strategy"], "merge,retainKeys");
    }

    #[test]
    fn every_reference_leads_somewhere() {
        for (group, version) in [("", "v1"), ("apps", "v1"), ("batch", "v1"), ("networking.k8s.io", "v1"), ("autoscaling", "v2")] {
            let document = document(&Registry::builtin(), group, version).expect("it is served");
            let schemas = document["components"]["schemas"].as_object().expect("schemas");
            let text = document.to_string();
            for part in text.split("\"$ref\":\"#/components/schemas/").skip(1) {
                let name = part.split('"').next().expect("a name");
                assert!(schemas.contains_key(name), "{group}/{version}: {name}");
            }
        }
    }
}
