//! The error that requests are refused with.

use serde_json::{Map, Value, json};

use super::details::{Cause, Details};
use super::field::FieldError;
use super::reason::Reason;
use crate::store::StoreError;

/// A refused request: what becomes a `Status` body.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ApiError {
    /// Reason.
    pub reason: Reason,
    /// HTTP code, usually that of the reason.
    pub code: u16,
    /// Text for people.
    pub message: String,
    /// Details, when upstream gives some.
    pub details: Option<Box<Details>>,
    /// `metadata.continue`: how a listing whose token expired may go on.
    pub continuation: Option<String>,
}

/// `resource.group`, or only `resource` in the core group (`schema.GroupResource.String`).
pub fn group_resource(group: &str, resource: &str) -> String {
    if group.is_empty() { resource.to_owned() } else { format!("{resource}.{group}") }
}

impl ApiError {
    /// An error with the reason's own code and no details.
    pub fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self { reason, code: reason.code(), message: message.into(), details: None, continuation: None }
    }

    fn about(mut self, group: &str, kind: &str, name: &str) -> Self {
        self.details =
            Some(Box::new(Details { name: name.to_owned(), group: group.to_owned(), kind: kind.to_owned(), ..Details::default() }));
        self
    }

    /// Adds causes.
    pub fn with_causes(mut self, causes: Vec<Cause>) -> Self {
        self.details.get_or_insert_default().causes = causes;
        self
    }

    /// Replaces the HTTP code.
    pub fn with_code(mut self, code: u16) -> Self {
        self.code = code;
        self
    }

    /// `pods "x" not found`.
    pub fn not_found(group: &str, resource: &str, name: &str) -> Self {
        Self::new(Reason::NotFound, format!("{} {name:?} not found", group_resource(group, resource))).about(group, resource, name)
    }

    /// The path names nothing: `the server could not find the requested resource`.
    pub fn no_such_resource() -> Self {
        Self::new(Reason::NotFound, "the server could not find the requested resource").with_details(Details::default())
    }

    /// Sets the details.
    pub fn with_details(mut self, details: Details) -> Self {
        self.details = Some(Box::new(details));
        self
    }

    /// `pods "x" already exists`.
    pub fn already_exists(group: &str, resource: &str, name: &str) -> Self {
        Self::new(Reason::AlreadyExists, format!("{} {name:?} already exists", group_resource(group, resource)))
            .about(group, resource, name)
    }

    /// `Operation cannot be fulfilled on pods "x": why`.
    pub fn conflict(group: &str, resource: &str, name: &str, why: &str) -> Self {
        let message = format!("Operation cannot be fulfilled on {} {name:?}: {why}", group_resource(group, resource));
        Self::new(Reason::Conflict, message).about(group, resource, name)
    }

    /// The usual conflict of optimistic concurrency.
    pub fn modified(group: &str, resource: &str, name: &str) -> Self {
        Self::conflict(group, resource, name, "the object has been modified; please apply your changes to the latest version and try again")
    }

    /// A conflict between appliers: one cause (`FieldManagerConflict`) for each field.
    pub fn apply_conflict(message: impl Into<String>, causes: Vec<Cause>) -> Self {
        Self::new(Reason::Conflict, message).with_causes(causes)
    }

    /// `pods "x" is forbidden: why` (admission, or authorization when `name` is empty and the text says who).
    pub fn forbidden(group: &str, resource: &str, name: &str, why: &str) -> Self {
        let thing = group_resource(group, resource);
        let message = match (resource, name) {
            ("", "") => format!("forbidden: {why}"),
            (_, "") => format!("{thing} is forbidden: {why}"),
            _ => format!("{thing} {name:?} is forbidden: {why}"),
        };
        Self::new(Reason::Forbidden, message).about(group, resource, name)
    }

    /// `Kind.group "name" is invalid: …` with a cause for each error.
    pub fn invalid(group: &str, kind: &str, name: &str, errors: &[FieldError]) -> Self {
        // ToAggregate drops repeated texts and keeps the order of the rest.
        let mut texts: Vec<String> = Vec::new();
        for error in errors {
            let text = error.to_string();
            if !texts.contains(&text) {
                texts.push(text);
            }
        }
        let list = match texts.as_slice() {
            [] => "<nil>".to_owned(),
            [one] => one.clone(),
            many => format!("[{}]", many.join(", ")),
        };
        Self::new(Reason::Invalid, format!("{} {name:?} is invalid: {list}", group_resource(group, kind)))
            .about(group, kind, name)
            .with_causes(errors.iter().map(FieldError::cause).collect())
    }

    /// 400.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(Reason::BadRequest, message)
    }

    /// 401.
    pub fn unauthorized() -> Self {
        Self::new(Reason::Unauthorized, "Unauthorized")
    }

    /// 410, the resource version is too old.
    pub fn expired(message: impl Into<String>) -> Self {
        Self::new(Reason::Expired, message)
    }

    /// 410 of a watch or list whose version was compacted: `too old resource version: 5 (100)`.
    pub fn too_old(asked: u64, oldest: u64) -> Self {
        Self::expired(format!("too old resource version: {asked} ({oldest})"))
    }

    /// 504 of a list at a version that is still to come.
    pub fn too_large_resource_version(asked: u64, current: u64) -> Self {
        Self::new(Reason::Timeout, format!("Timeout: Too large resource version: {asked}, current: {current}"))
            .with_causes(vec![Cause {
                reason: "ResourceVersionTooLarge".into(),
                message: "Too large resource version".into(),
                field: String::new(),
            }])
            .retry_after(1)
    }

    /// Sets `details.retryAfterSeconds` (and the `Retry-After` header).
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.details.get_or_insert_default().retry_after_seconds = seconds;
        self
    }

    /// 405 of a resource that lacks a verb.
    pub fn method_not_supported(group: &str, resource: &str, verb: &str) -> Self {
        Self::new(Reason::MethodNotAllowed, format!("{verb} is not supported on resources of kind {:?}", group_resource(group, resource)))
            .about(group, resource, "")
    }

    /// 405 of a path that lacks a method.
    pub fn method_not_allowed() -> Self {
        Self::new(Reason::MethodNotAllowed, "the server does not allow this method on the requested resource")
            .with_details(Details::default())
    }

    /// 406; `available` are the representations that there are.
    pub fn not_acceptable(available: &[&str]) -> Self {
        let message = format!("406: Not Acceptable\n\nAvailable representations: {}", available.join(", "));
        Self::new(Reason::NotAcceptable, message).with_details(Details::default())
    }

    /// 415 of a body that is to be decoded.
    pub fn unsupported_media_type(accepted: &[&str]) -> Self {
        let list = accepted.join(", ");
        let message = format!("the body of the request was in an unknown format - accepted media types include: {list}");
        Self::new(Reason::UnsupportedMediaType, message)
    }

    /// 415 of a patch.
    pub fn unsupported_patch() -> Self {
        Self::new(Reason::UnsupportedMediaType, "415: Unsupported Media Type").with_details(Details::default())
    }

    /// 413.
    pub fn too_large(message: impl Into<String>) -> Self {
        Self::new(Reason::RequestEntityTooLarge, message)
    }

    /// 429 (an eviction that a budget forbids, a busy server).
    pub fn too_many_requests(message: impl Into<String>, retry_after: u32) -> Self {
        let error = Self::new(Reason::TooManyRequests, message);
        if retry_after > 0 { error.retry_after(retry_after) } else { error }
    }

    /// 500: `Internal error occurred: why`.
    pub fn internal(why: impl std::fmt::Display) -> Self {
        let why = why.to_string();
        Self::new(Reason::InternalError, format!("Internal error occurred: {why}")).with_causes(vec![Cause {
            reason: String::new(),
            message: why,
            field: String::new(),
        }])
    }

    /// 503.
    pub fn service_unavailable(message: impl Into<String>) -> Self {
        Self::new(Reason::ServiceUnavailable, message)
    }

    /// The `Status` object.
    pub fn to_value(&self) -> Value {
        let mut status = Map::new();
        status.insert("kind".into(), "Status".into());
        status.insert("apiVersion".into(), "v1".into());
        let metadata = self.continuation.as_ref().map_or_else(|| json!({}), |token| json!({"continue": token}));
        status.insert("metadata".into(), metadata);
        status.insert("status".into(), "Failure".into());
        if !self.message.is_empty() {
            status.insert("message".into(), self.message.clone().into());
        }
        if self.reason != Reason::Unknown {
            status.insert("reason".into(), self.reason.as_str().into());
        }
        if let Some(details) = &self.details {
            status.insert("details".into(), details.to_value());
        }
        status.insert("code".into(), self.code.into());
        Value::Object(status)
    }
}

impl From<StoreError> for ApiError {
    /// What a request sees when etcd refuses for a reason of its own.
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Compacted { .. } => Self::expired("The resourceVersion for the provided list is too old."),
            StoreError::Future { .. } => Self::expired("The resourceVersion for the provided list is in the future."),
            // etcd3's client reports the deadline of the request, which has no reason of its own.
            other => Self::new(Reason::Unknown, other.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_those_of_apimachinery() {
        let cases = [
            (ApiError::not_found("", "pods", "x"), 404, "pods \"x\" not found"),
            (ApiError::not_found("apps", "deployments", "x"), 404, "deployments.apps \"x\" not found"),
            (ApiError::already_exists("", "pods", "x"), 409, "pods \"x\" already exists"),
            (
                ApiError::invalid("", "Pod", "x", &[FieldError::required("spec.containers", "")]),
                422,
                "Pod \"x\" is invalid: spec.containers: Required value",
            ),
            (
                ApiError::invalid(
                    "apps",
                    "Deployment",
                    "x",
                    &[
                        FieldError::invalid("spec.replicas", -1, "must be greater than or equal to 0"),
                        FieldError::not_supported("spec.strategy.type", "Foo", &["Recreate", "RollingUpdate"]),
                    ],
                ),
                422,
                "Deployment.apps \"x\" is invalid: [spec.replicas: Invalid value: -1: must be greater than or equal to 0, spec.strategy.type: Unsupported value: \"Foo\": supported values: \"Recreate\", \"RollingUpdate\"]",
            ),
            (ApiError::too_old(5, 100), 410, "too old resource version: 5 (100)"),
        ];
        for (error, code, message) in cases {
            assert_eq!((error.code, error.message.as_str()), (code, message));
        }
    }

    #[test]
    fn bodies_carry_details_and_causes() {
        let error = ApiError::invalid("", "Pod", "x", &[FieldError::required("spec.containers", "")]);
        assert_eq!(
            error.to_value(),
            json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
                "message": "Pod \"x\" is invalid: spec.containers: Required value", "reason": "Invalid",
                "details": {"name": "x", "kind": "Pod", "causes": [
                    {"reason": "FieldValueRequired", "message": "Required value", "field": "spec.containers"}]},
                "code": 422})
        );
    }
}
