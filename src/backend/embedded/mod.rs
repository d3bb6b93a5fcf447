//! The embedded cluster: the only place that names the simulator. Everything else meets it as an [`Environment`].

mod access;
mod base;
mod cluster;
mod contents;
mod forks;
mod shelf;
mod shell;

pub use base::Base;
pub use cluster::{Embedded, EmbeddedError, Handover, Spec, Time};
pub use kubesim::knows_image;
pub use shelf::Shelf;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use kubesim::Sim;

use super::Environment;
use crate::model::{Capability, Inventory, InventoryNode, NodePaths, Role};

/// Context of the kubeconfig, as kubeadm names it.
const CONTEXT: &str = "kubernetes-admin@kubernetes";

/// The simulation as an environment. Its futures run on the simulation's runtime.
fn environment(sim: &Sim) -> Environment {
    let clock = sim.clock();
    Environment {
        client: sim.super_admin(),
        nodes: Arc::new(access::Nodes(sim.clone())),
        shell: Arc::new(access::Base(sim.clone())),
        inventory: Arc::new(inventory(sim)),
        capabilities: BTreeSet::from([
            Capability::NodeShell,
            Capability::Fork,
            Capability::NodeDisk,
            Capability::NetworkPolicy,
            Capability::Provisioner,
        ]),
        labels: BTreeMap::new(),
        forks: Some(Arc::new(forks::SimForks(sim.clone()))),
        now: Arc::new(move || clock.now()),
    }
}

/// Nodes and paths of a simulated cluster: kubeadm's on Debian.
fn inventory(sim: &Sim) -> Inventory {
    let nodes = sim.layout().nodes.iter().map(|node| InventoryNode {
        name: node.name.clone(),
        role: match node.role {
            kubesim::Role::ControlPlane => Role::ControlPlane,
            kubesim::Role::Worker => Role::Worker,
        },
        address: node.address.to_string(),
    });
    Inventory { context: CONTEXT.to_owned(), nodes: nodes.collect(), paths: NodePaths::kubeadm(), namespace_prefix: String::new() }
}
