//! Files as one process sees them.

use std::sync::Arc;

use bytes::Bytes;

use super::credentials::{Credentials, EXECUTE, READ};
use super::errno::Errno;
use super::inode::{Device, Ino, Inode, Kind, Stat};
use super::resolve::{Forest, Found, Mount, Namespace, Target, TreeId, resolve};
use crate::machine::{Shared, procfs};

/// What would be executed.
#[derive(Clone, Debug, PartialEq)]
pub enum Executable {
    /// A program of the program table.
    Program(Arc<str>),
    /// A file with text: a script, if it begins with `#!`.
    Script(Bytes),
}

/// A mount namespace of a machine, with somebody's credentials. Every call is one short access to the machine's state:
/// what it reads is what any other process would read now, what it writes is there for all at once.
/// Paths are absolute; see [`View::absolute`].
#[derive(Clone)]
pub struct View {
    pub(super) shared: Arc<Shared>,
    pub(super) namespace: Arc<Namespace>,
    pub(super) who: Credentials,
    pub(super) umask: u32,
}

impl View {
    /// A view of `namespace` by `who`.
    pub(crate) fn new(shared: Arc<Shared>, namespace: Arc<Namespace>, who: Credentials) -> Self {
        Self { shared, namespace, who, umask: 0o022 }
    }

    /// The same files for another user.
    #[must_use]
    pub fn with_credentials(&self, who: Credentials) -> Self {
        Self { who, ..self.clone() }
    }

    /// The same files with another mask for the modes of new files.
    #[must_use]
    pub fn with_umask(&self, umask: u32) -> Self {
        Self { umask: umask & 0o777, ..self.clone() }
    }

    /// Who looks.
    pub fn credentials(&self) -> Credentials {
        self.who
    }

    /// The mask.
    pub fn umask(&self) -> u32 {
        self.umask
    }

    /// The mount namespace.
    pub fn namespace(&self) -> &Arc<Namespace> {
        &self.namespace
    }

    /// Mounts over the root tree.
    pub fn mounts(&self) -> &[Mount] {
        &self.namespace.mounts
    }

    /// `path` seen from `cwd`, with `.` and `..` left for the walk.
    pub fn absolute(cwd: &str, path: &str) -> String {
        if path.starts_with('/') || path.is_empty() { path.to_owned() } else { format!("{}/{path}", cwd.trim_end_matches('/')) }
    }

    pub(super) fn walk<T>(&self, path: &str, follow: bool, then: impl FnOnce(&dyn Forest, &Found) -> Result<T, Errno>) -> Result<T, Errno> {
        self.shared.read(|state| {
            let found = resolve(state, &self.namespace, self.who, path, follow)?;
            then(state, &found)
        })
    }

    fn inode<T>(
        &self,
        path: &str,
        follow: bool,
        file: impl FnOnce(&TreeId, Ino, &Arc<Inode>) -> Result<T, Errno>,
        proc: impl FnOnce(procfs::Node) -> Result<T, Errno>,
    ) -> Result<T, Errno> {
        let now = self.shared.clock.now();
        self.shared.read(|state| {
            let found = resolve(state, &self.namespace, self.who, path, follow)?;
            match &found.target {
                Target::Inode(id, ino) => file(id, *ino, state.tree(id).and_then(|tree| tree.inode(*ino)).ok_or(Errno::NotFound)?),
                Target::Proc(container, below) => proc(procfs::node(state, now, container.as_deref(), below).ok_or(Errno::NotFound)?),
                Target::Missing => Err(Errno::NotFound),
            }
        })
    }

    fn stat_of(&self, path: &str, follow: bool) -> Result<Stat, Errno> {
        let now = self.shared.clock.now();
        self.shared.read(|state| {
            let found = resolve(state, &self.namespace, self.who, path, follow)?;
            match &found.target {
                Target::Inode(id, ino) => state.tree(id).and_then(|tree| tree.stat(*ino)).ok_or(Errno::NotFound),
                Target::Proc(container, below) => {
                    procfs::node(state, now, container.as_deref(), below).map(|node| node.stat(below, now)).ok_or(Errno::NotFound)
                }
                Target::Missing => Err(Errno::NotFound),
            }
        })
    }

    /// `stat(2)`.
    pub fn stat(&self, path: &str) -> Result<Stat, Errno> {
        self.stat_of(path, true)
    }

    /// `lstat(2)`: a symbolic link at the end is not followed.
    pub fn lstat(&self, path: &str) -> Result<Stat, Errno> {
        self.stat_of(path, false)
    }

    /// Whether something is there.
    pub fn exists(&self, path: &str) -> bool {
        self.stat(path).is_ok()
    }

    /// Whether a directory is there.
    pub fn is_dir(&self, path: &str) -> bool {
        self.stat(path).is_ok_and(|stat| stat.is_dir())
    }

    /// `access(2)`, with the bits of an octal digit (4 read, 2 write, 1 execute).
    pub fn access(&self, path: &str, wanted: u32) -> Result<(), Errno> {
        self.inode(
            path,
            true,
            |_, _, inode| if self.who.may(inode, wanted) { Ok(()) } else { Err(Errno::PermissionDenied) },
            |_| if wanted & !READ == 0 { Ok(()) } else { Err(Errno::PermissionDenied) },
        )
    }

    /// Contents of a file. A compiled program gives the beginning of an ELF file.
    pub fn read(&self, path: &str) -> Result<Bytes, Errno> {
        let now = self.shared.clock.now();
        self.inode(
            path,
            true,
            |_, _, inode| {
                if !self.who.may(inode, READ) {
                    return Err(Errno::PermissionDenied);
                }
                match &inode.kind {
                    Kind::File(data) => Ok(data.0.clone()),
                    Kind::Program(name) => Ok(Bytes::from(format!("\u{7f}ELF\u{2}\u{1}\u{1}\0\0\0\0\0\0\0\0\0{name}\0"))),
                    Kind::Dir(_) => Err(Errno::IsDirectory),
                    Kind::Char(Device::Null) => Ok(Bytes::new()),
                    Kind::Char(Device::Zero | Device::Full) => Ok(Bytes::from(vec![0; 4096])),
                    Kind::Char(Device::Random) => {
                        use sha2::Digest;
                        Ok(Bytes::copy_from_slice(&sha2::Sha256::digest(now.as_nanosecond().to_le_bytes())))
                    }
                    Kind::Char(Device::Terminal) | Kind::Socket | Kind::Fifo | Kind::Symlink(_) => Err(Errno::NoDevice),
                }
            },
            |node| match node {
                procfs::Node::File(text) => Ok(Bytes::from(text)),
                procfs::Node::Dir(_) => Err(Errno::IsDirectory),
                procfs::Node::Link(_) => Err(Errno::PermissionDenied),
            },
        )
    }

    /// Contents of a file as text; what is not UTF-8 is replaced.
    pub fn read_text(&self, path: &str) -> Result<String, Errno> {
        self.read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Names in a directory with what `lstat` tells of each, in the order of the names.
    pub fn read_dir(&self, path: &str) -> Result<Vec<(String, Stat)>, Errno> {
        let names: Vec<String> = self.inode(
            path,
            true,
            |_, _, inode| match &inode.kind {
                Kind::Dir(_) if !self.who.may(inode, READ) => Err(Errno::PermissionDenied),
                Kind::Dir(entries) => Ok(entries.keys().map(ToString::to_string).collect()),
                _ => Err(Errno::NotDirectory),
            },
            |node| match node {
                procfs::Node::Dir(names) => Ok(names),
                _ => Err(Errno::NotDirectory),
            },
        )?;
        let base = path.trim_end_matches('/');
        Ok(names.into_iter().filter_map(|name| self.lstat(&format!("{base}/{name}")).ok().map(|stat| (name, stat))).collect())
    }

    /// Names in a directory; none if it cannot be read.
    pub fn names(&self, path: &str) -> Vec<String> {
        self.read_dir(path).unwrap_or_default().into_iter().map(|(name, _)| name).collect()
    }

    /// `readlink(2)`.
    pub fn read_link(&self, path: &str) -> Result<String, Errno> {
        self.inode(
            path,
            false,
            |_, _, inode| match &inode.kind {
                Kind::Symlink(target) => Ok(target.to_string()),
                _ => Err(Errno::Invalid),
            },
            |node| match node {
                procfs::Node::Link(target) => Ok(target),
                _ => Err(Errno::Invalid),
            },
        )
    }

    /// The path without symbolic links, as `realpath(3)`; the last component must exist.
    pub fn canonical(&self, path: &str) -> Result<String, Errno> {
        self.walk(path, true, |_, found| match found.target {
            Target::Missing => Err(Errno::NotFound),
            _ => Ok(found.path.clone()),
        })
    }

    /// What `execve(2)` would run.
    pub fn executable(&self, path: &str) -> Result<Executable, Errno> {
        self.inode(path, true, |_, _, inode| self.execute(inode), |_| Err(Errno::PermissionDenied))
    }

    /// What in a directory may be executed, by name; none if it cannot be read.
    pub fn executables(&self, dir: &str) -> Vec<(String, Executable)> {
        let base = dir.trim_end_matches('/');
        let mounted = self.namespace.mounts.iter().any(|mount| mount.target.starts_with(base));
        let names: Vec<(String, Option<Executable>)> = self.shared.read(|state| {
            let Ok(found) = resolve(state, &self.namespace, self.who, dir, true) else { return Vec::new() };
            let Target::Inode(id, ino) = &found.target else { return Vec::new() };
            let Some(tree) = state.tree(id) else { return Vec::new() };
            let Some(Kind::Dir(entries)) = tree.inode(*ino).filter(|dir| self.who.may(dir, READ)).map(|dir| &dir.kind) else {
                return Vec::new();
            };
            let known = |ino: &Ino| tree.inode(*ino).filter(|_| !mounted).and_then(|inode| self.execute(inode).ok());
            entries.iter().map(|(name, ino)| (name.to_string(), known(ino))).collect()
        });
        // Links, and what may be mounted over a file, take the long way.
        let look = |name: &str| self.executable(&format!("{base}/{name}")).ok();
        names.into_iter().filter_map(|(name, known)| known.or_else(|| look(&name)).map(|found| (name, found))).collect()
    }

    /// What running a file means.
    fn execute(&self, inode: &Inode) -> Result<Executable, Errno> {
        if inode.is_dir() || !self.who.may(inode, EXECUTE) {
            return Err(Errno::PermissionDenied);
        }
        match &inode.kind {
            Kind::Program(name) => Ok(Executable::Program(name.clone())),
            Kind::File(data) => Ok(Executable::Script(data.0.clone())),
            _ => Err(Errno::PermissionDenied),
        }
    }

    /// The first file named `command` in the directories of `path` (as `$PATH`) that may be executed.
    pub fn which(&self, command: &str, path: &str) -> Option<String> {
        path.split(':')
            .filter(|dir| !dir.is_empty())
            .map(|dir| format!("{}/{command}", dir.trim_end_matches('/')))
            .find(|file| self.executable(file).is_ok())
    }
}
