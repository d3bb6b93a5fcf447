//! A whole Kubernetes cluster in one process. A [`World`] is a cluster as a value; [`Cluster`] is one that runs.

mod base;
mod bootstrap;
mod cluster;
mod config;
mod durable;
mod error;
mod gateway;
mod images;
mod install;
mod kubeconfigs;
mod pki;
mod programs;
pub mod shell;
mod simulation;
mod start;
mod world;

pub use base::{BASE, Outside, base_machine};
pub use bootstrap::bootstrap;
pub use cluster::{Cluster, Time, WeakCluster};
pub use config::{Config, Layout, NodeInfo, Role};
pub use durable::Journal;
pub use error::SimError;
pub use gateway::Gateway;
pub use images::knows_image;
pub use kubeconfigs::embedded as admin_kubeconfig;
pub use simulation::Sim;
pub use start::{boot, install, installed_at, prepare, wake_up};
pub use world::World;
