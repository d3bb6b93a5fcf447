//! What a kubelet keeps in memory: plain data, so that a fork of it goes on where it was. A kubelet that is started afresh
//! begins with nothing, as in life.

use std::collections::BTreeMap;
use std::sync::Arc;

use imbl::{OrdMap, Vector};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::config::KubeletConfig;
use super::flags::Flags;
use crate::machine::Pid;

/// Memory of the kubelet's process. Clones in O(1).
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub struct KubeletState {
    /// What the running process read when it started; `None` while none runs.
    pub settings: Option<Arc<Settings>>,
    /// About its node.
    pub node: NodeMemory,
    /// Pods by uid. Static pods have the uid that is derived from their manifest.
    pub pods: OrdMap<String, Arc<PodMemory>>,
    /// A first list of pods from the API server has come.
    pub api_synced: bool,
    /// Events: those to be sent, and those that a repetition adds to.
    pub events: EventMemory,
}

/// What a kubelet read when it started. Files may have changed since.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// Its process.
    pub pid: Pid,
    /// When it started.
    pub started: Timestamp,
    /// Command line.
    pub flags: Flags,
    /// Configuration.
    pub config: KubeletConfig,
    /// Name of the node.
    pub node_name: String,
    /// Address of the node.
    pub node_ip: String,
    /// Credentials and server; `None` in standalone mode.
    pub target: Option<StoredTarget>,
    /// Authorities of its clients.
    pub client_ca: String,
    /// Certificate that it serves.
    pub serving_cert: String,
}

/// A `component::Target` as data.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct StoredTarget {
    pub server: String,
    pub ca_pem: String,
    pub cert_pem: String,
    pub key_pem: String,
    pub token: Option<String>,
    pub insecure: bool,
    pub server_name: Option<String>,
}

/// About the node.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub struct NodeMemory {
    /// It is registered.
    pub registered: bool,
    /// Node conditions as they were last set: type to (status, time of the transition).
    pub conditions: BTreeMap<String, (String, Timestamp)>,
    /// Status as it was last reported, without heartbeats.
    pub reported: Option<Value>,
    /// When.
    pub reported_at: Option<Timestamp>,
    /// When the next regular look at the status is due.
    pub next_status: Option<Timestamp>,
    /// When the lease is due.
    pub next_lease: Option<Timestamp>,
    /// The runtime answered last (`lastBaseRuntimeSync`).
    pub runtime_seen: Option<Timestamp>,
    /// Why its network is not ready.
    pub network_error: Option<String>,
    /// The last relist of the PLEG that succeeded.
    pub pleg_seen: Option<Timestamp>,
    /// The pod CIDR that was given to the runtime.
    pub pod_cidr: String,
    /// `NodeAllocatableEnforced` was said.
    pub allocatable_enforced: bool,
}

/// Where a pod comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Source {
    /// The API server.
    Api,
    /// A file of the static pod directory.
    File(String),
}

/// Why and since when a pod is being ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terminating {
    /// Since.
    pub since: Timestamp,
    /// Grace in seconds.
    pub grace: i64,
    /// Status reason and message, when it is not for a deletion (`Evicted`, `DeadlineExceeded`).
    pub reason: Option<(String, String)>,
    /// All of its containers have ended.
    pub stopped: bool,
}

/// About one pod.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PodMemory {
    /// As its source has it.
    pub pod: Arc<Pod>,
    /// Source.
    pub source: Source,
    /// When the kubelet accepted it (`status.startTime`).
    pub start_time: Timestamp,
    /// It has had its turn: of static pods with one name, only one runs at a time.
    #[serde(default)]
    pub started: bool,
    /// It is being ended.
    pub terminating: Option<Terminating>,
    /// Its end has been reported; nothing is left to be done.
    pub finished: bool,
    /// It was not admitted: reason and message.
    pub rejected: Option<(String, String)>,
    /// Containers (all kinds) by name.
    pub containers: BTreeMap<String, ContainerMemory>,
    /// Status as it was last computed.
    pub status: Arc<Value>,
    /// Status as the API server has it.
    pub sent: Arc<Value>,
    /// Uid of the mirror pod of a static pod.
    pub mirror_uid: Option<String>,
    /// Volumes are mounted since.
    pub mounted: Option<Timestamp>,
    /// Files of volumes are to be looked at again then.
    pub refresh: Option<Timestamp>,
    /// Nothing is done before (after an error).
    pub hold_until: Option<Timestamp>,
}

/// About one container of a pod.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ContainerMemory {
    /// The container that all else is about.
    pub id: String,
    /// Back-off of restarts: seconds, and when it was last used.
    pub backoff: Option<(u64, Timestamp)>,
    /// Back-off of pulls.
    pub pull_backoff: Option<(u64, Timestamp)>,
    /// Error of the last pull, for the message of `ImagePullBackOff`.
    pub pull_error: Option<String>,
    /// Why it does not run: reason and message.
    pub waiting: Option<(String, String)>,
    /// Its image was pulled: how long it took is said once.
    pub probes: BTreeMap<String, ProbeMemory>,
    /// The postStart hook has succeeded for `id`, or there is none.
    pub hook_done: bool,
    /// Container of the run before, for `lastState` after its record is gone.
    pub last: Option<Value>,
    /// Restarts.
    pub restarts: u32,
}

/// About one probe.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProbeMemory {
    /// When it is due.
    pub next: Timestamp,
    /// Its result holds.
    pub success: Option<bool>,
    /// Equal results in a row.
    pub run: u32,
    /// Whether these were successes.
    pub run_success: bool,
}

/// About events.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub struct EventMemory {
    /// To be sent, the oldest first.
    pub queue: Vector<Arc<Value>>,
    /// Sent ones by what makes them equal: namespace, name and count.
    pub known: OrdMap<String, (String, String, u64)>,
    /// Failed attempts for the first of the queue.
    pub attempts: u32,
}
