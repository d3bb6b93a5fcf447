//! A cluster comes up from nothing, sleeps for weeks, and is healthy.

use kubesim::{Cluster, Config, Time};

fn config(seed: u64) -> Config {
    Config { seed, workers: 3, now: "2026-11-24T10:00:00Z".parse().expect("a time") }
}

#[tokio::test]
async fn a_prepared_cluster_is_healthy() {
    let world = kubesim::prepare(&config(1)).await.expect("it boots");
    let cluster = Cluster::wake(world, Time::Stepped).expect("it wakes");
    let nodes = cluster
        .run(|sim| async move {
            let client = sim.admin();
            let nodes: kube::Api<k8s_openapi::api::core::v1::Node> = kube::Api::all(client);
            nodes.list(&Default::default()).await
        })
        .await
        .expect("it runs")
        .expect("nodes are listed");
    for node in &nodes.items {
        let ready = node.status.iter().flat_map(|s| s.conditions.iter().flatten()).find(|c| c.type_ == "Ready");
        assert_eq!(ready.map(|c| c.status.as_str()), Some("True"), "{:?}", node.metadata.name);
    }
    assert_eq!(nodes.items.len(), 4);
}
