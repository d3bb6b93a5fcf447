//! An inode tree: a whole file system as a value that clones in O(1).

use std::sync::Arc;

use bytes::Bytes;
use component::MapDelta;
use imbl::OrdMap;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::credentials::Credentials;
use super::errno::Errno;
use super::inode::{Ino, Inode, Kind, Stat};
use super::resolve::{Forest, Namespace, TreeId, resolve};

/// Number of the root directory, as on ext4.
pub(super) const ROOT: Ino = 2;

/// A file system. Paths given to its methods are absolute within it and follow symbolic links; permissions are root's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tree {
    inodes: OrdMap<Ino, Arc<Inode>>,
    next: Ino,
}

/// What differs between two trees that stem from each other.
#[derive(Debug, Serialize, Deserialize)]
pub struct TreeDelta {
    inodes: Option<MapDelta<Ino, Arc<Inode>>>,
    next: Ino,
}

impl TreeDelta {
    /// What turns `old` into `new`; `None` when they are equal.
    pub fn between(old: &Tree, new: &Tree) -> Option<Self> {
        let inodes = MapDelta::between(&old.inodes, &new.inodes);
        (inodes.is_some() || old.next != new.next).then_some(Self { inodes, next: new.next })
    }

    /// Applies the difference.
    pub fn apply(self, tree: &mut Tree) {
        if let Some(inodes) = self.inodes {
            inodes.apply(&mut tree.inodes);
        }
        tree.next = self.next;
    }
}

impl Tree {
    /// An empty file system, made at `now`.
    pub fn new(now: Timestamp) -> Self {
        Self { inodes: OrdMap::unit(ROOT, Arc::new(Inode::dir(0o755, now))), next: 11 }
    }

    /// The inode of that number.
    pub fn inode(&self, ino: Ino) -> Option<&Arc<Inode>> {
        self.inodes.get(&ino)
    }

    /// Changes an inode in place.
    pub(super) fn update(&mut self, ino: Ino, change: impl FnOnce(&mut Inode)) {
        if let Some(inode) = self.inodes.get_mut(&ino) {
            change(Arc::make_mut(inode));
        }
    }

    /// Adds an inode under a name. The caller has checked that `parent` is a directory without that name.
    pub(super) fn add(&mut self, parent: Ino, name: &str, inode: Inode, now: Timestamp) -> Ino {
        let ino = self.next;
        self.next += 1;
        self.inodes.insert(ino, Arc::new(inode));
        self.attach(parent, name, ino, now);
        ino
    }

    /// Puts an existing inode under a (further) name.
    pub(super) fn attach(&mut self, parent: Ino, name: &str, ino: Ino, now: Timestamp) {
        self.update(parent, |dir| {
            if let Kind::Dir(entries) = &mut dir.kind {
                entries.insert(Arc::from(name), ino);
                dir.mtime = now;
            }
        });
    }

    /// Takes a name away; the inode stays.
    pub(super) fn detach(&mut self, parent: Ino, name: &str, now: Timestamp) {
        self.update(parent, |dir| {
            if let Kind::Dir(entries) = &mut dir.kind {
                entries.remove(name);
                dir.mtime = now;
            }
        });
    }

    /// Drops one link to an inode, and the inode (with all below it) when that was the last.
    pub(super) fn release(&mut self, ino: Ino) {
        let Some(inode) = self.inodes.get(&ino).cloned() else { return };
        if inode.links > 1 {
            self.update(ino, |inode| inode.links -= 1);
            return;
        }
        self.inodes.remove(&ino);
        if let Kind::Dir(entries) = &inode.kind {
            for child in entries.values() {
                self.release(*child);
            }
        }
    }

    /// What `stat` tells about an inode.
    pub(super) fn stat(&self, ino: Ino) -> Option<Stat> {
        let inode = self.inode(ino)?;
        let links = match &inode.kind {
            Kind::Dir(entries) => {
                2 + entries.values().filter(|child| self.inode(**child).is_some_and(|inode| inode.is_dir())).count() as u32
            }
            _ => inode.links,
        };
        let device = match inode.kind {
            Kind::Char(device) => Some(device.numbers()),
            _ => None,
        };
        Some(Stat {
            ino,
            letter: inode.letter(),
            uid: inode.uid,
            gid: inode.gid,
            mode: inode.mode,
            size: inode.size(),
            mtime: inode.mtime,
            links,
            device,
        })
    }

    fn find(&self, path: &str) -> Result<Ino, Errno> {
        resolve(&Single(self), &Namespace::bare(), Credentials::ROOT, path, true)?.ino().ok_or(Errno::NotFound)
    }

    /// Whether something is at `path`.
    pub fn exists(&self, path: &str) -> bool {
        self.find(path).is_ok()
    }

    /// Contents of a regular file.
    pub fn read(&self, path: &str) -> Result<Bytes, Errno> {
        match &self.inode(self.find(path)?).ok_or(Errno::NotFound)?.kind {
            Kind::File(data) => Ok(data.0.clone()),
            Kind::Dir(_) => Err(Errno::IsDirectory),
            _ => Err(Errno::Invalid),
        }
    }

    /// Contents of a text file.
    pub fn read_text(&self, path: &str) -> Result<String, Errno> {
        self.read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Names in a directory.
    pub fn names(&self, path: &str) -> Result<Vec<String>, Errno> {
        match &self.inode(self.find(path)?).ok_or(Errno::NotFound)?.kind {
            Kind::Dir(entries) => Ok(entries.keys().map(ToString::to_string).collect()),
            _ => Err(Errno::NotDirectory),
        }
    }

    /// Makes a directory with those above it that are missing (mode 755), and gives its number.
    pub fn make_dir(&mut self, path: &str, now: Timestamp) -> Result<Ino, Errno> {
        if let Ok(found) = resolve(&Single(self), &Namespace::bare(), Credentials::ROOT, path, true)
            && let Some(ino) = found.ino()
            && self.inode(ino).is_some_and(|inode| inode.is_dir())
        {
            return Ok(ino);
        }
        let mut at = String::new();
        let mut ino = ROOT;
        for name in path.split('/').filter(|part| !part.is_empty()) {
            at = format!("{at}/{name}");
            let found = resolve(&Single(self), &Namespace::bare(), Credentials::ROOT, &at, true)?;
            ino = match found.ino() {
                Some(existing) if self.inode(existing).is_some_and(|inode| inode.is_dir()) => existing,
                Some(_) => return Err(Errno::NotDirectory),
                None => self.add(found.parent, &found.name, Inode::dir(0o755, now), now),
            };
        }
        Ok(ino)
    }

    /// Puts an inode at `path` in place of what was there, making missing directories.
    pub fn put(&mut self, path: &str, inode: Inode) -> Result<(), Errno> {
        let now = inode.mtime;
        let (dir, name) = path.trim_end_matches('/').rsplit_once('/').ok_or(Errno::Invalid)?;
        let parent = self.make_dir(dir, now)?;
        if let Some(Kind::Dir(entries)) = self.inode(parent).map(|inode| &inode.kind)
            && let Some(old) = entries.get(name).copied()
        {
            self.release(old);
        }
        self.add(parent, name, inode, now);
        Ok(())
    }

    /// Puts a regular file of root's at `path`.
    pub fn put_file(&mut self, path: &str, data: impl Into<Bytes>, mode: u32, now: Timestamp) -> Result<(), Errno> {
        self.put(path, Inode::file(data, mode, now))
    }

    /// Puts an executable at `path` that runs `program` of the program table.
    pub fn put_program(&mut self, path: &str, program: &str, now: Timestamp) -> Result<(), Errno> {
        self.put(path, Inode::new(Kind::Program(Arc::from(program)), 0o755, now))
    }

    /// Puts a symbolic link at `path`.
    pub fn put_symlink(&mut self, path: &str, target: &str, now: Timestamp) -> Result<(), Errno> {
        self.put(path, Inode::new(Kind::Symlink(Arc::from(target)), 0o777, now))
    }

    /// Removes what is at `path`, with all below it. Nothing there: nothing done.
    pub fn remove(&mut self, path: &str, now: Timestamp) {
        let Ok(found) = resolve(&Single(self), &Namespace::bare(), Credentials::ROOT, path, false) else { return };
        if let Some(ino) = found.ino() {
            self.detach(found.parent, &found.name, now);
            self.release(ino);
        }
    }

    /// Bytes of all regular files, for `df` and `du`.
    pub fn bytes_used(&self) -> u64 {
        self.inodes.values().map(|inode| if inode.is_dir() { 4096 } else { inode.size() }).sum()
    }

    /// Number of inodes.
    pub fn inode_count(&self) -> usize {
        self.inodes.len()
    }
}

/// A forest of one tree: paths within it alone.
struct Single<'a>(&'a Tree);

impl Forest for Single<'_> {
    fn tree(&self, _: &TreeId) -> Option<&Tree> {
        Some(self.0)
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::{Errno, Tree};

    #[test]
    fn a_tree_survives_a_round_trip_and_shares_with_its_clone() {
        let now = Timestamp::UNIX_EPOCH;
        let mut tree = Tree::new(now);
        tree.put_file("/etc/hosts", "127.0.0.1 localhost\n", 0o644, now).expect("written");
        tree.put_file("/bin.dat", vec![0xff, 0xfe], 0o600, now).expect("written");
        tree.put_symlink("/lib", "usr/lib", now).expect("linked");
        tree.put_program("/usr/lib/x", "true", now).expect("put");
        let json = serde_json::to_string(&tree).expect("serialises");
        assert!(json.contains(r#"{"text":"127.0.0.1 localhost\n"}"#) && json.contains("base64"), "{json}");
        let back: Tree = serde_json::from_str(&json).expect("comes back");
        assert_eq!(back, tree);
        let mut fork = tree.clone();
        fork.put_file("/lib/new", "x", 0o644, now).expect("through the link");
        assert!(fork.exists("/usr/lib/new") && !tree.exists("/usr/lib/new"));
        assert_eq!(tree.read("/nope"), Err(Errno::NotFound));
        fork.remove("/usr", now);
        assert!(!fork.exists("/lib/x"));
        assert_eq!(fork.inode_count(), 6 - 1);
    }
}
