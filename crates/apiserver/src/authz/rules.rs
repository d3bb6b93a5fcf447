//! Evaluating one RBAC rule (`pkg/apis/rbac/v1/evaluation_helpers.go`).

use serde_json::Value;

use crate::json::Json;
use crate::request::RequestInfo;

/// What is asked of a rule.
#[derive(Clone, Copy, Debug)]
pub enum Wanted<'a> {
    /// A verb on a resource.
    Resource {
        /// Verb.
        verb: &'a str,
        /// API group.
        group: &'a str,
        /// Plural name.
        resource: &'a str,
        /// Subresource or empty.
        subresource: &'a str,
        /// Object name or empty.
        name: &'a str,
    },
    /// A verb on a path.
    Path {
        /// Verb.
        verb: &'a str,
        /// Path.
        path: &'a str,
    },
}

impl<'a> Wanted<'a> {
    /// What a request asks.
    pub fn of(info: &'a RequestInfo) -> Self {
        if info.is_resource {
            Self::Resource {
                verb: info.verb,
                group: &info.group,
                resource: &info.resource,
                subresource: &info.subresource,
                name: &info.name,
            }
        } else {
            Self::Path { verb: info.verb, path: &info.path }
        }
    }
}

fn has(rule: &Value, field: &str, wanted: &str) -> bool {
    rule.list(field).iter().any(|v| v == "*" || v == wanted)
}

/// Whether a `PolicyRule` allows what is wanted.
pub fn allows(rule: &Value, wanted: &Wanted<'_>) -> bool {
    match *wanted {
        Wanted::Resource { verb, group, resource, subresource, name } => {
            has(rule, "verbs", verb)
                && has(rule, "apiGroups", group)
                && resource_matches(rule, resource, subresource)
                && (rule.list("resourceNames").is_empty() || rule.list("resourceNames").iter().any(|n| n == name))
        }
        Wanted::Path { verb, path } => {
            has(rule, "verbs", verb)
                && rule
                    .list("nonResourceURLs")
                    .iter()
                    .filter_map(Value::as_str)
                    .any(|url| url == "*" || url == path || url.strip_suffix('*').is_some_and(|start| path.starts_with(start)))
        }
    }
}

fn resource_matches(rule: &Value, resource: &str, subresource: &str) -> bool {
    rule.list("resources").iter().filter_map(Value::as_str).any(|entry| {
        if entry == "*" {
            return true;
        }
        match entry.split_once('/') {
            None => subresource.is_empty() && entry == resource,
            Some(("*", sub)) => !subresource.is_empty() && sub == subresource,
            Some((parent, sub)) => !subresource.is_empty() && parent == resource && sub == subresource,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn rules_match_as_upstream() {
        let pods = json!({"apiGroups": [""], "resources": ["pods", "pods/log"], "verbs": ["get", "list"]});
        let named = json!({"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"], "resourceNames": ["a"]});
        let scales = json!({"apiGroups": ["*"], "resources": ["*/scale"], "verbs": ["*"]});
        let all = json!({"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]});
        // rule, verb, group, resource, subresource, name, allowed
        let cases = [
            (&pods, "get", "", "pods", "", "x", true),
            (&pods, "get", "", "pods", "log", "x", true),
            (&pods, "get", "", "pods", "exec", "x", false),
            (&pods, "delete", "", "pods", "", "x", false),
            (&pods, "get", "apps", "pods", "", "x", false),
            (&named, "get", "", "secrets", "", "a", true),
            (&named, "get", "", "secrets", "", "b", false),
            (&named, "list", "", "secrets", "", "", false),
            (&scales, "update", "apps", "deployments", "scale", "x", true),
            (&scales, "update", "apps", "deployments", "", "x", false),
            (&all, "patch", "apps", "deployments", "status", "x", true),
        ];
        for (rule, verb, group, resource, subresource, name, want) in cases {
            let wanted = Wanted::Resource { verb, group, resource, subresource, name };
            assert_eq!(allows(rule, &wanted), want, "{wanted:?}");
        }
    }

    #[test]
    fn urls_match_exactly_or_by_prefix() {
        let rule = json!({"nonResourceURLs": ["/healthz", "/apis/*"], "verbs": ["get"]});
        for (path, want) in [("/healthz", true), ("/healthz/etcd", false), ("/apis/apps", true), ("/", false)] {
            assert_eq!(allows(&rule, &Wanted::Path { verb: "get", path }), want, "{path}");
        }
    }
}
