//! Subresources with behaviour of their own, and kinds that are answered without being stored.

mod access_review;
mod binding;
mod body;
mod eviction;
mod exec;
mod kubelet;
mod log;
mod lookup;
mod pod_target;
mod proxy;
mod review;
mod rules_review;
mod token_request;
mod write;

pub use lookup::{extra, review};
