//! WATCH.

use std::time::Duration;

use http::Request;
use http_body_util::BodyExt;
use serde_json::{Value, json};

use super::Api;
use crate::server::Body;

const MAPS: &str = "/api/v1/namespaces/default/configmaps";

struct Watch {
    body: Body,
    pending: Vec<Value>,
}

impl Watch {
    async fn start(api: &Api, uri: &str, accept: &str) -> Self {
        let request = Request::builder().uri(uri).header("accept", accept).body("".into()).unwrap();
        let response = api.respond(request).await;
        assert_eq!(response.status(), 200);
        Self { body: response.into_body(), pending: Vec::new() }
    }

    async fn next(&mut self) -> Option<Value> {
        while self.pending.is_empty() {
            let frame = self.body.frame().await?.unwrap().into_data().unwrap();
            self.pending = frame.split(|b| *b == b'\n').filter(|l| !l.is_empty()).map(|l| serde_json::from_slice(l).unwrap()).collect();
        }
        Some(self.pending.remove(0))
    }

    /// Type and name of the next event.
    async fn event(&mut self) -> (String, String) {
        let event = self.next().await.unwrap();
        (event["type"].as_str().unwrap().to_owned(), event["object"]["metadata"]["name"].as_str().unwrap_or("").to_owned())
    }
}

fn pair(kind: &str, name: &str) -> (String, String) {
    (kind.to_owned(), name.to_owned())
}

#[tokio::test(start_paused = true)]
async fn changes_are_seen_in_order() {
    let api = Api::new();
    api.config_map("a").await;
    let mut watch = Watch::start(&api, &format!("{MAPS}?watch=true"), "application/json").await;
    assert_eq!(watch.event().await, pair("ADDED", "a"));
    api.config_map("b").await;
    api.patch(&format!("{MAPS}/b"), "merge", json!({"data": {"k": "w"}})).await;
    api.send("DELETE", &format!("{MAPS}/b"), &[], "").await;
    for expected in ["ADDED", "MODIFIED", "DELETED"] {
        assert_eq!(watch.event().await, pair(expected, "b"));
    }
    // From a version on: nothing that was there before.
    let mut later = Watch::start(&api, &format!("{MAPS}?watch=true&resourceVersion=3"), "application/json").await;
    assert_eq!(later.event().await, pair("MODIFIED", "b"));
    let deleted = later.next().await.unwrap();
    assert_eq!((&deleted["type"], &deleted["object"]["metadata"]["resourceVersion"]), (&json!("DELETED"), &json!("5")));
}

#[tokio::test(start_paused = true)]
async fn objects_come_and_go_by_selectors() {
    let api = Api::new();
    let mut watch =
        Watch::start(&api, "/api/v1/pods?watch=true&fieldSelector=spec.nodeName%3Dn1&labelSelector=app%3Dp", "application/json").await;
    api.pod("q", "n1").await;
    api.pod("p", "n1").await;
    assert_eq!(watch.event().await, pair("ADDED", "p"));
    api.patch("/api/v1/namespaces/default/pods/p", "merge", json!({"metadata": {"labels": {"app": "other"}}})).await;
    let gone = watch.next().await.unwrap();
    assert_eq!((&gone["type"], &gone["object"]["metadata"]["labels"]["app"]), (&json!("DELETED"), &json!("p")));
    assert_eq!(gone["object"]["metadata"]["resourceVersion"], "4");
    api.patch("/api/v1/namespaces/default/pods/p", "merge", json!({"metadata": {"labels": {"app": "p"}}})).await;
    assert_eq!(watch.event().await, pair("ADDED", "p"));
}

#[tokio::test(start_paused = true)]
async fn bookmarks_tell_the_version() {
    let api = Api::new();
    api.config_map("a").await;
    let uri = format!("{MAPS}?watch=true&allowWatchBookmarks=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan");
    let mut watch = Watch::start(&api, &uri, "application/json").await;
    assert_eq!(watch.event().await, pair("ADDED", "a"));
    let end = watch.next().await.unwrap();
    assert_eq!(
        (&end["type"], &end["object"]["metadata"]["annotations"]),
        (&json!("BOOKMARK"), &json!({"k8s.io/initial-events-end": "true"}))
    );
    // Other resources move the version on; a minute later it is told.
    api.pod("p", "").await;
    let bookmark = watch.next().await.unwrap();
    assert_eq!((&bookmark["type"], &bookmark["object"]["kind"]), (&json!("BOOKMARK"), &json!("ConfigMap")));
    assert_eq!(bookmark["object"]["metadata"]["resourceVersion"], "3");
}

#[tokio::test(start_paused = true)]
async fn watches_end() {
    let api = Api::new();
    let mut watch = Watch::start(&api, &format!("{MAPS}?watch=true&timeoutSeconds=5"), "application/json").await;
    let start = tokio::time::Instant::now();
    assert_eq!(watch.next().await, None);
    assert_eq!(start.elapsed(), Duration::from_secs(5));
    let mut watch = Watch::start(&api, &format!("{MAPS}?watch=true"), "application/json").await;
    drop(api);
    assert_eq!(watch.next().await, None);
}

#[tokio::test(start_paused = true)]
async fn compacted_versions_are_refused() {
    let api = Api::new();
    api.config_map("a").await;
    api.config_map("b").await;
    api.store.compact(3);
    let answer = api.get(&format!("{MAPS}?watch=true&resourceVersion=2")).await;
    assert_eq!((answer.code, &answer.json()["reason"]), (410, &json!("Expired")));
    assert_eq!(answer.json()["message"], "too old resource version: 2 (3)");
    // One that fell behind ends with an error.
    let mut watch = Watch::start(&api, &format!("{MAPS}?watch=true&resourceVersion=3"), "application/json").await;
    api.config_map("c").await;
    api.config_map("d").await;
    api.store.compact(5);
    let error = watch.next().await.unwrap();
    assert_eq!((&error["type"], &error["object"]["code"]), (&json!("ERROR"), &json!(410)));
    assert_eq!(watch.next().await, None);
}

#[tokio::test(start_paused = true)]
async fn tables_can_be_watched() {
    let api = Api::new();
    api.config_map("a").await;
    let mut watch = Watch::start(&api, &format!("{MAPS}?watch=true"), "application/json;as=Table;v=v1;g=meta.k8s.io").await;
    let first = watch.next().await.unwrap();
    assert_eq!((&first["object"]["kind"], &first["object"]["rows"][0]["cells"][0]), (&json!("Table"), &json!("a")));
    assert!(first["object"]["columnDefinitions"].is_array());
    api.config_map("b").await;
    assert_eq!(watch.next().await.unwrap()["object"]["columnDefinitions"], Value::Null);
}
