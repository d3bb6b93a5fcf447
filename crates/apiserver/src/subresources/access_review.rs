//! Access reviews: may somebody do something (`pkg/registry/authorization`).

use futures::future::BoxFuture;
use serde_json::{Value, json};

use crate::authz::{Decision, decide};
use crate::json::Json;
use crate::registry::CreateCall;
use crate::request::{Query, RequestInfo, UserInfo};
use crate::status::{ApiError, FieldError};

type Answer = BoxFuture<'static, Result<Value, ApiError>>;

/// `SelfSubjectAccessReview`.
pub(super) fn of_self(call: CreateCall) -> Answer {
    Box::pin(async move {
        let user = call.context.user.clone();
        answer(&call, &user, None)
    })
}

/// `SubjectAccessReview`.
pub(super) fn of_anybody(call: CreateCall) -> Answer {
    Box::pin(async move {
        let user = named(&call)?;
        answer(&call, &user, None)
    })
}

/// `LocalSubjectAccessReview`: within one namespace.
pub(super) fn local(call: CreateCall) -> Answer {
    Box::pin(async move {
        let user = named(&call)?;
        let namespace = call.context.info.namespace.clone();
        let asked = call.object.text("spec.resourceAttributes.namespace");
        if asked != namespace {
            let why = format!("spec.resourceAttributes.namespace must match namespace: {namespace}");
            let error = FieldError::invalid("spec.resourceAttributes.namespace", asked, why);
            return Err(ApiError::invalid("authorization.k8s.io", "LocalSubjectAccessReview", "", &[error]));
        }
        answer(&call, &user, Some(&namespace))
    })
}

fn named(call: &CreateCall) -> Result<UserInfo, ApiError> {
    let spec = call.object.at("spec");
    if spec.text("user").is_empty() && spec.list("groups").is_empty() {
        let error = FieldError::invalid("spec.user", "", "at least one of user or group must be specified");
        return Err(ApiError::invalid("authorization.k8s.io", &call.resource.gvk.kind, "", &[error]));
    }
    let texts = |value: &Value| value.as_array().into_iter().flatten().filter_map(|v| v.as_str().map(str::to_owned)).collect::<Vec<_>>();
    Ok(UserInfo {
        name: spec.text("user").to_owned(),
        uid: spec.text("uid").to_owned(),
        groups: texts(spec.at("groups")),
        extra: spec.entries("extra").into_iter().map(|(k, v)| (k.to_ascii_lowercase(), texts(v))).collect(),
    })
}

fn answer(call: &CreateCall, user: &UserInfo, namespace: Option<&str>) -> Result<Value, ApiError> {
    let spec = call.object.at("spec");
    let invalid = |error: FieldError| Err(ApiError::invalid("authorization.k8s.io", &call.resource.gvk.kind, "", &[error]));
    let info = match (spec.at("resourceAttributes"), spec.at("nonResourceAttributes")) {
        (Value::Null, Value::Null) => {
            let why = "exactly one of nonResourceAttributes or resourceAttributes must be specified";
            return invalid(FieldError::invalid("spec.resourceAttributes", Value::Null, why));
        }
        (Value::Null, path) => RequestInfo { verb: verb(path.text("verb")), path: path.text("path").to_owned(), ..RequestInfo::default() },
        (resource, Value::Null) => RequestInfo {
            is_resource: true,
            verb: verb(resource.text("verb")),
            group: resource.text("group").to_owned(),
            version: resource.text("version").to_owned(),
            resource: resource.text("resource").to_owned(),
            subresource: resource.text("subresource").to_owned(),
            namespace: namespace.unwrap_or_else(|| resource.text("namespace")).to_owned(),
            name: resource.text("name").to_owned(),
            query: field_selector(resource),
            ..RequestInfo::default()
        },
        _ => {
            let why = "cannot be specified in combination with resourceAttributes";
            return invalid(FieldError::invalid("spec.nonResourceAttributes", spec.at("nonResourceAttributes").clone(), why));
        }
    };
    let Decision { allowed, reason } = decide(&call.core, user, &info);
    let mut status = json!({"allowed": allowed});
    if !reason.is_empty() {
        status.put("reason", reason);
    }
    let mut review = call.object.clone();
    review.put("status", status);
    Ok(review)
}

/// Field selectors of a review decide what a node may list.
fn field_selector(resource: &Value) -> Query {
    let raw = resource.text("fieldSelector.rawSelector");
    let terms: Vec<String> = resource
        .list("fieldSelector.requirements")
        .iter()
        .filter(|r| r.text("operator") == "In" && r.list("values").len() == 1)
        .map(|r| format!("{}={}", r.text("key"), r.list("values")[0].as_str().unwrap_or_default()))
        .collect();
    let text = if raw.is_empty() { terms.join(",") } else { raw.to_owned() };
    if text.is_empty() { Query::default() } else { Query::parse(&format!("fieldSelector={}", text.replace('=', "%3D"))) }
}

/// Verbs that rules can name. Any other one is allowed by `*` only: a rule that spells out a verb unknown here is not found.
fn verb(text: &str) -> &'static str {
    const KNOWN: [&str; 22] = [
        "*",
        "approve",
        "bind",
        "connect",
        "create",
        "delete",
        "deletecollection",
        "escalate",
        "get",
        "head",
        "impersonate",
        "list",
        "options",
        "patch",
        "post",
        "proxy",
        "put",
        "sign",
        "update",
        "use",
        "watch",
        "attest",
    ];
    KNOWN.iter().find(|known| **known == text).copied().unwrap_or("unknown verb")
}
