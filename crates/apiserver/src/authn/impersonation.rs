//! `Impersonate-…` headers (`apiserver/pkg/endpoints/filters/impersonation`).

use std::collections::BTreeMap;

use http::request::Parts;

use super::service_account;
use crate::authz;
use crate::request::{RequestInfo, UserInfo, decode};
use crate::server::Core;
use crate::status::ApiError;

const EXTRA: &str = "impersonate-extra-";

/// The user that a request wants to be, if `user` may be it; `user` itself when it asks for nobody else.
pub fn impersonate(core: &Core, request: &Parts, user: UserInfo) -> Result<UserInfo, ApiError> {
    let all = |name: &str| -> Vec<String> {
        request.headers.get_all(name).iter().filter_map(|v| v.to_str().ok()).map(str::to_owned).filter(|v| !v.is_empty()).collect()
    };
    let name = all("impersonate-user").into_iter().next().unwrap_or_default();
    let groups = all("impersonate-group");
    let uid = all("impersonate-uid").into_iter().next().unwrap_or_default();
    let mut extra: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (header, value) in &request.headers {
        if let (Some(key), Ok(value)) = (header.as_str().strip_prefix(EXTRA), value.to_str()) {
            extra.entry(decode(key, false).to_ascii_lowercase()).or_default().push(value.to_owned());
        }
    }
    if name.is_empty() {
        if groups.is_empty() && uid.is_empty() && extra.is_empty() {
            return Ok(user);
        }
        let what = if groups.is_empty() { if uid.is_empty() { "userExtras" } else { "uid" } } else { "groups" };
        return Err(ApiError::internal(format!("requested {what} impersonation without impersonating a user")));
    }

    let account = service_account::parse_username(&name);
    match account {
        Some((namespace, account)) => check(core, &user, "", "serviceaccounts", "", namespace, account)?,
        None => check(core, &user, "", "users", "", "", &name)?,
    }
    for group in &groups {
        check(core, &user, "", "groups", "", "", group)?;
    }
    for (key, values) in &extra {
        for value in values {
            check(core, &user, "authentication.k8s.io", "userextras", key, "", value)?;
        }
    }
    if !uid.is_empty() {
        check(core, &user, "authentication.k8s.io", "uids", "", "", &uid)?;
    }

    let mut groups = groups;
    if groups.is_empty()
        && let Some((namespace, _)) = account
    {
        groups = service_account::groups(namespace);
    }
    let has = |wanted: &str| groups.iter().any(|g| g == wanted);
    if name == "system:anonymous" {
        if !has("system:unauthenticated") {
            groups.push("system:unauthenticated".to_owned());
        }
    } else if !has("system:authenticated") && !has("system:unauthenticated") {
        groups.push("system:authenticated".to_owned());
    }
    Ok(UserInfo { name, uid, groups, extra })
}

fn check(
    core: &Core,
    user: &UserInfo,
    group: &str,
    resource: &str,
    subresource: &str,
    namespace: &str,
    name: &str,
) -> Result<(), ApiError> {
    let info = RequestInfo {
        is_resource: true,
        verb: "impersonate",
        group: group.to_owned(),
        version: "v1".to_owned(),
        resource: resource.to_owned(),
        subresource: subresource.to_owned(),
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        ..RequestInfo::default()
    };
    let decision = authz::decide(core, user, &info);
    if decision.allowed { Ok(()) } else { Err(authz::forbidden(user, &info, &decision.reason)) }
}
