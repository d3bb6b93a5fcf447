//! GET, health, version, headers.

use super::Api;

#[tokio::test(start_paused = true)]
async fn every_answer_has_its_headers() {
    let api = Api::new();
    let answer = api.send("GET", "/version", &[("audit-id", "abc")], "").await;
    assert_eq!(answer.headers["audit-id"], "abc");
    assert_eq!(answer.headers["cache-control"], "no-cache, private");
    assert_eq!(answer.headers["date"], "Fri, 02 Jan 2026 03:04:05 GMT");
    assert_eq!(answer.json()["gitVersion"], "v1.35.4");
    assert_eq!(answer.json()["minor"], "35");
    assert_eq!(api.get("/api/v1/pods").await.headers["audit-id"].len(), 36);
}

#[tokio::test(start_paused = true)]
async fn health_follows_etcd() {
    let api = Api::new();
    let healthy = api.get("/readyz").await;
    assert_eq!((healthy.code, &healthy.body[..]), (200, &b"ok"[..]));
    let verbose = api.get("/livez?verbose").await;
    let text = String::from_utf8_lossy(&verbose.body).into_owned();
    assert!(text.starts_with("[+]ping ok\n[+]log ok\n[+]etcd ok\n") && text.ends_with("livez check passed\n"), "{text}");
    assert_eq!(api.get("/readyz/etcd").await.code, 200);
    assert_eq!(api.get("/readyz/nope").await.code, 404);
    api.store.set_available(false);
    let broken = api.get("/readyz").await;
    assert_eq!(broken.code, 500);
    assert!(String::from_utf8_lossy(&broken.body).contains("[-]etcd failed: reason withheld\n"));
    assert_eq!(api.get("/readyz?exclude=etcd&exclude=etcd-readiness").await.code, 200);
    assert_eq!(api.get("/api/v1/pods").await.code, 500);
}

#[tokio::test(start_paused = true)]
async fn people_get_indented_json() {
    let api = Api::new();
    api.config_map("x").await;
    let uri = "/api/v1/namespaces/default/configmaps/x";
    assert!(!api.get(uri).await.body.contains(&b'\n'));
    assert!(api.get(&format!("{uri}?pretty=true")).await.body.contains(&b'\n'));
}

#[tokio::test(start_paused = true)]
async fn events_are_the_same_in_both_groups() {
    let api = Api::new();
    let event = serde_json::json!({"metadata": {"name": "e"}, "involvedObject": {"kind": "Pod", "name": "p"}, "message": "m", "reason": "r", "type": "Normal"});
    assert_eq!(api.post("/api/v1/namespaces/default/events", event).await.code, 201);
    let new = api.get("/apis/events.k8s.io/v1/namespaces/default/events/e").await.json();
    assert_eq!((&new["apiVersion"], &new["note"], &new["regarding"]["name"]), (&"events.k8s.io/v1".into(), &"m".into(), &"p".into()));
    let list = api.get("/apis/events.k8s.io/v1/events?fieldSelector=regarding.name%3Dp").await.json();
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
    assert_eq!(list["items"][0]["note"], "m");
}

#[tokio::test(start_paused = true)]
async fn deprecated_kinds_warn() {
    let api = Api::new();
    let answer = api.get("/api/v1/endpoints").await;
    assert_eq!(answer.warnings(), ["299 - \"v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice\""]);
}

#[tokio::test(start_paused = true)]
async fn component_statuses_are_asked_for() {
    let api = Api::new();
    let list = api.get("/api/v1/componentstatuses").await.json();
    let items = list["items"].as_array().unwrap();
    let lines: Vec<String> = items.iter().map(|i| format!("{} {}", i["metadata"]["name"], i["conditions"][0]["message"])).collect();
    assert_eq!(lines[2], "\"etcd-0\" \"ok\"");
    assert!(lines[0].ends_with("dial tcp 127.0.0.1:10257: connect: connection refused\""), "{lines:?}");
    assert_eq!(api.get("/api/v1/componentstatuses/etcd-0").await.json()["conditions"][0]["status"], "True");
    assert_eq!(api.get("/api/v1/componentstatuses/nope").await.code, 404);
}
