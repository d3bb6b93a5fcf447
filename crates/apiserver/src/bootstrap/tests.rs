//! The server as a whole, over in-process connections: identities, permissions, admission, apply.

use std::sync::Arc;

use bytes::Bytes;
use component::{Clock, Connection, DialError, Dialer, Generator, Origin};
use futures::future::BoxFuture;
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use rcgen::{BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};
use rustls_pki_types::CertificateDer;
use serde_json::{Value, json};

use crate::json::Json;
use crate::{Peer, Server, ServerConfig, Store, StoreState};

/// A network where nobody listens.
struct Silence;

impl Dialer for Silence {
    fn connect<'a>(
        &'a self,
        _: &'a Origin,
        host: &'a str,
        port: u16,
        _: Option<&'a component::tls::ClientTls>,
    ) -> BoxFuture<'a, Result<Connection, DialError>> {
        let address = format!("{host}:{port}");
        Box::pin(std::future::ready(Err(DialError::Refused { address })))
    }
}

struct World {
    server: Arc<Server>,
    issuer: Issuer<'static, KeyPair>,
}

impl World {
    /// A server that has done its post-start work.
    async fn new() -> Self {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "kubernetes");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca = params.self_signed(&key).expect("a certificate");
        let tokens = KeyPair::generate_for(&rcgen::PKCS_ED25519).expect("a key");
        let start = "2026-06-01T00:00:00Z".parse().expect("a time");
        let mut config = ServerConfig::new(Clock::starting_at(start), Arc::new(Silence), Origin::Host);
        config.client_ca_pem = ca.pem().into_bytes();
        config.service_account_signing_key_pem = tokens.serialize_pem().into_bytes();
        let server = Server::new(Store::new(StoreState::new(Generator::for_part(1, "store"))), config);
        let world = Self { server, issuer: Issuer::new(params, key) };
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        world
    }

    fn identity(&self, name: &str, group: &str) -> CertificateDer<'static> {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::OrganizationName, group);
        params.distinguished_name.push(DnType::CommonName, name);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let key = KeyPair::generate().expect("a key");
        params.signed_by(&key, &self.issuer).expect("a certificate").der().clone()
    }

    async fn send(&self, identity: Option<CertificateDer<'static>>, request: Request<Bytes>) -> (StatusCode, Value) {
        let peer = Peer { client_cert: identity, ..Peer::default() };
        let response = self.server.handle(request, &peer).await;
        let status = response.status();
        let body = response.into_body().collect().await.expect("no errors in bodies").to_bytes();
        (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
    }

    async fn admin(&self, method: &str, path: &str, body: Value) -> (StatusCode, Value) {
        self.send(Some(self.identity("kubernetes-admin", "system:masters")), request(method, path, body)).await
    }
}

fn request(method: &str, path: &str, body: Value) -> Request<Bytes> {
    let kind = if method == "PATCH" { "application/apply-patch+yaml" } else { "application/json" };
    let bytes = if body.is_null() { Bytes::new() } else { Bytes::from(body.to_string()) };
    Request::builder().method(method).uri(path).header("content-type", kind).body(bytes).expect("a request")
}

#[tokio::test(start_paused = true)]
async fn identities_get_what_rbac_and_the_node_authorizer_allow() {
    let world = World::new().await;
    let stranger = World::new().await;
    let cases = [
        (None, "/healthz", 200),
        (None, "/api/v1/pods", 403),
        (Some(world.identity("jane", "dev")), "/api/v1/namespaces/default/pods", 403),
        (Some(world.identity("jane", "dev")), "/apis", 200),
        (Some(world.identity("admin", "system:masters")), "/api/v1/pods", 200),
        (Some(stranger.identity("admin", "system:masters")), "/api/v1/pods", 401),
        (Some(world.identity("system:node:w1", "system:nodes")), "/api/v1/pods", 403),
        (Some(world.identity("system:node:w1", "system:nodes")), "/api/v1/pods?fieldSelector=spec.nodeName%3Dw1", 200),
        (Some(world.identity("system:node:w1", "system:nodes")), "/api/v1/namespaces/default/secrets/x", 403),
        (Some(world.identity("system:node:w1", "system:nodes")), "/api/v1/nodes/w2", 403),
    ];
    for (identity, path, want) in cases {
        let (status, body) = world.send(identity, request("GET", path, Value::Null)).await;
        assert_eq!(status.as_u16(), want, "{path}: {body}");
    }
}

#[tokio::test(start_paused = true)]
async fn bootstrap_objects_are_there() {
    let world = World::new().await;
    let paths = [
        "/api/v1/namespaces/kube-node-lease",
        "/api/v1/namespaces/default/services/kubernetes",
        "/api/v1/namespaces/default/endpoints/kubernetes",
        "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/kubernetes",
        "/apis/scheduling.k8s.io/v1/priorityclasses/system-node-critical",
        "/apis/rbac.authorization.k8s.io/v1/clusterroles/admin",
        "/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication",
    ];
    for path in paths {
        assert_eq!(world.admin("GET", path, Value::Null).await.0, StatusCode::OK, "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn pods_get_their_account_token_and_tolerations() {
    let world = World::new().await;
    let pod = json!({"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "nginx"}]}});
    let (status, body) = world.admin("POST", "/api/v1/namespaces/default/pods", pod.clone()).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    assert_eq!(
        body["message"],
        "pods \"p\" is forbidden: error looking up service account default/default: serviceaccount \"default\" not found"
    );
    world.admin("POST", "/api/v1/namespaces/default/serviceaccounts", json!({"metadata": {"name": "default"}})).await;
    let (status, body) = world.admin("POST", "/api/v1/namespaces/default/pods", pod).await;
    assert_eq!(status, StatusCode::CREATED, "{body}");
    assert_eq!(body.list("spec.tolerations").len(), 2);
    assert_eq!(body["spec"]["containers"][0]["volumeMounts"][0]["mountPath"], "/var/run/secrets/kubernetes.io/serviceaccount");
    assert_eq!(body.int("spec.priority"), Some(0));
}

#[tokio::test(start_paused = true)]
async fn issued_tokens_are_believed_until_their_account_goes() {
    let world = World::new().await;
    world.admin("POST", "/api/v1/namespaces/default/serviceaccounts", json!({"metadata": {"name": "robot"}})).await;
    let (status, body) = world.admin("POST", "/api/v1/namespaces/default/serviceaccounts/robot/token", json!({"spec": {}})).await;
    assert_eq!(status, StatusCode::CREATED, "{body}");
    let with_token = || {
        let mut request = request("GET", "/api/v1/namespaces/default/pods", Value::Null);
        let value = format!("Bearer {}", body.text("status.token")).parse().expect("a header");
        request.headers_mut().insert("authorization", value);
        request
    };
    let review = json!({"spec": {"token": body.text("status.token")}});
    let (_, review) = world.admin("POST", "/apis/authentication.k8s.io/v1/tokenreviews", review).await;
    assert_eq!(review["status"]["user"]["username"], "system:serviceaccount:default:robot", "{review}");
    let (status, answer) = world.send(None, with_token()).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    assert!(answer.text("message").contains("User \"system:serviceaccount:default:robot\" cannot list"), "{answer}");
    world.admin("DELETE", "/api/v1/namespaces/default/serviceaccounts/robot", Value::Null).await;
    assert_eq!(world.send(None, with_token()).await.0, StatusCode::UNAUTHORIZED);
}

#[tokio::test(start_paused = true)]
async fn appliers_conflict_force_and_give_up_fields() {
    let world = World::new().await;
    let path = |manager: &str, force: bool| {
        let force = if force { "&force=true" } else { "" };
        format!("/api/v1/namespaces/default/configmaps/c?fieldManager={manager}{force}")
    };
    let map = |data: Value| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": data});
    let (status, body) = world.admin("PATCH", &path("one", false), map(json!({"a": "1", "b": "2"}))).await;
    assert_eq!(status, StatusCode::CREATED, "{body}");
    let (status, body) = world.admin("PATCH", &path("two", false), map(json!({"a": "9"}))).await;
    assert_eq!(status, StatusCode::CONFLICT);
    assert_eq!(body["message"], "Apply failed with 1 conflict: conflict with \"one\": .data.a");
    assert_eq!(
        body["details"]["causes"][0],
        json!({"reason": "FieldManagerConflict", "message": "conflict with \"one\"", "field": ".data.a"})
    );
    let (_, body) = world.admin("PATCH", &path("two", true), map(json!({"a": "9"}))).await;
    assert_eq!(body["data"], json!({"a": "9", "b": "2"}));
    // What only `one` applied goes when it no longer names it; what `two` took stays.
    let (_, body) = world.admin("PATCH", &path("one", false), map(json!({"d": "4"}))).await;
    assert_eq!(body["data"], json!({"a": "9", "d": "4"}));
}

#[tokio::test(start_paused = true)]
async fn discovery_and_openapi_answer_kubectl() {
    let world = World::new().await;
    let mut aggregated = request("GET", "/apis", Value::Null);
    let accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json";
    aggregated.headers_mut().insert("accept", accept.parse().expect("a header"));
    let admin = world.identity("kubernetes-admin", "system:masters");
    let (_, body) = world.send(Some(admin), aggregated).await;
    assert_eq!(body["kind"], "APIGroupDiscoveryList");
    let groups: Vec<&str> = body.list("items").iter().map(|g| g.text("metadata.name")).collect();
    assert_eq!(groups[..3], ["apiregistration.k8s.io", "apps", "events.k8s.io"]);
    let (_, body) = world.admin("GET", "/openapi/v3", Value::Null).await;
    assert!(body["paths"]["apis/apps/v1"].text("serverRelativeURL").starts_with("/openapi/v3/apis/apps/v1?hash="));
}
