//! The simulated network: who may reach whom, Services, names. One [`Network`] is shared by all machines of a
//! simulation; what a kernel would know of it is data in each machine's [`MachineNetwork`].

mod dial;
mod dns;
mod fabric;
mod listener;
mod lookup;
pub(crate) mod pairs;
mod policy;
mod resolver;
mod route;
mod rules;
mod state;
#[cfg(test)]
mod tests;

pub use dns::{LookupError, LookupReason, NameServer, Query, QueryError, QueryFailure, Rcode, Record, RecordData, RecordType, Reply};
pub use fabric::Network;
pub use listener::{Accepted, BindError, Listener, NameServerSocket, Owner, ServerTls};
pub use lookup::Resolved;
pub use policy::{Cidr, Endpoint, Flow, PeerMatch, PodRules, PolicyRule, PolicyRules, PortMatch};
pub use resolver::ResolverConfig;
pub use route::{Route, Unreachable};
pub use rules::{Affinity, Backend, Destination, Protocol, ProxyRules, ServiceRule, Verdict};
pub use state::{MachineNetwork, Netns, PodKey, PodNetwork, Socket, SocketKey, Subnet};
