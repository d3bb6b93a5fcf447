//! What a real 1.35.4 answered to a sequence of writes (`recorded.json`), held against ours with upstream's plugins.
//!
//! Uids, versions, times and managed fields were left out of the recording. Requests without an answer are only sent: a
//! controller had touched the object in the meantime, or the answer holds a drawn name.

use std::sync::Arc;

use serde_json::{Value, json};

use super::Api;
use crate::server::{AllowAll, Plugins};

/// Leaves out what differs from run to run, as the recording does.
fn normalised(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let volatile = |key: &str| {
                matches!(key, "uid" | "resourceVersion" | "managedFields" | "lastPhaseTransitionTime")
                    || key.ends_with("Timestamp")
                    || key.ends_with("controller-uid")
            };
            Value::Object(map.iter().filter(|(key, _)| !volatile(key)).map(|(key, value)| (key.clone(), normalised(value))).collect())
        }
        Value::Array(items) => items.iter().map(normalised).collect(),
        other => other.clone(),
    }
}

#[tokio::test(start_paused = true)]
async fn writes_are_answered_as_recorded() {
    let api =
        Api::with(|config| Plugins { authenticator: Arc::new(AllowAll), authorizer: Arc::new(AllowAll), ..Plugins::standard(config) });
    // The post-start hooks run first.
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    api.post("/api/v1/namespaces/default/serviceaccounts", json!({"metadata": {"name": "default"}})).await;
    let cases: Vec<Value> = serde_json::from_str(include_str!("recorded.json")).unwrap();
    let mut compared = 0;
    for case in cases {
        let request = case["request"].as_str().unwrap();
        let (method, path) = request.split_once(' ').unwrap();
        let body = if case["body"].is_null() { String::new() } else { case["body"].to_string() };
        let headers = [("content-type", case["media"].as_str().unwrap()), ("user-agent", "probe")];
        let answer = api.send(method, path, &headers, body).await;
        if case["answer"].is_null() {
            continue;
        }
        compared += 1;
        assert_eq!((case["code"].as_u64(), &case["answer"]), (Some(answer.code.into()), &normalised(&answer.json())), "{request}");
    }
    assert!(compared > 70, "{compared}");
}
