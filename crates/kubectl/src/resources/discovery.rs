//! What the server serves, and how a word names it (client-go's aggregated discovery and `restmapper`).

use std::sync::Arc;

use serde_json::Value;

use crate::context::Context;
use crate::error::Error;

/// One resource in one version of its group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resource {
    /// API group; empty for the core group.
    pub group: String,
    /// Version in the group.
    pub version: String,
    /// Plural name, as in URLs.
    pub name: String,
    /// Singular name.
    pub singular: String,
    /// Kind of its objects.
    pub kind: String,
    /// Whether its objects live in namespaces.
    pub namespaced: bool,
    /// Short names.
    pub short_names: Vec<String>,
    /// What can be done with it.
    pub verbs: Vec<String>,
    /// Groups of resources it belongs to (`all`).
    pub categories: Vec<String>,
    /// Subresources: name and verbs.
    pub subresources: Vec<(String, Vec<String>)>,
}

impl Resource {
    /// `apps/v1`, or `v1` for the core group.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.clone() } else { format!("{}/{}", self.group, self.version) }
    }

    /// `deployments.apps`, or `pods` for the core group.
    pub fn qualified(&self) -> String {
        if self.group.is_empty() { self.name.clone() } else { format!("{}.{}", self.name, self.group) }
    }

    /// `deployment.apps`, or `pod`: what messages put before a slash and the object's name.
    pub fn kind_qualified(&self) -> String {
        let kind = self.kind.to_lowercase();
        if self.group.is_empty() { kind } else { format!("{kind}.{}", self.group) }
    }

    /// `Deployment.apps`, or `Pod`.
    pub fn kind_group(&self) -> String {
        if self.group.is_empty() { self.kind.clone() } else { format!("{}.{}", self.kind, self.group) }
    }

    /// `deployment.apps/web`.
    pub fn display(&self, name: &str) -> String {
        format!("{}/{name}", self.kind_qualified())
    }

    /// URL path of the collection; `namespace` is left out for cluster-wide resources and for lists of all namespaces.
    pub fn collection(&self, namespace: Option<&str>) -> String {
        let root = if self.group.is_empty() { format!("/api/{}", self.version) } else { format!("/apis/{}/{}", self.group, self.version) };
        match namespace.filter(|n| self.namespaced && !n.is_empty()) {
            Some(namespace) => format!("{root}/namespaces/{}/{}", escape(namespace), self.name),
            None => format!("{root}/{}", self.name),
        }
    }

    /// URL path of an object.
    pub fn object(&self, namespace: Option<&str>, name: &str) -> String {
        format!("{}/{}", self.collection(namespace), escape(name))
    }

    /// Whether a verb is served.
    pub fn can(&self, verb: &str) -> bool {
        self.verbs.iter().any(|v| v == verb)
    }
}

/// Percent-encodes what may not stand in a path segment or a query value.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// All that the server serves, groups in the server's order, preferred versions first.
#[derive(Clone, Debug, Default)]
pub struct Discovery {
    /// Resources.
    pub resources: Vec<Arc<Resource>>,
    /// `group/version` in order.
    pub versions: Vec<String>,
}

/// Times that kubectl asks for the list of groups before it gives up.
const ATTEMPTS: usize = 5;

/// Each attempt leaves a line of client-go's discovery cache (`memCacheClient`).
async fn complain(cx: &Context, error: &Error) -> Result<(), Error> {
    let Error::Transport { method, url, reason } = error else { return Ok(()) };
    let error = component::klog::quote(&format!("couldn't get current server API group list: {method} \"{url}?timeout=32s\": {reason}"));
    for _ in 0..ATTEMPTS {
        let now = cx.now();
        // A number as a process would have; there is none here.
        let pid = 2000 + now.subsec_nanosecond().unsigned_abs() / 1000 % 30_000;
        let time = now.strftime("%m%d %H:%M:%S.%6f");
        cx.eprintln(format!("E{time} {pid:>7} memcache.go:265] \"Unhandled Error\" err={error}")).await?;
    }
    Ok(())
}

const ACCEPT: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json";

impl Discovery {
    /// Asks the server, by aggregated discovery, or version by version where it has none.
    pub async fn fetch(cx: &Context) -> Result<Self, Error> {
        let mut out = Self::default();
        for root in ["/api", "/apis"] {
            let answer = match cx.get_as(root, ACCEPT).await {
                Err(e) if e.is_not_found() => continue,
                Err(e @ Error::Transport { .. }) => {
                    complain(cx, &e).await?;
                    return Err(e);
                }
                other => other?,
            };
            match answer["kind"].as_str() {
                Some("APIGroupDiscoveryList") => out.add_aggregated(&answer),
                Some("APIVersions") => {
                    for version in strings(&answer["versions"]) {
                        out.add_legacy(cx, "", &version).await?;
                    }
                }
                _ => {
                    for group in answer["groups"].as_array().into_iter().flatten() {
                        let name = group["name"].as_str().unwrap_or_default();
                        for version in group["versions"].as_array().into_iter().flatten() {
                            out.add_legacy(cx, name, version["version"].as_str().unwrap_or_default()).await?;
                        }
                    }
                }
            }
        }
        Ok(out)
    }

    fn add_aggregated(&mut self, list: &Value) {
        for group in list["items"].as_array().into_iter().flatten() {
            let name = group["metadata"]["name"].as_str().unwrap_or_default();
            for version in group["versions"].as_array().into_iter().flatten() {
                let number = version["version"].as_str().unwrap_or_default();
                self.versions.push(if name.is_empty() { number.to_owned() } else { format!("{name}/{number}") });
                for r in version["resources"].as_array().into_iter().flatten() {
                    let text = |key: &str| r[key].as_str().unwrap_or_default().to_owned();
                    let subresources = r["subresources"].as_array().into_iter().flatten();
                    self.resources.push(Arc::new(Resource {
                        group: name.to_owned(),
                        version: number.to_owned(),
                        name: text("resource"),
                        singular: text("singularResource"),
                        kind: r["responseKind"]["kind"].as_str().unwrap_or_default().to_owned(),
                        namespaced: r["scope"] == "Namespaced",
                        short_names: strings(&r["shortNames"]),
                        verbs: strings(&r["verbs"]),
                        categories: strings(&r["categories"]),
                        subresources: subresources
                            .map(|s| (s["subresource"].as_str().unwrap_or_default().to_owned(), strings(&s["verbs"])))
                            .collect(),
                    }));
                }
            }
        }
    }

    async fn add_legacy(&mut self, cx: &Context, group: &str, version: &str) -> Result<(), Error> {
        let path = if group.is_empty() { format!("/api/{version}") } else { format!("/apis/{group}/{version}") };
        let list = cx.get(&path).await?;
        self.versions.push(if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") });
        let all = list["resources"].as_array().cloned().unwrap_or_default();
        for r in all.iter().filter(|r| r["name"].as_str().is_some_and(|n| !n.contains('/'))) {
            let text = |key: &str| r[key].as_str().unwrap_or_default().to_owned();
            let name = text("name");
            let prefix = format!("{name}/");
            let subresources =
                all.iter().filter_map(|s| Some((s["name"].as_str()?.strip_prefix(&prefix)?.to_owned(), strings(&s["verbs"]))));
            self.resources.push(Arc::new(Resource {
                group: group.to_owned(),
                version: version.to_owned(),
                singular: text("singularName"),
                kind: text("kind"),
                namespaced: r["namespaced"] == true,
                short_names: strings(&r["shortNames"]),
                verbs: strings(&r["verbs"]),
                categories: strings(&r["categories"]),
                subresources: subresources.collect(),
                name,
            }));
        }
        Ok(())
    }

    /// The resource that a word names: plural, singular, short name or kind, with or without `.group` or `.version.group`.
    pub fn find(&self, word: &str) -> Result<Arc<Resource>, Error> {
        let word = word.to_lowercase();
        let mut dots = word.splitn(3, '.');
        let (name, second, third) = (dots.next().unwrap_or_default(), dots.next(), dots.next());
        // `resource.version.group` is tried before `resource.group.with.dots`.
        if let (Some(version), Some(group)) = (second, third)
            && let Some(found) = self.matching(name, |r| r.version == version && r.group == group)
        {
            return Ok(found);
        }
        let found = match word.split_once('.') {
            Some((name, group)) => self
                .matching(name, |r| r.group == group)
                .or_else(|| self.matching(name, |r| r.group.starts_with(group)))
                .or_else(|| self.matching(name, |r| r.group.is_empty() && r.version == group)),
            None => self.matching(name, |_| true),
        };
        found.ok_or_else(|| Error::message(format!("the server doesn't have a resource type {name:?}")))
    }

    fn matching(&self, name: &str, admit: impl Fn(&Resource) -> bool) -> Option<Arc<Resource>> {
        let by = |test: &dyn Fn(&Resource) -> bool| self.resources.iter().find(|r| admit(r) && test(r)).cloned();
        by(&|r| r.name == name)
            .or_else(|| by(&|r| r.singular == name))
            .or_else(|| by(&|r| r.short_names.iter().any(|s| s == name)))
            .or_else(|| by(&|r| r.kind.to_lowercase() == name))
    }

    /// The resource that serves a kind.
    pub fn of_kind(&self, api_version: &str, kind: &str) -> Option<Arc<Resource>> {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        self.resources.iter().find(|r| r.group == group && r.version == version && r.kind == kind).cloned()
    }

    /// Resources of a category (`all`), if the word is one.
    pub fn category(&self, word: &str) -> Option<Vec<Arc<Resource>>> {
        let mut members: Vec<Arc<Resource>> = Vec::new();
        for r in self.resources.iter().filter(|r| r.categories.iter().any(|c| c == word)) {
            if !members.iter().any(|m| m.group == r.group && m.name == r.name) {
                members.push(r.clone());
            }
        }
        (!members.is_empty()).then_some(members)
    }
}

/// The strings of a JSON array.
pub fn strings(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().filter_map(|v| v.as_str().map(str::to_owned)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Discovery {
        let resource = |group: &str, version: &str, name: &str, kind: &str, short: &str| {
            Arc::new(Resource {
                group: group.into(),
                version: version.into(),
                name: name.into(),
                singular: kind.to_lowercase(),
                kind: kind.into(),
                namespaced: true,
                short_names: vec![short.into()],
                ..Resource::default()
            })
        };
        Discovery {
            resources: vec![
                resource("", "v1", "pods", "Pod", "po"),
                resource("", "v1", "events", "Event", "ev"),
                resource("apps", "v1", "deployments", "Deployment", "deploy"),
                resource("events.k8s.io", "v1", "events", "Event", "ev"),
            ],
            versions: Vec::new(),
        }
    }

    #[test]
    fn words_find_resources() {
        let discovery = sample();
        for (word, want) in [
            ("pods", "pods"),
            ("po", "pods"),
            ("Pod", "pods"),
            ("events", "events"),
            ("ev.events.k8s.io", "events.events.k8s.io"),
            ("events.v1.events.k8s.io", "events.events.k8s.io"),
            ("deploy.app", "deployments.apps"),
            ("deployment.v1.apps", "deployments.apps"),
        ] {
            assert_eq!(discovery.find(word).unwrap().qualified(), want, "{word}");
        }
        assert_eq!(discovery.find("foo.bar").unwrap_err().report().0, "error: the server doesn't have a resource type \"foo\"");
    }

    #[test]
    fn paths() {
        let r = sample().find("deploy").unwrap();
        assert_eq!(r.object(Some("a"), "b"), "/apis/apps/v1/namespaces/a/deployments/b");
        assert_eq!(r.collection(None), "/apis/apps/v1/deployments");
    }
}
