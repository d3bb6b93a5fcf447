//! Which kinds the server has.

use serde_json::Value;

use super::rest::Rest;

/// A collection that the server offers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Resource {
    /// API group, empty for the core.
    pub group: String,
    /// Version.
    pub version: String,
    /// Plural name.
    pub plural: String,
    /// Kind.
    pub kind: String,
    /// Whether its objects live in namespaces.
    pub namespaced: bool,
    /// What can be done with it.
    pub verbs: Vec<String>,
}

impl Resource {
    /// Path of the collection in all namespaces, or in one.
    pub fn path(&self, namespace: &str) -> String {
        let base = if self.group.is_empty() { format!("/api/{}", self.version) } else { format!("/apis/{}/{}", self.group, self.version) };
        if namespace.is_empty() { format!("{base}/{}", self.plural) } else { format!("{base}/namespaces/{namespace}/{}", self.plural) }
    }

    /// `apiVersion` of its objects.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.clone() } else { format!("{}/{}", self.group, self.version) }
    }

    /// `pods` or `deployments.apps`.
    pub fn name(&self) -> String {
        if self.group.is_empty() { self.plural.clone() } else { format!("{}.{}", self.plural, self.group) }
    }

    /// Whether it has all these verbs.
    pub fn can(&self, verbs: &[&str]) -> bool {
        verbs.iter().all(|v| self.verbs.iter().any(|own| own == v))
    }
}

/// The collections of every group's preferred version, in order, and the groups that could not be asked with what they said.
pub async fn preferred(rest: &Rest) -> Result<(Vec<Resource>, Vec<(String, kube::Error)>), kube::Error> {
    let mut paths = vec![(String::new(), "v1".to_owned())];
    let groups = rest.get_json("/apis").await?;
    for group in groups["groups"].as_array().into_iter().flatten() {
        let (name, version) =
            (group["name"].as_str().unwrap_or_default(), group["preferredVersion"]["version"].as_str().unwrap_or_default());
        paths.push((name.to_owned(), version.to_owned()));
    }
    let (mut resources, mut failed) = (Vec::new(), Vec::new());
    for (group, version) in paths {
        let path = if group.is_empty() { format!("/api/{version}") } else { format!("/apis/{group}/{version}") };
        match rest.get_json(&path).await {
            Ok(list) => resources.extend(list["resources"].as_array().into_iter().flatten().filter_map(|r| read(r, &group, &version))),
            Err(error) => failed.push((format!("{group}/{version}"), error)),
        }
    }
    resources.sort();
    Ok((resources, failed))
}

fn read(value: &Value, group: &str, version: &str) -> Option<Resource> {
    let plural = value["name"].as_str()?.to_owned();
    if plural.contains('/') {
        return None;
    }
    Some(Resource {
        group: value["group"].as_str().filter(|g| !g.is_empty()).unwrap_or(group).to_owned(),
        version: value["version"].as_str().filter(|v| !v.is_empty()).unwrap_or(version).to_owned(),
        plural,
        kind: value["kind"].as_str()?.to_owned(),
        namespaced: value["namespaced"].as_bool().unwrap_or(false),
        verbs: value["verbs"].as_array().into_iter().flatten().filter_map(|v| v.as_str().map(str::to_owned)).collect(),
    })
}
