//! A cluster on disk: a snapshot of the World and a journal of what changed since, one JSON record a line.
//!
//! A write to the API is in the journal before it is acknowledged, and refused if it cannot be written, as etcd does without space;
//! machines are recorded when a command returns and several
//! times a second. A record is one `write(2)`, so a killed process loses nothing; the file is synced every 100 ms, so power
//! loss costs at most that. Snapshot and journal carry one generation number, so a crash between writing a new snapshot and
//! starting its journal is harmless. A torn last line is dropped.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use apiserver::StoreState;
use apiserver::store::{StoreDelta, StoreError};
use jiff::{SignedDuration, Timestamp};
use node::machine::{MachineDelta, MachineState};
use serde::{Deserialize, Serialize};

use crate::error::SimError;
use crate::world::World;

/// A new snapshot is written when the journal has grown to this size.
const ROTATE_AT: u64 = 16 << 20;

/// One line of the journal.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Record {
    now: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    store: Option<StoreDelta>,
    #[serde(skip_serializing_if = "Option::is_none")]
    store_available: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    control_plane: Option<controlplane::State>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    machines: Vec<(String, MachineDelta)>,
}

/// A snapshot file.
#[derive(Serialize, Deserialize)]
struct Snapshot {
    format: u32,
    generation: u64,
    world: World,
}

/// How often what happens by itself is recorded, and the file synced.
pub const RECORD_EVERY: Duration = Duration::from_millis(100);

/// How long a journal that failed waits before it begins anew.
const MEND_EVERY: SignedDuration = SignedDuration::from_secs(5);

/// Version of both files.
const FORMAT: u32 = 1;

/// An open journal.
pub struct Journal {
    directory: PathBuf,
    generation: u64,
    file: File,
    size: u64,
    /// What snapshot and journal say.
    last: World,
    dirty: bool,
    /// Why the last record is not in the file.
    problem: Option<String>,
    /// When a torn line could not be taken back. Nothing is appended after it: the way out is a new snapshot.
    broken: Option<Timestamp>,
}

impl Journal {
    /// Begins a journal for `world` in a directory, replacing what is there.
    pub fn create(directory: &Path, world: World) -> Result<Self, SimError> {
        let generation = read_snapshot(directory).map_or(1, |snapshot| snapshot.generation + 1);
        let file = write_generation(directory, generation, &world)?;
        Ok(Self { directory: directory.to_owned(), generation, file, size: 0, last: world, dirty: false, problem: None, broken: None })
    }

    /// Reads a World back as it was last recorded.
    pub fn recover(directory: &Path) -> Result<World, SimError> {
        let snapshot = read_snapshot(directory)?;
        let mut world = snapshot.world;
        let path = journal_path(directory, snapshot.generation);
        let fail = |reason: String| SimError::Journal { path: path.display().to_string(), reason };
        let reader = BufReader::new(File::open(&path).map_err(|e| fail(e.to_string()))?);
        let mut torn = None;
        for (number, line) in reader.split(b'\n').enumerate() {
            let line = line.map_err(|e| fail(e.to_string()))?;
            if let Some(reason) = torn.take() {
                return Err(fail(format!("line {number} is damaged: {reason}")));
            }
            match serde_json::from_slice::<Record>(&line) {
                Ok(record) => apply(&mut world, record),
                // Only the last line may be torn: one that follows proves that this one is not the last.
                Err(error) => torn = Some(error.to_string()),
            }
        }
        Ok(world)
    }

    /// Keeps the snapshot that a directory holds now under another path too. It is never changed, only replaced, so this costs nothing.
    pub fn keep_snapshot(directory: &Path, kept: &Path) -> Result<(), SimError> {
        let fail = |reason: std::io::Error| SimError::Journal { path: kept.display().to_string(), reason: reason.to_string() };
        match std::fs::remove_file(kept) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(fail(error)),
            _ => {}
        }
        let snapshot = snapshot_path(directory);
        // Some file systems know no links.
        std::fs::hard_link(&snapshot, kept).or_else(|_| std::fs::copy(&snapshot, kept).map(drop)).map_err(fail)
    }

    /// Reads what [`Journal::keep_snapshot`] kept.
    pub fn read_kept(kept: &Path) -> Result<World, SimError> {
        read_file(kept).map(|snapshot| snapshot.world)
    }

    /// Records a change of the store alone; called before the write is acknowledged, and refuses one that cannot be kept.
    pub fn record_store(&mut self, now: Timestamp, store: &StoreState) -> Result<(), StoreError> {
        let delta = StoreDelta::between(&self.last.store, store);
        if delta.is_some() && !self.append(&Record { now, store: delta, ..Record::default() }) {
            return Err(StoreError::NoSpace);
        }
        self.last.store = store.clone();
        Ok(())
    }

    /// Records everything that changed. The error is why it could not, and is not in the file.
    pub fn record(&mut self, world: World) -> Result<(), String> {
        let machines: Vec<_> =
            world.machines.iter().filter_map(|(name, new)| Some((name.clone(), difference(&self.last, name, new)?))).collect();
        let store = StoreDelta::between(&self.last.store, &world.store);
        let store_available = (world.store_available != self.last.store_available).then_some(world.store_available);
        let control_plane = (self.last.control_plane != world.control_plane).then(|| world.control_plane.clone());
        let record = Record { now: world.now, store, store_available, control_plane, machines };
        let changed = record.store.is_some() || record.store_available.is_some() || record.control_plane.is_some();
        if self.broken.is_some() {
            self.mend(world);
        } else if !changed && record.machines.is_empty() || self.append(&record) {
            self.last = world;
            if self.size > ROTATE_AT {
                self.rotate();
            }
        }
        self.problem.clone().map_or(Ok(()), Err)
    }

    /// Begins anew after a failure, from time to time: a full disk may have space again.
    fn mend(&mut self, world: World) {
        if self.broken.is_some_and(|failed| world.now.duration_since(failed) >= MEND_EVERY) {
            self.broken = Some(world.now);
            self.last = world;
            self.rotate();
        }
    }

    /// Whether the record is in the file. What was written of one that did not fit is taken back.
    fn append(&mut self, record: &Record) -> bool {
        if self.broken.is_some() {
            return false;
        }
        let line = serde_json::to_vec(record).map(|mut line| {
            line.push(b'\n');
            line
        });
        let written = line.map_err(std::io::Error::from).and_then(|line| {
            self.file.write_all(&line)?;
            Ok(line.len() as u64)
        });
        match written {
            Ok(length) => {
                self.size += length;
                (self.dirty, self.problem) = (true, None);
                true
            }
            Err(reason) => {
                if self.problem.is_none() {
                    tracing::error!(%reason, "the cluster's journal cannot be written");
                }
                self.problem = Some(reason.to_string());
                let taken_back = self.file.set_len(self.size).and_then(|()| self.file.seek(SeekFrom::Start(self.size)));
                if taken_back.is_err() {
                    self.broken = Some(record.now);
                }
                false
            }
        }
    }

    fn rotate(&mut self) {
        match write_generation(&self.directory, self.generation + 1, &self.last) {
            Ok(file) => {
                let old = journal_path(&self.directory, self.generation);
                (self.file, self.size) = (file, 0);
                self.generation += 1;
                (self.problem, self.broken) = (None, None);
                // A leftover is never read: its generation is not the snapshot's.
                let _ = std::fs::remove_file(old);
            }
            // The old journal goes on, if it can; the next record tries again.
            Err(error) => tracing::warn!(%error, "a new snapshot of the cluster could not be written"),
        }
    }

    /// A handle for syncing the file, if something was written since the last one.
    fn unsynced(&mut self) -> Option<File> {
        std::mem::take(&mut self.dirty).then(|| self.file.try_clone().ok()).flatten()
    }
}

/// A journal that the store's commit hook and the recording task write to, and that a thread syncs.
#[derive(Clone)]
pub struct SharedJournal(Arc<Mutex<Journal>>);

impl SharedJournal {
    /// Shares a journal and starts its syncing thread, which ends with it.
    pub fn new(journal: Journal) -> Result<Self, SimError> {
        let shared = Arc::new(Mutex::new(journal));
        let journal: Weak<Mutex<Journal>> = Arc::downgrade(&shared);
        std::thread::Builder::new()
            .name("journal-sync".to_owned())
            .spawn(move || {
                while let Some(journal) = journal.upgrade() {
                    let file = journal.lock().unwrap_or_else(PoisonError::into_inner).unsynced();
                    drop(journal);
                    if let Some(Err(error)) = file.map(|file| file.sync_data()) {
                        tracing::warn!(%error, "the cluster's journal could not be synced");
                    }
                    std::thread::park_timeout(RECORD_EVERY);
                }
            })
            .map_err(|e| SimError::Thread(e.to_string()))?;
        Ok(Self(shared))
    }

    /// See [`Journal::record_store`].
    pub fn record_store(&self, now: Timestamp, store: &StoreState) -> Result<(), StoreError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).record_store(now, store)
    }

    /// See [`Journal::record`].
    pub fn record(&self, world: World) -> Result<(), String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).record(world)
    }
}

fn difference(last: &World, name: &str, new: &MachineState) -> Option<MachineDelta> {
    let old = last.machines.get(name)?;
    MachineDelta::between(old, new)
}

fn apply(world: &mut World, record: Record) {
    world.now = record.now;
    if let Some(delta) = record.store {
        delta.apply(&mut world.store);
    }
    if let Some(available) = record.store_available {
        world.store_available = available;
    }
    if let Some(state) = record.control_plane {
        world.control_plane = state;
    }
    for (name, delta) in record.machines {
        if let Some(machine) = world.machines.get_mut(&name) {
            delta.apply(machine);
        }
    }
}

fn snapshot_path(directory: &Path) -> PathBuf {
    directory.join("world.json")
}

fn journal_path(directory: &Path, generation: u64) -> PathBuf {
    directory.join(format!("journal-{generation}.jsonl"))
}

fn read_snapshot(directory: &Path) -> Result<Snapshot, SimError> {
    read_file(&snapshot_path(directory))
}

fn read_file(path: &Path) -> Result<Snapshot, SimError> {
    let fail = |reason: String| SimError::Journal { path: path.display().to_string(), reason };
    let bytes = std::fs::read(path).map_err(|e| fail(e.to_string()))?;
    let snapshot: Snapshot = serde_json::from_slice(&bytes).map_err(|e| fail(e.to_string()))?;
    if snapshot.format != FORMAT {
        return Err(fail(format!("written by another version (format {}, this one reads {FORMAT})", snapshot.format)));
    }
    Ok(snapshot)
}

/// Opens the journal of a generation, then puts its snapshot in place: whichever snapshot is there has its journal.
fn write_generation(directory: &Path, generation: u64, world: &World) -> Result<File, SimError> {
    let path = journal_path(directory, generation);
    let fail = |path: &Path, reason: String| SimError::Journal { path: path.display().to_string(), reason };
    std::fs::create_dir_all(directory).map_err(|e| fail(directory, e.to_string()))?;
    let mut options = OpenOptions::new();
    options.create(true).write(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let journal = options.open(&path).map_err(|e| fail(&path, e.to_string()))?;
    let (target, temporary) = (snapshot_path(directory), directory.join("world.json.new"));
    let mut world = world.clone();
    // Watchers from before begin anew after a recovery (410 Gone), so past changes need not be kept.
    world.store.forget_changes();
    let snapshot = Snapshot { format: FORMAT, generation, world };
    let bytes = serde_json::to_vec(&snapshot).map_err(|e| fail(&target, e.to_string()))?;
    let mut file = options.open(&temporary).map_err(|e| fail(&temporary, e.to_string()))?;
    file.write_all(&bytes).map_err(|e| fail(&temporary, e.to_string()))?;
    std::fs::rename(&temporary, &target).map_err(|e| fail(&target, e.to_string()))?;
    Ok(journal)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn later(world: &World, seconds: i64, available: bool) -> World {
        let now = world.now.checked_add(SignedDuration::from_secs(seconds)).unwrap();
        World { now, store_available: available, ..world.clone() }
    }

    #[test]
    fn what_was_recorded_comes_back_and_a_torn_last_line_is_dropped() {
        let directory = tempfile::tempdir().unwrap();
        let world = World::new(&Config { seed: 1, workers: 1, now: Timestamp::UNIX_EPOCH }).unwrap();
        let mut journal = Journal::create(directory.path(), world.clone()).unwrap();
        journal.record(later(&world, 1, true)).unwrap();
        journal.file.write_all(b"{\"now\": \"19").unwrap();
        let back = Journal::recover(directory.path()).unwrap();
        assert_eq!((back.now, back.store_available), (later(&world, 1, true).now, true));
        let kept = directory.path().join("kept");
        for _ in 0..2 {
            Journal::keep_snapshot(directory.path(), &kept).unwrap();
        }
        journal.rotate();
        assert_eq!(Journal::read_kept(&kept).unwrap().now, world.now, "the beginning stays");
    }

    #[test]
    fn a_journal_that_failed_begins_anew_when_it_can() {
        let directory = tempfile::tempdir().unwrap();
        let world = World::new(&Config { seed: 1, workers: 1, now: Timestamp::UNIX_EPOCH }).unwrap();
        let mut journal = Journal::create(directory.path(), world.clone()).unwrap();
        // A file that cannot be written to, and not cut either.
        let writable = std::mem::replace(&mut journal.file, File::open(directory.path().join("world.json")).unwrap());
        assert!(journal.record(later(&world, 1, true)).is_err());
        assert!(journal.broken.is_some());
        // A torn line may stand in it by now; nothing follows that.
        journal.file = writable;
        assert!(journal.record(later(&world, 2, true)).is_err());
        assert!(!Journal::recover(directory.path()).unwrap().store_available);
        journal.record(later(&world, 7, true)).unwrap();
        assert!(Journal::recover(directory.path()).unwrap().store_available);
    }

    /// `/dev/full` takes no byte; the file that it stands for is put back when there is space again.
    #[cfg(target_os = "linux")]
    #[test]
    fn without_space_writes_are_refused_and_nothing_is_lost_when_there_is_space_again() {
        let directory = tempfile::tempdir().unwrap();
        let world = World::new(&Config { seed: 1, workers: 1, now: Timestamp::UNIX_EPOCH }).unwrap();
        let journal = Journal::create(directory.path(), world.clone()).unwrap();
        let shared = SharedJournal(Arc::new(Mutex::new(journal)));
        let store = apiserver::Store::new(world.store.clone());
        let hook = shared.clone();
        store.set_commit_hook(Arc::new(move |state| hook.record_store(Timestamp::UNIX_EPOCH, state)));
        store.create("/registry/a", serde_json::json!({})).unwrap();

        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let disk = std::mem::replace(&mut shared.0.lock().unwrap().file, full);
        let before = store.revision();
        let refused = store.create("/registry/b", serde_json::json!({})).unwrap_err();
        assert_eq!(refused.to_string(), "etcdserver: mvcc: database space exceeded");
        assert_eq!((store.revision(), store.get("/registry/b").unwrap()), (before, None), "nobody sees what was refused");
        let now = later(&world, 1, false);
        let reason = shared.record(World { store: store.snapshot(), ..now.clone() }).unwrap_err();
        assert!(reason.contains("No space left on device"), "{reason}");

        shared.0.lock().unwrap().file = disk;
        // /dev/full cannot be cut, so a new snapshot is the way out.
        shared.record(World { store: store.snapshot(), ..later(&world, 7, false) }).unwrap();
        store.create("/registry/b", serde_json::json!({})).unwrap();
        let back = Journal::recover(directory.path()).unwrap();
        assert!(back.store.objects.contains_key("/registry/a") && back.store.objects.contains_key("/registry/b"));
        assert!(!back.store_available, "what machines did meanwhile is there too");
    }
}
