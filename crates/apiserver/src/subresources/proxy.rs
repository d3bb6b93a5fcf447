//! `nodes/proxy`, `pods/proxy` and `services/proxy`: plain requests handed on.

use bytes::Bytes;
use futures::future::BoxFuture;
use http::header::{CONNECTION, CONTENT_LENGTH, HOST, TRANSFER_ENCODING, UPGRADE};
use http::{HeaderMap, Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use serde_json::Value;

use super::{kubelet, pod_target};
use crate::json::Json;
use crate::lookup::Lookup;
use crate::registry::SubresourceCall;
use crate::server::Body;
use crate::status::ApiError;

type Answer = BoxFuture<'static, Result<Response<Body>, ApiError>>;

/// Requests to a kubelet.
pub(super) fn node(call: SubresourceCall) -> Answer {
    Box::pin(async move {
        let (name, _) = split(&call.context.info.name);
        let target = pod_target::of_node(&call, name)?;
        let request = request(&call, &kubelet::authority(&target.host, target.port))?;
        kubelet::send(&call.core, &target, request).await.map(answer)
    })
}

/// Requests to a pod: `name` or `name:port`.
pub(super) fn pod(call: SubresourceCall) -> Answer {
    Box::pin(async move {
        let info = &call.context.info;
        let (name, port) = split(&info.name);
        let pod = Lookup::new(&call.core).get("", "pods", &info.namespace, name).ok_or_else(|| ApiError::not_found("", "pods", name))?;
        let pod = pod.value();
        let port = match port {
            "" => pod.list("spec.containers").iter().flat_map(|c| c.list("ports")).find_map(|p| p.int("containerPort")).unwrap_or(80),
            port => port.parse().map_err(|_| ApiError::bad_request(format!("invalid pod request {:?}", info.name)))?,
        };
        let ip = pod.text("status.podIP");
        if ip.is_empty() {
            return Err(ApiError::bad_request("address not allowed"));
        }
        to(&call, ip, port).await
    })
}

/// Requests to one of a Service's endpoints: `name` or `name:port`.
pub(super) fn service(call: SubresourceCall) -> Answer {
    Box::pin(async move {
        let info = &call.context.info;
        let (name, port) = split(&info.name);
        let lookup = Lookup::new(&call.core);
        let service = lookup.get("", "services", &info.namespace, name).ok_or_else(|| ApiError::not_found("", "services", name))?;
        let ports = service.value().list("spec.ports");
        let wanted =
            ports.iter().find(|p| port.is_empty() || p.text("name") == port || p.int("port").is_some_and(|n| port.parse() == Ok(n)));
        let none = || ApiError::service_unavailable(format!("no endpoints available for service {name:?}"));
        let wanted = wanted.ok_or_else(|| ApiError::service_unavailable(format!("no service port {port:?} found for service {name:?}")))?;
        let endpoints = lookup.get("", "endpoints", &info.namespace, name).ok_or_else(none)?;
        let (ip, port) = endpoint(endpoints.value(), wanted.text("name")).ok_or_else(none)?;
        to(&call, &ip, port).await
    })
}

/// First ready address with the port of a name.
fn endpoint(endpoints: &Value, port: &str) -> Option<(String, i64)> {
    endpoints.list("subsets").iter().find_map(|subset| {
        let ip = subset.list("addresses").first()?.text("ip").to_owned();
        let port = subset.list("ports").iter().find(|p| p.text("name") == port)?.int("port")?;
        Some((ip, port))
    })
}

/// `scheme:name:port` or `name:port` or `name`.
fn split(text: &str) -> (&str, &str) {
    match text.split(':').collect::<Vec<_>>().as_slice() {
        [_, name, port] | [name, port] => (name, port),
        _ => (text, ""),
    }
}

async fn to(call: &SubresourceCall, host: &str, port: i64) -> Result<Response<Body>, ApiError> {
    let port = u16::try_from(port).map_err(|_| ApiError::bad_request("invalid port"))?;
    let request = request(call, &kubelet::authority(host, port))?;
    kubelet::send_plain(&call.core, host, port, request).await.map(answer)
}

/// The request as it goes on: the path behind `proxy`, and no header that belongs to the connection.
fn request(call: &SubresourceCall, authority: &str) -> Result<Request<Full<Bytes>>, ApiError> {
    if call.request.headers().contains_key(UPGRADE) {
        return Err(ApiError::bad_request("upgrades through a proxy are not supported by this server"));
    }
    let query = call.request.uri().query().map(|q| format!("?{q}")).unwrap_or_default();
    let mut request = Request::builder()
        .method(call.request.method().clone())
        .uri(format!("/{}{query}", call.context.info.rest.join("/")))
        .body(Full::new(call.request.body().clone()))
        .map_err(ApiError::internal)?;
    *request.headers_mut() = end_to_end(call.request.headers());
    request.headers_mut().insert(HOST, authority.parse().map_err(ApiError::internal)?);
    Ok(request)
}

fn end_to_end(headers: &HeaderMap) -> HeaderMap {
    let mut headers = headers.clone();
    for name in [CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING, HOST, http::header::AUTHORIZATION] {
        headers.remove(name);
    }
    headers
}

fn answer(response: Response<Incoming>) -> Response<Body> {
    let (parts, body) = response.into_parts();
    let mut answer = Response::new(kubelet::forward(body));
    *answer.status_mut() = parts.status;
    *answer.headers_mut() = end_to_end(&parts.headers);
    answer
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn names_may_carry_a_scheme_and_a_port() {
        for (text, want) in [("web", ("web", "")), ("web:80", ("web", "80")), ("http:web:http", ("web", "http"))] {
            assert_eq!(split(text), want);
        }
    }
}
