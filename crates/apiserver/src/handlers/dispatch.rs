//! One request: who asks, may they, and what is the answer.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{DATE, HeaderName, HeaderValue};
use http::{Request, Response, StatusCode};
use jiff::fmt::rfc2822;

use super::call::Call;
use super::respond::{error_response, text_response};
use super::{health, route};
use crate::request::{Peer, RequestContext, RequestInfo};
use crate::server::{Body, Core};
use crate::status::ApiError;

const AUDIT_ID: HeaderName = HeaderName::from_static("audit-id");
const WARNING: HeaderName = HeaderName::from_static("warning");
/// Largest body (`MaxRequestBodyBytes`).
pub const MAX_BODY: usize = 3 * 1024 * 1024;

/// Answers one request.
pub async fn handle(core: &Arc<Core>, request: Request<Bytes>, peer: &Peer) -> Response<Body> {
    tracing::trace!(method = %request.method(), uri = %request.uri(), now = %core.now(), "request");
    let mut context = RequestContext::new(RequestInfo::parse(request.method(), request.uri()), Default::default());
    let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or("").to_owned();
    context.user_agent = header("user-agent");
    context.remote = Some(peer.remote);
    context.audit_id = match header("audit-id") {
        id if id.is_empty() => core.draw(component::Generator::uuid),
        id => id.chars().take(64).collect(),
    };
    let (answer, context) = answer(core, request, peer, context).await;
    let mut response = answer.unwrap_or_else(|error| error_response(&error));
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(&context.audit_id) {
        headers.insert(AUDIT_ID, id);
    }
    // The simulation's time, not the host's, which hyper would write.
    let date = rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&core.now());
    if let Some(date) = date.ok().and_then(|text| HeaderValue::from_str(&text).ok()) {
        headers.insert(DATE, date);
    }
    for text in context.warnings() {
        let quoted = text.replace('\\', "\\\\").replace('"', "\\\"").replace(['\n', '\r'], " ");
        if let Ok(value) = HeaderValue::from_str(&format!("299 - \"{quoted}\"")) {
            headers.append(WARNING, value);
        }
    }
    response
}

async fn answer(
    core: &Arc<Core>,
    request: Request<Bytes>,
    peer: &Peer,
    mut context: RequestContext,
) -> (Result<Response<Body>, ApiError>, Arc<RequestContext>) {
    let (parts, body) = request.into_parts();
    match core.plugins.authenticator.authenticate(core, &parts, peer).await {
        Ok(user) => context.user = user,
        Err(error) => return (Err(error), Arc::new(context)),
    }
    if let Err(error) = core.plugins.authorizer.authorize(core, &context.user, &context.info).await {
        return (Err(error), Arc::new(context));
    }
    let request = Request::from_parts(parts, body);
    let context = Arc::new(context);
    if request.body().len() > MAX_BODY {
        let error = ApiError::too_large(format!("Request entity too large: limit is {MAX_BODY}"));
        return (Err(error), context);
    }
    (dispatch(core, request, &context).await, context)
}

async fn dispatch(core: &Arc<Core>, request: Request<Bytes>, context: &Arc<RequestContext>) -> Result<Response<Body>, ApiError> {
    let info = &context.info;
    if info.is_resource {
        let registry = core.registry();
        if let Some(resource) = registry.find(&info.group, &info.version, &info.resource) {
            let call = Call { core: core.clone(), resource: resource.clone(), context: context.clone() };
            return route::route(&call, request).await;
        }
        if registry.has_version(&info.group, &info.version) {
            return Err(ApiError::no_such_resource());
        }
    }
    if let Some(response) = health::handle(core, context) {
        return Ok(response);
    }
    for handler in &core.plugins.paths {
        if let Some(answer) = handler.handle(core, context, &request).await {
            return answer;
        }
    }
    Ok(text_response(StatusCode::NOT_FOUND, "404 page not found\n"))
}
