//! Which subresources a resource has, and who answers which review.

use super::{access_review, binding, eviction, exec, log, proxy, review as reviews, rules_review, token_request};
use crate::registry::{CreateHandler, Gvk, Subresource, SubresourceHandler, SubresourceKind};

const CREATE: &[&str] = &["create"];
const CONNECT: &[&str] = &["create", "get"];
const PROXY: &[&str] = &["create", "delete", "get", "patch", "update"];

/// Subresources of a resource besides `status`, `scale` and parts of the object.
pub fn extra(group: &str, resource: &str) -> Vec<Subresource> {
    let own = |name, kind: &str, verbs, handler: SubresourceHandler| Subresource {
        name,
        gvk: Gvk::new("", "v1", kind),
        verbs,
        kind: SubresourceKind::Handler(handler),
    };
    match (group, resource) {
        ("", "pods") => vec![
            own("attach", "PodAttachOptions", CONNECT, exec::attach),
            own("binding", "Binding", CREATE, binding::of_pod),
            Subresource {
                name: "eviction",
                gvk: Gvk::new("policy", "v1", "Eviction"),
                verbs: CREATE,
                kind: SubresourceKind::Handler(eviction::handle),
            },
            own("exec", "PodExecOptions", CONNECT, exec::exec),
            own("log", "Pod", &["get"], log::handle),
            own("portforward", "PodPortForwardOptions", CONNECT, exec::port_forward),
            own("proxy", "PodProxyOptions", PROXY, proxy::pod),
        ],
        ("", "nodes") => vec![own("proxy", "NodeProxyOptions", PROXY, proxy::node)],
        ("", "services") => vec![own("proxy", "ServiceProxyOptions", PROXY, proxy::service)],
        ("", "serviceaccounts") => vec![Subresource {
            name: "token",
            gvk: Gvk::new("authentication.k8s.io", "v1", "TokenRequest"),
            verbs: CREATE,
            kind: SubresourceKind::Handler(token_request::handle),
        }],
        _ => Vec::new(),
    }
}

/// The answer of a kind that can only be created.
pub fn review(group: &str, kind: &str) -> Option<CreateHandler> {
    Some(match (group, kind) {
        ("", "Binding") => binding::create,
        ("authentication.k8s.io", "SelfSubjectReview") => reviews::self_subject,
        ("authentication.k8s.io", "TokenReview") => reviews::token,
        ("authorization.k8s.io", "SelfSubjectAccessReview") => access_review::of_self,
        ("authorization.k8s.io", "SubjectAccessReview") => access_review::of_anybody,
        ("authorization.k8s.io", "LocalSubjectAccessReview") => access_review::local,
        ("authorization.k8s.io", "SelfSubjectRulesReview") => rules_review::handle,
        _ => return None,
    })
}
