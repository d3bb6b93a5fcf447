//! ttl-controller: how long kubelets may cache Secrets and ConfigMaps, as an annotation that grows with the cluster.

use std::sync::Arc;

use k8s_openapi::api::core::v1::Node;
use serde_json::json;

use crate::machinery::kit::Reconcile;
use crate::machinery::{Informer, Kit, Meta, Outcome};

const ANNOTATION: &str = "node.alpha.kubernetes.io/ttl";
/// Nodes up to which a number of seconds holds (without upstream's hysteresis between neighbouring steps).
const STEPS: [(usize, u32); 4] = [(100, 0), (500, 15), (1000, 30), (2000, 60)];

struct Controller {
    kit: Kit,
    nodes: Arc<Informer<Node>>,
}

/// Runs the controller.
pub async fn run(kit: Kit) {
    let queue = kit.queue("ttl");
    let this = Controller { nodes: kit.informer(), kit: kit.clone() };
    let add = queue.clone();
    this.nodes.subscribe(move |change| {
        if let Some(node) = change.new {
            add.add(node.name());
        }
    });
    kit.work(&queue, &[&*this.nodes], &this).await;
}

fn seconds(nodes: usize) -> u32 {
    STEPS.iter().find(|(limit, _)| nodes <= *limit).map_or(300, |(_, seconds)| *seconds)
}

impl Reconcile for Controller {
    async fn reconcile(&self, name: &str) -> Outcome {
        let Some(node) = self.nodes.get(name) else { return Ok(()) };
        let wanted = seconds(self.nodes.all().len()).to_string();
        if node.annotation(ANNOTATION) != Some(&wanted) {
            self.kit.patch(&*node, "", &json!({"metadata": {"annotations": {ANNOTATION: wanted}}})).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn larger_clusters_cache_longer() {
        assert_eq!([4, 100, 101, 1500, 5000].map(super::seconds), [0, 0, 15, 60, 300]);
    }
}
