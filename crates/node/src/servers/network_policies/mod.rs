//! kube-network-policies, the enforcing agent of kubernetes-sigs: it watches policies, pods and namespaces and programs
//! the kernel of its node, beside whatever CNI plugin gives pods their addresses.

mod agent;
mod compile;

pub(super) use agent::run;
