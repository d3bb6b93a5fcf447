//! NodeResourcesFit: requests must fit into what the node has left.

use crate::scheduler::diagnosis::Refusal;
use crate::scheduler::snapshot::{NodeInfo, PodInfo};

/// Every resource that does not fit is a reason.
pub fn check(pod: &PodInfo, node: &NodeInfo) -> Option<Refusal> {
    let allocatable = |name: &str| node.allocatable.get(name).copied().unwrap_or(0);
    let mut refusal = Refusal { plugin: "NodeResourcesFit", reasons: Vec::new(), resolvable: true };
    if i64::try_from(node.pods.len()).unwrap_or(i64::MAX) + 1 > allocatable("pods") {
        refusal.reasons.push("Too many pods".to_owned());
    }
    // cpu and memory first, as upstream lists them; the message sorts its reasons anyway.
    for (name, wanted) in pod.requests.iter().filter(|(_, wanted)| **wanted > 0) {
        let used = node.requested.get(name).copied().unwrap_or(0);
        if *wanted > allocatable(name) - used {
            refusal.reasons.push(format!("Insufficient {name}"));
            // More than the whole node: no preemption helps.
            refusal.resolvable &= *wanted <= allocatable(name);
        }
    }
    (!refusal.reasons.is_empty()).then_some(refusal)
}
