//! What must survive a fork: everything that a running controller knows and no object says.

use std::sync::{Arc, Mutex, PoisonError};

use component::Generator;
use imbl::OrdMap;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::controllers::node_lifecycle::NodeMemory;
use crate::credentials::AccountToken;
use crate::machinery::events::EventMemory;
use crate::machinery::queue::Retry;
use crate::machinery::series::SeriesMemory;
use crate::scheduler::Parked;

/// State of the control plane's processes. Cloning shares structure.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct State {
    /// kube-controller-manager's.
    pub controller_manager: ComponentMemory,
    /// kube-scheduler's.
    pub scheduler: ComponentMemory,
}

impl State {
    /// Lets `gap` pass as if everybody had slept: every moment that is remembered moves with it, so that no grace period,
    /// toleration or back-off runs out by it.
    pub fn skip(&mut self, gap: SignedDuration) {
        self.controller_manager.skip(gap);
        self.scheduler.skip(gap);
    }
}

impl ComponentMemory {
    fn skip(&mut self, gap: SignedDuration) {
        let later = |moment: Timestamp| moment.checked_add(gap).unwrap_or(Timestamp::MAX);
        self.retries = map(&self.retries, |retry| retry.until = later(retry.until));
        self.parked = map(&self.parked, |parked| parked.since = later(parked.since));
        self.nodes.health = map(&self.nodes.health, |health| {
            health.probe = later(health.probe);
            health.ready_transition = later(health.ready_transition);
        });
        self.nodes.zones = map(&self.nodes.zones, |zone| {
            zone.at = later(zone.at);
            zone.waiting = map(&zone.waiting, |since| *since = later(*since));
        });
    }
}

/// The map with every value changed.
fn map<T: Clone>(values: &OrdMap<String, T>, change: impl Fn(&mut T)) -> OrdMap<String, T> {
    let changed = |(key, value): (&String, &T)| {
        let mut value = value.clone();
        change(&mut value);
        (key.clone(), value)
    };
    values.iter().map(changed).collect()
}

/// What one process remembers.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ComponentMemory {
    /// Identity under which it holds its lease (`host_uuid`).
    pub identity: Option<String>,
    /// Whether it held the lease.
    pub leading: bool,
    /// Keys that failed and back off, by queue and key.
    pub retries: OrdMap<String, Retry>,
    /// Events written lately, for counting repetitions.
    pub events: OrdMap<String, EventMemory>,
    /// Event series (events.k8s.io) going on.
    pub series: OrdMap<String, SeriesMemory>,
    /// Time of the newest event in nanoseconds: names of events are made of it and must differ.
    pub last_event: i64,
    /// Tokens of the ServiceAccounts that its controllers act as.
    pub tokens: OrdMap<String, AccountToken>,
    /// Randomness.
    pub generator: Option<Generator>,
    /// When each node was last heard of (node lifecycle controller).
    pub nodes: NodeMemory,
    /// Sizes that autoscalers were recommended lately, by autoscaler.
    pub recommendations: OrdMap<String, Vec<(Timestamp, i32)>>,
    /// Pods that fit nowhere for now (scheduler).
    pub parked: OrdMap<String, Parked>,
    /// Revision of the newest object of a kind that it was told of while it led (scheduler): what is newer after a fork is news.
    pub heard: OrdMap<String, u64>,
}

/// State shared with the World that contains it.
pub type Shared<T = State> = Arc<Mutex<T>>;

/// One process's part of the shared state.
#[derive(Clone)]
pub struct Memory {
    shared: Shared,
    of: Process,
}

/// Which part.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Process {
    ControllerManager,
    Scheduler,
}

impl Memory {
    pub(crate) fn new(shared: Shared, of: Process) -> Self {
        Self { shared, of }
    }

    /// Looks at it.
    pub fn read<T>(&self, look: impl FnOnce(&ComponentMemory) -> T) -> T {
        let state = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        look(match self.of {
            Process::ControllerManager => &state.controller_manager,
            Process::Scheduler => &state.scheduler,
        })
    }

    /// Changes it.
    pub fn write<T>(&self, change: impl FnOnce(&mut ComponentMemory) -> T) -> T {
        let mut state = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        change(match self.of {
            Process::ControllerManager => &mut state.controller_manager,
            Process::Scheduler => &mut state.scheduler,
        })
    }

    /// Draws from the process's generator.
    pub fn random<T>(&self, draw: impl FnOnce(&mut Generator) -> T) -> T {
        self.write(|m| draw(m.generator.get_or_insert_with(|| Generator::for_part(0, "controlplane"))))
    }

    /// Prepares the memory for a process that starts: a new one begins with none.
    pub(crate) fn begin(&self, resumed: bool, hostname: &str, generator: &Generator) -> String {
        self.write(|m| {
            if !resumed || m.identity.is_none() {
                *m = ComponentMemory { last_event: m.last_event, generator: Some(generator.clone()), ..ComponentMemory::default() };
            }
            let generator = m.generator.get_or_insert_with(|| generator.clone());
            m.identity.get_or_insert_with(|| format!("{hostname}_{}", generator.uuid())).clone()
        })
    }
}
