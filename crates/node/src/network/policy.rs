//! Where network policies are asked.

use std::net::IpAddr;

use super::rules::Protocol;
use super::state::PodKey;

/// One end of a flow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Machine; `None` for the learner's host.
    pub node: Option<String>,
    /// Pod with an address of its own.
    pub pod: Option<PodKey>,
    /// Address, after Service translation.
    pub address: IpAddr,
}

/// A new connection, as a CNI plugin that enforces policies sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flow {
    /// Client.
    pub from: Endpoint,
    /// Server.
    pub to: Endpoint,
    /// Port of the server.
    pub port: u16,
    /// Transport.
    pub protocol: Protocol,
}

/// Decides on flows. Packets of a denied flow are dropped.
pub trait Policy: Send + Sync + 'static {
    /// Whether the flow may pass.
    fn allows(&self, flow: &Flow) -> bool;
}

/// No policies.
pub struct AllowAll;

impl Policy for AllowAll {
    fn allows(&self, _: &Flow) -> bool {
        true
    }
}
