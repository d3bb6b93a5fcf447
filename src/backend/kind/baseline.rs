//! The clean cluster as a value, recorded when it was made, and bringing a used one back to it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures::future::{join_all, try_join_all};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::api::Api;
use super::control_plane;
use super::engine::{Container, Engine};
use super::error::KindError;
use super::files::{self, NodeState};
use super::folder::Folder;
use super::objects::{self, Objects};
use crate::backend::Progress;

/// Longest that a cluster that was told to go back may take.
const SETTLE: Duration = Duration::from_secs(90);

/// After so long a namespace that does not go loses its finalizers.
const STUCK: Duration = Duration::from_secs(12);

/// The file with the control plane's programs, and since when they ran when the cluster was clean last.
const PROCESSES: &str = "processes.json";

/// How often to look.
const LOOK: Duration = Duration::from_millis(200);

/// Everything about a clean cluster that a scenario can change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Baseline {
    objects: Objects,
    nodes: BTreeMap<String, NodeState>,
    /// Addresses of the nodes, which are in their files too.
    #[serde(default)]
    addresses: BTreeMap<String, String>,
}

impl Baseline {
    /// Records a clean cluster: the state goes to the folder, and the nodes' files beside it.
    pub async fn record(engine: &Engine, api: &Api, folder: &Folder, nodes: &[Container]) -> Result<Self, KindError> {
        let states = try_join_all(nodes.iter().map(|node| async move {
            let (state, archive) = futures::future::try_join(files::look(engine, &node.name), files::pack(engine, &node.name)).await?;
            folder.write(&format!("{}.tar", node.name), &archive)?;
            Ok::<_, KindError>((node.name.clone(), state))
        }));
        let (objects, states) = futures::future::try_join(Objects::read(api), states).await?;
        let addresses = nodes.iter().map(|node| (node.name.clone(), node.address.clone())).collect();
        let baseline = Self { objects, nodes: states.into_iter().collect(), addresses };
        folder.write_json("baseline.json", &baseline)?;
        // Of the cluster of the same name before this one.
        let _ = std::fs::remove_file(folder.file(PROCESSES));
        Ok(baseline)
    }

    /// Reads what was recorded.
    pub fn read(folder: &Folder) -> Result<Self, KindError> {
        folder.read_json("baseline.json")
    }

    /// Whether the nodes have the addresses that they had: a container that is started again may get another, and then the clean state
    /// of its files, put back, would lead to somebody else's.
    pub fn is_where_it_was(&self, folder: &Folder, nodes: &[Container]) -> Result<(), KindError> {
        match nodes.iter().find(|node| self.addresses.get(&node.name).is_some_and(|address| *address != node.address)) {
            Some(node) => Err(unsure(folder, format!("the address of {} is another since its container was started again", node.name))),
            None => Ok(()),
        }
    }

    /// Brings a used cluster back. An error of kind [`KindError::Unsure`] means that only making it anew helps.
    pub async fn restore(&self, engine: &Engine, api: &Api, folder: &Folder, progress: Progress<'_>) -> Result<Summary, KindError> {
        let started = Instant::now();
        progress("comparing the nodes with their clean state");
        // Nodes first: one of them may be why the API server is away. The objects at the same time, because it mostly is not.
        let (nodes, early) = futures::future::join(self.mend_nodes(engine, folder), objects::restore(api, &self.objects)).await;
        let mended = nodes?;
        let mut summary = Summary { nodes: mended.count, ..Summary::default() };
        let restarted = self.restarted(folder, &mended);
        let nodes_took = started.elapsed();
        progress("putting the cluster's objects back");
        let restored = match early {
            Ok(restored) if restarted.is_empty() => restored,
            _ => {
                if !restarted.is_empty() {
                    progress(&format!("waiting for {}, started anew", restarted.iter().cloned().collect::<Vec<_>>().join(", ")));
                    control_plane::lead_again(api, SETTLE).await.map_err(|reason| unsure(folder, reason))?;
                }
                self.restore_objects_later(api, folder).await?
            }
        };
        if control_plane::is_api(&restarted) {
            objects::restart_system(api, &self.objects).await;
        }
        if restored.nodes_missing {
            let names: Vec<String> = self.nodes.keys().cloned().collect();
            let scripts = names.iter().map(|node| engine.on_node(engine.exec(node, false, "systemctl restart kubelet", &[])));
            join_all(scripts).await;
        }
        let objects_took = started.elapsed();
        progress("waiting until the cluster is whole");
        self.settle(api, folder, &restored.namespaces).await?;
        // Registered anew, a node has lost the labels of its first life; and whatever was changed meanwhile is found now.
        if restored.nodes_missing {
            objects::restore(api, &self.objects).await?;
            self.settle(api, folder, &restored.namespaces).await?;
        }
        if !restarted.is_empty() {
            self.remember_processes(engine, folder).await?;
        }
        tracing::debug!(?nodes_took, ?objects_took, whole = ?started.elapsed(), "the cluster is clean");
        summary.namespaces = restored.namespaces.len();
        summary.objects = restored.deleted.len() + restored.repaired;
        Ok(summary)
    }

    /// Programs of the control plane that started since the cluster was clean last.
    fn restarted(&self, folder: &Folder, mended: &Mended) -> BTreeSet<String> {
        let first = self.nodes.values().flat_map(|node| node.processes.clone()).collect();
        let known: BTreeMap<String, String> = folder.read_json(PROCESSES).unwrap_or(first);
        let other = known.into_iter().filter(|(name, since)| mended.processes.get(name) != Some(since)).map(|(name, _)| name);
        other.chain(mended.static_pods.iter().cloned()).collect()
    }

    async fn remember_processes(&self, engine: &Engine, folder: &Folder) -> Result<(), KindError> {
        let nodes = self.nodes.iter().filter(|(_, clean)| !clean.processes.is_empty());
        let looks = try_join_all(nodes.map(|(node, _)| files::look(engine, node))).await?;
        let processes: BTreeMap<String, String> = looks.into_iter().flat_map(|look| look.processes).collect();
        folder.write_json(PROCESSES, &processes)
    }

    /// Mends all nodes at once.
    async fn mend_nodes(&self, engine: &Engine, folder: &Folder) -> Result<Mended, KindError> {
        let mended = self.nodes.iter().map(|(node, clean)| async move {
            let now = files::look(engine, node).await?;
            let repair = clean.repair(&now);
            if let Some(path) = repair.beyond.first() {
                return Err(unsure(folder, format!("programs on {node} were changed: {path}")));
            }
            let worked = !repair.is_nothing();
            // Also without a difference: it clears /tmp and histories.
            let archive = if repair.put_back.is_empty() { Vec::new() } else { folder.read(&format!("{node}.tar"))? };
            files::mend(engine, node, &repair, archive).await?;
            if worked {
                let again = clean.repair(&files::look(engine, node).await?);
                if let Some(path) = again.put_back.first().or(again.remove.first()) {
                    return Err(unsure(folder, format!("/{path} on {node} cannot be put back")));
                }
            }
            Ok((worked, repair.static_pods, now.processes))
        });
        let mut all = Mended::default();
        for (worked, static_pods, processes) in try_join_all(mended).await? {
            all.count += usize::from(worked);
            all.static_pods.extend(static_pods);
            all.processes.extend(processes);
        }
        Ok(all)
    }

    /// The same once the API server is back, which may take as long as a static pod's restart.
    async fn restore_objects_later(&self, api: &Api, folder: &Folder) -> Result<objects::Restored, KindError> {
        let until = Instant::now() + SETTLE;
        loop {
            match objects::restore(api, &self.objects).await {
                Ok(restored) => return Ok(restored),
                Err(error) if Instant::now() >= until => return Err(unsure(folder, error.to_string())),
                Err(_) => tokio::time::sleep(LOOK).await,
            }
        }
    }

    /// Waits until all is as it should be.
    async fn settle(&self, api: &Api, folder: &Folder, namespaces: &[String]) -> Result<(), KindError> {
        let started = Instant::now();
        let mut unstuck = false;
        loop {
            let waiting = match objects::unsettled(api, &self.objects).await {
                Ok(waiting) if waiting.is_empty() => return Ok(()),
                Ok(waiting) => waiting,
                Err(error) => vec![error.message],
            };
            if started.elapsed() > STUCK && !unstuck {
                unstuck = true;
                objects::unstick(api, namespaces).await;
            }
            if started.elapsed() > SETTLE {
                return Err(unsure(folder, waiting.join("; ")));
            }
            tokio::time::sleep(LOOK).await;
        }
    }
}

/// What was found and done on the nodes.
#[derive(Default)]
struct Mended {
    /// Nodes that needed it.
    count: usize,
    /// Programs of the control plane that were ended, to be started anew.
    static_pods: Vec<String>,
    /// Programs of the control plane that ran before, and since when.
    processes: BTreeMap<String, String>,
}

fn unsure(folder: &Folder, reason: String) -> KindError {
    KindError::Unsure { name: folder.name(), reason }
}

/// What bringing a cluster back took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Nodes that were mended.
    pub nodes: usize,
    /// Namespaces that were deleted.
    pub namespaces: usize,
    /// Other objects that were deleted or put back.
    pub objects: usize,
}
