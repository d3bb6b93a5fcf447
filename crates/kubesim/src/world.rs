//! The World: a whole cluster as one value.

use std::sync::Arc;

use component::{Decoded, Generator};
use imbl::OrdMap;
use jiff::{SignedDuration, Timestamp};
use node::machine::MachineState;
use serde::{Deserialize, Serialize};

use crate::base::{BASE, base_state};
use crate::config::{Config, Layout};
use crate::error::SimError;
use crate::kubeconfigs::embedded;
use crate::pki::{ClusterPki, PkiSpec};

/// Everything there is about a cluster. Clones in O(1); [`crate::Cluster::wake`] brings it to life.
#[derive(Clone, Serialize, Deserialize)]
pub struct World {
    /// What its randomness came from.
    pub seed: u64,
    /// The moment that this is the state of.
    pub now: Timestamp,
    /// What its components have read; a cache.
    #[serde(skip)]
    pub decoded: Decoded,
    /// Nodes, addresses, ranges.
    pub layout: Arc<Layout>,
    /// Certificates as they were made; what the nodes use are the files on them.
    pub pki: Arc<ClusterPki>,
    /// etcd's content.
    pub store: apiserver::StoreState,
    /// Whether etcd runs, and so whether the store answers.
    pub store_available: bool,
    /// What the controllers and the scheduler remember.
    pub control_plane: controlplane::State,
    /// The machines by name: the nodes, and the candidate's own.
    pub machines: OrdMap<String, MachineState>,
}

impl World {
    /// Machines with an operating system and kubeadm's files on them, nothing started yet; and the candidate's own.
    pub fn new(config: &Config) -> Result<Self, SimError> {
        let layout = Layout::new(config)?;
        let nodes: Vec<_> = layout.nodes.iter().map(|node| (node.name.clone(), node.address.into())).collect();
        let pki = ClusterPki::new(&PkiSpec {
            control_plane: &layout.control_plane().name,
            address: layout.control_plane().address.into(),
            service_address: layout.kubernetes_address.into(),
            nodes: &nodes,
            now: config.now,
        })?;
        let mut machines: OrdMap<String, MachineState> = layout
            .nodes
            .iter()
            .map(|node| {
                let files = crate::install::host_files(&layout, &pki, node, config.now);
                let generator = Generator::for_part(config.seed, &node.name);
                (node.name.clone(), MachineState::new(&node.name, node.address.into(), files, generator, config.now))
            })
            .collect();
        let admin = pki.pairs.get("admin.conf").ok_or_else(|| SimError::Config("the cluster has no administrator".to_owned()))?;
        let kubeconfig = embedded(&format!("https://{}", layout.api_address()), &pki.ca, "kubernetes", "kubernetes-admin", admin);
        let generator = Generator::for_part(config.seed, BASE);
        machines.insert(BASE.to_owned(), base_state(kubeconfig, layout.base_address.into(), &nodes, generator, config.now));
        Ok(Self {
            seed: config.seed,
            now: config.now,
            decoded: Decoded::default(),
            layout: Arc::new(layout),
            pki: Arc::new(pki),
            store: apiserver::StoreState::new(Generator::for_part(config.seed, "store")),
            store_available: false,
            control_plane: controlplane::State::default(),
            machines,
        })
    }

    /// From here on `seed` decides what is drawn. What was drawn before stays as it is, and is not drawn again.
    pub fn reseed(&mut self, seed: u64) {
        self.seed = seed;
        self.store.generator = Generator::for_part(seed, "store of a woken cluster");
        let names: Vec<String> = self.machines.keys().cloned().collect();
        for name in names {
            if let Some(machine) = self.machines.get_mut(&name) {
                machine.generator = Generator::for_part(seed, &format!("{name} of a woken cluster"));
            }
        }
    }

    /// Lets `gap` pass without anything happening, as if everybody had slept: what controllers remember of heartbeats is as old
    /// as it was, so kubelets renew their leases before anybody judges them.
    pub fn skip(&mut self, gap: SignedDuration) {
        self.now = self.now.checked_add(gap).unwrap_or(Timestamp::MAX);
        self.control_plane.skip(gap);
    }
}
