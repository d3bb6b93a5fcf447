//! Allocation for services.

use serde_json::{Value, json};

use super::Api;

const SERVICES: &str = "/api/v1/namespaces/default/services";

fn service(name: &str, spec: Value) -> Value {
    json!({"metadata": {"name": name}, "spec": spec})
}

#[tokio::test(start_paused = true)]
async fn addresses_and_ports_are_allocated_and_kept() {
    let api = Api::new();
    let created =
        api.post(SERVICES, service("a", json!({"type": "NodePort", "selector": {"a": "b"}, "ports": [{"port": 80}]}))).await.json();
    let ip = created["spec"]["clusterIP"].as_str().unwrap();
    assert!(ip.starts_with("10."), "{ip}");
    assert_eq!(created["spec"]["clusterIPs"], json!([ip]));
    assert_eq!((&created["spec"]["ipFamilies"], &created["spec"]["ipFamilyPolicy"]), (&json!(["IPv4"]), &json!("SingleStack")));
    let port = created["spec"]["ports"][0]["nodePort"].as_i64().unwrap();
    assert!((30000..=32767).contains(&port));
    assert_eq!(created["status"], json!({"loadBalancer": {}}));
    // An update without them keeps them.
    let update = service("a", json!({"type": "NodePort", "selector": {"a": "c"}, "ports": [{"port": 80}]}));
    let updated = api.json("PUT", &format!("{SERVICES}/a"), &update).await.json();
    assert_eq!((&updated["spec"]["clusterIP"], &updated["spec"]["ports"][0]["nodePort"]), (&json!(ip), &json!(port)));
    // As a ClusterIP it has no node port, as an ExternalName no address.
    let plain = api.patch(&format!("{SERVICES}/a"), "strategic-merge", json!({"spec": {"type": "ClusterIP"}})).await.json();
    assert!(plain["spec"]["ports"][0].get("nodePort").is_none() && plain["spec"].get("externalTrafficPolicy").is_none(), "{plain}");
    let external =
        api.patch(&format!("{SERVICES}/a"), "merge", json!({"spec": {"type": "ExternalName", "externalName": "x.y"}})).await.json();
    assert!(external["spec"].get("clusterIP").is_none(), "{external}");
}

#[tokio::test(start_paused = true)]
async fn what_is_asked_for_is_checked() {
    let api = Api::new();
    let ports = json!([{"port": 80, "nodePort": 30080}]);
    let first = service("a", json!({"clusterIP": "10.96.0.10", "type": "NodePort", "ports": ports}));
    assert_eq!(api.post(SERVICES, first).await.json()["spec"]["clusterIP"], "10.96.0.10");
    let cases = [
        (
            json!({"clusterIP": "10.96.0.10", "ports": [{"port": 80}]}),
            "Service \"b\" is invalid: spec.clusterIPs: Invalid value: [\"10.96.0.10\"]: failed to allocate IP 10.96.0.10: provided IP is already allocated",
        ),
        (
            json!({"clusterIP": "192.168.0.1", "ports": [{"port": 80}]}),
            "Service \"b\" is invalid: spec.clusterIPs: Invalid value: [\"192.168.0.1\"]: failed to allocate IP 192.168.0.1: the provided network does not match the current range",
        ),
        (
            json!({"type": "NodePort", "ports": ports}),
            "Service \"b\" is invalid: spec.ports[0].nodePort: Invalid value: 30080: provided port is already allocated",
        ),
        (
            json!({"type": "NodePort", "ports": [{"port": 80, "nodePort": 80}]}),
            "Service \"b\" is invalid: spec.ports[0].nodePort: Invalid value: 80: provided port is not in the valid range. The range of valid ports is 30000-32767",
        ),
    ];
    for (spec, message) in cases {
        let answer = api.post(SERVICES, service("b", spec)).await;
        assert_eq!((answer.code, &answer.json()["message"]), (422, &json!(message)));
    }
    let headless =
        api.post(SERVICES, service("h", json!({"clusterIP": "None", "selector": {"a": "b"}, "ports": [{"port": 80}]}))).await.json();
    assert_eq!((&headless["spec"]["clusterIP"], &headless["spec"]["clusterIPs"]), (&json!("None"), &json!(["None"])));
}
