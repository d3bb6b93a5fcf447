//! From nothing to a healthy cluster with a past.

use std::time::Duration;

use jiff::SignedDuration;

use crate::bootstrap::bootstrap;
use crate::cluster::{Cluster, Time};
use crate::config::Config;
use crate::error::SimError;
use crate::world::World;

/// How long ago a prepared cluster was installed.
const AGE: SignedDuration = SignedDuration::from_hours(26 * 24 + 7);

/// What is played after the long quiet: leases are renewed, tokens refreshed, everybody is awake at the end.
const LAST_MINUTES: SignedDuration = SignedDuration::from_mins(1);

/// Installs a cluster as kubeadm does, in stepped time; its present moment at the end is when it became whole.
pub async fn boot(config: &Config) -> Result<World, SimError> {
    let cluster = Cluster::wake(World::new(config)?, Time::Stepped)?;
    cluster
        .run(|sim| async move {
            for machine in sim.machines() {
                machine.boot();
            }
            bootstrap(sim.clone()).await?;
            // Start-up probes, image garbage and the like have settled after this.
            tokio::time::sleep(Duration::from_secs(30)).await;
            Ok(sim.snapshot())
        })
        .await?
}

/// A healthy cluster that was installed weeks ago and whose present moment is `config.now`.
pub async fn prepare(config: &Config) -> Result<World, SimError> {
    let installed = Config { now: config.now.checked_sub(AGE).unwrap_or(config.now), ..config.clone() };
    let mut world = boot(&installed).await?;
    let wake_up = config.now.checked_sub(LAST_MINUTES).unwrap_or(config.now);
    world.skip(wake_up.duration_since(world.now));
    let cluster = Cluster::wake(world, Time::Stepped)?;
    cluster
        .run(move |sim| async move {
            tokio::time::sleep(LAST_MINUTES.unsigned_abs()).await;
            sim.snapshot()
        })
        .await
}
