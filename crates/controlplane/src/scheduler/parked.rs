//! Pods that could not be placed and wait for something to change. They survive a fork, so that a copy of the cluster
//! does not try (and report) again what its original tried a moment ago.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A pod that fits nowhere for now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parked {
    /// Its uid.
    pub uid: String,
    /// Failed attempts.
    pub attempts: u32,
    /// When the last one failed.
    pub since: Timestamp,
    /// Plugins that refused it.
    pub plugins: Vec<String>,
    /// Something happened since that may help it: it is to be tried again when its back-off is over.
    #[serde(default)]
    pub moved: bool,
}
