//! The sessions of one user: which there are, and which one a command means.

use std::fs;

use super::Directories;
use super::error::SessionError;
use super::folder::{Folder, Record};

/// File of a session's folder that leads to what it made on the user's own cluster.
pub const EXISTING: &str = "existing.json";

/// A session on disk.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its folder.
    pub folder: Folder,
    /// Its record; absent while it is being set up.
    pub record: Option<Record>,
    /// Whether its process lives.
    pub live: bool,
}

/// All sessions, the latest started first. What cannot be read is left out: a damaged folder must not stop a command
/// that is about another session.
pub fn sessions(directories: &Directories) -> Vec<Entry> {
    let Ok(entries) = fs::read_dir(directories.sessions()) else { return Vec::new() };
    let mut found: Vec<Entry> = entries
        .flatten()
        .filter(|entry| entry.path().is_dir())
        .map(|entry| {
            let folder = Folder::at(entry.path());
            Entry { record: folder.record().ok(), live: folder.is_live(), folder }
        })
        .collect();
    found.sort_by_key(|entry| (std::cmp::Reverse(entry.record.as_ref().map(|r| r.started)), entry.folder.id()));
    found
}

/// The session that a command means: the one named, else the only one. Asleep ones count only when named or when
/// nothing else is there.
pub fn find(directories: &Directories, wanted: Option<&str>) -> Result<Entry, SessionError> {
    let mut all: Vec<Entry> = sessions(directories).into_iter().filter(|e| e.record.is_some() || e.live).collect();
    let known = |entries: &[Entry]| entries.iter().map(|e| e.folder.id()).collect::<Vec<_>>();
    if let Some(wanted) = wanted {
        let known = known(&all);
        return all.into_iter().find(|e| e.folder.id() == wanted).ok_or(SessionError::NotFound { wanted: Some(wanted.to_owned()), known });
    }
    if all.iter().any(|entry| entry.live) {
        all.retain(|entry| entry.live);
    }
    if all.len() > 1 {
        return Err(SessionError::Ambiguous { known: known(&all) });
    }
    all.pop().ok_or(SessionError::NotFound { wanted: None, known: Vec::new() })
}

/// Removes what a killed start left: folders without a record that no process holds and that are older than a start
/// may take.
pub fn sweep(directories: &Directories) {
    const START_MAY_TAKE: std::time::Duration = std::time::Duration::from_secs(600);
    for entry in sessions(directories) {
        let age = fs::metadata(entry.folder.path()).and_then(|m| m.modified()).ok().and_then(|t| t.elapsed().ok());
        let unfinished = !entry.folder.path().join("session.json").exists();
        // What it may have made on the user's own cluster is only known from there.
        let elsewhere = entry.folder.path().join(EXISTING).exists();
        if unfinished && !elsewhere && !entry.live && age.is_some_and(|age| age > START_MAY_TAKE) {
            let _ = entry.folder.remove(directories);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::protocol;

    fn add(directories: &Directories, id: &str) -> Folder {
        let folder = Folder::create(directories, id).unwrap();
        let record = Record {
            protocol: protocol::VERSION,
            id: id.into(),
            scenario: "s".into(),
            title: "S".into(),
            seed: 1,
            backend: "embedded".into(),
            started: jiff::Timestamp::UNIX_EPOCH,
            pid: 0,
            socket: folder.socket(directories),
            server: String::new(),
            nodes: Vec::new(),
            detached: false,
            content: None,
        };
        folder.write_record(&record).unwrap();
        folder
    }

    #[test]
    fn the_only_live_session_is_meant_and_two_need_a_name() {
        let root = tempfile::tempdir().unwrap();
        let dirs = Directories::rooted(root.path());
        assert!(matches!(find(&dirs, None), Err(SessionError::NotFound { wanted: None, .. })));
        let (a, b) = (add(&dirs, "a"), add(&dirs, "b"));
        assert!(matches!(find(&dirs, None), Err(SessionError::Ambiguous { .. })));
        let lock_a = a.lock().unwrap().unwrap();
        assert_eq!(find(&dirs, None).unwrap().folder.id(), "a");
        let _lock_b = b.lock().unwrap().unwrap();
        assert!(matches!(find(&dirs, None), Err(SessionError::Ambiguous { .. })));
        assert_eq!(find(&dirs, Some("b")).unwrap().folder.id(), "b");
        drop(lock_a);
        assert!(!find(&dirs, Some("a")).unwrap().live);
        assert!(matches!(find(&dirs, Some("c")), Err(SessionError::NotFound { wanted: Some(_), .. })));
    }
}
