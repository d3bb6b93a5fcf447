//! `pods/log`.

use futures::future::BoxFuture;
use http::header::{CONTENT_TYPE, HOST};
use http::{HeaderValue, Request, Response};
use http_body_util::Full;

use super::{kubelet, pod_target};
use crate::json::Json;
use crate::registry::SubresourceCall;
use crate::request::Query;
use crate::server::Body;
use crate::status::{ApiError, FieldError, Reason};

/// Streams a container's log from its kubelet.
pub(super) fn handle(call: SubresourceCall) -> BoxFuture<'static, Result<Response<Body>, ApiError>> {
    Box::pin(async move {
        let query = &call.context.info.query;
        validate(&call.context.info.name, query)?;
        let pod = pod_target::pod(&call)?;
        let pod = pod.value();
        let container = pod_target::container(pod, query.get("container"))?;
        if pod.text("spec.nodeName").is_empty() {
            // The pod has not been scheduled: there is nothing to read, and upstream answers with nothing.
            return Ok(text(crate::server::full("")));
        }
        let target = pod_target::kubelet(&call, pod)?;
        let path =
            format!("/containerLogs/{}/{}/{container}{}", pod.text("metadata.namespace"), pod.text("metadata.name"), parameters(query));
        let request = Request::get(path)
            .header(HOST, kubelet::authority(&target.host, target.port))
            .body(Full::default())
            .map_err(ApiError::internal)?;
        let response = kubelet::send(&call.core, &target, request).await?;
        let (parts, body) = response.into_parts();
        if parts.status.is_success() {
            return Ok(text(kubelet::forward(body)));
        }
        let message = String::from_utf8_lossy(&kubelet::read(body).await).trim_end_matches('\n').to_owned();
        // `genericrest.NewGenericHttpResponseChecker`: the kubelet's own words, with its code.
        Err(match parts.status.as_u16() {
            400 => ApiError::bad_request(message),
            404 => ApiError::new(
                Reason::NotFound,
                format!("the server could not find the requested resource ( pods/log {})", call.context.info.name),
            ),
            500 => ApiError::internal(message),
            code => ApiError::new(Reason::Unknown, message).with_code(code),
        })
    })
}

fn text(body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    response
}

/// The options that go on to the kubelet.
fn parameters(query: &Query) -> String {
    const PASSED: [&str; 8] = ["follow", "limitBytes", "previous", "sinceSeconds", "sinceTime", "stream", "tailLines", "timestamps"];
    let parts: Vec<String> = PASSED
        .iter()
        .filter_map(|name| {
            let value = query.get(name)?;
            // Booleans are passed only when they are set.
            let flag = matches!(*name, "follow" | "previous" | "timestamps");
            (!flag || query.flag(name)).then(|| format!("{name}={}", value.replace('+', "%2B").replace(':', "%3A")))
        })
        .collect();
    if parts.is_empty() { String::new() } else { format!("?{}", parts.join("&")) }
}

fn validate(name: &str, query: &Query) -> Result<(), ApiError> {
    let number = |field: &str| query.get(field).and_then(|v| v.parse::<i64>().ok());
    let mut errors = Vec::new();
    if let Some(lines) = number("tailLines").filter(|n| *n < 0) {
        errors.push(FieldError::invalid("tailLines", lines, "must be greater than or equal to 0"));
    }
    if let Some(bytes) = number("limitBytes").filter(|n| *n < 1) {
        errors.push(FieldError::invalid("limitBytes", bytes, "must be greater than 0"));
    }
    match (query.get("sinceTime"), number("sinceSeconds")) {
        (Some(_), Some(_)) => errors.push(FieldError::forbidden("", "at most one of `sinceTime` or `sinceSeconds` may be specified")),
        (None, Some(seconds)) if seconds < 1 => errors.push(FieldError::invalid("sinceSeconds", seconds, "must be greater than 0")),
        _ => {}
    }
    if errors.is_empty() { Ok(()) } else { Err(ApiError::invalid("", "PodLogOptions", name, &errors)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_go_on_to_the_kubelet() {
        let query = Query::parse("container=c&follow=true&previous=false&tailLines=5&sinceTime=2026-01-01T00:00:00Z");
        assert_eq!(parameters(&query), "?follow=true&sinceTime=2026-01-01T00%3A00%3A00Z&tailLines=5");
        assert!(validate("p", &Query::parse("tailLines=-1")).is_err());
        assert!(validate("p", &Query::parse("tailLines=0")).is_ok());
    }
}
