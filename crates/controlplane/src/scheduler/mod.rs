//! kube-scheduler: a queue of pods, a snapshot of the cluster, filters, scores, preemption, binding.

mod bind;
mod cycle;
mod diagnosis;
mod events;
mod filters;
mod parked;
mod preemption;
mod queue;
mod resources;
mod run;
mod scores;
mod snapshot;
mod volumes;

pub use parked::Parked;
pub use run::scheduler;
