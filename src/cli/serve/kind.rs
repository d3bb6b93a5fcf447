//! A session's cluster on kind: taken or made, brought back after a stop of its containers, put back to the hand-over.

use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::convert;
use crate::backend::kind::{self, Clusters, HostSettings, Hosts, Kind, KindError, KindOptions, Wanted};
use crate::backend::{Progress, Running};
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::content::{Catalog, Instance, InstanceRecord};
use crate::runner;
use crate::session::{Directories, Folder, SessionError, entropy};

/// File of the session's folder that says which cluster it has.
const FILE: &str = "kind.json";

/// Which cluster a session has.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Taken {
    /// The cluster.
    pub cluster: String,
    /// The user's choices, for making it anew.
    pub options: KindOptions,
}

impl From<KindError> for CliError {
    fn from(error: KindError) -> Self {
        let hint = error.hint();
        let made = match &error {
            KindError::Unknown { .. } | KindError::Config { .. } | KindError::UnknownProvider { .. } => Self::usage(error.to_string()),
            _ => Self::environment(error.to_string()),
        };
        made.maybe_hint(hint)
    }
}

/// The kind clusters of this user.
pub async fn hosts(context: &Context, directories: &Directories) -> Result<Hosts, CliError> {
    let sessions = directories.sessions();
    let exists = Arc::new(move |session: &str| sessions.join(session).is_dir());
    let clusters = Clusters::at(directories.kind());
    Ok(Hosts::new(clusters, HostSettings::from_environment(), context.wall(), exists).await?)
}

/// Takes or makes a cluster for a session, and says so in its folder.
pub async fn acquire(
    hosts: &Hosts,
    folder: &Folder,
    options: &KindOptions,
    workers: usize,
    progress: Progress<'_>,
) -> Result<Kind, CliError> {
    let session = folder.id();
    let wanted = Wanted { options: options.clone(), workers, seed: entropy::seed(), session: Some(session.clone()), new: false };
    let cluster = hosts.acquire(&wanted, progress).await?;
    cluster.use_for(Some(&session))?;
    let taken = Taken { cluster: cluster.name(), options: options.clone() };
    folder.write(FILE, &serde_json::to_vec(&taken).unwrap_or_default())?;
    Ok(cluster)
}

/// Sets a scenario up on a cluster that is clean.
pub async fn set_up(cluster: &Kind, instance: Instance, progress: Progress<'_>) -> Result<Instance, CliError> {
    if let Some(lacking) = lacking(&instance).first() {
        return Err(CliError::usage(format!("this scenario needs {lacking}, which kind clusters do not have"))
            .hint("leave out --backend: the embedded cluster has it; or choose another variant"));
    }
    progress("looking for the images that it needs");
    cluster.provide_images(&runner::images(&instance)?, progress).await?;
    progress("setting the scene");
    Ok(runner::set_up(&cluster.environment(), instance, &mut convert::scene(progress)).await?)
}

/// Capabilities that an instance needs and kind does not have.
pub fn lacking(instance: &Instance) -> Vec<String> {
    instance.lacking(&kind::capabilities()).iter().map(ToString::to_string).collect()
}

/// Brings a session's cluster back. One that is gone is made anew, with the scenario from its beginning.
pub async fn recover(
    hosts: &Hosts,
    catalog: &Catalog,
    record: &InstanceRecord,
    folder: &Folder,
    progress: Progress<'_>,
) -> Result<(Kind, Instance), CliError> {
    let taken = taken(folder.path())?;
    match hosts.open(&taken.cluster, &folder.id()).await {
        Ok(cluster) => {
            for line in cluster.recover(progress).await? {
                progress(&line);
            }
            let instance = Instance::restore(catalog, record, &cluster.inventory())?;
            Ok((cluster, instance))
        }
        Err(gone @ (KindError::Gone { .. } | KindError::Unknown { .. })) => {
            progress(&format!("{gone}: making another, with the scenario from its beginning"));
            let exercise = catalog.exercise(record.kind, &record.id);
            let workers = exercise.map_or(0, |exercise| exercise.requires.workers as usize).max(3);
            // Under the same name, because the nodes' names are part of what was drawn.
            let options = KindOptions { cluster: Some(taken.cluster), ..taken.options };
            let cluster = acquire(hosts, folder, &options, workers, progress).await?;
            let instance = from_the_start(&cluster, catalog, record, progress).await?;
            Ok((cluster, instance))
        }
        Err(error) => Err(error.into()),
    }
}

/// Puts the cluster back to the hand-over: to clean, then the same variant once more.
pub async fn reset(
    cluster: &Kind,
    catalog: &Catalog,
    record: &InstanceRecord,
    session: &str,
    progress: Progress<'_>,
) -> Result<Instance, CliError> {
    let cleaned = cluster.clean(progress).await?;
    tracing::info!(took = ?cleaned.took, anew = ?cleaned.anew, "the cluster is clean");
    cluster.use_for(Some(session))?;
    from_the_start(cluster, catalog, record, progress).await
}

async fn from_the_start(cluster: &Kind, catalog: &Catalog, record: &InstanceRecord, progress: Progress<'_>) -> Result<Instance, CliError> {
    let fresh = InstanceRecord { captured: Default::default(), ..record.clone() };
    let instance = Instance::restore(catalog, &fresh, &cluster.inventory())?;
    set_up(cluster, instance, progress).await
}

/// The cluster of a session's folder.
fn taken(folder: &Path) -> Result<Taken, SessionError> {
    let path = folder.join(FILE);
    let bytes = std::fs::read(&path).map_err(SessionError::file("read", &path))?;
    serde_json::from_slice(&bytes).map_err(|source| SessionError::Damaged { path, source })
}

/// A session that ends gives its cluster back; it stays for the next one.
pub fn release(running: &Running) {
    if let Some(cluster) = running.kind()
        && let Err(error) = cluster.release()
    {
        tracing::warn!(%error, "the cluster's record could not be written");
    }
}
