//! `pods/exec`, `pods/attach` and `pods/portforward`: connections that are upgraded and handed through to the kubelet.

use bytes::Bytes;
use futures::future::BoxFuture;
use http::header::{CONNECTION, HOST, UPGRADE};
use http::{HeaderName, HeaderValue, Request, Response, StatusCode};
use http_body_util::Full;
use hyper_util::rt::TokioIo;
use serde_json::Value;

use super::{kubelet, pod_target};
use crate::authz;
use crate::json::Json;
use crate::registry::SubresourceCall;
use crate::request::{Query, RequestInfo};
use crate::server::{Body, full};
use crate::status::{ApiError, Reason};

type Answer = BoxFuture<'static, Result<Response<Body>, ApiError>>;

/// Runs a command in a container.
pub(super) fn exec(call: SubresourceCall) -> Answer {
    Box::pin(async move {
        let pod = pod_target::pod(&call)?;
        let container = pod_target::container(pod.value(), call.context.info.query.get("container"))?;
        let mut parameters = streams(&call.context.info.query);
        parameters.extend(call.context.info.query.all("command").into_iter().map(|c| format!("command={}", encode(c))));
        if parameters.iter().all(|p| !p.starts_with("command=")) {
            return Err(ApiError::bad_request("you must specify at least one command for the container"));
        }
        let path = kubelet_path("exec", pod.value(), Some(&container), &parameters);
        tunnel(call, pod.value(), &path).await
    })
}

/// Joins a container's main process.
pub(super) fn attach(call: SubresourceCall) -> Answer {
    Box::pin(async move {
        let pod = pod_target::pod(&call)?;
        let container = pod_target::container(pod.value(), call.context.info.query.get("container"))?;
        let path = kubelet_path("attach", pod.value(), Some(&container), &streams(&call.context.info.query));
        tunnel(call, pod.value(), &path).await
    })
}

/// Opens ports of a pod.
pub(super) fn port_forward(call: SubresourceCall) -> Answer {
    Box::pin(async move {
        let pod = pod_target::pod(&call)?;
        let ports: Vec<String> = call.context.info.query.all("ports").iter().map(|p| format!("port={}", encode(p))).collect();
        let path = kubelet_path("portForward", pod.value(), None, &ports);
        tunnel(call, pod.value(), &path).await
    })
}

/// The kubelet's names of the streams (`streamParams`).
fn streams(query: &Query) -> Vec<String> {
    const NAMES: [(&str, &str); 4] = [("stdin", "input"), ("stdout", "output"), ("stderr", "error"), ("tty", "tty")];
    NAMES.iter().filter(|(ours, _)| query.flag(ours)).map(|(_, theirs)| format!("{theirs}=1")).collect()
}

fn kubelet_path(verb: &str, pod: &Value, container: Option<&str>, parameters: &[String]) -> String {
    let container = container.map(|c| format!("/{c}")).unwrap_or_default();
    let query = if parameters.is_empty() { String::new() } else { format!("?{}", parameters.join("&")) };
    format!("/{verb}/{}/{}{container}{query}", pod.text("metadata.namespace"), pod.text("metadata.name"))
}

/// Percent-encodes a query value.
fn encode(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.~".contains(&b);
    text.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

/// Browsers cannot send a POST for a WebSocket, so a GET that is upgraded needs the right to create too
/// (`AuthorizePodWebsocketUpgradeCreatePermission`, on since 1.35).
fn may_create(call: &SubresourceCall) -> Result<(), ApiError> {
    let info = RequestInfo { verb: "create", ..call.context.info.clone() };
    let decision = authz::decide(&call.core, &call.context.user, &info);
    if decision.allowed || call.context.info.verb == "create" {
        Ok(())
    } else {
        Err(authz::forbidden(&call.context.user, &info, &decision.reason))
    }
}

async fn tunnel(call: SubresourceCall, pod: &Value, path: &str) -> Result<Response<Body>, ApiError> {
    let headers = call.request.headers();
    let upgrade = headers.get(UPGRADE).and_then(|v| v.to_str().ok()).unwrap_or_default().to_ascii_lowercase();
    let target = pod_target::kubelet(&call, pod)?;
    if upgrade.starts_with("spdy") {
        // kubectl comes back with SPDY when a WebSocket failed: what failed then is the better answer.
        kubelet::dial(&call.core, &target).await?;
        let why = "this server speaks WebSocket only, not SPDY: use kubectl 1.31 or newer, without KUBECTL_REMOTE_COMMAND_WEBSOCKETS=false";
        return Err(ApiError::bad_request(why));
    }
    if upgrade != "websocket" {
        return Err(ApiError::bad_request("Upgrade request required"));
    }
    may_create(&call)?;
    kubelet::dial(&call.core, &target).await?;
    let mut request = Request::get(path).header(HOST, kubelet::authority(&target.host, target.port));
    for (name, value) in headers {
        let passed = name == UPGRADE || name == CONNECTION || name.as_str().starts_with("sec-websocket-");
        if passed {
            request = request.header(name, value);
        }
    }
    let request = request.body(Full::<Bytes>::default()).map_err(ApiError::internal)?;
    let core = call.core.clone();
    let response = kubelet::send(&core, &target, request).await?;
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        let (parts, body) = response.into_parts();
        let text = String::from_utf8_lossy(&kubelet::read(body).await).trim_end().to_owned();
        return Err(ApiError::new(Reason::Unknown, text).with_code(parts.status.as_u16()));
    }
    let mut answer = Response::new(full(""));
    *answer.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    for (name, value) in response.headers() {
        if name == UPGRADE || name == CONNECTION || name.as_str().starts_with("sec-websocket-") {
            answer.headers_mut().append(HeaderName::clone(name), HeaderValue::clone(value));
        }
    }
    // Both ends are ready only after the answer was sent: the copying waits for them.
    let mut from_client = call.request;
    let stop = core.shutdown.clone();
    tokio::spawn(async move {
        let copying = async {
            let (ours, theirs) = tokio::join!(hyper::upgrade::on(&mut from_client), hyper::upgrade::on(response));
            if let (Ok(ours), Ok(theirs)) = (ours, theirs) {
                let (mut ours, mut theirs) = (TokioIo::new(ours), TokioIo::new(theirs));
                let _ = tokio::io::copy_bidirectional(&mut ours, &mut theirs).await;
            }
        };
        tokio::select! {
            biased;
            () = stop.cancelled() => {}
            () = copying => {}
        }
    });
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn paths_are_the_kubelets() {
        let pod = json!({"metadata": {"name": "p", "namespace": "n"}});
        let query = Query::parse("stdin=true&stdout=true&tty=false&command=sh");
        assert_eq!(streams(&query), ["input=1", "output=1"]);
        assert_eq!(kubelet_path("exec", &pod, Some("c"), &["input=1".into()]), "/exec/n/p/c?input=1");
        assert_eq!(kubelet_path("portForward", &pod, None, &[]), "/portForward/n/p");
        assert_eq!(encode("echo a&b"), "echo%20a%26b");
    }
}
