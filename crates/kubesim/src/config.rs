//! What a cluster is made of: names, addresses, ranges.

use std::net::Ipv4Addr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::error::SimError;

/// Port of the API server on the control-plane node.
pub const API_PORT: u16 = 6443;

/// What to start.
#[derive(Clone, Debug)]
pub struct Config {
    /// Decides every name, uid, port and choice.
    pub seed: u64,
    /// Number of workers beside the one control-plane node.
    pub workers: u8,
    /// The cluster's present moment when it starts.
    pub now: Timestamp,
}

/// What a node is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Runs the control plane.
    ControlPlane,
    /// Runs workloads.
    Worker,
}

/// A node as its cluster knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeInfo {
    /// Host name and Node name.
    pub name: String,
    /// What it is for.
    pub role: Role,
    /// Its address in the node network.
    pub address: Ipv4Addr,
}

/// The cluster's plan, fixed for its life.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Layout {
    /// All nodes, the control plane first.
    pub nodes: Vec<NodeInfo>,
    /// Range of Service addresses.
    pub service_cidr: String,
    /// Range of pod addresses.
    pub pod_cidr: String,
    /// Address of the `kubernetes` Service.
    pub kubernetes_address: Ipv4Addr,
    /// Address of the cluster's DNS Service.
    pub dns_address: Ipv4Addr,
    /// Address of the candidate's own machine in the node network.
    pub base_address: Ipv4Addr,
}

impl Layout {
    /// The plan for a configuration: kubeadm's usual ranges, nodes in 172.18.0.0/16.
    pub fn new(config: &Config) -> Result<Self, SimError> {
        if config.workers > 9 {
            return Err(SimError::Config(format!("{} workers were asked for; a cluster has at most 9", config.workers)));
        }
        let control_plane = NodeInfo { name: "control-plane".to_owned(), role: Role::ControlPlane, address: Ipv4Addr::new(172, 18, 0, 2) };
        let worker = |n: u8| NodeInfo { name: format!("worker-{n}"), role: Role::Worker, address: Ipv4Addr::new(172, 18, 0, 2 + n) };
        Ok(Self {
            nodes: std::iter::once(control_plane).chain((1..=config.workers).map(worker)).collect(),
            service_cidr: "10.96.0.0/12".to_owned(),
            pod_cidr: "10.244.0.0/16".to_owned(),
            kubernetes_address: Ipv4Addr::new(10, 96, 0, 1),
            dns_address: Ipv4Addr::new(10, 96, 0, 10),
            base_address: Ipv4Addr::new(172, 18, 0, 100),
        })
    }

    /// The node that runs the control plane.
    pub fn control_plane(&self) -> &NodeInfo {
        // `new` puts it first and nothing removes it.
        &self.nodes[0]
    }

    /// `ip:port` of the API server as nodes reach it.
    pub fn api_address(&self) -> String {
        format!("{}:{API_PORT}", self.control_plane().address)
    }
}
