//! The node authorizer: what a kubelet may do by its certificate, and only that
//! (`plugin/pkg/auth/authorizer/node`).

use std::sync::OnceLock;

use serde_json::Value;

use super::chain::Decision;
use super::node_graph::{Thing, reaches};
use super::rules::{Wanted, allows};
use crate::lookup::Lookup;
use crate::request::{RequestInfo, UserInfo};

/// Rules of `system:node` that are not subdivided by the graph.
fn node_rules() -> &'static [Value] {
    static RULES: OnceLock<Vec<Value>> = OnceLock::new();
    RULES.get_or_init(|| crate::bootstrap::cluster_role_rules("system:node"))
}

/// Name of the node that a user is: `Some("")` for a member of `system:nodes` whose name is not a node's.
pub fn node_identity(user: &UserInfo) -> Option<&str> {
    if !user.groups.iter().any(|g| g == "system:nodes") {
        return user.name.starts_with("system:node:").then_some("");
    }
    Some(user.name.strip_prefix("system:node:").unwrap_or_default())
}

/// Whether a request's field selector pins `field` to `value`.
fn selects(info: &RequestInfo, field: &str, value: &str) -> bool {
    let selector = info.query.get("fieldSelector").unwrap_or_default();
    selector.split(',').any(|term| matches!(term.split_once('='), Some((f, v)) if f == field && v.trim_start_matches('=') == value))
}

fn allow() -> Decision {
    Decision { allowed: true, reason: String::new() }
}

fn no(reason: impl Into<String>) -> Decision {
    Decision { allowed: false, reason: reason.into() }
}

pub(super) fn authorize(lookup: &Lookup, user: &UserInfo, info: &RequestInfo) -> Decision {
    // Members of the group only; a name that looks like a node's but lacks the group is nobody here.
    if !user.groups.iter().any(|g| g == "system:nodes") {
        return no("");
    }
    let node = match node_identity(user) {
        Some("") | None => return no(format!("unknown node for user {:?}", user.name)),
        Some(node) => node,
    };
    let request = Request { lookup, node, info };
    if info.is_resource {
        match (info.group.as_str(), info.resource.as_str()) {
            ("", "secrets") => return request.read(Thing::Secret),
            ("", "configmaps") => return request.read(Thing::ConfigMap),
            ("", "persistentvolumeclaims") if info.subresource == "status" => return request.status(Thing::Claim),
            ("", "persistentvolumeclaims") => return request.get(Thing::Claim),
            ("", "persistentvolumes") => return request.get(Thing::Volume),
            ("storage.k8s.io", "volumeattachments") => return request.get(Thing::Attachment),
            ("resource.k8s.io", "resourceclaims") => return request.get(Thing::ResourceClaim),
            ("", "serviceaccounts") => return request.service_account(),
            ("coordination.k8s.io", "leases") => return request.lease(),
            ("storage.k8s.io", "csinodes") => return request.csi_node(),
            ("", "nodes") => return request.node(),
            ("", "pods") => return request.pod(),
            _ => {}
        }
    }
    let wanted = Wanted::of(info);
    if node_rules().iter().any(|rule| allows(rule, &wanted)) { allow() } else { no("") }
}

struct Request<'a> {
    lookup: &'a Lookup,
    node: &'a str,
    info: &'a RequestInfo,
}

impl Request<'_> {
    fn related(&self, thing: Thing) -> Decision {
        if self.info.name.is_empty() {
            return no("No Object name found");
        }
        if reaches(self.lookup, self.node, thing, &self.info.namespace, &self.info.name) {
            allow()
        } else {
            no(format!("no relationship found between node '{}' and this object", self.node))
        }
    }

    fn read(&self, thing: Thing) -> Decision {
        if !matches!(self.info.verb, "get" | "list" | "watch") {
            return no("can only read resources of this type");
        }
        if !self.info.subresource.is_empty() {
            return no("cannot read subresource");
        }
        if self.info.namespace.is_empty() {
            return no("can only read namespaced object of this type");
        }
        // A kubelet watches single objects by `fieldSelector=metadata.name=…`; the request's name comes from there.
        let name = self.named();
        let info = RequestInfo { name, ..self.info.clone() };
        Request { info: &info, ..*self }.related(thing)
    }

    /// The name in the path, or the one that the field selector pins.
    fn named(&self) -> String {
        if !self.info.name.is_empty() {
            return self.info.name.clone();
        }
        let selector = self.info.query.get("fieldSelector").unwrap_or_default();
        let term = selector.split(',').find_map(|t| t.strip_prefix("metadata.name="));
        term.unwrap_or_default().trim_start_matches('=').to_owned()
    }

    fn get(&self, thing: Thing) -> Decision {
        if self.info.verb != "get" {
            return no("can only get individual resources of this type");
        }
        if !self.info.subresource.is_empty() {
            return no("cannot get subresource");
        }
        self.related(thing)
    }

    fn status(&self, thing: Thing) -> Decision {
        if matches!(self.info.verb, "update" | "patch") { self.related(thing) } else { no("can only get/update/patch this type") }
    }

    fn service_account(&self) -> Decision {
        if self.info.verb == "get" && self.info.subresource.is_empty() {
            return self.read(Thing::ServiceAccount);
        }
        if self.info.verb != "create" || self.info.name.is_empty() {
            return no("can only create tokens for individual service accounts");
        }
        if self.info.subresource != "token" {
            return no("can only create token subresource of serviceaccount");
        }
        self.related(Thing::ServiceAccount)
    }

    fn lease(&self) -> Decision {
        if !matches!(self.info.verb, "get" | "create" | "update" | "patch" | "delete") {
            return no("can only get, create, update, patch, or delete a node lease");
        }
        if self.info.namespace != "kube-node-lease" {
            return no("can only access leases in the \"kube-node-lease\" system namespace");
        }
        // On create the name is still in the body; NodeRestriction compares it.
        if self.info.verb != "create" && self.info.name != self.node {
            return no("can only access node lease with the same name as the requesting node");
        }
        allow()
    }

    fn csi_node(&self) -> Decision {
        if !matches!(self.info.verb, "get" | "create" | "update" | "patch" | "delete") {
            return no("can only get, create, update, patch, or delete a CSINode");
        }
        if !self.info.subresource.is_empty() {
            return no("cannot authorize CSINode subresources");
        }
        if self.info.verb != "create" && self.info.name != self.node {
            return no("can only access CSINode with the same name as the requesting node");
        }
        allow()
    }

    fn node(&self) -> Decision {
        match (self.info.subresource.as_str(), self.info.verb) {
            ("", "create" | "update" | "patch") | ("status", "update" | "patch") => allow(),
            ("", "get" | "list" | "watch") => match self.named() {
                name if name == self.node => allow(),
                name if name.is_empty() => no(format!("node '{}' cannot read all nodes, only its own Node object", self.node)),
                name => no(format!("node '{}' cannot read '{name}', only its own Node object", self.node)),
            },
            _ => no(""),
        }
    }

    fn pod(&self) -> Decision {
        match (self.info.subresource.as_str(), self.info.verb) {
            ("", "get") => self.get(Thing::Pod),
            ("", "list" | "watch") if selects(self.info, "spec.nodeName", self.node) => allow(),
            ("", "list" | "watch") if !self.info.name.is_empty() => self.related(Thing::Pod),
            ("", "list" | "watch") => no("can only list/watch pods with spec.nodeName field selector"),
            ("", "create" | "delete") | ("status", "update" | "patch") | ("eviction", "create") => allow(),
            _ => no(""),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_are_known_by_group_and_name() {
        let user = |name: &str, groups: &[&str]| UserInfo {
            name: name.into(),
            groups: groups.iter().map(|g| (*g).to_owned()).collect(),
            ..UserInfo::default()
        };
        assert_eq!(node_identity(&user("system:node:w1", &["system:nodes"])), Some("w1"));
        assert_eq!(node_identity(&user("w1", &["system:nodes"])), Some(""));
        assert_eq!(node_identity(&user("jane", &["dev"])), None);
    }
}
