//! DELETE and DELETECOLLECTION.

use serde_json::json;

use super::Api;
use super::api::deployment;

const PODS: &str = "/api/v1/namespaces/default/pods";
const MAPS: &str = "/api/v1/namespaces/default/configmaps";

#[tokio::test(start_paused = true)]
async fn plain_objects_go_at_once() {
    let api = Api::new();
    let map = api.config_map("a").await;
    let answer = api.send("DELETE", &format!("{MAPS}/a"), &[], "").await;
    assert_eq!(answer.code, 200);
    assert_eq!(
        answer.json(),
        json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success",
            "details": {"name": "a", "kind": "configmaps", "uid": map["metadata"]["uid"]}})
    );
    assert_eq!(api.send("DELETE", &format!("{MAPS}/a"), &[], "").await.code, 404);
}

#[tokio::test(start_paused = true)]
async fn preconditions_are_checked() {
    let api = Api::new();
    let map = api.config_map("a").await;
    let uid = map["metadata"]["uid"].as_str().unwrap();
    let answer = api.json("DELETE", &format!("{MAPS}/a"), &json!({"preconditions": {"uid": "1"}})).await;
    let text = format!(
        "Operation cannot be fulfilled on ConfigMap \"a\": the UID in the precondition (1) does not match the UID in record ({uid}). The object might have been deleted and then recreated"
    );
    assert_eq!((answer.code, &answer.json()["message"]), (409, &json!(text)));
    assert_eq!(api.json("DELETE", &format!("{MAPS}/a"), &json!({"preconditions": {"resourceVersion": "1"}})).await.code, 409);
    assert_eq!(api.json("DELETE", &format!("{MAPS}/a"), &json!({"preconditions": {"uid": uid}})).await.code, 200);
}

#[tokio::test(start_paused = true)]
async fn running_pods_wait_for_their_kubelet() {
    let api = Api::new();
    api.pod("p", "n1").await;
    let uri = format!("{PODS}/p");
    let first = api.send("DELETE", &uri, &[], "").await.json();
    assert_eq!(first["metadata"]["deletionTimestamp"], "2026-01-02T03:04:35Z");
    assert_eq!((&first["metadata"]["deletionGracePeriodSeconds"], &first["metadata"]["generation"]), (&json!(30), &json!(2)));
    // Again: nothing new. Quicker: counted from the first request. At once: as the kubelet does.
    let again = api.send("DELETE", &uri, &[], "").await.json();
    assert_eq!(again["metadata"]["resourceVersion"], first["metadata"]["resourceVersion"]);
    let quicker = api.send("DELETE", &format!("{uri}?gracePeriodSeconds=10"), &[], "").await.json();
    assert_eq!(quicker["metadata"]["deletionTimestamp"], "2026-01-02T03:04:15Z");
    let slower = api.send("DELETE", &format!("{uri}?gracePeriodSeconds=60"), &[], "").await.json();
    assert_eq!(slower["metadata"]["deletionTimestamp"], "2026-01-02T03:04:15Z");
    let last = api.json("DELETE", &uri, &json!({"gracePeriodSeconds": 0})).await.json();
    assert_eq!(
        (&last["metadata"]["deletionGracePeriodSeconds"], &last["metadata"]["deletionTimestamp"]),
        (&json!(0), &json!("2026-01-02T03:04:05Z"))
    );
    assert_eq!(api.get(&uri).await.code, 404);
    // Nobody runs this one.
    api.pod("q", "").await;
    assert_eq!(api.send("DELETE", &format!("{PODS}/q"), &[], "").await.json()["kind"], "Pod");
    assert_eq!(api.get(&format!("{PODS}/q")).await.code, 404);
}

#[tokio::test(start_paused = true)]
async fn finalizers_keep_an_object() {
    let api = Api::new();
    let map = json!({"metadata": {"name": "f", "finalizers": ["example.com/wait"]}});
    api.post(MAPS, map).await;
    let uri = format!("{MAPS}/f");
    let terminating = api.send("DELETE", &uri, &[], "").await.json();
    assert_eq!((&terminating["kind"], &terminating["metadata"]["deletionGracePeriodSeconds"]), (&json!("ConfigMap"), &json!(0)));
    let revision = &terminating["metadata"]["resourceVersion"];
    assert_eq!(&api.send("DELETE", &uri, &[], "").await.json()["metadata"]["resourceVersion"], revision);
    let last = api.patch(&uri, "merge", json!({"metadata": {"finalizers": null}})).await;
    assert_eq!(last.code, 200);
    assert_eq!(api.get(&uri).await.code, 404);
}

#[tokio::test(start_paused = true)]
async fn dependents_are_the_collectors_business() {
    let api = Api::new();
    for (policy, finalizer) in [("Foreground", Some("foregroundDeletion")), ("Orphan", Some("orphan")), ("Background", None)] {
        api.post("/apis/apps/v1/namespaces/default/deployments", deployment("d")).await;
        let uri = "/apis/apps/v1/namespaces/default/deployments/d";
        let answer = api.json("DELETE", uri, &json!({"propagationPolicy": policy})).await.json();
        match finalizer {
            Some(finalizer) => {
                assert_eq!(answer["metadata"]["finalizers"], json!([finalizer]), "{policy}");
                assert_eq!(answer["metadata"]["generation"], 2);
                api.patch(uri, "merge", json!({"metadata": {"finalizers": []}})).await;
            }
            None => assert_eq!(answer["status"], "Success"),
        }
        assert_eq!(api.get(uri).await.code, 404, "{policy}");
    }
    let both = api.json("DELETE", &format!("{MAPS}/x"), &json!({"propagationPolicy": "Orphan", "orphanDependents": true})).await;
    assert_eq!(both.code, 422);
}

#[tokio::test(start_paused = true)]
async fn namespaces_end_by_their_finalizers() {
    let api = Api::new();
    api.post("/api/v1/namespaces", json!({"metadata": {"name": "ns"}})).await;
    let terminating = api.send("DELETE", "/api/v1/namespaces/ns", &[], "").await.json();
    assert_eq!((&terminating["status"]["phase"], &terminating["kind"]), (&json!("Terminating"), &json!("Namespace")));
    assert!(terminating["metadata"]["deletionTimestamp"].is_string() && terminating["metadata"]["deletionGracePeriodSeconds"].is_null());
    assert_eq!(api.send("DELETE", "/api/v1/namespaces/ns", &[], "").await.code, 200);
    let mut finalized = api.get("/api/v1/namespaces/ns").await.json();
    finalized["spec"]["finalizers"] = json!([]);
    // The finalizers are the subresource's.
    api.json("PUT", "/api/v1/namespaces/ns", &finalized).await;
    assert_eq!(api.get("/api/v1/namespaces/ns").await.code, 200);
    assert_eq!(api.json("PUT", "/api/v1/namespaces/ns/finalize", &finalized).await.code, 200);
    assert_eq!(api.get("/api/v1/namespaces/ns").await.code, 404);
}

#[tokio::test(start_paused = true)]
async fn collections_are_deleted_by_selector() {
    let api = Api::new();
    for name in ["a", "b", "c"] {
        api.pod(name, "").await;
    }
    let answer = api.send("DELETE", &format!("{PODS}?labelSelector=app%20in%20(a,b)"), &[], "").await.json();
    assert_eq!((&answer["kind"], answer["items"].as_array().unwrap().len()), (&json!("PodList"), 2));
    let left = api.get(PODS).await.json();
    assert_eq!(left["items"].as_array().unwrap().len(), 1);
}
