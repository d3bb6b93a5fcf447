//! node-ipam-controller: gives each node a range of pod addresses (`rangeAllocator`).

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::sync::Arc;

use component::klog::Severity;
use k8s_openapi::api::core::v1::{Node, ObjectReference};
use serde_json::json;

use crate::machinery::events::EventType;
use crate::machinery::kit::Reconcile;
use crate::machinery::{Failure, Informer, Kit, Meta, Outcome, Recorder};

struct Controller {
    kit: Kit,
    recorder: Recorder,
    nodes: Arc<Informer<Node>>,
    base: u32,
    prefix: u8,
    mask: u8,
}

/// Runs the controller, with `--allocate-node-cidrs`.
pub async fn run(kit: Kit) {
    if !kit.options.allocate_node_cidrs {
        return;
    }
    let first = kit.options.cluster_cidr.split(',').next().unwrap_or_default().to_owned();
    let Some((base, prefix)) = parse(&first) else {
        kit.log.line(Severity::Error, "node_ipam_controller.go:69", "Error parsing --cluster-cidr", &[("cidr", (&first).into())]);
        return;
    };
    let queue = kit.queue("nodeipam");
    let mask = kit.options.node_cidr_mask_size;
    let this = Controller { recorder: kit.recorder("cidrAllocator"), nodes: kit.informer(), kit: kit.clone(), base, prefix, mask };
    let add = queue.clone();
    this.nodes.subscribe(move |change| {
        if let Some(node) = change.new.filter(|n| range(n).is_none()) {
            add.add(node.name());
        }
    });
    kit.work(&queue, &[&*this.nodes], &this).await;
}

fn range(node: &Node) -> Option<&str> {
    node.spec.as_ref()?.pod_cidr.as_deref().filter(|c| !c.is_empty())
}

/// Network and prefix length of an IPv4 range.
fn parse(cidr: &str) -> Option<(u32, u8)> {
    let (address, prefix) = cidr.split_once('/')?;
    let (address, prefix) = (u32::from(address.parse::<Ipv4Addr>().ok()?), prefix.parse::<u8>().ok().filter(|p| *p <= 32)?);
    let mask = if prefix == 0 { 0 } else { u32::MAX << (32 - prefix) };
    Some((address & mask, prefix))
}

/// The first range that nobody has.
fn allocate(base: u32, prefix: u8, mask: u8, taken: &BTreeSet<u32>) -> Option<u32> {
    let (count, step) = (1u64 << mask.checked_sub(prefix)?, 1u64 << (32 - mask));
    (0..count).filter_map(|i| u32::try_from(u64::from(base) + i * step).ok()).find(|network| !taken.contains(network))
}

impl Reconcile for Controller {
    async fn reconcile(&self, name: &str) -> Outcome {
        let Some(node) = self.nodes.get(name).filter(|n| range(n).is_none() && !n.deleting()) else { return Ok(()) };
        let taken = self.nodes.list().iter().filter_map(|n| parse(range(n)?)).map(|(network, _)| network).collect();
        let Some(network) = allocate(self.base, self.prefix, self.mask, &taken) else {
            let about = ObjectReference {
                api_version: Some("v1".to_owned()),
                kind: Some("Node".to_owned()),
                name: Some(name.to_owned()),
                uid: node.metadata.uid.clone(),
                ..ObjectReference::default()
            };
            self.recorder.about(about, EventType::Normal, "CIDRNotAvailable", format!("Node {name} status is now: CIDRNotAvailable"));
            return Err(Failure::Other(format!(
                "failed to allocate cidr from cluster cidr: CIDR allocation failed; there are no remaining CIDRs left to allocate in the accepted range (node {name})"
            )));
        };
        let cidr = format!("{}/{}", Ipv4Addr::from(network), self.mask);
        self.kit.patch(&*node, "", &json!({"spec": {"podCIDR": cidr, "podCIDRs": [cidr]}})).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{allocate, parse};
    use std::net::Ipv4Addr;

    #[test]
    fn ranges_follow_each_other_and_gaps_are_filled() {
        let (base, prefix) = parse("10.244.0.0/16").unwrap();
        let mut taken = std::collections::BTreeSet::new();
        for expected in ["10.244.0.0", "10.244.1.0", "10.244.2.0"] {
            let network = allocate(base, prefix, 24, &taken).unwrap();
            assert_eq!(Ipv4Addr::from(network).to_string(), expected);
            taken.insert(network);
        }
        taken.remove(&u32::from(Ipv4Addr::new(10, 244, 1, 0)));
        assert_eq!(allocate(base, prefix, 24, &taken), Some(u32::from(Ipv4Addr::new(10, 244, 1, 0))));
        assert_eq!(allocate(base, 24, 24, &[base].into()), None);
    }
}
