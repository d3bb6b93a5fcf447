//! The half of [`View`] that changes things.

use std::sync::Arc;

use bytes::Bytes;

use super::credentials::{EXECUTE, WRITE};
use super::errno::Errno;
use super::inode::{Device, FileData, Ino, Inode, Kind};
use super::resolve::{Forest, Found, Target, TreeId, resolve};
use super::tree::Tree;
use super::view::View;
use crate::machine::MachineState;

impl View {
    fn change<T>(&self, path: &str, follow: bool, then: impl FnOnce(&mut MachineState, &Found) -> Result<T, Errno>) -> Result<T, Errno> {
        self.shared.try_write(|state| {
            let found = resolve(state, &self.namespace, self.who, path, follow)?;
            then(state, &found)
        })
    }

    /// Checks that a name may be made or removed in the directory above `found`.
    fn may_change_parent(&self, state: &MachineState, found: &Found) -> Result<(), Errno> {
        if matches!(found.target, Target::Proc(..)) {
            return Err(Errno::NotPermitted);
        }
        if found.read_only {
            return Err(Errno::ReadOnly);
        }
        let parent = state.tree(&found.parent_tree).and_then(|tree| tree.inode(found.parent)).ok_or(Errno::NotFound)?;
        if self.who.may(parent, WRITE | EXECUTE) { Ok(()) } else { Err(Errno::PermissionDenied) }
    }

    fn make(&self, state: &mut MachineState, found: &Found, mut inode: Inode) -> Result<Ino, Errno> {
        self.may_change_parent(state, found)?;
        if found.target != Target::Missing {
            return Err(Errno::Exists);
        }
        inode.uid = self.who.uid;
        inode.gid = self.who.gid;
        let now = inode.mtime;
        Ok(state.tree_mut(&found.parent_tree).ok_or(Errno::NotFound)?.add(found.parent, &found.name, inode, now))
    }

    fn put(&self, path: &str, data: Bytes, append: bool, mode: u32) -> Result<(), Errno> {
        let now = self.shared.clock.now();
        self.change(path, true, |state, found| {
            let (id, ino) = match &found.target {
                Target::Missing => {
                    let mode = mode & !self.umask;
                    self.make(state, found, Inode::file(data, mode, now))?;
                    return Ok(());
                }
                Target::Proc(None, path) if self.who.uid == 0 && path.starts_with("sys/") => {
                    let name = path.trim_start_matches("sys/").replace('/', ".");
                    let setting = state.kernel.settings.get_mut(&name).ok_or(Errno::PermissionDenied)?;
                    String::from_utf8_lossy(&data).trim().clone_into(setting);
                    return Ok(());
                }
                Target::Proc(..) => return Err(Errno::PermissionDenied),
                Target::Inode(id, ino) => (id.clone(), *ino),
            };
            let inode = inode(state, &id, ino)?;
            if !self.who.may(&inode, WRITE) {
                return Err(Errno::PermissionDenied);
            }
            match &inode.kind {
                Kind::Dir(_) => return Err(Errno::IsDirectory),
                Kind::Char(Device::Full) => return Err(Errno::NoSpace),
                Kind::Char(_) => return Ok(()),
                Kind::Socket | Kind::Fifo => return Err(Errno::NoDevice),
                Kind::File(_) | Kind::Program(_) | Kind::Symlink(_) if found.read_only => return Err(Errno::ReadOnly),
                Kind::File(_) | Kind::Program(_) | Kind::Symlink(_) => {}
            }
            let data = match &inode.kind {
                Kind::File(old) if append && !old.0.is_empty() => Bytes::from([old.0.as_ref(), data.as_ref()].concat()),
                _ => data,
            };
            tree(state, &id)?.update(ino, |inode| {
                inode.kind = Kind::File(FileData(data));
                inode.mtime = now;
            });
            Ok(())
        })
    }

    /// Writes a whole file: what was in it is gone; a new one is made with mode 666 less the mask.
    pub fn write(&self, path: &str, data: impl Into<Bytes>) -> Result<(), Errno> {
        self.put(path, data.into(), false, 0o666)
    }

    /// Writes a whole file; a new one gets exactly `mode`.
    pub fn write_mode(&self, path: &str, data: impl Into<Bytes>, mode: u32) -> Result<(), Errno> {
        self.with_umask(0).put(path, data.into(), false, mode)
    }

    /// Writes at the end of a file.
    pub fn append(&self, path: &str, data: impl Into<Bytes>) -> Result<(), Errno> {
        self.put(path, data.into(), true, 0o666)
    }

    /// `mkdir(2)`.
    pub fn make_dir(&self, path: &str, mode: u32) -> Result<(), Errno> {
        let now = self.shared.clock.now();
        let path = if path.len() > 1 { path.trim_end_matches('/') } else { path };
        self.change(path, false, |state, found| self.make(state, found, Inode::dir(mode & !self.umask, now)).map(|_| ()))
    }

    /// `mkdir -p`: existing directories are no error.
    pub fn make_dirs(&self, path: &str, mode: u32) -> Result<(), Errno> {
        let mut at = String::new();
        for name in path.split('/').filter(|name| !name.is_empty()) {
            at = format!("{at}/{name}");
            match self.make_dir(&at, mode) {
                Err(Errno::Exists) if self.is_dir(&at) => {}
                Err(Errno::Exists) => return Err(Errno::NotDirectory),
                // A missing right to make what is there already is no error.
                Err(errno) if !self.is_dir(&at) => return Err(errno),
                _ => {}
            }
        }
        Ok(())
    }

    /// `symlink(2)`.
    pub fn symlink(&self, target: &str, path: &str) -> Result<(), Errno> {
        let now = self.shared.clock.now();
        self.change(path, false, |state, found| {
            self.make(state, found, Inode::new(Kind::Symlink(Arc::from(target)), 0o777, now)).map(|_| ())
        })
    }

    /// `link(2)`.
    pub fn link(&self, existing: &str, path: &str) -> Result<(), Errno> {
        let now = self.shared.clock.now();
        let (id, ino) = self.walk(existing, false, |_, found| match &found.target {
            Target::Inode(id, ino) => Ok((id.clone(), *ino)),
            Target::Proc(..) => Err(Errno::CrossDevice),
            Target::Missing => Err(Errno::NotFound),
        })?;
        self.change(path, false, |state, found| {
            self.may_change_parent(state, found)?;
            if found.target != Target::Missing {
                return Err(Errno::Exists);
            }
            if found.parent_tree != id {
                return Err(Errno::CrossDevice);
            }
            let tree = tree(state, &id)?;
            if tree.inode(ino).is_none_or(|inode| inode.is_dir()) {
                return Err(Errno::NotPermitted);
            }
            tree.update(ino, |inode| inode.links += 1);
            tree.attach(found.parent, &found.name, ino, now);
            Ok(())
        })
    }

    /// `mknod(2)` and `bind(2)` of Unix sockets: makes an inode of any kind.
    pub fn make_node(&self, path: &str, kind: Kind, mode: u32) -> Result<(), Errno> {
        let now = self.shared.clock.now();
        self.change(path, false, |state, found| self.make(state, found, Inode::new(kind, mode, now)).map(|_| ()))
    }

    fn take(&self, path: &str, allowed: impl FnOnce(&Inode) -> Result<(), Errno>) -> Result<(), Errno> {
        let now = self.shared.clock.now();
        self.change(path, false, |state, found| {
            let Target::Inode(id, ino) = found.target.clone() else {
                return Err(if found.target == Target::Missing { Errno::NotFound } else { Errno::NotPermitted });
            };
            let inode = inode(state, &id, ino)?;
            self.may_change_parent(state, found)?;
            if found.mount_point {
                return Err(Errno::Busy);
            }
            // The sticky bit of /tmp: only the owner (of file or directory) removes.
            let parent = self::inode(state, &found.parent_tree, found.parent)?;
            if parent.mode & 0o1000 != 0 && self.who.uid != 0 && self.who.uid != inode.uid && self.who.uid != parent.uid {
                return Err(Errno::NotPermitted);
            }
            allowed(&inode)?;
            let tree = tree(state, &id)?;
            tree.detach(found.parent, &found.name, now);
            tree.release(ino);
            Ok(())
        })
    }

    /// `unlink(2)`.
    pub fn unlink(&self, path: &str) -> Result<(), Errno> {
        self.take(path, |inode| if inode.is_dir() { Err(Errno::IsDirectory) } else { Ok(()) })
    }

    /// `rmdir(2)`.
    pub fn remove_dir(&self, path: &str) -> Result<(), Errno> {
        self.take(path, |inode| match &inode.kind {
            Kind::Dir(entries) if entries.is_empty() => Ok(()),
            Kind::Dir(_) => Err(Errno::NotEmpty),
            _ => Err(Errno::NotDirectory),
        })
    }

    /// Removes what is there with all below it. Mount points below are left and reported as EBUSY.
    pub fn remove_all(&self, path: &str) -> Result<(), Errno> {
        let base = path.trim_end_matches('/');
        if self.lstat(base)?.is_dir() {
            for (name, _) in self.read_dir(base)? {
                self.remove_all(&format!("{base}/{name}"))?;
            }
            return self.remove_dir(base);
        }
        self.unlink(base)
    }

    /// `rename(2)`.
    pub fn rename(&self, from: &str, to: &str) -> Result<(), Errno> {
        let now = self.shared.clock.now();
        let (from, to) = (from.trim_end_matches('/'), to.trim_end_matches('/'));
        let source = self.walk(from, false, |_, found| Ok(found.clone()))?;
        let Target::Inode(id, ino) = source.target.clone() else { return Err(Errno::NotFound) };
        self.change(to, false, |state, found| {
            self.may_change_parent(state, &source)?;
            self.may_change_parent(state, found)?;
            if source.mount_point || found.mount_point {
                return Err(Errno::Busy);
            }
            if found.parent_tree != id {
                return Err(Errno::CrossDevice);
            }
            if format!("{}/", found.path).starts_with(&format!("{}/", source.path)) {
                return if found.path == source.path { Ok(()) } else { Err(Errno::Invalid) };
            }
            let moved = inode(state, &id, ino)?;
            if let Target::Inode(_, old) = &found.target {
                if *old == ino {
                    return Ok(());
                }
                let replaced = inode(state, &id, *old)?;
                match (&moved.kind, &replaced.kind) {
                    (Kind::Dir(_), Kind::Dir(entries)) if entries.is_empty() => {}
                    (Kind::Dir(_), Kind::Dir(_)) => return Err(Errno::NotEmpty),
                    (Kind::Dir(_), _) => return Err(Errno::NotDirectory),
                    (_, Kind::Dir(_)) => return Err(Errno::IsDirectory),
                    _ => {}
                }
                let old = *old;
                let tree = tree(state, &id)?;
                tree.detach(found.parent, &found.name, now);
                tree.release(old);
            }
            let tree = tree(state, &id)?;
            tree.detach(source.parent, &source.name, now);
            tree.attach(found.parent, &found.name, ino, now);
            Ok(())
        })
    }

    fn amend(&self, path: &str, follow: bool, owner_only: bool, change: impl FnOnce(&mut Inode)) -> Result<(), Errno> {
        self.change(path, follow, |state, found| {
            let Target::Inode(id, ino) = found.target.clone() else {
                return Err(if found.target == Target::Missing { Errno::NotFound } else { Errno::NotPermitted });
            };
            let inode = inode(state, &id, ino)?;
            if found.read_only {
                return Err(Errno::ReadOnly);
            }
            if self.who.uid != 0 && (owner_only || !self.who.may(&inode, WRITE)) && self.who.uid != inode.uid {
                return Err(Errno::NotPermitted);
            }
            tree(state, &id)?.update(ino, change);
            Ok(())
        })
    }

    /// `chmod(2)`.
    pub fn set_mode(&self, path: &str, mode: u32) -> Result<(), Errno> {
        self.amend(path, true, true, |inode| inode.mode = mode & 0o7777)
    }

    /// `chown(2)`, or `lchown(2)` without `follow`. Only root gives files away.
    pub fn set_owner(&self, path: &str, uid: Option<u32>, gid: Option<u32>, follow: bool) -> Result<(), Errno> {
        if self.who.uid != 0 && (uid.is_some_and(|uid| uid != self.who.uid) || gid.is_some_and(|gid| gid != self.who.gid)) {
            self.lstat(path)?;
            return Err(Errno::NotPermitted);
        }
        self.amend(path, follow, true, |inode| {
            inode.uid = uid.unwrap_or(inode.uid);
            inode.gid = gid.unwrap_or(inode.gid);
        })
    }

    /// `utimensat(2)`: sets the time of the last change.
    pub fn set_mtime(&self, path: &str, mtime: jiff::Timestamp) -> Result<(), Errno> {
        self.amend(path, true, false, |inode| inode.mtime = mtime)
    }
}

fn inode(state: &MachineState, id: &TreeId, ino: Ino) -> Result<Arc<Inode>, Errno> {
    state.tree(id).and_then(|tree| tree.inode(ino)).cloned().ok_or(Errno::NotFound)
}

fn tree<'a>(state: &'a mut MachineState, id: &TreeId) -> Result<&'a mut Tree, Errno> {
    state.tree_mut(id).ok_or(Errno::NotFound)
}
