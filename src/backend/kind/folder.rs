//! What is remembered of each cluster, in the state directory: a folder of its own, written before anything is made.
//!
//! | file | what |
//! |---|---|
//! | `cluster.json` | the [`Record`] |
//! | `cluster.lock` | locked by the process that uses the cluster |
//! | `kubeconfig` | the administrator's |
//! | `config.yaml` | what kind was given |
//! | `baseline.json` | the clean cluster: objects, files and units of the nodes |
//! | `<node>.tar` | the files of a clean node that can be put back |

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::engine::Daemon;
use super::error::KindError;

/// Every cluster's name begins so: what does not is never touched.
pub const PREFIX: &str = "ckaprep-";

/// Where a cluster stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum State {
    /// It is being created. Without a process that holds the lock: a crash's leftover.
    Creating,
    /// Nothing was done to it since it was made or brought back.
    Clean,
    /// A scenario is, or was, on it.
    Used,
}

/// What a cluster is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// kind's name for it.
    pub name: String,
    /// Where it stands.
    pub state: State,
    /// The daemon that has it.
    pub daemon: Daemon,
    /// Node image; kind's default when absent.
    pub image: Option<String>,
    /// kind's version.
    pub kind_version: String,
    /// What kind was given.
    pub config: Value,
    /// Process that uses it, or did last.
    pub pid: u32,
    /// When it was started.
    pub started: Timestamp,
    /// Session that it belongs to.
    #[serde(default)]
    pub session: Option<String>,
    /// Seconds that its creation took.
    #[serde(default)]
    pub create_seconds: Option<f64>,
    /// Images that were loaded into its nodes.
    #[serde(default)]
    pub images: Vec<String>,
}

/// The folder of all kind clusters.
#[derive(Clone, Debug)]
pub struct Clusters(PathBuf);

impl Clusters {
    /// In this directory.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// The folder of a cluster, whether it exists or not.
    pub fn folder(&self, name: &str) -> Folder {
        Folder(self.0.join(name))
    }

    /// All clusters that are remembered, in the order of their names.
    pub fn all(&self) -> Vec<(Folder, Option<Record>)> {
        let Ok(entries) = fs::read_dir(&self.0) else { return Vec::new() };
        let paths = entries.flatten().map(|entry| entry.path()).filter(|path| path.is_dir());
        let mut all: Vec<_> = paths.map(|path| (Folder(path.clone()), Folder(path).record().ok())).collect();
        all.sort_by_key(|(folder, _)| folder.name());
        all
    }

    /// A record by name.
    pub fn find(&self, name: &str) -> Result<(Folder, Record), KindError> {
        let folder = self.folder(name);
        match folder.record() {
            Ok(record) => Ok((folder, record)),
            Err(KindError::File { .. }) if !folder.0.join("cluster.json").exists() => {
                let known = self.all().into_iter().filter_map(|(_, record)| Some(record?.name)).collect();
                Err(KindError::Unknown { name: name.to_owned(), known })
            }
            Err(error) => Err(error),
        }
    }
}

/// A cluster's folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folder(PathBuf);

impl Folder {
    /// The cluster's name.
    pub fn name(&self) -> String {
        self.0.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// A file in it.
    pub fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// The administrator's kubeconfig.
    pub fn kubeconfig(&self) -> PathBuf {
        self.file("kubeconfig")
    }

    /// Makes the folder.
    pub fn create(&self) -> Result<(), KindError> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.0).map_err(failed("create", &self.0))
    }

    /// Reads the record.
    pub fn record(&self) -> Result<Record, KindError> {
        self.read_json("cluster.json")
    }

    /// Writes the record.
    pub fn write_record(&self, record: &Record) -> Result<(), KindError> {
        self.write_json("cluster.json", record)
    }

    /// Reads a JSON file.
    pub fn read_json<T: serde::de::DeserializeOwned>(&self, name: &str) -> Result<T, KindError> {
        let path = self.file(name);
        let bytes = self.read(name)?;
        serde_json::from_slice(&bytes).map_err(|e| KindError::File { action: "read", path, reason: e.to_string() })
    }

    /// Writes a JSON file.
    pub fn write_json(&self, name: &str, value: &impl Serialize) -> Result<(), KindError> {
        let bytes =
            serde_json::to_vec(value).map_err(|e| KindError::File { action: "write", path: self.file(name), reason: e.to_string() })?;
        self.write(name, &bytes)
    }

    /// Reads a file.
    pub fn read(&self, name: &str) -> Result<Vec<u8>, KindError> {
        let path = self.file(name);
        fs::read(&path).map_err(failed("read", &path))
    }

    /// Writes a file that only its owner can read, whole or not at all.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<(), KindError> {
        let (path, draft) = (self.file(name), self.file(&format!(".{name}.{}", std::process::id())));
        let written = (|| {
            let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
            file.write_all(bytes)?;
            file.sync_data()?;
            fs::rename(&draft, &path)
        })();
        written.map_err(|error| {
            let _ = fs::remove_file(&draft);
            failed("write", &path)(error)
        })
    }

    /// Takes the cluster for this process, or says who has it.
    pub fn lock(&self) -> Result<Lock, KindError> {
        let path = self.file("cluster.lock");
        let file = OpenOptions::new().create(true).truncate(false).read(true).write(true).mode(0o600).open(&path);
        let file = file.map_err(failed("open", &path))?;
        match file.try_lock() {
            Ok(()) => Ok(Lock { _file: file }),
            Err(TryLockError::WouldBlock) => {
                let by = self.record().ok().map(|record| match record.session {
                    Some(session) => format!("session {session}, process {}", record.pid),
                    None => format!("process {}", record.pid),
                });
                Err(KindError::Locked { name: self.name(), by })
            }
            Err(TryLockError::Error(error)) => Err(failed("lock", &path)(error)),
        }
    }

    /// Whether a process uses the cluster now.
    pub fn is_locked(&self) -> bool {
        let Ok(file) = OpenOptions::new().read(true).write(true).open(self.file("cluster.lock")) else { return false };
        matches!(file.try_lock(), Err(TryLockError::WouldBlock))
    }

    /// Forgets the cluster.
    pub fn remove(&self) -> Result<(), KindError> {
        match fs::remove_dir_all(&self.0) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed("remove", &self.0)(error)),
            _ => Ok(()),
        }
    }
}

/// Held while a cluster is used; the system gives it back however the process ends.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

fn failed(action: &'static str, path: &Path) -> impl Fn(io::Error) -> KindError {
    let path = path.to_owned();
    move |error| KindError::File { action, path: path.clone(), reason: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::super::engine::Provider;
    use super::*;

    #[test]
    fn a_cluster_is_locked_while_it_is_used_and_found_afterwards() {
        let dir = tempfile::tempdir().unwrap();
        let clusters = Clusters::at(dir.path());
        let folder = clusters.folder("ckaprep-a");
        folder.create().unwrap();
        let record = Record {
            name: "ckaprep-a".into(),
            state: State::Creating,
            daemon: Daemon { provider: Provider::Docker, context: None, host: None },
            image: None,
            kind_version: "0.33.0".into(),
            config: Value::Null,
            pid: 7,
            started: Timestamp::UNIX_EPOCH,
            session: Some("s-1".into()),
            create_seconds: None,
            images: Vec::new(),
        };
        folder.write_record(&record).unwrap();
        let lock = folder.lock().unwrap();
        let refused = folder.lock().unwrap_err().to_string();
        assert_eq!(refused, "the cluster ckaprep-a is in use by another ckaprep (session s-1, process 7)");
        assert!(folder.is_locked());
        drop(lock);
        assert!(!folder.is_locked());
        assert_eq!(clusters.all(), [(folder.clone(), Some(record))]);
        assert!(matches!(clusters.find("ckaprep-b"), Err(KindError::Unknown { known, .. }) if known == ["ckaprep-a"]));
        folder.remove().unwrap();
        assert!(clusters.all().is_empty());
    }
}
