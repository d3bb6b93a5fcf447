//! Opening the history so that a run never fails because of it.

use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::{Sqlite, StoreError};
use crate::session::private;

/// A history, and what the user should know about it.
pub struct Opened {
    /// The history; in memory if the file could not be used.
    pub history: Sqlite,
    /// What is wrong with the file.
    pub trouble: Option<Trouble>,
}

/// Why the history is not the one on disk.
#[derive(Debug)]
pub enum Trouble {
    /// The file was damaged; it was put aside and a new one begun.
    PutAside {
        /// Where the damaged file is now.
        to: PathBuf,
    },
    /// The file cannot be used; this run is not recorded.
    InMemory {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
}

impl std::fmt::Display for Trouble {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::PutAside { to } => write!(f, "the history was damaged; it is kept as {}, and a new one was begun", to.display()),
            Self::InMemory { path, reason } => {
                write!(f, "this run is not recorded: the history {} cannot be used: {reason}", path.display())
            }
        }
    }
}

/// Opens the history at `path`; `now` names a damaged file that is put aside.
pub fn open(path: &Path, now: Timestamp) -> Result<Opened, StoreError> {
    if let Some(parent) = path.parent()
        && let Err(error) = private::directory(parent)
    {
        return in_memory(path, error.to_string());
    }
    match Sqlite::open(path) {
        Ok(history) => Ok(Opened { history, trouble: None }),
        Err(error) if error.is_corruption() => {
            let to = path.with_file_name(format!("history.damaged-{}.db", now.strftime("%Y%m%dT%H%M%S")));
            let moved = std::fs::rename(path, &to);
            for suffix in ["-wal", "-shm"] {
                // They belong to the damaged file and would damage the new one.
                let mut name = path.as_os_str().to_owned();
                name.push(suffix);
                let _ = std::fs::remove_file(PathBuf::from(name));
            }
            match moved.map_err(|e| e.to_string()).and_then(|()| Sqlite::open(path).map_err(|e| chain(&e))) {
                Ok(history) => Ok(Opened { history, trouble: Some(Trouble::PutAside { to }) }),
                Err(reason) => in_memory(path, reason),
            }
        }
        Err(error) => in_memory(path, chain(&error)),
    }
}

fn in_memory(path: &Path, reason: String) -> Result<Opened, StoreError> {
    Ok(Opened { history: Sqlite::in_memory()?, trouble: Some(Trouble::InMemory { path: path.to_owned(), reason }) })
}

/// An error with its sources in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::History;

    #[test]
    fn a_damaged_file_is_kept_and_a_new_one_begun() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("history.db");
        std::fs::write(&path, "this is no database, however long one looks at it".repeat(100)).unwrap();
        let opened = open(&path, Timestamp::UNIX_EPOCH).unwrap();
        let Some(Trouble::PutAside { to }) = opened.trouble else { panic!("{:?}", opened.trouble) };
        assert!(std::fs::read_to_string(to).unwrap().starts_with("this is no database"));
        assert!(opened.history.attempts(1).unwrap().is_empty());
    }

    #[test]
    fn where_no_file_can_be_the_run_goes_on_in_memory() {
        let dir = tempfile::tempdir().unwrap();
        // A file stands where the directory should be: fails for every user, root too.
        std::fs::write(dir.path().join("state"), "").unwrap();
        let opened = open(&dir.path().join("state/history.db"), Timestamp::UNIX_EPOCH).unwrap();
        assert!(matches!(opened.trouble, Some(Trouble::InMemory { .. })));
        assert!(opened.history.attempts(1).unwrap().is_empty());
    }
}
