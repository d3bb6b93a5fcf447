//! The authorizers in the order of `--authorization-mode`, after the short cut for `system:masters`.

use std::sync::Arc;

use futures::future::BoxFuture;

use super::rules::Wanted;
use super::{node, rbac};
use crate::lookup::Lookup;
use crate::request::{RequestInfo, UserInfo};
use crate::server::{Authorizer, Core};
use crate::status::ApiError;

/// What authorizers found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decision {
    /// Whether one of them allows it.
    pub allowed: bool,
    /// Why (not).
    pub reason: String,
}

/// The authorizers that the configuration names.
#[derive(Clone, Copy, Debug, Default)]
pub struct Modes;

impl Authorizer for Modes {
    fn authorize<'a>(&'a self, core: &'a Arc<Core>, user: &'a UserInfo, info: &'a RequestInfo) -> BoxFuture<'a, Result<(), ApiError>> {
        let decision = decide(core, user, info);
        Box::pin(std::future::ready(if decision.allowed { Ok(()) } else { Err(forbidden(user, info, &decision.reason)) }))
    }
}

/// Asks the authorizers in turn; none of them denies for good, so the first that allows decides.
pub fn decide(core: &Core, user: &UserInfo, info: &RequestInfo) -> Decision {
    if user.groups.iter().any(|g| g == "system:masters") {
        return Decision { allowed: true, reason: String::new() };
    }
    let lookup = Lookup::new(core);
    let mut reasons = Vec::new();
    for mode in &core.config.authorization_modes {
        let decision = match mode.as_str() {
            "AlwaysAllow" => Decision { allowed: true, reason: String::new() },
            "AlwaysDeny" => Decision { allowed: false, reason: "Everything is forbidden.".to_owned() },
            "Node" => node::authorize(&lookup, user, info),
            "RBAC" => rbac::authorize(core, user, &info.namespace, &Wanted::of(info)),
            _ => Decision::default(),
        };
        if decision.allowed {
            return decision;
        }
        if !decision.reason.is_empty() {
            reasons.push(decision.reason);
        }
    }
    Decision { allowed: false, reason: reasons.join("\n") }
}

/// 403 with upstream's text (`responsewriters.ForbiddenStatusError`).
pub fn forbidden(user: &UserInfo, info: &RequestInfo, reason: &str) -> ApiError {
    let mut why = if info.is_resource {
        let resource = if info.subresource.is_empty() { info.resource.clone() } else { format!("{}/{}", info.resource, info.subresource) };
        let place =
            if info.namespace.is_empty() { "at the cluster scope".to_owned() } else { format!("in the namespace {:?}", info.namespace) };
        format!("User {:?} cannot {} resource {resource:?} in API group {:?} {place}", user.name, info.verb, info.group)
    } else {
        format!("User {:?} cannot {} path {:?}", user.name, info.verb, info.path)
    };
    if !reason.is_empty() {
        why = format!("{why}: {reason}");
    }
    ApiError::forbidden(&info.group, &info.resource, &info.name, &why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_read_as_upstreams() {
        let user = UserInfo { name: "jane".into(), ..UserInfo::default() };
        let pods =
            RequestInfo { is_resource: true, verb: "list", resource: "pods".into(), namespace: "default".into(), ..RequestInfo::default() };
        let node = RequestInfo { is_resource: true, verb: "get", resource: "nodes".into(), name: "n1".into(), ..RequestInfo::default() };
        let log = RequestInfo { subresource: "log".into(), name: "p".into(), verb: "get", ..pods.clone() };
        let path = RequestInfo { verb: "get", path: "/metrics".into(), ..RequestInfo::default() };
        let cases = [
            (&pods, r#"pods is forbidden: User "jane" cannot list resource "pods" in API group "" in the namespace "default""#),
            (&node, r#"nodes "n1" is forbidden: User "jane" cannot get resource "nodes" in API group "" at the cluster scope"#),
            (&log, r#"pods "p" is forbidden: User "jane" cannot get resource "pods/log" in API group "" in the namespace "default""#),
            (&path, r#"forbidden: User "jane" cannot get path "/metrics""#),
        ];
        for (info, want) in cases {
            assert_eq!(forbidden(&user, info, "").message, want);
        }
    }
}
