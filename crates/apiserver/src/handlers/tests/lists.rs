//! LIST.

use serde_json::{Value, json};

use super::Api;

fn names(list: &Value) -> Vec<&str> {
    list["items"].as_array().unwrap().iter().map(|item| item["metadata"]["name"].as_str().unwrap()).collect()
}

#[tokio::test(start_paused = true)]
async fn selectors_choose() {
    let api = Api::new();
    api.pod("a", "n1").await;
    api.pod("b", "n2").await;
    let cases = [
        ("", vec!["a", "b"]),
        ("?labelSelector=app%3Da", vec!["a"]),
        ("?labelSelector=app%20in%20(a,b)", vec!["a", "b"]),
        ("?labelSelector=!app", vec![]),
        ("?fieldSelector=spec.nodeName%3Dn2", vec!["b"]),
        ("?fieldSelector=spec.nodeName!%3Dn2", vec!["a"]),
        ("?fieldSelector=status.phase%3DPending,metadata.name%3Da", vec!["a"]),
        ("?fieldSelector=metadata.name%3Dzz", vec![]),
        ("?fieldSelector=metadata.namespace%3Ddefault", vec!["a", "b"]),
    ];
    for (query, expected) in cases {
        for base in ["/api/v1/pods", "/api/v1/namespaces/default/pods"] {
            let list = api.get(&format!("{base}{query}")).await.json();
            assert_eq!(names(&list), expected, "{base}{query}");
            assert_eq!(
                (&list["kind"], &list["apiVersion"], &list["metadata"]["resourceVersion"]),
                (&json!("PodList"), &json!("v1"), &json!("3"))
            );
        }
    }
    assert_eq!(names(&api.get("/api/v1/namespaces/other/pods").await.json()), Vec::<&str>::new());
}

#[tokio::test(start_paused = true)]
async fn chunks_show_one_revision() {
    let api = Api::new();
    for name in ["a", "b", "c", "d", "e"] {
        api.config_map(name).await;
    }
    let uri = "/api/v1/namespaces/default/configmaps?limit=2";
    let first = api.get(uri).await.json();
    assert_eq!(names(&first), ["a", "b"]);
    assert_eq!(first["metadata"]["remainingItemCount"], 3);
    let token = first["metadata"]["continue"].as_str().unwrap().to_owned();
    // What happens meanwhile is not seen.
    api.send("DELETE", "/api/v1/namespaces/default/configmaps/c", &[], "").await;
    api.config_map("bb").await;
    let second = api.get(&format!("{uri}&continue={token}")).await.json();
    assert_eq!(names(&second), ["c", "d"]);
    assert_eq!(second["metadata"]["resourceVersion"], first["metadata"]["resourceVersion"]);
    let token = second["metadata"]["continue"].as_str().unwrap().to_owned();
    let third = api.get(&format!("{uri}&continue={token}")).await.json();
    assert_eq!(names(&third), ["e"]);
    assert!(third["metadata"].get("continue").is_none());
    // After compaction the token is refused, with one that goes on at the present revision.
    api.store.compact(api.store.revision());
    let expired = api.get(&format!("{uri}&continue={token}")).await;
    assert_eq!((expired.code, &expired.json()["reason"]), (410, &json!("Expired")));
    let fresh = expired.json()["metadata"]["continue"].as_str().unwrap().to_owned();
    assert_eq!(names(&api.get(&format!("{uri}&continue={fresh}")).await.json()), ["e"]);
}

#[tokio::test(start_paused = true)]
async fn versions_are_honoured() {
    let api = Api::new();
    api.config_map("a").await;
    api.config_map("b").await;
    let uri = "/api/v1/configmaps?resourceVersion=2";
    assert_eq!(names(&api.get(&format!("{uri}&resourceVersionMatch=Exact")).await.json()), ["a"]);
    assert_eq!(names(&api.get(&format!("{uri}&resourceVersionMatch=NotOlderThan")).await.json()), ["a", "b"]);
    assert_eq!(names(&api.get(uri).await.json()), ["a", "b"]);
    api.store.compact(3);
    let gone = api.get(&format!("{uri}&resourceVersionMatch=Exact")).await;
    assert_eq!((gone.code, &gone.json()["message"]), (410, &json!("The resourceVersion for the provided list is too old.")));
}

#[tokio::test(start_paused = true)]
async fn lists_come_as_tables_and_metadata() {
    let api = Api::new();
    api.config_map("a").await;
    let accept = [("accept", "application/json;as=Table;v=v1;g=meta.k8s.io,application/json")];
    let table = api.send("GET", "/api/v1/configmaps", &accept, "").await.json();
    assert_eq!((&table["kind"], &table["apiVersion"]), (&json!("Table"), &json!("meta.k8s.io/v1")));
    assert_eq!(table["rows"][0]["object"]["kind"], "PartialObjectMetadata");
    assert_eq!(table["rows"][0]["cells"][0], "a");
    assert_eq!(table["columnDefinitions"][0]["name"], "Name");
    let whole = api.send("GET", "/api/v1/configmaps?includeObject=Object", &accept, "").await.json();
    assert_eq!(whole["rows"][0]["object"]["data"], json!({"k": "v"}));
    let accept = [("accept", "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io")];
    let partial = api.send("GET", "/api/v1/configmaps", &accept, "").await.json();
    assert_eq!((&partial["kind"], partial["items"][0].get("data")), (&json!("PartialObjectMetadataList"), None));
}
