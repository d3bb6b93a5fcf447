//! The classic documents: `APIVersions`, `APIGroupList`, `APIGroup`, `APIResourceList`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::order::groups;
use crate::registry::{Registry, Resource, Storage, Subresource, SubresourceKind};

/// `/api`.
pub(super) fn api_versions(server_address: &str) -> Value {
    json!({
        "kind": "APIVersions",
        "versions": ["v1"],
        "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": server_address}],
    })
}

fn group(name: &str, versions: &[&str]) -> Map<String, Value> {
    let version = |v: &&str| json!({"groupVersion": format!("{name}/{v}"), "version": v});
    let mut map = Map::new();
    map.insert("name".into(), name.into());
    map.insert("versions".into(), versions.iter().map(version).collect());
    map.insert("preferredVersion".into(), versions.first().map_or(Value::Null, version));
    map
}

/// `/apis`.
pub(super) fn api_groups(registry: &Registry) -> Value {
    let list: Vec<Value> =
        groups(registry).iter().filter(|(name, _)| !name.is_empty()).map(|(name, versions)| Value::Object(group(name, versions))).collect();
    json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": list})
}

/// `/apis/GROUP`.
pub(super) fn api_group(registry: &Registry, name: &str) -> Option<Value> {
    let (_, versions) = groups(registry).into_iter().find(|(group, _)| *group == name && !name.is_empty())?;
    let mut document = Map::new();
    document.insert("kind".into(), "APIGroup".into());
    document.insert("apiVersion".into(), "v1".into());
    document.extend(group(name, &versions));
    Some(Value::Object(document))
}

/// `/api/v1` or `/apis/GROUP/VERSION`.
pub(super) fn api_resources(registry: &Registry, group: &str, version: &str) -> Option<Value> {
    if !registry.has_version(group, version) {
        return None;
    }
    let rows = registry.iter().filter(|row| row.gvk.group == group && row.gvk.version == version);
    let mut resources: Vec<(String, Value)> = rows
        .flat_map(|row| {
            let subs = row.subresources.iter().map(|sub| subresource(row, sub));
            std::iter::once((row.plural.clone(), resource(row))).chain(subs).collect::<Vec<_>>()
        })
        .collect();
    resources.sort_by(|(a, _), (b, _)| a.cmp(b));
    let resources: Vec<Value> = resources.into_iter().map(|(_, value)| value).collect();
    let mut document = Map::new();
    document.insert("kind".into(), "APIResourceList".into());
    // The core group's list carries no apiVersion.
    if !group.is_empty() {
        document.insert("apiVersion".into(), "v1".into());
    }
    let group_version = if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") };
    document.insert("groupVersion".into(), group_version.into());
    document.insert("resources".into(), resources.into());
    Some(Value::Object(document))
}

fn resource(row: &Resource) -> Value {
    let mut map = Map::new();
    map.insert("name".into(), row.plural.clone().into());
    map.insert("singularName".into(), row.singular.clone().into());
    map.insert("namespaced".into(), row.namespaced.into());
    map.insert("kind".into(), row.gvk.kind.clone().into());
    map.insert("verbs".into(), row.verbs.clone().into());
    if !row.short_names.is_empty() {
        map.insert("shortNames".into(), row.short_names.clone().into());
    }
    if !row.categories.is_empty() {
        map.insert("categories".into(), row.categories.clone().into());
    }
    if let Storage::Stored { conversion, .. } = &row.storage {
        let stored = conversion.map_or_else(|| row.gvk.api_version(), |c| c.stored_api_version.to_owned());
        let (group, version) = stored.split_once('/').unwrap_or(("", &stored));
        // `discovery.StorageVersionHash`: the start of a hash of the stored kind.
        let hash = Sha256::digest(format!("{group}/{version}/{}", row.gvk.kind));
        map.insert("storageVersionHash".into(), STANDARD.encode(&hash[..8]).into());
    }
    Value::Object(map)
}

/// Kind of a subresource's payload: `get` of a log says `Pod`.
pub(super) fn payload<'a>(row: &'a Resource, sub: &'a Subresource) -> (&'a str, &'a str, &'a str) {
    match sub.kind {
        SubresourceKind::Status | SubresourceKind::Part(_) => ("", "", &row.gvk.kind),
        _ if sub.gvk.group == row.gvk.group && sub.gvk.version == row.gvk.version => ("", "", &sub.gvk.kind),
        _ => (&sub.gvk.group, &sub.gvk.version, &sub.gvk.kind),
    }
}

/// Verbs of a subresource in listing order.
pub(super) fn verbs(sub: &Subresource) -> Vec<&'static str> {
    let mut verbs = sub.verbs.to_vec();
    verbs.sort_unstable();
    verbs
}

fn subresource(row: &Resource, sub: &Subresource) -> (String, Value) {
    let name = format!("{}/{}", row.plural, sub.name);
    let (group, version, kind) = payload(row, sub);
    let mut map = Map::new();
    map.insert("name".into(), name.clone().into());
    map.insert("singularName".into(), "".into());
    map.insert("namespaced".into(), row.namespaced.into());
    if !version.is_empty() {
        if !group.is_empty() {
            map.insert("group".into(), group.into());
        }
        map.insert("version".into(), version.into());
    }
    map.insert("kind".into(), kind.into());
    map.insert("verbs".into(), verbs(sub).into());
    (name, Value::Object(map))
}
