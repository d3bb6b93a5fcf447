//! Aggregated discovery (`apidiscovery.k8s.io/v2`): everything in two documents.

use serde_json::{Map, Value, json};

use super::lists::{payload, verbs};
use super::order::groups;
use crate::registry::{Registry, Resource};

/// Media type, as clients ask for it and as the answer is marked.
pub(super) const MEDIA_TYPE: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

/// Whether an `Accept` header's best offer is the aggregated form.
pub(super) fn is_wanted(accept: &str) -> bool {
    let first = accept.split(',').map(|t| t.replace(' ', "")).find(|t| {
        let has = |part: &str| t.split(';').any(|p| p == part);
        t.starts_with("application/json")
            && (!t.contains(";as=") || (has("g=apidiscovery.k8s.io") && has("v=v2") && has("as=APIGroupDiscoveryList")))
    });
    first.is_some_and(|t| t.contains("as=APIGroupDiscoveryList"))
}

/// `/api` (the core group only) or `/apis` (all others).
pub(super) fn document(registry: &Registry, core_group: bool) -> Value {
    let items: Vec<Value> = groups(registry)
        .into_iter()
        .filter(|(name, _)| name.is_empty() == core_group)
        .map(|(name, versions)| {
            let metadata = if name.is_empty() { json!({}) } else { json!({"name": name}) };
            let versions: Vec<Value> = versions.into_iter().map(|version| self::version(registry, name, version)).collect();
            json!({"metadata": metadata, "versions": versions})
        })
        .collect();
    json!({"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}, "items": items})
}

fn version(registry: &Registry, group: &str, version: &str) -> Value {
    let resources: Vec<Value> =
        registry.iter().filter(|row| row.gvk.group == group && row.gvk.version == version).map(|row| resource(row)).collect();
    json!({"version": version, "resources": resources, "freshness": "Current"})
}

fn kind((group, version, kind): (&str, &str, &str)) -> Value {
    json!({"group": group, "version": version, "kind": kind})
}

fn resource(row: &Resource) -> Value {
    let mut map = Map::new();
    map.insert("resource".into(), row.plural.clone().into());
    map.insert("responseKind".into(), kind(("", "", &row.gvk.kind)));
    map.insert("scope".into(), if row.namespaced { "Namespaced" } else { "Cluster" }.into());
    map.insert("singularResource".into(), row.singular.clone().into());
    map.insert("verbs".into(), row.verbs.clone().into());
    if !row.short_names.is_empty() {
        map.insert("shortNames".into(), row.short_names.clone().into());
    }
    if !row.categories.is_empty() {
        map.insert("categories".into(), row.categories.clone().into());
    }
    if !row.subresources.is_empty() {
        let subresources: Vec<Value> = row
            .subresources
            .iter()
            .map(|sub| json!({"subresource": sub.name, "responseKind": kind(payload(row, sub)), "verbs": verbs(sub)}))
            .collect();
        map.insert("subresources".into(), subresources.into());
    }
    Value::Object(map)
}

#[cfg(test)]
mod tests {
    use super::is_wanted;

    #[test]
    fn the_first_acceptable_type_decides() {
        let cases = [
            ("application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json", true),
            // kubectl's own order: v2, v2beta1, then plain JSON.
            (
                "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json",
                true,
            ),
            ("application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json", false),
            ("application/json", false),
            ("*/*", false),
            ("", false),
        ];
        for (accept, want) in cases {
            assert_eq!(is_wanted(accept), want, "{accept}");
        }
    }
}
