//! An embedded cluster of a task's own, reachable from outside for as long as the task runs.

use std::path::PathBuf;

use ckaprep::backend::embedded::{Embedded, Spec, Time};

/// It ends when this is dropped.
pub struct Own {
    /// Its administrator's kubeconfig.
    pub kubeconfig: PathBuf,
    _directory: tempfile::TempDir,
    _cluster: Embedded,
    _runtime: tokio::runtime::Runtime,
}

/// Starts one with three workers.
#[expect(clippy::disallowed_methods, reason = "a live cluster starts at the present moment")]
pub fn start() -> Result<Own, String> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|e| e.to_string())?;
    let spec = Spec { seed: 1, workers: 3, now: jiff::Timestamp::now(), time: Time::Live, open: true, journal: None };
    let cluster = runtime.block_on(Embedded::start(spec)).map_err(|e| e.to_string())?;
    let directory = tempfile::tempdir().map_err(|e| e.to_string())?;
    let kubeconfig = directory.path().join("admin.conf");
    std::fs::write(&kubeconfig, cluster.kubeconfig()).map_err(|e| format!("{}: {e}", kubeconfig.display()))?;
    Ok(Own { kubeconfig, _directory: directory, _cluster: cluster, _runtime: runtime })
}
