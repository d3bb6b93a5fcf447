//! A session's place on a cluster that the user named: planned, agreed to, set up, removed.

use std::time::Duration;

use super::convert;
use crate::backend::existing::{Existing, ExistingError, Options, Plan};
use crate::backend::{Now, Progress};
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::content::{Catalog, Instance, InstanceRecord};
use crate::runner;
use crate::session::registry::EXISTING;
use crate::session::{Folder, SessionError};

/// File of the session's folder with the user's choices.
const FILE: &str = EXISTING;

/// Longest that namespaces may take to be gone before they are made again.
const GONE: Duration = Duration::from_secs(120);

impl From<ExistingError> for CliError {
    fn from(error: ExistingError) -> Self {
        let hint = error.hint();
        let made = if error.is_usage() { Self::usage(error.to_string()) } else { Self::environment(error.to_string()) };
        made.maybe_hint(hint)
    }
}

/// Connects for a session, and writes the choices down, so that what it makes is found again whatever happens.
pub async fn connect(options: &Options, folder: &Folder, now: Now) -> Result<Existing, CliError> {
    let cluster = Existing::connect(options, &folder.id(), now).await?;
    folder.write(FILE, &serde_json::to_vec(options).unwrap_or_default())?;
    Ok(cluster)
}

/// Connects as the session did before.
pub async fn reconnect(folder: &Folder, now: Now) -> Result<Existing, CliError> {
    let path = folder.path().join(FILE);
    let bytes = std::fs::read(&path).map_err(SessionError::file("read", &path))?;
    let options: Options = serde_json::from_slice(&bytes).map_err(|source| SessionError::Damaged { path, source })?;
    Ok(Existing::connect(&options, &folder.id(), now).await?)
}

/// Removes what a session made whose process is gone; nothing where it made nothing. Fails before anything is forgotten.
pub async fn remove_left(folder: &Folder, context: &Context) -> Result<(), CliError> {
    if !folder.path().join(FILE).exists() {
        return Ok(());
    }
    let removed = reconnect(folder, context.wall()).await?.remove().await?;
    match removed.left.first() {
        None => Ok(()),
        Some((name, why)) => Err(CliError::environment(format!("the namespace {name} cannot be removed: {why}"))
            .hint("mend that and say `ckaprep stop` again: until then the session is not forgotten")),
    }
}

/// What a scenario would make there. Refuses one that needs what the cluster lacks, or that would touch what it did not make.
pub async fn plan(cluster: &Existing, instance: &Instance) -> Result<Plan, CliError> {
    let elsewhere = "leave out --backend: the embedded cluster can run every scenario";
    if let Some(missing) = instance.lacking(cluster.capabilities()).first() {
        let unseen = cluster.detected().unknown.iter().map(|(what, why)| format!("; {what} could not be looked at: {why}"));
        return Err(CliError::usage(format!(
            "this scenario needs {missing}, which this cluster does not have{}",
            unseen.collect::<String>()
        ))
        .hint(elsewhere));
    }
    let (needed, there) = (instance.exercise.requires.workers, cluster.detected().schedulable);
    if needed > there {
        return Err(
            CliError::usage(format!("this scenario needs {needed} nodes that take pods, and this cluster has {there}")).hint(elsewhere)
        );
    }
    let planned = runner::planned(instance)?;
    if let Some(step) = planned.opaque.first() {
        return Err(
            CliError::usage(format!("the setup of this scenario has {step}, whose effects cannot be told beforehand")).hint(elsewhere)
        );
    }
    let plan = Plan::of(planned.objects).map_err(ExistingError::from)?;
    cluster.free(&plan).await?;
    Ok(plan)
}

/// Sets a scenario up. What was made of it when it fails is removed.
pub async fn set_up(cluster: &Existing, instance: Instance, progress: Progress<'_>) -> Result<Instance, CliError> {
    plan(cluster, &instance).await?;
    progress("setting the scene");
    match runner::set_up(&cluster.environment(), instance, &mut convert::scene(progress)).await {
        Ok(instance) => Ok(instance),
        Err(error) => {
            progress("removing what was made");
            remove(cluster).await;
            Err(error.into())
        }
    }
}

/// Makes the same variant once more, from nothing.
pub async fn reset(cluster: &Existing, catalog: &Catalog, record: &InstanceRecord, progress: Progress<'_>) -> Result<Instance, CliError> {
    progress("removing what was made");
    let removed = cluster.remove().await?;
    if let Some((name, why)) = removed.left.first() {
        return Err(CliError::environment(format!("the namespace {name} cannot be removed: {why}")));
    }
    progress("waiting until it is gone");
    if !cluster.gone(&removed.namespaces, GONE).await? {
        return Err(CliError::environment(format!("the namespaces {} are still being removed", removed.namespaces.join(", ")))
            .hint("`kubectl get ns` shows when they are gone; then `ckaprep reset` again"));
    }
    let fresh = InstanceRecord { captured: Default::default(), ..record.clone() };
    set_up(cluster, Instance::restore(catalog, &fresh, cluster.inventory())?, progress).await
}

/// Removes what the session made; what could not be removed is told in the log.
pub async fn remove(cluster: &Existing) {
    match cluster.remove().await {
        Ok(removed) => {
            for (name, why) in removed.left {
                tracing::error!(name, why, "the namespace was left");
            }
        }
        Err(error) => tracing::error!(%error, "what the session made was left"),
    }
}
