//! Walking a path: directories, symbolic links, mounts.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::credentials::{Credentials, EXECUTE};
use super::errno::Errno;
use super::inode::{Ino, Kind};
use super::tree::{ROOT, Tree};

/// Which of a machine's trees.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum TreeId {
    /// The machine's own files, `MachineState::files`.
    Host,
    /// The root file system of a container: this key of `MachineState::rootfs`.
    Rootfs(Arc<str>),
}

/// A mount namespace as data: a root and what is mounted over it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Namespace {
    /// The tree at `/`.
    pub root: TreeId,
    /// Mounts, each at a canonical path. The mount point must exist in what lies beneath, as in life.
    pub mounts: Vec<Mount>,
    /// The root tree cannot be written to; mounts can, unless they say otherwise.
    #[serde(default)]
    pub read_only: bool,
}

/// One mount.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mount {
    /// Canonical absolute path in this namespace.
    pub target: String,
    /// What is seen there.
    pub source: MountSource,
    /// Writes fail with EROFS.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub read_only: bool,
}

/// What a mount shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum MountSource {
    /// A directory or file of one of the machine's trees, read and written through.
    Bind {
        /// The tree.
        tree: TreeId,
        /// Absolute path in it.
        path: String,
    },
    /// The process file system, of the machine or of a container's processes.
    Proc {
        /// Container id.
        container: Option<String>,
    },
}

impl Namespace {
    /// The machine's own: its tree with `/proc`.
    pub fn host() -> Self {
        Self {
            root: TreeId::Host,
            mounts: vec![Mount { target: "/proc".to_owned(), source: MountSource::Proc { container: None }, read_only: false }],
            read_only: false,
        }
    }

    /// A tree alone.
    pub(super) fn bare() -> Self {
        Self { root: TreeId::Host, mounts: Vec::new(), read_only: false }
    }

    /// A container's: its root file system with `/proc`; add the volumes to `mounts`.
    pub fn container(id: &str) -> Self {
        Self {
            root: TreeId::Rootfs(Arc::from(id)),
            mounts: vec![Mount {
                target: "/proc".to_owned(),
                source: MountSource::Proc { container: Some(id.to_owned()) },
                read_only: false,
            }],
            read_only: false,
        }
    }
}

/// Where trees come from.
pub trait Forest {
    /// The tree of that name.
    fn tree(&self, id: &TreeId) -> Option<&Tree>;
}

/// The end of a walk.
#[derive(Clone, Debug)]
pub struct Found {
    /// Tree that the parent directory is in.
    pub parent_tree: TreeId,
    /// The parent directory.
    pub parent: Ino,
    /// Last component (`/` for the root).
    pub name: String,
    /// Canonical path of what was found, or of what could be made there.
    pub path: String,
    /// What is there.
    pub target: Target,
    /// Whether it lies in a read-only mount.
    pub read_only: bool,
    /// Whether something is mounted exactly here.
    pub mount_point: bool,
}

/// What is at the end of a walk.
#[derive(Clone, Debug, PartialEq)]
pub enum Target {
    /// An inode of a tree.
    Inode(TreeId, Ino),
    /// A path below a `/proc` mount; empty for its root.
    Proc(Option<String>, String),
    /// Nothing; the parent directory exists.
    Missing,
}

impl Found {
    /// The inode, if it is one.
    pub fn ino(&self) -> Option<Ino> {
        match self.target {
            Target::Inode(_, ino) => Some(ino),
            _ => None,
        }
    }
}

/// Linux follows at most 40 symbolic links in one walk.
const MAX_LINKS: usize = 40;

#[derive(Clone)]
struct Place {
    tree: TreeId,
    ino: Ino,
    read_only: bool,
    mount_point: bool,
}

/// Walks the absolute `path`. `follow` says whether a symbolic link at the end is followed.
/// Directories on the way must be searchable by `who`.
pub fn resolve(forest: &dyn Forest, namespace: &Namespace, who: Credentials, path: &str, follow: bool) -> Result<Found, Errno> {
    if path.is_empty() {
        return Err(Errno::NotFound);
    }
    let mut rest: Vec<String> = split(path);
    rest.reverse();
    let must_be_dir = path.ends_with('/') || path.ends_with("/.");
    let mut links = 0;
    let mut places = vec![root(namespace)];
    let mut names: Vec<String> = Vec::new();
    while let Some(name) = rest.pop() {
        if name == "." {
            continue;
        }
        if name == ".." {
            if names.pop().is_some() {
                places.pop();
            }
            continue;
        }
        if name.len() > 255 {
            return Err(Errno::NameTooLong);
        }
        let here = places.last().cloned().unwrap_or_else(|| root(namespace));
        let tree = forest.tree(&here.tree).ok_or(Errno::NotFound)?;
        let inode = tree.inode(here.ino).ok_or(Errno::NotFound)?;
        let Kind::Dir(entries) = &inode.kind else { return Err(Errno::NotDirectory) };
        if !who.may(inode, EXECUTE) {
            return Err(Errno::PermissionDenied);
        }
        let last = rest.iter().all(|part| part == ".");
        if let Some(mount) = namespace.mounts.iter().rev().find(|mount| is_at(&mount.target, &names, &name)) {
            match &mount.source {
                MountSource::Proc { container } => {
                    rest.reverse();
                    return proc_target(&here, names, name, container.as_deref(), &rest);
                }
                MountSource::Bind { tree, path } => {
                    // The source is resolved in its own tree alone, as a bind mount shows no mounts below it.
                    let own = Namespace { root: tree.clone(), mounts: Vec::new(), read_only: false };
                    let source = resolve(forest, &own, Credentials::ROOT, path, true)?;
                    let ino = source.ino().ok_or(Errno::NotFound)?;
                    places.push(Place { tree: tree.clone(), ino, read_only: mount.read_only, mount_point: true });
                    names.push(name);
                    continue;
                }
            }
        }
        let Some(&ino) = entries.get(name.as_str()) else {
            return if last {
                Ok(Found {
                    parent_tree: here.tree,
                    parent: here.ino,
                    path: canonical(&names, Some(&name)),
                    name,
                    target: Target::Missing,
                    read_only: here.read_only,
                    mount_point: false,
                })
            } else {
                Err(Errno::NotFound)
            };
        };
        if let Some(Kind::Symlink(target)) = tree.inode(ino).map(|inode| &inode.kind)
            && (!last || follow || must_be_dir)
        {
            links += 1;
            if links > MAX_LINKS {
                return Err(Errno::Loop);
            }
            if target.starts_with('/') {
                places.truncate(1);
                names.clear();
            }
            rest.extend(split(target).into_iter().rev());
            continue;
        }
        places.push(Place { tree: here.tree, ino, read_only: here.read_only, mount_point: false });
        names.push(name);
    }
    let place = places.pop().unwrap_or_else(|| root(namespace));
    if must_be_dir && !forest.tree(&place.tree).and_then(|tree| tree.inode(place.ino)).is_some_and(|inode| inode.is_dir()) {
        return Err(Errno::NotDirectory);
    }
    let parent = places.pop().unwrap_or_else(|| root(namespace));
    let path = canonical(&names, None);
    Ok(Found {
        parent_tree: parent.tree,
        parent: parent.ino,
        name: names.pop().unwrap_or_else(|| "/".to_owned()),
        path,
        target: Target::Inode(place.tree, place.ino),
        read_only: place.read_only,
        mount_point: place.mount_point,
    })
}

fn root(namespace: &Namespace) -> Place {
    Place { tree: namespace.root.clone(), ino: ROOT, read_only: namespace.read_only, mount_point: true }
}

/// Whether a mount's canonical path is that of `name` below `names`.
fn is_at(target: &str, names: &[String], name: &str) -> bool {
    let parts = names.iter().map(String::as_str).chain([name]);
    target.len() > 1 && target[1..].split('/').eq(parts)
}

fn canonical(names: &[String], name: Option<&str>) -> String {
    let mut path = String::new();
    for part in names.iter().map(String::as_str).chain(name) {
        path.push('/');
        path.push_str(part);
    }
    if path.is_empty() { "/".to_owned() } else { path }
}

fn split(path: &str) -> Vec<String> {
    path.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

/// Everything below a `/proc` mount is answered by the process table.
fn proc_target(here: &Place, names: Vec<String>, mount: String, container: Option<&str>, rest: &[String]) -> Result<Found, Errno> {
    let mut inside: Vec<&str> = Vec::new();
    for part in rest {
        match part.as_str() {
            "." => {}
            ".." => {
                inside.pop();
            }
            name => inside.push(name),
        }
    }
    let below = inside.join("/");
    let mut path: Vec<&str> = names.iter().map(String::as_str).collect();
    path.push(&mount);
    path.extend(&inside);
    Ok(Found {
        parent_tree: here.tree.clone(),
        parent: here.ino,
        name: inside.last().map_or(mount.clone(), |name| (*name).to_owned()),
        path: format!("/{}", path.join("/")),
        target: Target::Proc(container.map(str::to_owned), below),
        read_only: true,
        mount_point: inside.is_empty(),
    })
}
