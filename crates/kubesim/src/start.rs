//! From nothing to a healthy cluster with a past.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::bootstrap::bootstrap;
use crate::cluster::{Cluster, Time};
use crate::config::Config;
use crate::error::SimError;
use crate::world::World;

/// Clusters are installed on fixed days, so that one that was installed yesterday is the same as one that is installed now.
const PERIOD: SignedDuration = SignedDuration::from_hours(14 * 24);

/// How old a prepared cluster is at least, at a time of day at which people work.
const AGE: SignedDuration = SignedDuration::from_mins((21 * 24 - 9) * 60 - 13);

/// Seed of what every cluster has in common; a cluster's own seed decides from when it wakes.
const INSTALL_SEED: u64 = 0;

/// What is played after the long quiet. Twice as long as a kubelet waits between two renewals of its lease: leases and tokens are
/// new, statuses are reported, everybody is awake at the end.
const WAKING: SignedDuration = SignedDuration::from_secs(20);

/// When a cluster was installed whose present moment is `now`.
pub fn installed_at(now: Timestamp) -> Timestamp {
    let period = PERIOD.as_secs();
    let day = Timestamp::from_second(now.as_second().div_euclid(period) * period);
    day.and_then(|day| day.checked_sub(AGE)).unwrap_or(now)
}

/// Installs a cluster as kubeadm does, in stepped time; its present moment at the end is when it became whole.
pub async fn boot(config: &Config) -> Result<World, SimError> {
    let cluster = Cluster::wake(World::new(config)?, Time::Stepped)?;
    cluster
        .run(|sim| async move {
            for machine in sim.nodes() {
                machine.boot();
            }
            bootstrap(sim.clone()).await?;
            // Start-up probes, image garbage and the like have settled after this.
            tokio::time::sleep(Duration::from_secs(30)).await;
            Ok(sim.snapshot())
        })
        .await?
}

/// The cluster that [`wake_up`] wants for `now`, fast asleep since it was installed. It depends on the number of workers and
/// [`installed_at`] alone, so it can be kept.
pub async fn install(workers: u8, now: Timestamp) -> Result<World, SimError> {
    let mut world = boot(&Config { seed: INSTALL_SEED, workers, now: installed_at(now) }).await?;
    // Nobody watches it, so nobody can ask for what changed; events have expired long before anybody looks.
    world.store.forget_changes();
    world.store.forget_objects(apiserver::server::EVENTS);
    Ok(world)
}

/// Wakes an installed cluster up, in stepped time, so that it is whole at `now`. From here on the seed decides every name, uid
/// and port.
pub async fn wake_up(mut world: World, seed: u64, now: Timestamp) -> Result<Cluster, SimError> {
    world.reseed(seed);
    let wake_up = now.checked_sub(WAKING).unwrap_or(now);
    world.skip(wake_up.duration_since(world.now));
    let cluster = Cluster::wake(world, Time::Stepped)?;
    cluster.run(|_| tokio::time::sleep(WAKING.unsigned_abs())).await?;
    Ok(cluster)
}

/// A healthy cluster that was installed weeks ago and whose present moment is `config.now`.
pub async fn prepare(config: &Config) -> Result<World, SimError> {
    wake_up(install(config.workers, config.now).await?, config.seed, config.now).await?.fork().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clusters_are_installed_on_fixed_days_weeks_ago() {
        let at = |text: &str| installed_at(text.parse().expect("a time")).to_string();
        for (now, installed) in [
            ("2026-11-18T23:59:59Z", "2026-10-15T09:13:00Z"),
            ("2026-11-19T00:00:00Z", "2026-10-29T09:13:00Z"),
            ("2026-11-24T10:00:00Z", "2026-10-29T09:13:00Z"),
        ] {
            assert_eq!(at(now), installed, "{now}");
        }
    }
}
