//! What a control plane component is given.

use std::sync::Arc;

use component::{Clock, Decoded, Dialer, Generator, Klog, Origin, Target, client_for};

/// Makes the client of one controller (`deployment-controller`, …), for `--use-service-account-credentials`.
pub type ClientFactory = Arc<dyn Fn(&str) -> kube::Client + Send + Sync>;

/// Surroundings of one component's process.
#[derive(Clone)]
pub struct Context<O> {
    /// The simulation's time.
    pub clock: Clock,
    /// Opens connections.
    pub dialer: Arc<dyn Dialer>,
    /// Where connections start: the control-plane node, as the component runs in its network namespace.
    pub origin: Origin,
    /// The kubeconfig's current context.
    pub target: Target,
    /// Clients of single controllers; the component's own client serves all when absent.
    pub clients: Option<ClientFactory>,
    /// The flags (of the manifest), read.
    pub options: O,
    /// Name of the machine, as the identity of the leader and the source of events show it.
    pub hostname: String,
    /// Randomness of this process. A resumed process goes on with what its state remembers.
    pub generator: Generator,
    /// Whether this is the same process going on in a fork, and not a new one.
    pub resumed: bool,
    /// What others have decoded already.
    pub decoded: Decoded,
    /// Log of the process.
    pub log: Klog,
}

impl<O> Context<O> {
    /// The component's own client.
    pub fn client(&self) -> kube::Client {
        client_for(self.dialer.clone(), self.origin.clone(), self.target.clone())
    }
}

/// How a component's process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exit {
    /// Exit code.
    pub code: i32,
}
