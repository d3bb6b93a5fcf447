//! The control plane's programs, registered with the machines' program table: what the static pods run. Each reads its
//! flags and the files that they name, so a wrong manifest has its real consequence.

mod controllers;
mod etcd;
mod files;
mod flags;
mod health;
mod kube_apiserver;

pub use controllers::{KubeControllerManager, KubeScheduler};
pub use etcd::Etcd;
pub use kube_apiserver::KubeApiserver;
