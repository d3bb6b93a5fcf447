//! Building an image's tree from short descriptions.

use jiff::Timestamp;

use crate::fs::{Device, Inode, Kind, Tree};

/// When all images of the catalogue were built.
pub(super) const BUILT: Timestamp = Timestamp::constant(1_774_000_000, 0);

/// One thing in a tree.
#[derive(Clone, Copy, Debug)]
pub(super) enum Item {
    /// A directory with its mode.
    Dir(&'static str, u32),
    /// A file of mode 644.
    File(&'static str, &'static str),
    /// An executable that runs a program of the program table.
    Program(&'static str, &'static str),
    /// A symbolic link and where it leads.
    Link(&'static str, &'static str),
    /// Programs of these names in a directory.
    Programs(&'static str, &'static [&'static str]),
    /// A directory that belongs to a user.
    Owned(&'static str, u32, u32),
}

/// Adds items. Paths are constants of this crate, so that none can fail; one that does is left out and missed by a test.
pub(super) fn add(tree: &mut Tree, items: &[Item]) {
    for item in items {
        let _ = match *item {
            Item::Dir(path, mode) => tree.put(path, Inode::dir(mode, BUILT)),
            Item::File(path, text) => tree.put_file(path, text, 0o644, BUILT),
            Item::Program(path, program) => tree.put_program(path, program, BUILT),
            Item::Link(path, target) => tree.put_symlink(path, target, BUILT),
            Item::Programs(dir, names) => {
                for name in names {
                    // A name that is there already is a more special one.
                    let path = format!("{dir}/{name}");
                    if !tree.exists(&path) {
                        let _ = tree.put_program(&path, name, BUILT);
                    }
                }
                Ok(())
            }
            Item::Owned(path, uid, mode) => {
                let mut inode = Inode::dir(mode, BUILT);
                (inode.uid, inode.gid) = (uid, uid);
                tree.put(path, inode)
            }
        };
    }
}

/// What every container has, whatever its image: runc makes these (`/proc` is mounted by its namespace).
pub(super) fn runtime_files(tree: &mut Tree) {
    for dir in ["/proc", "/sys", "/dev", "/dev/pts", "/dev/shm", "/dev/mqueue"] {
        let _ = tree.make_dir(dir, BUILT);
    }
    for (path, device) in [
        ("/dev/null", Device::Null),
        ("/dev/zero", Device::Zero),
        ("/dev/full", Device::Full),
        ("/dev/random", Device::Random),
        ("/dev/urandom", Device::Random),
        ("/dev/tty", Device::Terminal),
    ] {
        let _ = tree.put(path, Inode::new(Kind::Char(device), 0o666, BUILT));
    }
    for (path, target) in [
        ("/dev/fd", "/proc/self/fd"),
        ("/dev/stdin", "/proc/self/fd/0"),
        ("/dev/stdout", "/proc/self/fd/1"),
        ("/dev/stderr", "/proc/self/fd/2"),
    ] {
        let _ = tree.put_symlink(path, target, BUILT);
    }
}
