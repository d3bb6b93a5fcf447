//! CREATE, UPDATE, PATCH and the subresources that write.

use serde_json::json;

use super::Api;
use super::api::deployment;

const MAPS: &str = "/api/v1/namespaces/default/configmaps";
const DEPLOYMENT: &str = "/apis/apps/v1/namespaces/default/deployments/d";

#[tokio::test(start_paused = true)]
async fn a_new_object_gets_its_system_fields() {
    let api = Api::new();
    let object =
        json!({"metadata": {"name": "a", "uid": "mine", "creationTimestamp": "2000-01-01T00:00:00Z", "generation": 7, "selfLink": "/x"}});
    let map = api.post(MAPS, object).await.json();
    let metadata = map["metadata"].as_object().unwrap();
    assert_eq!(metadata.keys().collect::<Vec<_>>(), ["creationTimestamp", "name", "uid", "namespace", "resourceVersion"]);
    assert_ne!(metadata["uid"], "mine");
    assert_eq!((&metadata["creationTimestamp"], &metadata["namespace"]), (&json!("2026-01-02T03:04:05Z"), &json!("default")));
    assert_eq!((&map["kind"], &map["apiVersion"]), (&json!("ConfigMap"), &json!("v1")));
}

#[tokio::test(start_paused = true)]
async fn names_are_generated() {
    let api = Api::new();
    let map = api.post(MAPS, json!({"metadata": {"generateName": "web-"}})).await.json();
    let name = map["metadata"]["name"].as_str().unwrap();
    assert_eq!((name.len(), name.starts_with("web-")), (9, true), "{name}");
    assert_eq!(map["metadata"]["generateName"], "web-");
}

#[tokio::test(start_paused = true)]
async fn dry_runs_leave_nothing() {
    let api = Api::new();
    let answer = api.post("/api/v1/namespaces/default/configmaps?dryRun=All", json!({"metadata": {"name": "a"}})).await;
    assert_eq!(answer.code, 201);
    assert!(answer.json()["metadata"]["uid"].is_string() && answer.json()["metadata"].get("resourceVersion").is_none());
    assert_eq!(api.get(&format!("{MAPS}/a")).await.code, 404);
    api.config_map("a").await;
    let patched = api.patch(&format!("{MAPS}/a?dryRun=All"), "merge", json!({"data": {"k": "w"}})).await.json();
    assert_eq!(patched["data"]["k"], "w");
    assert_eq!(api.get(&format!("{MAPS}/a")).await.json()["data"]["k"], "v");
    assert_eq!(api.send("DELETE", &format!("{MAPS}/a?dryRun=All"), &[], "").await.code, 200);
    assert_eq!(api.get(&format!("{MAPS}/a")).await.code, 200);
}

#[tokio::test(start_paused = true)]
async fn updates_keep_what_is_not_theirs() {
    let api = Api::new();
    let map = api.config_map("a").await;
    let mut changed = map.clone();
    changed["data"] = json!({"k": "w"});
    changed["metadata"]["generateName"] = "x-".into();
    let answer = api.json("PUT", &format!("{MAPS}/a"), &changed).await;
    assert_eq!(answer.code, 200);
    let new = answer.json();
    assert_eq!((&new["metadata"]["uid"], &new["data"]["k"]), (&map["metadata"]["uid"], &json!("w")));
    assert_eq!(new["metadata"]["resourceVersion"], "3");
    // The same again changes nothing, and the old version no longer counts.
    let again = api.json("PUT", &format!("{MAPS}/a"), &new).await.json();
    assert_eq!(again["metadata"]["resourceVersion"], "3");
    assert_eq!(api.json("PUT", &format!("{MAPS}/a"), &changed).await.code, 409);
    // Without a version the last writer wins.
    assert_eq!(api.json("PUT", &format!("{MAPS}/a"), &json!({"metadata": {"name": "a"}})).await.code, 200);
    let wrong = json!({"metadata": {"name": "a", "uid": "1"}});
    let conflict = api.json("PUT", &format!("{MAPS}/a"), &wrong).await.json();
    let text = conflict["message"].as_str().unwrap();
    assert!(text.contains("Precondition failed: UID in precondition: 1, UID in object meta: "), "{text}");
}

#[tokio::test(start_paused = true)]
async fn some_kinds_are_created_by_updates_or_need_a_version() {
    let api = Api::new();
    let uri = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/l";
    assert_eq!(api.json("PUT", uri, &json!({"metadata": {"name": "l", "resourceVersion": "1"}})).await.code, 201);
    let refused = api.json("PUT", uri, &json!({"metadata": {"name": "l"}})).await;
    assert_eq!(
        refused.json()["message"],
        "leases.coordination.k8s.io \"l\" is invalid: metadata.resourceVersion: Invalid value: 0: must be specified for an update"
    );
    assert_eq!(api.patch(uri, "merge", json!({"spec": {"holderIdentity": "me"}})).await.code, 200);
    assert_eq!(api.json("PUT", &format!("{MAPS}/nope"), &json!({"metadata": {"name": "nope"}})).await.code, 404);
}

#[tokio::test(start_paused = true)]
async fn patches_of_all_kinds() {
    let api = Api::new();
    api.post("/apis/apps/v1/namespaces/default/deployments", deployment("d")).await;
    let template = |image: &str| json!({"spec": {"template": {"spec": {"containers": [{"name": "c", "image": image}]}}}});
    let strategic = api.patch(DEPLOYMENT, "strategic-merge", template("nginx:2")).await.json();
    let container = &strategic["spec"]["template"]["spec"]["containers"][0];
    assert_eq!((&container["image"], &container["terminationMessagePath"]), (&json!("nginx:2"), &json!("/dev/termination-log")));
    let merged = api.patch(DEPLOYMENT, "merge", json!({"metadata": {"labels": {"x": "y"}}, "spec": {"paused": true}})).await.json();
    assert_eq!((&merged["spec"]["paused"], &merged["metadata"]["labels"]["x"]), (&json!(true), &json!("y")));
    let path = "/spec/template/spec/containers/0/image";
    let json_patched = api
        .patch(
            DEPLOYMENT,
            "json",
            json!([{"op": "test", "path": path, "value": "nginx:2"}, {"op": "replace", "path": path, "value": "nginx:3"}]),
        )
        .await;
    assert_eq!(json_patched.json()["spec"]["template"]["spec"]["containers"][0]["image"], "nginx:3");
    let strict = api.patch(&format!("{DEPLOYMENT}?fieldValidation=Strict"), "strategic-merge", json!({"spec": {"foo": 1}})).await;
    assert_eq!(strict.code, 422);
    assert_eq!(
        strict.json()["message"],
        " \"\" is invalid: patch: Invalid value: \"map[spec:map[foo:1]]\": strict decoding error: unknown field \"spec.foo\""
    );
}

#[tokio::test(start_paused = true)]
async fn generations_count_changes_of_the_spec() {
    let api = Api::new();
    let generation = |answer: super::Answer| answer.json()["metadata"]["generation"].as_i64().unwrap();
    assert_eq!(generation(api.post("/apis/apps/v1/namespaces/default/deployments", deployment("d")).await), 1);
    assert_eq!(generation(api.patch(DEPLOYMENT, "merge", json!({"spec": {"replicas": 2}})).await), 2);
    assert_eq!(generation(api.patch(DEPLOYMENT, "merge", json!({"metadata": {"labels": {"x": "y"}}})).await), 2);
    assert_eq!(generation(api.patch(DEPLOYMENT, "merge", json!({"metadata": {"annotations": {"x": "y"}}})).await), 3);
    assert_eq!(generation(api.patch(&format!("{DEPLOYMENT}/status"), "merge", json!({"status": {"replicas": 2}})).await), 3);
}

#[tokio::test(start_paused = true)]
async fn status_and_spec_are_written_apart() {
    let api = Api::new();
    let mut new = deployment("d");
    new["status"] = json!({"replicas": 9});
    let created = api.post("/apis/apps/v1/namespaces/default/deployments", new).await.json();
    assert_eq!(created["status"], json!({}));
    let status = json!({"spec": {"replicas": 7}, "status": {"replicas": 3}, "metadata": {"annotations": {"a": "b"}}});
    let written = api.patch(&format!("{DEPLOYMENT}/status"), "merge", status).await.json();
    assert_eq!((&written["spec"]["replicas"], &written["status"]["replicas"]), (&json!(1), &json!(3)));
    assert_eq!(written["metadata"]["annotations"], json!({"a": "b"}));
    let main = api.patch(DEPLOYMENT, "merge", json!({"spec": {"replicas": 7}, "status": {"replicas": 8}})).await.json();
    assert_eq!((&main["spec"]["replicas"], &main["status"]["replicas"]), (&json!(7), &json!(3)));
    // Nodes bring their status.
    let node = json!({"metadata": {"name": "n"}, "status": {"capacity": {"cpu": "2"}}});
    let node = api.post("/api/v1/nodes", node).await.json();
    assert_eq!(node["status"]["allocatable"], json!({"cpu": "2"}));
}

#[tokio::test(start_paused = true)]
async fn scales_are_read_and_written() {
    let api = Api::new();
    api.post("/apis/apps/v1/namespaces/default/deployments", deployment("d")).await;
    let uri = format!("{DEPLOYMENT}/scale");
    let scale = api.get(&uri).await.json();
    assert_eq!((&scale["spec"], &scale["status"]), (&json!({"replicas": 1}), &json!({"replicas": 0, "selector": "a=b"})));
    let patched = api.patch(&uri, "merge", json!({"spec": {"replicas": 3}})).await.json();
    assert_eq!((&patched["kind"], &patched["spec"]["replicas"]), (&json!("Scale"), &json!(3)));
    let put = |replicas: i64, name: &str| json!({"metadata": {"name": name, "namespace": "default"}, "spec": {"replicas": replicas}});
    assert_eq!(api.json("PUT", &uri, &put(2, "d")).await.code, 200);
    assert_eq!(api.get(DEPLOYMENT).await.json()["spec"]["replicas"], 2);
    let negative = api.json("PUT", &uri, &put(-2, "d")).await.json();
    assert_eq!(
        negative["message"],
        "Scale.autoscaling \"d\" is invalid: spec.replicas: Invalid value: -2: must be greater than or equal to 0"
    );
    assert_eq!(api.json("PUT", &uri, &put(2, "other")).await.code, 400);
    let mut outdated = put(5, "d");
    outdated["metadata"]["resourceVersion"] = "1".into();
    assert_eq!(api.json("PUT", &uri, &outdated).await.code, 409);
}

#[tokio::test(start_paused = true)]
async fn strategies_prepare() {
    let api = Api::new();
    let pod = api.pod("p", "").await;
    assert_eq!(pod["status"], json!({"phase": "Pending", "qosClass": "BestEffort"}));
    assert_eq!(pod["metadata"]["generation"], 1);
    let namespace = api.post("/api/v1/namespaces", json!({"metadata": {"name": "ns"}})).await.json();
    assert_eq!((&namespace["spec"], &namespace["status"]), (&json!({"finalizers": ["kubernetes"]}), &json!({"phase": "Active"})));
    assert_eq!(namespace["metadata"]["labels"], json!({"kubernetes.io/metadata.name": "ns"}));
    let job = json!({"metadata": {"name": "j"}, "spec": {"template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "i"}]}}}});
    let job = api.post("/apis/batch/v1/namespaces/default/jobs", job).await.json();
    let uid = &job["metadata"]["uid"];
    assert_eq!(&job["spec"]["selector"]["matchLabels"]["batch.kubernetes.io/controller-uid"], uid);
    assert_eq!(job["spec"]["template"]["metadata"]["labels"]["job-name"], "j");
    let secret = json!({"metadata": {"name": "s"}, "stringData": {"a": "b"}});
    let secret = api.post("/api/v1/namespaces/default/secrets", secret).await.json();
    assert_eq!((&secret["data"], &secret["type"], secret.get("stringData")), (&json!({"a": "Yg=="}), &json!("Opaque"), None));
}

#[tokio::test(start_paused = true)]
async fn yaml_bodies_are_read() {
    let api = Api::new();
    let body = "metadata:\n  name: yam\ndata:\n  a: b\n";
    let answer = api.send("POST", MAPS, &[("content-type", "application/yaml")], body).await;
    assert_eq!((answer.code, &answer.json()["data"]), (201, &json!({"a": "b"})));
}
