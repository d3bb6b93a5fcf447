//! A session's folder and what is in it.
//!
//! | file | what |
//! |---|---|
//! | `session.json` | the [`Record`]: what was started, by whom, how to reach it |
//! | `session.lock` | locked by the session's process for as long as it lives |
//! | `kubeconfig` | the learner's, for this cluster only |
//! | `journal/` | the cluster's journal |
//! | `handover.json` | the cluster as it was handed over, for `reset` |
//! | `attempt.json` | elapsed time, hints, scores: what recovery needs besides the cluster |
//! | `shell/`, `bin/` | generated start-up file of the practice shell, shims |
//! | `log` | what the session's process had to say |

use std::fs::{self, File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::error::SessionError;
use super::{Directories, private, protocol};
use crate::backend::kind::NodeDoor;

/// Longest path of a Unix socket that every system takes (macOS: 104 with the final zero).
const MAX_SOCKET_PATH: usize = 100;

/// What a session is; written once it is ready and again when it is woken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Record {
    /// Version of the control protocol.
    pub protocol: u32,
    /// The session's id; also the folder's name.
    pub id: String,
    /// Scenario that is practised.
    pub scenario: String,
    /// Its title.
    pub title: String,
    /// Seed of variant and cluster.
    pub seed: u64,
    /// `embedded`, `kind`, `existing`.
    pub backend: String,
    /// When it was started.
    pub started: Timestamp,
    /// Process that serves it.
    pub pid: u32,
    /// Control socket.
    pub socket: PathBuf,
    /// URL of the API server.
    pub server: String,
    /// Nodes, control plane first.
    pub nodes: Vec<NodeRecord>,
    /// Whether it was started with `--detach`.
    pub detached: bool,
    /// Folder with the user's own content, if it was given.
    pub content: Option<PathBuf>,
}

/// A node as clients need to know it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeRecord {
    /// Host name.
    pub name: String,
    /// `control-plane` or `worker`.
    pub role: String,
    /// Internal address.
    pub address: String,
    /// How another process opens its shell; absent where that goes through the session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doors: Option<Doors>,
}

/// How a node's shell is opened without the session's process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Doors {
    /// For a person at a terminal.
    pub person: NodeDoor,
    /// For a script.
    pub script: NodeDoor,
}

/// A session's folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folder {
    path: PathBuf,
}

impl Folder {
    /// The folder at `path`, whether it exists or not.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Makes the folder of a new session. Fails if one of that name exists.
    pub fn create(directories: &Directories, id: &str) -> Result<Self, SessionError> {
        directories.create()?;
        let path = directories.sessions().join(id);
        if path.exists() {
            return Err(SessionError::file("create", path)(std::io::ErrorKind::AlreadyExists.into()));
        }
        private::directory(&path).map_err(SessionError::file("create", &path))?;
        Ok(Self { path })
    }

    /// The folder's path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The session's id.
    pub fn id(&self) -> String {
        self.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// The learner's kubeconfig.
    pub fn kubeconfig(&self) -> PathBuf {
        self.path.join("kubeconfig")
    }

    /// The cluster's journal.
    pub fn journal(&self) -> PathBuf {
        self.path.join("journal")
    }

    /// The cluster as it was handed over, for `reset`.
    pub fn handover(&self) -> PathBuf {
        self.path.join("handover.json")
    }

    /// State of the attempt.
    pub fn attempt(&self) -> PathBuf {
        self.path.join("attempt.json")
    }

    /// What the session's process says on standard error.
    pub fn log(&self) -> PathBuf {
        self.path.join("log")
    }

    /// Directory of the practice shell's start-up file and histories.
    pub fn shell(&self) -> PathBuf {
        self.path.join("shell")
    }

    /// Directory of the shims.
    pub fn bin(&self) -> PathBuf {
        self.path.join("bin")
    }

    /// Where the control socket of this session goes.
    pub fn socket(&self, directories: &Directories) -> PathBuf {
        let here = self.path.join("control.sock");
        if here.as_os_str().len() <= MAX_SOCKET_PATH {
            return here;
        }
        directories.runtime().join(format!("{}.sock", self.id()))
    }

    /// Reads the record.
    pub fn record(&self) -> Result<Record, SessionError> {
        let path = self.path.join("session.json");
        let bytes = fs::read(&path).map_err(|source| match source.kind() {
            std::io::ErrorKind::NotFound => SessionError::NotFound { wanted: Some(self.id()), known: Vec::new() },
            _ => SessionError::file("read", &path)(source),
        })?;
        // The version comes first: a record of another version may have another shape.
        #[derive(Deserialize)]
        struct Version {
            protocol: u32,
        }
        let damaged = |source| SessionError::Damaged { path: path.clone(), source };
        let Version { protocol } = serde_json::from_slice(&bytes).map_err(damaged)?;
        if protocol != protocol::VERSION {
            return Err(SessionError::Protocol { id: self.id(), theirs: protocol, ours: protocol::VERSION });
        }
        serde_json::from_slice(&bytes).map_err(damaged)
    }

    /// Writes the record.
    pub fn write_record(&self, record: &Record) -> Result<(), SessionError> {
        self.write("session.json", &to_json(record))
    }

    /// Writes one file of the folder, whole or not at all.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<(), SessionError> {
        let path = self.path.join(name);
        private::write(&path, bytes).map_err(SessionError::file("write", path))
    }

    /// Takes the session's lock for this process, or says that another process has it.
    pub fn lock(&self) -> Result<Option<Lock>, SessionError> {
        let path = self.path.join("session.lock");
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .mode(0o600)
            .open(&path)
            .map_err(SessionError::file("create", &path))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Lock { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(source)) => Err(SessionError::file("lock", path)(source)),
        }
    }

    /// Whether a process serves this session now.
    pub fn is_live(&self) -> bool {
        // Opened without creating: asking must not make a lock file in a folder that is being removed.
        let Ok(file) = OpenOptions::new().read(true).write(true).open(self.path.join("session.lock")) else { return false };
        matches!(file.try_lock(), Err(TryLockError::WouldBlock))
    }

    /// Removes the folder and a socket outside it.
    pub fn remove(&self, directories: &Directories) -> Result<(), SessionError> {
        let socket = self.socket(directories);
        if !socket.starts_with(&self.path) {
            let _ = fs::remove_file(socket);
        }
        match fs::remove_dir_all(&self.path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(SessionError::file("remove", &self.path)(error)),
            _ => Ok(()),
        }
    }
}

/// Held by a session's process; the system gives it back however that process ends.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

fn to_json(value: &impl Serialize) -> Vec<u8> {
    let mut bytes = serde_json::to_vec_pretty(value).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn directories(root: &Path) -> Directories {
        // The override is the only variable that a test needs; resolving is tested beside it.
        Directories::rooted(root)
    }

    #[test]
    fn a_session_is_live_exactly_while_its_lock_is_held() {
        let root = tempfile::tempdir().unwrap();
        let folder = Folder::create(&directories(root.path()), "a").unwrap();
        assert!(!folder.is_live());
        let lock = folder.lock().unwrap().unwrap();
        assert!(folder.is_live());
        assert!(folder.lock().unwrap().is_none());
        drop(lock);
        assert!(!folder.is_live());
    }

    #[test]
    fn two_sessions_of_one_name_do_not_share_a_folder() {
        let root = tempfile::tempdir().unwrap();
        Folder::create(&directories(root.path()), "a").unwrap();
        assert!(Folder::create(&directories(root.path()), "a").is_err());
    }

    #[test]
    fn records_of_another_version_are_refused_by_name() {
        let root = tempfile::tempdir().unwrap();
        let folder = Folder::create(&directories(root.path()), "a").unwrap();
        folder.write("session.json", br#"{"protocol": 99, "new": true}"#).unwrap();
        assert!(matches!(folder.record(), Err(SessionError::Protocol { theirs: 99, .. })));
    }

    #[test]
    fn long_paths_move_the_socket_and_not_the_folder() {
        let root = tempfile::tempdir().unwrap();
        let deep = root.path().join("x".repeat(120));
        let folder = Folder::create(&directories(&deep), "a").unwrap();
        assert!(folder.socket(&directories(&deep)).as_os_str().len() <= MAX_SOCKET_PATH);
    }
}
