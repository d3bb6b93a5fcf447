//! What a tree is made of.

use std::sync::Arc;

use base64::Engine;
use bytes::Bytes;
use imbl::OrdMap;
use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Number of an inode within its tree.
pub type Ino = u64;

/// A file of any type with its owner and times.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Inode {
    /// Type and contents.
    pub kind: Kind,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Permission bits (no type bits).
    pub mode: u32,
    /// Time of the last change, by the simulation's clock.
    pub mtime: Timestamp,
    /// Names that point here (directories: 2 and one for each subdirectory, computed on demand).
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub links: u32,
}

fn one() -> u32 {
    1
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde's signature
fn is_one(n: &u32) -> bool {
    *n == 1
}

/// Type and contents of an inode.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Kind {
    /// Names and the inodes they stand for.
    Dir(OrdMap<Arc<str>, Ino>),
    /// A regular file.
    File(FileData),
    /// A regular file that is a compiled program of this name in the [program table](crate::machine::Programs).
    Program(Arc<str>),
    /// A symbolic link.
    Symlink(Arc<str>),
    /// A character device.
    Char(Device),
    /// A listening Unix socket.
    Socket,
    /// A named pipe (it can be listed and removed, not opened).
    Fifo,
}

/// Character devices with a behaviour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Device {
    /// `/dev/null`
    Null,
    /// `/dev/zero` (reads give one page)
    Zero,
    /// `/dev/full`
    Full,
    /// `/dev/random` and `/dev/urandom` (reads give 32 bytes that depend on the machine's time)
    Random,
    /// `/dev/tty`, `/dev/console`: listed, not opened.
    Terminal,
}

impl Device {
    /// Major and minor numbers on Linux.
    pub fn numbers(self) -> (u32, u32) {
        match self {
            Self::Null => (1, 3),
            Self::Zero => (1, 5),
            Self::Full => (1, 7),
            Self::Random => (1, 9),
            Self::Terminal => (5, 0),
        }
    }
}

/// Bytes of a file; text in the journal where they are UTF-8.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileData(pub Bytes);

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Stored {
    Text(String),
    Base64(String),
}

impl Serialize for FileData {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match std::str::from_utf8(&self.0) {
            Ok(text) => Stored::Text(text.to_owned()),
            Err(_) => Stored::Base64(base64::engine::general_purpose::STANDARD.encode(&self.0)),
        }
        .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for FileData {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(match Stored::deserialize(deserializer)? {
            Stored::Text(text) => Bytes::from(text),
            Stored::Base64(text) => Bytes::from(base64::engine::general_purpose::STANDARD.decode(text).map_err(serde::de::Error::custom)?),
        }))
    }
}

impl Inode {
    /// A new inode of root's.
    pub fn new(kind: Kind, mode: u32, mtime: Timestamp) -> Self {
        Self { kind, uid: 0, gid: 0, mode, mtime, links: 1 }
    }

    /// An empty directory.
    pub fn dir(mode: u32, mtime: Timestamp) -> Self {
        Self::new(Kind::Dir(OrdMap::new()), mode, mtime)
    }

    /// A regular file.
    pub fn file(data: impl Into<Bytes>, mode: u32, mtime: Timestamp) -> Self {
        Self::new(Kind::File(FileData(data.into())), mode, mtime)
    }

    /// Whether this is a directory.
    pub fn is_dir(&self) -> bool {
        matches!(self.kind, Kind::Dir(_))
    }

    /// Size as `stat` shows it.
    pub fn size(&self) -> u64 {
        match &self.kind {
            Kind::Dir(_) => 4096,
            Kind::File(data) => data.0.len() as u64,
            Kind::Program(name) => program_size(name),
            Kind::Symlink(target) => target.len() as u64,
            Kind::Char(_) | Kind::Socket | Kind::Fifo => 0,
        }
    }

    /// Type letter as in `ls -l`.
    pub fn letter(&self) -> char {
        match &self.kind {
            Kind::Dir(_) => 'd',
            Kind::File(_) | Kind::Program(_) => '-',
            Kind::Symlink(_) => 'l',
            Kind::Char(_) => 'c',
            Kind::Socket => 's',
            Kind::Fifo => 'p',
        }
    }
}

/// Sizes in the order of the real binaries': Kubernetes' are tens of megabytes, coreutils' tens of kilobytes.
fn program_size(name: &str) -> u64 {
    let spread = name.bytes().fold(17u64, |h, b| h.wrapping_mul(31).wrapping_add(u64::from(b)));
    match name {
        "kubelet" | "kubectl" | "kubeadm" | "containerd" | "crictl" => 38_000_000 + spread % 30_000_000 / 8 * 8,
        _ => 35_000 + spread % 120_000 / 8 * 8,
    }
}

/// What `stat(2)` tells.
#[derive(Clone, Debug, PartialEq)]
pub struct Stat {
    /// Number of the inode.
    pub ino: Ino,
    /// Type letter as in `ls -l`: `-dlcsp`.
    pub letter: char,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Permission bits.
    pub mode: u32,
    /// Size in bytes.
    pub size: u64,
    /// Last change.
    pub mtime: Timestamp,
    /// Number of links.
    pub links: u32,
    /// Device numbers of a character device.
    pub device: Option<(u32, u32)>,
}

impl Stat {
    /// Whether this is a directory.
    pub fn is_dir(&self) -> bool {
        self.letter == 'd'
    }

    /// Whether this is a regular file.
    pub fn is_file(&self) -> bool {
        self.letter == '-'
    }

    /// Whether this is a symbolic link.
    pub fn is_symlink(&self) -> bool {
        self.letter == 'l'
    }
}
