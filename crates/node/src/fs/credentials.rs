//! Who asks for a file.

use serde::{Deserialize, Serialize};

use super::inode::Inode;

/// User and group of a process. Root may do everything but execute a file without an execute bit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credentials {
    /// Effective user.
    pub uid: u32,
    /// Effective group.
    pub gid: u32,
}

/// Permission bits, as in the lowest octal digit of a mode.
pub(super) const READ: u32 = 4;
pub(super) const WRITE: u32 = 2;
pub(super) const EXECUTE: u32 = 1;

impl Credentials {
    /// The superuser.
    pub const ROOT: Self = Self { uid: 0, gid: 0 };

    pub(super) fn may(self, inode: &Inode, wanted: u32) -> bool {
        if self.uid == 0 {
            return wanted & EXECUTE == 0 || inode.is_dir() || inode.mode & 0o111 != 0;
        }
        let class = if self.uid == inode.uid {
            6
        } else if self.gid == inode.gid {
            3
        } else {
            0
        };
        (inode.mode >> class) & wanted == wanted
    }
}
