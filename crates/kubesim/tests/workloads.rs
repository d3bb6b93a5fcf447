//! What runs in a cluster behaves as upstream says, under upstream's rights: policies, autoscaling.

use std::time::Duration;

use component::{DialError, Dialer, Origin};
use http::Request;
use kube::Client;
use kubesim::{Cluster, Config, Time};
use serde_json::{Value, json};

async fn create(client: &Client, path: &str, object: Value) {
    let request = Request::post(path).header("content-type", "application/json").body(object.to_string().into_bytes()).expect("a request");
    client.request::<Value>(request).await.unwrap_or_else(|error| panic!("{path}: {error}"));
}

async fn get(client: &Client, path: &str) -> Value {
    client.request(Request::get(path).body(Vec::new()).expect("a request")).await.unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn deployment(name: &str) -> Value {
    json!({"metadata": {"name": name}, "spec": {"selector": {"matchLabels": {"app": name}}, "template": {"metadata": {"labels": {"app": name}},
        "spec": {"containers": [{"name": "c", "image": "nginx:1.27", "ports": [{"name": "http", "containerPort": 80}]}]}}}})
}

/// Where the first pod of an application is: its origin and address.
async fn pod(client: &Client, app: &str) -> (Origin, String) {
    for _ in 0..60 {
        let pods = get(client, &format!("/api/v1/namespaces/default/pods?labelSelector=app%3D{app}")).await;
        let pod = &pods["items"][0];
        if let (Some(ip), Some(node), Some(name)) =
            (pod["status"]["podIP"].as_str(), pod["spec"]["nodeName"].as_str(), pod["metadata"]["name"].as_str())
            && pod["status"]["phase"] == "Running"
        {
            return (Origin::Pod { node: node.into(), namespace: "default".into(), name: name.into() }, ip.to_owned());
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    panic!("no pod of {app} runs")
}

#[tokio::test]
async fn policies_close_and_open_and_scalers_scale() {
    let config = Config { seed: 5, workers: 2, now: "2026-11-24T10:00:00Z".parse().expect("a time") };
    let world = kubesim::prepare(&config).await.expect("it boots");
    let cluster = Cluster::wake(world, Time::Stepped).expect("it wakes");
    let ran = cluster.run(|sim| async move {
        let client = sim.admin();
        for name in ["web", "shop", "other"] {
            create(&client, "/apis/apps/v1/namespaces/default/deployments", deployment(name)).await;
        }
        let ((_, address), (shop, _), (other, _)) = (pod(&client, "web").await, pod(&client, "shop").await, pod(&client, "other").await);
        // Servers listen a moment after their containers run; kubelets and agents have their news by then.
        let settle = || tokio::time::sleep(Duration::from_secs(3));
        settle().await;
        let reaches = async |from: &Origin| match sim.network().connect(from, &address, 80, None).await {
            Ok(_) => true,
            Err(DialError::Timeout { .. }) => false,
            Err(error) => panic!("{error}"),
        };
        let policies = "/apis/networking.k8s.io/v1/namespaces/default/networkpolicies";
        assert!(reaches(&shop).await && reaches(&other).await, "nothing is closed");
        create(&client, policies, json!({"metadata": {"name": "deny"}, "spec": {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}})).await;
        settle().await;
        assert!(!reaches(&shop).await && !reaches(&other).await, "all is closed");
        let node = get(&client, "/api/v1/namespaces/default/pods?labelSelector=app%3Dweb").await["items"][0]["spec"]["nodeName"].clone();
        assert!(reaches(&Origin::Node(node.as_str().expect("a name").into())).await, "its own node gets through");
        let by = |app: &str| json!([{"podSelector": {"matchLabels": {"app": app}}}]);
        create(&client, policies, json!({"metadata": {"name": "in"}, "spec": {"podSelector": {"matchLabels": {"app": "web"}},
            "ingress": [{"from": by("shop"), "ports": [{"port": "http"}]}]}})).await;
        settle().await;
        assert!(!reaches(&shop).await, "its way out is still closed");
        create(&client, policies, json!({"metadata": {"name": "out"}, "spec": {"podSelector": {"matchLabels": {"app": "shop"}}, "policyTypes": ["Egress"],
            "egress": [{"to": by("web"), "ports": [{"port": 80}]}]}})).await;
        settle().await;
        assert!(reaches(&shop).await && !reaches(&other).await, "one path is open");

        // The controller has rights to get and to update scale, and none to patch it.
        create(&client, "/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers", json!({"metadata": {"name": "web"},
            "spec": {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}, "minReplicas": 3, "maxReplicas": 4}})).await;
        tokio::time::sleep(Duration::from_secs(30)).await;
        let web = get(&client, "/apis/apps/v1/namespaces/default/deployments/web").await;
        assert_eq!(web["spec"]["replicas"], 3, "the size is raised to the least one");
    });
    ran.await.expect("it runs");
}
