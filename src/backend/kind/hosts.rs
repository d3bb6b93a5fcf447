//! The clusters of this user: taking one, making one, listing them, clearing up after crashes.

use std::sync::Arc;
use std::time::Duration;

use super::Kind;
use super::api::Api;
use super::config::{self, KindOptions};
use super::create;
use super::engine::{Engine, HostSettings};
use super::error::KindError;
use super::folder::{Clusters, Folder, Lock, PREFIX, Record, State};
use crate::backend::host_command::{HostPrograms, SharedCommands};
use crate::backend::{Now, Progress};
use crate::model::readable_suffix;

/// This machine's container runtime, and what is remembered of our clusters.
pub struct Hosts {
    engine: Engine,
    settings: HostSettings,
    clusters: Clusters,
    now: Now,
    pid: u32,
    /// Whether a session still exists.
    session_exists: Arc<dyn Fn(&str) -> bool + Send + Sync>,
}

/// What cluster is wanted.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// The user's choices.
    pub options: KindOptions,
    /// Workers at least.
    pub workers: usize,
    /// Decides the name of a new one.
    pub seed: u64,
    /// The session that it is for.
    pub session: Option<String>,
    /// Never one that is there: a new one.
    pub new: bool,
}

/// A cluster in the list.
#[derive(Clone, Debug)]
pub struct Found {
    /// Its name.
    pub name: String,
    /// What is remembered; absent for one that is only in the daemon.
    pub record: Option<Record>,
    /// Whether a process uses it now.
    pub in_use: bool,
    /// Nodes that run, and all.
    pub nodes: (usize, usize),
    /// Why it is a leftover, if it is one.
    pub leftover: Option<Leftover>,
}

/// Why something is a leftover.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leftover {
    /// Its creation was cut off.
    Creation,
    /// The session that used it is gone.
    Session,
    /// Its containers are gone: only the memory of it is left.
    Memory,
}

impl Leftover {
    /// For people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Creation => "its creation was cut off",
            Self::Session => "the session that used it is gone",
            Self::Memory => "its containers are gone",
        }
    }
}

impl Hosts {
    /// With the host's own programs.
    pub async fn new(
        clusters: Clusters,
        settings: HostSettings,
        now: Now,
        session_exists: Arc<dyn Fn(&str) -> bool + Send + Sync>,
    ) -> Result<Self, KindError> {
        Self::with(Arc::new(HostPrograms), clusters, settings, now, session_exists).await
    }

    /// With other programs.
    pub async fn with(
        commands: SharedCommands,
        clusters: Clusters,
        settings: HostSettings,
        now: Now,
        session_exists: Arc<dyn Fn(&str) -> bool + Send + Sync>,
    ) -> Result<Self, KindError> {
        let engine = Engine::detect(commands, &settings).await?;
        Ok(Self { engine, settings, clusters, now, pid: std::process::id(), session_exists })
    }

    /// The runtime.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The runtime that has a cluster.
    fn engine_of(&self, record: &Record) -> Engine {
        Engine::of(Arc::clone(self.engine.commands()), record.daemon.clone(), &self.settings)
    }

    /// A clean cluster for this process alone: one that is there, brought back if it was used, else a new one.
    pub async fn acquire(&self, wanted: &Wanted, progress: Progress<'_>) -> Result<Kind, KindError> {
        self.engine.info().await?;
        let shape = wanted.options.compose(wanted.workers)?;
        if let Some(name) = &wanted.options.cluster {
            let name = full(name);
            return match self.clusters.find(&name) {
                Ok((folder, _)) => {
                    let lock = folder.lock()?;
                    self.take(folder, lock, wanted, progress).await
                }
                Err(KindError::Unknown { .. }) => self.create(name, shape, wanted, progress).await,
                Err(error) => Err(error),
            };
        }
        if !wanted.new
            && let Some((folder, lock)) = self.idle(wanted, &shape)
        {
            return self.take(folder, lock, wanted, progress).await;
        }
        self.create(new_name(wanted.seed), shape, wanted, progress).await
    }

    /// A cluster that nobody uses and that is what is wanted; clean ones first.
    fn idle(&self, wanted: &Wanted, shape: &serde_json::Value) -> Option<(Folder, Lock)> {
        let mut all = self.clusters.all();
        all.retain(|(_, record)| record.as_ref().is_some_and(|r| r.state != State::Creating));
        all.sort_by_key(|(_, record)| record.as_ref().is_some_and(|r| r.state != State::Clean));
        all.into_iter().find_map(|(folder, _)| {
            let lock = folder.lock().ok()?;
            // Read under the lock: it may have been taken and given back since.
            let record = folder.record().ok()?;
            let fits = record.state != State::Creating
                && record.image == wanted.options.image
                && record.daemon == *self.engine.daemon()
                && create::same_shape(&record.config, shape)
                && !self.belongs(&record);
            fits.then_some((folder, lock))
        })
    }

    /// Whether a session, asleep maybe, still has it.
    fn belongs(&self, record: &Record) -> bool {
        record.session.as_ref().is_some_and(|session| (self.session_exists)(session))
    }

    /// Takes a cluster that is locked for us, and makes sure that it is clean.
    async fn take(&self, folder: Folder, lock: Lock, wanted: &Wanted, progress: Progress<'_>) -> Result<Kind, KindError> {
        let mut record = folder.record()?;
        if self.belongs(&record) && record.session != wanted.session {
            return Err(KindError::Locked {
                name: record.name,
                by: record.session.map(|session| format!("session {session}, which is asleep")),
            });
        }
        let engine = self.engine_of(&record);
        let clean = record.state == State::Clean;
        (record.pid, record.session) = (self.pid, wanted.session.clone());
        let whole = record.state != State::Creating && !engine.all_containers(&record.name).await?.is_empty();
        if !whole {
            // A creation that was cut off, or containers that somebody removed.
            let name = record.name.clone();
            let options = KindOptions { image: record.image.clone(), ..wanted.options.clone() };
            let leftovers = engine.all_containers(&name).await?;
            if !leftovers.is_empty() {
                let mut command = engine.runtime(["rm", "-f", "-v"]).limit(Duration::from_secs(120));
                command.args.extend(leftovers);
                engine.run(command).await?;
            }
            let config = record.config.clone();
            return self.create_locked(name, config, &Wanted { options, ..wanted.clone() }, folder, lock, progress).await;
        }
        progress(&format!("taking the cluster {}", record.name));
        folder.write_record(&record)?;
        let kind = self.open_locked(folder, lock, record).await?;
        if clean {
            // Clean, but maybe not running.
            kind.recover(progress).await?;
        } else {
            kind.clean(progress).await?;
        }
        Ok(kind)
    }

    async fn create(&self, name: String, shape: serde_json::Value, wanted: &Wanted, progress: Progress<'_>) -> Result<Kind, KindError> {
        let folder = self.clusters.folder(&name);
        folder.create()?;
        let lock = folder.lock()?;
        self.create_locked(name, shape, wanted, folder, lock, progress).await
    }

    async fn create_locked(
        &self,
        name: String,
        shape: serde_json::Value,
        wanted: &Wanted,
        folder: Folder,
        lock: Lock,
        progress: Progress<'_>,
    ) -> Result<Kind, KindError> {
        let made = async {
            let version = self.engine.kind_version().await?;
            let image = wanted.options.image.clone();
            let mut record = create::new_record(name.clone(), &self.engine, image, version, shape, self.pid, (self.now)());
            record.session.clone_from(&wanted.session);
            let limit = Duration::from_secs(wanted.options.create_seconds);
            let (api, nodes, _) = create::create(&self.engine, &folder, &mut record, limit, progress).await?;
            Ok::<_, KindError>((record, api, nodes))
        };
        match made.await {
            Ok((record, api, nodes)) => {
                Kind::new(self.engine.clone(), (folder, lock), record, api, &nodes, Arc::clone(&self.now), self.pid)
            }
            Err(error) => {
                if !wanted.options.keep {
                    progress("removing what was made");
                    if let Err(second) = create::delete(&self.engine, &folder, &name).await {
                        // It stays remembered as half made, which `prune` finds.
                        tracing::warn!(%second, "leftovers could not be removed");
                    }
                }
                Err(error)
            }
        }
    }

    /// The cluster of a session that is being brought back.
    pub async fn open(&self, name: &str, session: &str) -> Result<Kind, KindError> {
        let (folder, _) = self.clusters.find(name)?;
        let lock = folder.lock()?;
        let mut record = folder.record()?;
        if record.session.as_deref() != Some(session) {
            return Err(KindError::Gone { name: name.to_owned(), reason: "another scenario took it since".to_owned() });
        }
        record.pid = self.pid;
        folder.write_record(&record)?;
        let engine = self.engine_of(&record);
        if engine.nodes(name).await?.is_empty() {
            return Err(KindError::Gone { name: name.to_owned(), reason: "its containers were removed".to_owned() });
        }
        self.open_locked(folder, lock, record).await
    }

    async fn open_locked(&self, folder: Folder, lock: Lock, record: Record) -> Result<Kind, KindError> {
        let engine = self.engine_of(&record);
        let nodes = engine.nodes(&record.name).await?;
        let text = String::from_utf8_lossy(&folder.read("kubeconfig")?).into_owned();
        let api = Api::of_kubeconfig(&record.name, &text).await?;
        Kind::new(engine, (folder, lock), record, api, &nodes, Arc::clone(&self.now), self.pid)
    }

    /// Removes what this process was making when it was interrupted.
    pub async fn abandon(&self, keep: bool) -> Result<(), KindError> {
        for (folder, record) in self.clusters.all() {
            let Some(record) = record.filter(|r| r.pid == self.pid && r.state == State::Creating) else { continue };
            if !keep {
                create::delete(&self.engine_of(&record), &folder, &record.name).await?;
            }
        }
        Ok(())
    }

    /// All clusters of ours, and those of our prefix that only the daemon knows.
    pub async fn list(&self) -> Result<Vec<Found>, KindError> {
        let mut known = self.engine.clusters().await?;
        let mut found = Vec::new();
        for (folder, record) in self.clusters.all() {
            let name = folder.name();
            known.retain(|other| *other != name);
            let engine = record.as_ref().map_or_else(|| self.engine.clone(), |record| self.engine_of(record));
            let nodes = engine.nodes(&name).await.unwrap_or_default();
            let in_use = folder.is_locked();
            let leftover = self.leftover(record.as_ref(), in_use, nodes.is_empty());
            found.push(Found { name, record, in_use, nodes: (nodes.iter().filter(|n| n.running).count(), nodes.len()), leftover });
        }
        for name in known.into_iter().filter(|name| name.starts_with(PREFIX)) {
            let nodes = self.engine.nodes(&name).await?;
            found.push(Found {
                name,
                record: None,
                in_use: false,
                nodes: (nodes.iter().filter(|n| n.running).count(), nodes.len()),
                leftover: None,
            });
        }
        found.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(found)
    }

    fn leftover(&self, record: Option<&Record>, in_use: bool, no_nodes: bool) -> Option<Leftover> {
        if in_use {
            return None;
        }
        match record {
            None => Some(Leftover::Creation),
            Some(record) if record.state == State::Creating => Some(Leftover::Creation),
            Some(record) if no_nodes && !self.belongs(record) => Some(Leftover::Memory),
            Some(record) if record.session.is_some() && !self.belongs(record) => Some(Leftover::Session),
            Some(_) => None,
        }
    }

    /// Deletes a cluster. One that is in use, or belongs to a session that is asleep, only with `force`.
    pub async fn delete(&self, name: &str, force: bool) -> Result<(), KindError> {
        let name = full(name);
        let (folder, record) = match self.clusters.find(&name) {
            Ok((folder, record)) => (folder, Some(record)),
            // One that only the daemon knows has to be meant: other users' are called alike.
            Err(KindError::Unknown { known, .. }) if force => {
                if self.engine.nodes(&name).await?.is_empty() {
                    return Err(KindError::Unknown { name, known });
                }
                (self.clusters.folder(&name), None)
            }
            Err(KindError::File { .. }) if force => (self.clusters.folder(&name), None),
            Err(error) => return Err(error),
        };
        if let Some(record) = record.as_ref().filter(|_| !force) {
            if self.belongs(record) {
                return Err(KindError::Locked { name, by: record.session.as_ref().map(|s| format!("session {s}")) });
            }
            drop(folder.lock()?);
        }
        let engine = record.as_ref().map_or_else(|| self.engine.clone(), |record| self.engine_of(record));
        create::delete(&engine, &folder, &name).await
    }

    /// Deletes a leftover, if it still is one.
    pub async fn prune(&self, name: &str) -> Result<bool, KindError> {
        let folder = self.clusters.folder(name);
        let Ok(_lock) = folder.lock() else { return Ok(false) };
        let record = folder.record().ok();
        let engine = record.as_ref().map_or_else(|| self.engine.clone(), |record| self.engine_of(record));
        let no_nodes = engine.nodes(name).await?.is_empty();
        if self.leftover(record.as_ref(), false, no_nodes).is_none() {
            return Ok(false);
        }
        create::delete(&engine, &folder, name).await?;
        Ok(true)
    }

    /// The image that new nodes are made from, fetched if it is not there; nothing when only kind knows its name.
    pub async fn fetch_node_image(&self, options: &KindOptions, progress: Progress<'_>) -> Result<Option<String>, KindError> {
        let Some(image) = &options.image else { return Ok(None) };
        if super::images::fetch(&self.engine, image, progress).await? {
            return Ok(Some(image.clone()));
        }
        Err(KindError::NoImage { image: image.clone(), reason: "the pull failed".to_owned() })
    }

    /// How many workers a configuration makes.
    pub fn workers(options: &KindOptions, workers: usize) -> Result<usize, KindError> {
        Ok(config::workers(&options.compose(workers)?))
    }
}

/// A cluster's whole name.
fn full(name: &str) -> String {
    if name.starts_with(PREFIX) { name.to_owned() } else { format!("{PREFIX}{name}") }
}

/// `ckaprep-k7f2`.
fn new_name(seed: u64) -> String {
    format!("{PREFIX}{}", readable_suffix(seed))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::backend::host_command::testing::{FakeCommands, fails, says};
    use crate::backend::host_command::{Finished, HostCommand, HostError};

    async fn hosts(
        dir: &std::path::Path,
        answer: impl Fn(&HostCommand) -> Result<Finished, HostError> + Send + Sync + 'static,
    ) -> (Hosts, FakeCommands) {
        let commands = FakeCommands::new(answer);
        let now: Now = Arc::new(|| jiff::Timestamp::UNIX_EPOCH);
        let exists = Arc::new(|session: &str| session == "alive");
        let hosts = Hosts::with(Arc::new(commands.clone()), Clusters::at(dir), HostSettings::default(), now, exists).await.unwrap();
        (hosts, commands)
    }

    /// A docker whose clusters have one container each.
    fn docker(command: &HostCommand) -> Result<Finished, HostError> {
        let args: Vec<&str> = command.args.iter().map(String::as_str).collect();
        match args.as_slice() {
            ["info", ..] => says("{}"),
            ["ps", "-a", ..] => says("ckaprep-cut\nckaprep-stranger\nother\n"),
            ["ps", "-aq", ..] => says("id-1\n"),
            ["inspect", ..] => says(
                &json!([{"Name": "/n", "Config": {"Labels": {"io.x-k8s.kind.role": "worker"}}, "State": {"Running": true}}]).to_string(),
            ),
            ["rm", ..] => says(""),
            ["create", "cluster", ..] => fails("ERROR: failed to create cluster: boom"),
            _ => says("1"),
        }
    }

    fn remember(hosts: &Hosts, name: &str, state: State, session: Option<&str>) -> Folder {
        let folder = hosts.clusters.folder(name);
        folder.create().unwrap();
        let shape = KindOptions::default().compose(3).unwrap();
        let mut record = create::new_record(name.into(), &hosts.engine, None, "1".into(), shape, 1, jiff::Timestamp::UNIX_EPOCH);
        (record.state, record.session) = (state, session.map(str::to_owned));
        folder.write_record(&record).unwrap();
        folder
    }

    #[tokio::test]
    async fn leftovers_are_found_and_only_they_are_pruned() {
        let dir = tempfile::tempdir().unwrap();
        let (hosts, commands) = hosts(dir.path(), docker).await;
        remember(&hosts, "ckaprep-cut", State::Creating, None);
        remember(&hosts, "ckaprep-idle", State::Clean, None);
        remember(&hosts, "ckaprep-lost", State::Used, Some("dead"));
        remember(&hosts, "ckaprep-mine", State::Used, Some("alive"));
        let making = remember(&hosts, "ckaprep-now", State::Creating, None).lock().unwrap();
        let found = hosts.list().await.unwrap();
        let leftovers: Vec<(&str, Option<Leftover>)> = found.iter().map(|f| (f.name.as_str(), f.leftover)).collect();
        assert_eq!(
            leftovers,
            [
                ("ckaprep-cut", Some(Leftover::Creation)),
                ("ckaprep-idle", None),
                ("ckaprep-lost", Some(Leftover::Session)),
                ("ckaprep-mine", None),
                ("ckaprep-now", None),
                ("ckaprep-stranger", None),
            ]
        );
        for (name, pruned) in
            [("ckaprep-cut", true), ("ckaprep-lost", true), ("ckaprep-idle", false), ("ckaprep-mine", false), ("ckaprep-now", false)]
        {
            assert_eq!(hosts.prune(name).await.unwrap(), pruned, "{name}");
        }
        drop(making);
        assert_eq!(commands.lines().iter().filter(|l| l.starts_with("docker rm")).count(), 2);
        assert!(matches!(hosts.delete("mine", false).await, Err(KindError::Locked { .. })));
        assert!(matches!(hosts.delete("stranger", false).await, Err(KindError::Unknown { .. })));
        hosts.delete("stranger", true).await.unwrap();
        hosts.delete("mine", true).await.unwrap();
    }

    #[tokio::test]
    async fn two_do_not_take_one_cluster_and_a_sleeping_sessions_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let (hosts, _) = hosts(dir.path(), docker).await;
        let (wanted, shape) = (Wanted { workers: 3, ..Wanted::default() }, KindOptions::default().compose(3).unwrap());
        remember(&hosts, "ckaprep-a", State::Used, Some("alive"));
        assert!(hosts.idle(&wanted, &shape).is_none());
        remember(&hosts, "ckaprep-b", State::Used, Some("dead"));
        let clean = remember(&hosts, "ckaprep-c", State::Clean, None);
        let (first, held) = hosts.idle(&wanted, &shape).unwrap();
        assert_eq!(first, clean, "a clean one comes first");
        let (second, _also_held) = hosts.idle(&wanted, &shape).unwrap();
        assert_eq!(second.name(), "ckaprep-b");
        let named = Wanted { options: KindOptions { cluster: Some("c".into()), ..KindOptions::default() }, ..wanted.clone() };
        assert!(matches!(hosts.acquire(&named, &|_| ()).await, Err(KindError::Locked { .. })));
        drop(held);
        let other = Wanted { options: KindOptions { image: Some("other".into()), ..KindOptions::default() }, ..wanted };
        assert!(hosts.idle(&other, &shape).is_none(), "another image is another cluster");
    }

    #[tokio::test]
    async fn what_failed_half_way_is_removed_unless_it_is_to_be_kept() {
        for keep in [false, true] {
            let dir = tempfile::tempdir().unwrap();
            let (hosts, commands) = hosts(dir.path(), docker).await;
            let wanted = Wanted { options: KindOptions { keep, ..KindOptions::default() }, workers: 3, ..Wanted::default() };
            let error = hosts.acquire(&wanted, &|_| ()).await.err().unwrap();
            assert!(matches!(error, KindError::Create { .. }), "{error}");
            assert_eq!(commands.lines().iter().any(|l| l.starts_with("docker rm -f -v")), !keep);
            assert_eq!(hosts.clusters.all().len(), usize::from(keep));
        }
    }

    #[tokio::test]
    async fn a_daemon_that_is_away_stops_it_before_anything_is_written() {
        let dir = tempfile::tempdir().unwrap();
        let (hosts, _) =
            hosts(dir.path(), |c| if c.args[0] == "info" { fails("Cannot connect to the Docker daemon at x") } else { says("") }).await;
        let error = hosts.acquire(&Wanted::default(), &|_| ()).await.err().unwrap();
        assert!(matches!(error, KindError::NoDaemon { .. }) && error.hint().is_some(), "{error}");
        assert!(hosts.clusters.all().is_empty());
    }

    #[tokio::test]
    async fn an_interrupted_creation_is_removed_by_the_process_that_began_it() {
        let dir = tempfile::tempdir().unwrap();
        let (mut hosts, commands) = hosts(dir.path(), docker).await;
        hosts.pid = 1;
        remember(&hosts, "ckaprep-a", State::Creating, None);
        remember(&hosts, "ckaprep-b", State::Clean, None);
        hosts.abandon(false).await.unwrap();
        assert_eq!(hosts.clusters.all().len(), 1);
        assert!(commands.lines().iter().any(|l| l.starts_with("docker rm")));
    }
}
