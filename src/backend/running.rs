//! A cluster that runs, wherever it comes from.

use std::future::Future;
use std::sync::Arc;

use super::Environment;
use super::embedded::{Embedded, EmbeddedError};
use super::existing::Existing;
use super::interactive::{InteractiveShell, Size};
use super::kind::Kind;
use crate::model::Inventory;

/// A running cluster of any backend: the one place that tells them apart when something is done with it.
pub enum Running {
    /// Inside this process.
    Embedded(Box<Embedded>),
    /// In containers.
    Kind(Box<Kind>),
    /// The user's own.
    Existing(Box<Existing>),
}

impl Running {
    /// Runs a job with the cluster's environment, on the runtime that the cluster lives on.
    pub async fn run<T, F, Fut>(&self, job: F) -> Result<T, EmbeddedError>
    where
        T: Send + 'static,
        F: FnOnce(Environment) -> Fut + Send + 'static,
        Fut: Future<Output = T> + Send + 'static,
    {
        match self {
            Self::Embedded(cluster) => cluster.run(job).await,
            Self::Kind(cluster) => Ok(job(cluster.environment()).await),
            Self::Existing(cluster) => Ok(job(cluster.environment()).await),
        }
    }

    /// Names, addresses, paths.
    pub fn inventory(&self) -> Arc<Inventory> {
        match self {
            Self::Embedded(cluster) => Arc::clone(cluster.inventory()),
            Self::Kind(cluster) => cluster.inventory(),
            Self::Existing(cluster) => Arc::clone(cluster.inventory()),
        }
    }

    /// URL of the API server for clients outside.
    pub fn server(&self) -> String {
        match self {
            Self::Embedded(cluster) => cluster.server(),
            Self::Kind(cluster) => cluster.server(),
            Self::Existing(cluster) => cluster.server().to_owned(),
        }
    }

    /// The administrator's kubeconfig.
    pub fn kubeconfig(&self) -> String {
        match self {
            Self::Embedded(cluster) => cluster.kubeconfig().to_owned(),
            Self::Kind(cluster) => cluster.kubeconfig(),
            Self::Existing(cluster) => cluster.kubeconfig().to_owned(),
        }
    }

    /// Opens a root shell on a node, or the candidate's on `base`.
    pub fn open_shell(&self, node: &str, terminal: Option<Size>) -> InteractiveShell {
        match self {
            Self::Embedded(cluster) => cluster.open_shell(node, terminal),
            Self::Kind(cluster) => cluster.open_shell(node, terminal),
            Self::Existing(cluster) => cluster.open_shell(terminal),
        }
    }

    /// The kind cluster, where it is one.
    pub fn kind(&self) -> Option<&Kind> {
        match self {
            Self::Kind(cluster) => Some(cluster),
            Self::Embedded(_) | Self::Existing(_) => None,
        }
    }

    /// The user's own cluster, where it is one.
    pub fn existing(&self) -> Option<&Existing> {
        match self {
            Self::Existing(cluster) => Some(cluster),
            Self::Embedded(_) | Self::Kind(_) => None,
        }
    }
}
