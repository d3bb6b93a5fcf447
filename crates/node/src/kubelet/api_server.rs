//! The kubelet's API on port 10250: who may, and what (`pkg/kubelet/server`).

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use futures::StreamExt;
use http::{Method, Request, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper_util::rt::TokioIo;
use rustls_pki_types::CertificateDer;
use serde_json::{Value, json};

use super::logs::LogOptions;
use super::process::Kubelet;
use crate::network::Accepted;

pub(super) type Body = UnsyncBoxBody<Bytes, Infallible>;

/// Who a client is.
#[derive(Clone, Debug, PartialEq, Eq)]
struct User {
    name: String,
    groups: Vec<String>,
}

pub(super) fn text(status: StatusCode, text: impl Into<String>) -> Response<Body> {
    let mut response = Response::new(Full::new(Bytes::from(text.into())).boxed_unsync());
    *response.status_mut() = status;
    response.headers_mut().insert("content-type", http::HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

impl Kubelet {
    /// Serves one connection.
    pub(super) async fn serve_connection(self: Arc<Self>, accepted: Accepted) {
        let certificate = accepted.client_cert.clone();
        let kubelet = self.clone();
        let service = hyper::service::service_fn(move |request: Request<Incoming>| {
            let (kubelet, certificate) = (kubelet.clone(), certificate.clone());
            async move { Ok::<_, Infallible>(kubelet.answer(request, certificate).await) }
        });
        let connection = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(accepted.stream), service);
        // An error means that the client is gone.
        let _ = connection.with_upgrades().await;
    }

    async fn answer(self: Arc<Self>, request: Request<Incoming>, certificate: Option<CertificateDer<'static>>) -> Response<Body> {
        let path = request.uri().path().to_owned();
        if path == "/healthz" {
            return text(StatusCode::OK, "ok");
        }
        let user = match self.authenticate(certificate.as_ref(), request.headers()).await {
            Some(user) => user,
            None => return text(StatusCode::UNAUTHORIZED, "Unauthorized"),
        };
        if let Err((status, message)) = self.authorize(&user, request.method(), &path).await {
            return text(status, message);
        }
        let query: Vec<(String, String)> = parse_query(request.uri().query().unwrap_or_default());
        let parts: Vec<String> = path.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect();
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        match parts.as_slice() {
            ["containerLogs", namespace, pod, container] => match LogOptions::parse(&query) {
                Ok(options) => match self.clone().container_logs(namespace, pod, container, options).await {
                    Ok(stream) => {
                        let body = StreamBody::new(stream.map(|chunk| Ok::<_, Infallible>(Frame::data(chunk))));
                        let mut response = Response::new(BodyExt::boxed_unsync(body));
                        response.headers_mut().insert("content-type", http::HeaderValue::from_static("text/plain"));
                        response
                    }
                    Err((status, message)) => text(status, message),
                },
                Err(message) => text(StatusCode::UNPROCESSABLE_ENTITY, message),
            },
            ["exec", namespace, pod, container] | ["exec", namespace, pod, _, container] => {
                self.clone().exec(request, namespace, pod, container, &query)
            }
            ["attach", namespace, pod, container] | ["attach", namespace, pod, _, container] => {
                self.clone().attach(request, namespace, pod, container, &query)
            }
            ["portForward", namespace, pod] | ["portForward", namespace, pod, _] => {
                self.clone().port_forward(request, namespace, pod, &query)
            }
            ["pods"] => json_response(&self.pods_json()),
            ["runningpods"] => json_response(&self.pods_json()),
            ["configz"] => json_response(&json!({"kubeletconfig": serde_json::to_value(&self.settings.config).unwrap_or_default()})),
            ["stats", "summary"] => json_response(&self.summary()),
            ["metrics"] => text(
                StatusCode::OK,
                "# HELP kubernetes_build_info Kubernetes build information\n# TYPE kubernetes_build_info gauge\nkubernetes_build_info{git_version=\"v1.35.4\"} 1\n",
            ),
            ["metrics", "resource"] => text(StatusCode::OK, self.resource_metrics()),
            _ => text(StatusCode::NOT_FOUND, "404 page not found\n"),
        }
    }

    /// A client certificate of the configured authorities, or a bearer token that the API server knows.
    async fn authenticate(&self, certificate: Option<&CertificateDer<'static>>, headers: &http::HeaderMap) -> Option<User> {
        if let Some(certificate) = certificate {
            let authorities = component::tls::certificates(self.settings.client_ca.as_bytes());
            let chain = std::slice::from_ref(certificate);
            if component::tls::verify_chain(chain, &authorities, self.machine.clock().now()).is_ok() {
                return subject(certificate);
            }
            return None;
        }
        let token = headers.get("authorization").and_then(|value| value.to_str().ok()).and_then(|value| value.strip_prefix("Bearer "));
        if let (Some(token), true, Some(client)) = (token, self.settings.config.webhook_enabled, &self.client) {
            let review = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": {"token": token}});
            let answer = client.post("/apis/authentication.k8s.io/v1/tokenreviews", &review).await.ok()?;
            if answer["status"]["authenticated"] == true {
                let user = &answer["status"]["user"];
                return Some(User {
                    name: user["username"].as_str().unwrap_or_default().to_owned(),
                    groups: user["groups"].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect(),
                });
            }
            return None;
        }
        self.settings
            .config
            .anonymous_enabled
            .then(|| User { name: "system:anonymous".to_owned(), groups: vec!["system:unauthenticated".to_owned()] })
    }

    /// `Webhook` asks the API server; `AlwaysAllow` asks nobody.
    async fn authorize(&self, user: &User, method: &Method, path: &str) -> Result<(), (StatusCode, String)> {
        if self.settings.config.authorization_mode == "AlwaysAllow" {
            return Ok(());
        }
        let verb = match *method {
            Method::POST => "create",
            Method::PUT => "update",
            Method::PATCH => "patch",
            Method::DELETE => "delete",
            _ => "get",
        };
        let subresource = match path.split('/').nth(1).unwrap_or_default() {
            "stats" => "stats",
            "metrics" => "metrics",
            "logs" => "log",
            _ => "proxy",
        };
        let node = &self.settings.node_name;
        let refused = |reason: &str| {
            let reason = if reason.is_empty() { String::new() } else { format!(": {reason}") };
            let message = format!("Forbidden (user={}, verb={verb}, resource=nodes, subresource(s)=[{subresource}]){reason}\n", user.name);
            Err((StatusCode::FORBIDDEN, message))
        };
        let Some(client) = &self.client else { return refused("") };
        let review = json!({
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SubjectAccessReview",
            "spec": {
                "user": user.name,
                "groups": user.groups,
                "resourceAttributes": {"verb": verb, "version": "v1", "resource": "nodes", "subresource": subresource, "name": node},
            },
        });
        match client.post("/apis/authorization.k8s.io/v1/subjectaccessreviews", &review).await {
            Ok(answer) if answer["status"]["allowed"] == true => Ok(()),
            Ok(_) => refused(""),
            Err(error) => Err((
                StatusCode::INTERNAL_SERVER_ERROR,
                format!("Authorization error (user={}, verb={verb}, resource=nodes, subresource(s)=[{subresource}]): {error}", user.name),
            )),
        }
    }

    fn summary(&self) -> Value {
        let hardware = self.machine.read(|state| state.hardware.clone());
        json!({"node": {"nodeName": self.settings.node_name, "memory": {"availableBytes": hardware.memory_kib * 1024}}, "pods": []})
    }

    /// CPU and memory of node, pods and containers from what their processes use.
    fn resource_metrics(&self) -> String {
        let now = self.machine.clock().now();
        self.machine.read(|state| {
            let mut out = String::new();
            let usage = |processes: &mut dyn Iterator<Item = &Arc<crate::machine::Process>>| {
                processes.fold((0.0, 0u64), |(cpu, memory), process| {
                    let alive = std::time::Duration::try_from(now.duration_since(process.started)).unwrap_or_default();
                    (cpu + process.usage.cpu_time(alive).as_secs_f64(), memory + process.usage.resident_kib * 1024)
                })
            };
            out.push_str("# HELP container_cpu_usage_seconds_total [STABLE] Cumulative cpu time consumed by the container in core-seconds\n# TYPE container_cpu_usage_seconds_total counter\n");
            let mut memory_lines = String::from("# HELP container_memory_working_set_bytes [STABLE] Current working set of the container in bytes\n# TYPE container_memory_working_set_bytes gauge\n");
            let millis = now.as_millisecond();
            for container in state.containers.containers.values().filter(|container| container.pid.is_some()) {
                let (cpu, memory) = usage(&mut state.processes.values().filter(|process| process.container.as_deref() == Some(&container.id)));
                let label = |name: &str| container.config.labels.get(name).cloned().unwrap_or_default();
                let labels = format!(
                    "{{container=\"{}\",namespace=\"{}\",pod=\"{}\"}}",
                    container.config.name, label("io.kubernetes.pod.namespace"), label("io.kubernetes.pod.name")
                );
                out.push_str(&format!("container_cpu_usage_seconds_total{labels} {cpu} {millis}\n"));
                memory_lines.push_str(&format!("container_memory_working_set_bytes{labels} {memory} {millis}\n"));
            }
            let (cpu, memory) = usage(&mut state.processes.values());
            format!(
                "{out}{memory_lines}# TYPE node_cpu_usage_seconds_total counter\nnode_cpu_usage_seconds_total {cpu} {millis}\n# TYPE node_memory_working_set_bytes gauge\nnode_memory_working_set_bytes {memory} {millis}\n"
            )
        })
    }
}

fn json_response(value: &Value) -> Response<Body> {
    let mut response = Response::new(Full::new(Bytes::from(value.to_string())).boxed_unsync());
    response.headers_mut().insert("content-type", http::HeaderValue::from_static("application/json"));
    response
}

/// User and groups of a certificate's subject: common name and organisations.
fn subject(certificate: &CertificateDer<'_>) -> Option<User> {
    use x509_parser::prelude::FromDer;
    let (_, certificate) = x509_parser::certificate::X509Certificate::from_der(certificate).ok()?;
    let name = certificate.subject().iter_common_name().next()?.as_str().ok()?.to_owned();
    let mut groups: Vec<String> = certificate.subject().iter_organization().filter_map(|o| o.as_str().ok()).map(str::to_owned).collect();
    groups.push("system:authenticated".to_owned());
    Some(User { name, groups })
}

/// Pairs of a query string, decoded.
pub(super) fn parse_query(query: &str) -> Vec<(String, String)> {
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(key), decode(value))
        })
        .collect()
}

fn decode(text: &str) -> String {
    let mut out = Vec::new();
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let hex = bytes.get(at + 1..at + 3).and_then(|hex| std::str::from_utf8(hex).ok()).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match (bytes[at], hex) {
            (b'%', Some(byte)) => {
                out.push(byte);
                at += 2;
            }
            (b'+', _) => out.push(b' '),
            (byte, _) => out.push(byte),
        }
        at += 1;
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::parse_query;

    #[test]
    fn queries_are_decoded() {
        let pairs = parse_query("command=echo&command=a+b%21&tty");
        assert_eq!(pairs, [("command".into(), "echo".into()), ("command".into(), "a b!".into()), ("tty".into(), String::new())]);
    }
}
