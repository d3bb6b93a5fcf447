//! What can go wrong with a simulation as a whole.

use crate::pki::PkiError;

/// A simulation that could not be started, run or saved.
#[derive(Debug, thiserror::Error)]
pub enum SimError {
    /// No thread or runtime could be had.
    #[error("the simulation's thread could not be started: {0}")]
    Thread(String),
    /// The simulation has ended, or a job of it panicked.
    #[error("the simulation has ended")]
    Ended,
    /// Certificates could not be made.
    #[error(transparent)]
    Pki(#[from] PkiError),
    /// The cluster did not come up.
    #[error("the cluster did not become ready: {0}")]
    Boot(String),
    /// The configuration makes no sense.
    #[error("invalid cluster configuration: {0}")]
    Config(String),
    /// The journal could not be written or read.
    #[error("cluster journal {path}: {reason}")]
    Journal {
        /// File.
        path: String,
        /// What happened.
        reason: String,
    },
    /// The address for clients could not be opened.
    #[error("listening on {address} failed: {reason}")]
    Listen {
        /// `ip:port`.
        address: String,
        /// What happened.
        reason: String,
    },
}
